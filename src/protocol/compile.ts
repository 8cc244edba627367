// Turns the fields of a message at one version into a pair of closures, read and write. Everything
// that depends on the version is decided here, once: which fields are on the wire, which are
// tagged, which lengths are compact, what may be null. Invariant: a decoded struct has all its
// fields, in the order of the schema and whatever the version, so that all of a kind share one
// hidden class.

import { assert } from '../base/assert.ts';
import { KafkaError, MalformedError } from './errors.ts';
import { type Reader, SCALAR_COST, STRUCT_COST } from './reader.ts';
import type { Field, Fields, RecordsInput, ScalarType, Schema } from './schema.ts';
import { defaultOf, EncodedElements, isIn } from './schema.ts';
import { Writer } from './writer.ts';

type Read = (reader: Reader) => unknown;
type Write = (writer: Writer, value: never) => void;
type Value = Record<string, unknown>;

export interface Codec {
  readonly read: Read;
  readonly write: Write;
  /** No encoded value is shorter: bounds the count of an array before it is believed. */
  readonly bytesMin: number;
}

/** What all fields of one message at one version have in common. */
interface Context {
  readonly message: string;
  readonly version: number;
  readonly compact: boolean;
}

export function compileMessage(message: Schema, version: number): Codec {
  const compact = isIn(message.flexible, version);
  return compileStruct(message.fields, { message: message.name, version, compact });
}

/** Of the elements of an array of structs: a field of the message, or of one of its fields. */
export function compileElements(message: Schema, version: number, path: readonly string[]): Codec {
  const compact = isIn(message.flexible, version);
  let fields = message.fields;
  for (const name of path) fields = fields[name]?.element as Fields;
  return compileStruct(fields, { message: message.name, version, compact });
}

/** One field as the loops of a struct see it. */
interface Member {
  readonly name: string;
  /** The decoded value, or the default when it is not among the plain fields. */
  readonly read: Read;
  /** null when the version lacks the field, or has it as a tagged one. */
  readonly write: Write | null;
  readonly fallback: unknown;
  /** Refuses to lose a value that the version cannot carry; null when there is nothing to lose. */
  readonly refuse: ((value: unknown) => void) | null;
}

interface Tagged {
  readonly name: string;
  readonly tag: number;
  readonly codec: Codec;
  readonly isDefault: (value: unknown) => boolean;
}

function compileStruct(fields: Fields, context: Context): Codec {
  const members: Member[] = [];
  const tagged: Tagged[] = [];
  let bytesMin = context.compact ? 1 : 0;
  for (const [name, field] of Object.entries(fields)) {
    const isPresent = isIn(field.versions, context.version);
    const isTagged = isPresent && context.compact && isIn(field.tagged, context.version);
    const fallback = defaultOf(field);
    if (isPresent && !isTagged) {
      const codec = compileField(name, field, context);
      bytesMin += codec.bytesMin;
      members.push({ name, read: codec.read, write: codec.write, fallback, refuse: null });
      continue;
    }
    if (isTagged) {
      const codec = compileField(name, field, context);
      tagged.push({ name, tag: field.tag as number, codec, isDefault: compileIsDefault(field) });
    }
    const refuse = isPresent || field.ignorable ? null : compileRefuse(name, field, context);
    members.push({ name, read: compileDefault(field), write: null, fallback, refuse });
  }
  tagged.sort((a, b) => a.tag - b.tag);
  const tags = context.compact ? compileTags(tagged) : null;
  return {
    bytesMin,
    read: (reader) => {
      const value: Value = {};
      for (let i = 0; i < members.length; i++) {
        const member = members[i] as Member;
        value[member.name] = member.read(reader);
      }
      if (tags !== null) tags.read(reader, value);
      return value;
    },
    write: (writer, value: Value) => {
      for (let i = 0; i < members.length; i++) {
        const member = members[i] as Member;
        const given = value[member.name];
        if (member.write !== null) {
          member.write(writer, (given === undefined ? member.fallback : given) as never);
        } else if (member.refuse !== null) member.refuse(given);
      }
      if (tags !== null) tags.write(writer, value);
    },
  };
}

interface Tags {
  readonly read: (reader: Reader, value: Value) => void;
  readonly write: (writer: Writer, value: Value) => void;
}

const noTags: Tags = {
  read: (reader) => reader.skipTags(),
  write: (writer) => writer.uvarint(0),
};

/** The tagged fields at the end of a flexible struct (KIP-482). Unknown ones are passed over. */
function compileTags(tagged: readonly Tagged[]): Tags {
  if (tagged.length === 0) return noTags;
  const byTag = new Map(tagged.map((field) => [field.tag, field]));
  return {
    read: (reader, value) => {
      for (let left = reader.uvarint(); left > 0; left--) {
        const field = byTag.get(reader.uvarint());
        const sizeBytes = reader.uvarint();
        const end = reader.take(sizeBytes) + sizeBytes;
        if (field === undefined) continue;
        reader.position = end - sizeBytes;
        value[field.name] = field.codec.read(reader);
        if (reader.position !== end) {
          throw new MalformedError(`tagged ${field.name} has a wrong size`);
        }
      }
    },
    write: (writer, value) => {
      let count = 0;
      for (const field of tagged) if (isGiven(field, value)) count++;
      writer.uvarint(count);
      if (count === 0) return;
      for (const field of tagged) {
        if (!isGiven(field, value)) continue;
        const content = new Writer();
        field.codec.write(content, value[field.name] as never);
        writer.uvarint(field.tag);
        writer.uvarint(content.sizeBytes);
        for (const piece of content.finish()) writer.raw(piece);
      }
    },
  };
}

function isGiven(field: Tagged, value: Value): boolean {
  const given = value[field.name];
  return given !== undefined && !field.isDefault(given);
}

function compileField(name: string, field: Field, context: Context): Codec {
  const isNullable = isIn(field.nullable, context.version);
  if (field.kind === 'array') return compileArray(name, field, isNullable, context);
  if (field.kind === 'scalar') {
    if (field.compared) return comparedInt64;
    return compileScalar(field.scalar as ScalarType, name, isNullable, context);
  }
  const codec = compileStruct(field.element as Fields, context);
  if (!isNullable) return refusingNull(codec, name, context);
  const isTagged = context.compact && isIn(field.tagged, context.version);
  return nullableStruct(codec, isTagged ? 0 : -1);
}

/** A byte before the struct tells whether there is one: 1, or for null -1, but 0 under a tag. */
function nullableStruct(codec: Codec, nullMark: 0 | -1): Codec {
  return {
    bytesMin: 1,
    read: (reader) => (reader.int8() <= nullMark ? null : codec.read(reader)),
    write: (writer, value) => {
      writer.int8(value === null ? nullMark : 1);
      if (value !== null) codec.write(writer, value);
    },
  };
}

function refusingNull(codec: Codec, name: string, context: Context): Codec {
  return {
    bytesMin: codec.bytesMin,
    read: codec.read,
    write: (writer, value) => {
      if (value === null) throw cannotBeNull(name, context);
      codec.write(writer, value);
    },
  };
}

function compileArray(name: string, field: Field, isNullable: boolean, context: Context): Codec {
  const { compact } = context;
  const isScalar = typeof field.element === 'string';
  const element = field.compared
    ? comparedInt64
    : isScalar
      ? compileScalar(field.element as ScalarType, name, false, context)
      : compileStruct(field.element as Fields, context);
  const { read, write, bytesMin } = element;
  const cost = isScalar ? SCALAR_COST : STRUCT_COST;
  assert(bytesMin > 0, `${context.message}: elements of ${name} have no size`);
  const codec: Codec = {
    bytesMin: compact ? 1 : 4,
    read: (reader) => {
      const count = reader.count(compact, bytesMin, cost);
      if (count === null) {
        if (isNullable) return null;
        throw isNull(name);
      }
      const values: unknown[] = [];
      for (let i = 0; i < count; i++) values.push(read(reader));
      return values;
    },
    write: (writer, values: readonly never[] | null) => {
      if (values === null) {
        if (!isNullable) throw cannotBeNull(name, context);
        writer.length(-1, compact);
        return;
      }
      writer.length(values.length, compact);
      for (let i = 0; i < values.length; i++) write(writer, values[i] as never);
    },
  };
  return field.sliced ? { ...codec, write: orEncoded(codec.write, compact) } : codec;
}

function orEncoded(write: Write, compact: boolean): Write {
  return (writer, values: readonly never[] | EncodedElements | null) => {
    if (!(values instanceof EncodedElements)) {
      write(writer, values as never);
      return;
    }
    writer.length(values.count, compact);
    for (const piece of values.pieces) writer.piece(piece);
  };
}

const comparedInt64: Codec = {
  bytesMin: 8,
  read: (r) => r.int64Rounded(),
  write: (w, v) => w.int64(v),
};

const fixed: { readonly [Type in ScalarType]?: Codec } = {
  int8: { bytesMin: 1, read: (r) => r.int8(), write: (w, v) => w.int8(v) },
  int16: { bytesMin: 2, read: (r) => r.int16(), write: (w, v) => w.int16(v) },
  uint16: { bytesMin: 2, read: (r) => r.uint16(), write: (w, v) => w.uint16(v) },
  int32: { bytesMin: 4, read: (r) => r.int32(), write: (w, v) => w.int32(v) },
  uint32: { bytesMin: 4, read: (r) => r.uint32(), write: (w, v) => w.uint32(v) },
  int64: { bytesMin: 8, read: (r) => r.int64(), write: (w, v) => w.int64(v) },
  float64: { bytesMin: 8, read: (r) => r.float64(), write: (w, v) => w.float64(v) },
  bool: { bytesMin: 1, read: (r) => r.bool(), write: (w, v) => w.bool(v) },
  uuid: { bytesMin: 16, read: (r) => r.uuid(), write: (w, v) => w.uuid(v) },
};

function compileScalar(
  type: ScalarType,
  name: string,
  isNullable: boolean,
  context: Context,
): Codec {
  const { compact } = context;
  const found = fixed[type];
  if (found !== undefined) return found;
  if (type === 'string') {
    return {
      bytesMin: compact ? 1 : 2,
      read: (reader) => {
        const value = reader.string(compact);
        if (value === null && !isNullable) throw isNull(name);
        return value;
      },
      write: (writer, value: string | null) => {
        if (value !== null) writer.string(value, compact);
        else if (isNullable) writer.stringLength(-1, compact);
        else throw cannotBeNull(name, context);
      },
    };
  }
  const mayBeNull = isNullable || type === 'records';
  return {
    bytesMin: compact ? 1 : 4,
    read: (reader) => {
      const value = reader.bytes(compact);
      if (value === null && !mayBeNull) throw isNull(name);
      return value;
    },
    write: (writer, value: RecordsInput) => {
      if (value === null) {
        if (!mayBeNull) throw cannotBeNull(name, context);
        writer.length(-1, compact);
      } else if (type === 'records') writer.records(value, compact);
      else writer.bytes(value as Buffer, compact);
    },
  };
}

function isNull(name: string): MalformedError {
  return new MalformedError(`${name} is null`);
}

function cannotBeNull(name: string, context: Context): KafkaError {
  return new KafkaError(
    'UNSUPPORTED_VERSION',
    `${context.message} v${context.version}: ${name} cannot be null`,
  );
}

/** Mutable defaults are made anew, so that nobody finds what another has put in. */
function compileDefault(field: Field): () => unknown {
  if (field.kind === 'scalar' || field.default !== undefined) {
    const value = defaultOf(field);
    return () => value;
  }
  if (field.kind === 'array') return () => [];
  const members = Object.entries(field.element as Fields).map(
    ([name, inner]) => ({ name, make: compileDefault(inner) }) as const,
  );
  return () => {
    const value: Value = {};
    for (const member of members) value[member.name] = member.make();
    return value;
  };
}

function compileRefuse(name: string, field: Field, context: Context): (value: unknown) => void {
  const isDefault = compileIsDefault(field);
  return (value) => {
    if (value === undefined || isDefault(value)) return;
    throw new KafkaError(
      'UNSUPPORTED_VERSION',
      `${context.message} v${context.version} has no ${name}`,
    );
  };
}

function compileIsDefault(field: Field): (value: unknown) => boolean {
  const fallback = defaultOf(field);
  if (fallback === null) return (value) => value === null;
  if (field.kind === 'array' || field.scalar === 'bytes') {
    return (value) => value !== null && (value as { length: number }).length === 0;
  }
  if (field.kind === 'scalar') return (value) => value === fallback;
  const members = Object.entries(field.element as Fields).map(
    ([name, inner]) => [name, compileIsDefault(inner)] as const,
  );
  return (value) =>
    value !== null &&
    members.every(([name, isDefault]) => {
      const given = (value as Value)[name];
      return given === undefined || isDefault(given);
    });
}
