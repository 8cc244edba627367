// The language in which messages/ and structs/ are written: fields with their type and the versions
// that have them, put together by defineApi and defineStruct. The TypeScript types of a message are
// inferred from the same literal that the codec compiles, so that they cannot disagree.
//
// Version ranges are written as Kafka's documents do: '3+', '2-7', '5', 'none'.

import { assert } from '../base/assert.ts';
import { ZERO_UUID } from '../base/uuid.ts';

/** Long.MAX_VALUE and MIN_VALUE as our numbers have them: exact powers of two. */
export const INT64_MAX = 2 ** 63;
export const INT64_MIN = -(2 ** 63);

export type ScalarType =
  | 'int8'
  | 'int16'
  | 'uint16'
  | 'int32'
  | 'uint32'
  | 'int64'
  | 'float64'
  | 'bool'
  | 'string'
  | 'bytes'
  | 'records'
  | 'uuid';

type NumberType = 'int8' | 'int16' | 'uint16' | 'int32' | 'uint32' | 'int64' | 'float64';

/** What a record set may be given as when encoding: slices stay slices. */
export type RecordsInput = Buffer | readonly Buffer[] | null;

interface ScalarValue extends Record<NumberType, number> {
  bool: boolean;
  string: string;
  bytes: Buffer;
  records: Buffer | null;
  uuid: string;
}

interface ScalarInput extends Omit<ScalarValue, 'records'> {
  records: RecordsInput;
}

/** Carries the inferred types; no value has it at run time. */
export declare const inferred: unique symbol;

/** One field: what is on the wire, in which versions, and the types it has in TypeScript. */
export interface Field<Value = unknown, Input = unknown, Optional extends boolean = boolean> {
  readonly [inferred]: { value: Value; input: Input; optional: Optional };
  readonly kind: 'scalar' | 'array' | 'struct';
  /** The type of a scalar field. */
  readonly scalar: ScalarType | null;
  /** The elements of an array: scalars, or structs of these fields. Also the fields of a struct. */
  readonly element: ScalarType | Fields | null;
  readonly versions: VersionRange;
  readonly nullable: VersionRange;
  readonly tagged: VersionRange;
  readonly tag: number | null;
  /** Whether a value may be dropped silently when the version cannot carry it. */
  readonly ignorable: boolean;
  /** See FieldOptions. */
  readonly compared: boolean;
  /** See FieldOptions. */
  readonly sliced: boolean;
  /** undefined: the zero value of the type. */
  readonly default: unknown;
}

export interface Fields {
  readonly [name: string]: Field;
}

export interface FieldOptions<Default> {
  /** Versions in which the value may be null. */
  readonly nullable?: string;
  readonly default?: Default;
  /** Number of the tag; the field then is among the tagged fields. */
  readonly tag?: number;
  /** Versions in which it is tagged; by default all that have the field. */
  readonly tagged?: string;
  readonly ignorable?: true;
  /**
   * Of an int64 in a request: it is only ever compared with what this broker has given out, which
   * is exact, so that a rounded one means the same. Others are refused where they are not exact.
   */
  readonly compared?: true;
  /** Of an array of structs: it may be given as EncodedElements. */
  readonly sliced?: true;
}

/**
 * The elements of an array, encoded before what they are a part of: a message with very many is
 * made in several turns of the event loop (`encodeElements`).
 */
export class EncodedElements {
  readonly count: number;
  readonly pieces: readonly Buffer[];

  constructor(count: number, pieces: readonly Buffer[]) {
    this.count = count;
    this.pieces = pieces;
  }
}

type Sliced<Options> = Options extends { readonly sliced: true } ? EncodedElements : never;

type Nullable<Options> = Options extends { readonly nullable: string } ? null : never;

/** A caller may leave out what has a default, and what some versions do not have. */
type Optional<Versions, Options> = Options extends { readonly default: unknown }
  ? true
  : Options extends { readonly tag: number }
    ? true
    : Versions extends '0+'
      ? false
      : true;

export type ValueOf<F extends Fields> = { [Name in keyof F]: F[Name][typeof inferred]['value'] };

type OptionalName<F extends Fields> = {
  [Name in keyof F]: F[Name][typeof inferred]['optional'] extends true ? Name : never;
}[keyof F];

export type InputOf<F extends Fields> = {
  readonly [Name in Exclude<keyof F, OptionalName<F>>]: F[Name][typeof inferred]['input'];
} & { readonly [Name in OptionalName<F>]?: F[Name][typeof inferred]['input'] | undefined };

export interface VersionRange {
  readonly min: number;
  readonly max: number;
}

const never: VersionRange = { min: 0, max: -1 };

/**
 * The thousands of fields of all messages have but a few dozen ranges and plain kinds between them.
 * Each is made once: a process that starts reads all the messages, and then keeps them.
 */
const knownRanges = new Map<string, VersionRange>([['none', never]]);

export function parseVersions(text: string): VersionRange {
  const known = knownRanges.get(text);
  if (known !== undefined) return known;
  const range = parseRange(text);
  knownRanges.set(text, range);
  return range;
}

function parseRange(text: string): VersionRange {
  const match = /^(\d+)(?:(\+)|-(\d+))?$/.exec(text);
  assert(match !== null, `version range ${text}`);
  const min = Number(match[1]);
  return { min, max: match[2] ? 32767 : Number(match[3] ?? min) };
}

export function isIn(range: VersionRange, version: number): boolean {
  return version >= range.min && version <= range.max;
}

interface FieldSource {
  readonly kind: Field['kind'];
  readonly scalar: ScalarType | null;
  readonly element: ScalarType | Fields | null;
}

function field(source: FieldSource, versions: string, options: FieldOptions<unknown> = {}): Field {
  const range = parseVersions(versions);
  const tagged = options.tagged === undefined ? range : parseVersions(options.tagged);
  const made: Omit<Field, typeof inferred> = {
    kind: source.kind,
    scalar: source.scalar,
    element: source.element,
    versions: range,
    nullable: options.nullable === undefined ? never : parseVersions(options.nullable),
    tagged: options.tag === undefined ? never : tagged,
    tag: options.tag ?? null,
    ignorable: options.ignorable === true,
    compared: options.compared === true,
    sliced: options.sliced === true,
    default: options.default,
  };
  return made as Field;
}

function scalar<const Type extends ScalarType>(type: Type) {
  const source: FieldSource = { kind: 'scalar', scalar: type, element: null };
  /** By version range: those without options. */
  const plain = new Map<string, Field>();
  const plainField = (versions: string): Field => {
    const made = plain.get(versions) ?? field(source, versions);
    plain.set(versions, made);
    return made;
  };
  return <
    const Versions extends string,
    const Options extends FieldOptions<ScalarValue[Type] | null>,
  >(
    versions: Versions,
    options?: Options,
  ): Field<
    ScalarValue[Type] | Nullable<Options>,
    ScalarInput[Type] | Nullable<Options>,
    Optional<Versions, Options>
  > => (options === undefined ? plainField(versions) : field(source, versions, options)) as never;
}

export const int8 = scalar('int8');
export const int16 = scalar('int16');
export const uint16 = scalar('uint16');
export const int32 = scalar('int32');
export const uint32 = scalar('uint32');
/** A number: exact to 2^53. */
export const int64 = scalar('int64');
export const float64 = scalar('float64');
export const bool = scalar('bool');
export const string = scalar('string');
export const bytes = scalar('bytes');
/** Record batches, opaque here. Always nullable: Java's classes are as lax. */
export const records = scalar('records');
export const uuid = scalar('uuid');

/** An array of scalars, or of structs with the given fields. Its default is the empty array. */
export function array<
  const Versions extends string,
  const Element extends ScalarType | Fields,
  const Options extends FieldOptions<null>,
>(
  versions: Versions,
  element: Element,
  options?: Options,
): Field<
  ElementValue<Element>[] | Nullable<Options>,
  readonly ElementInput<Element>[] | Sliced<Options> | Nullable<Options>,
  Optional<Versions, Options>
> {
  return field({ kind: 'array', scalar: null, element }, versions, options) as never;
}

type ElementValue<Element> = Element extends ScalarType
  ? ScalarValue[Element]
  : Element extends Fields
    ? ValueOf<Element>
    : never;

type ElementInput<Element> = Element extends ScalarType
  ? ScalarInput[Element]
  : Element extends Fields
    ? InputOf<Element>
    : never;

/** A struct within the message. Its default has every field at its default. */
export function struct<
  const Versions extends string,
  const Inner extends Fields,
  const Options extends FieldOptions<null>,
>(
  versions: Versions,
  fields: Inner,
  options?: Options,
): Field<
  ValueOf<Inner> | Nullable<Options>,
  InputOf<Inner> | Nullable<Options>,
  Optional<Versions, Options>
> {
  return field({ kind: 'struct', scalar: null, element: fields }, versions, options) as never;
}

/** The value that a field has when nobody gave one; a new one each time where it is mutable. */
export function defaultOf(field: Field): unknown {
  if (field.default !== undefined) return field.default;
  if (field.kind === 'array') return [];
  if (field.kind === 'struct') return defaultsOf(field.element as Fields);
  switch (field.scalar) {
    case 'bool':
      return false;
    case 'string':
      return '';
    case 'bytes':
      return Buffer.alloc(0);
    case 'records':
      return null;
    case 'uuid':
      return ZERO_UUID;
    default:
      return 0;
  }
}

export function defaultsOf(fields: Fields): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields).map(([name, field]) => [name, defaultOf(field)]),
  );
}

/** One side of an API, or a struct outside of any: the unit that the codec compiles. */
export interface Schema<F extends Fields = Fields> {
  readonly name: string;
  readonly versions: VersionRange;
  /** The versions with compact lengths and tagged fields (KIP-482). */
  readonly flexible: VersionRange;
  readonly fields: F;
}

export interface Api<Request extends Fields = Fields, Response extends Fields = Fields> {
  readonly name: string;
  readonly key: number;
  /** From the oldest that any client in scope sends to the newest stable one. */
  readonly versions: VersionRange;
  readonly flexible: VersionRange;
  readonly request: Schema<Request>;
  readonly response: Schema<Response>;
}

/** A message on its own: a record of an internal topic, a part of a file. */
export interface Struct<F extends Fields = Fields> extends Schema<F> {
  /** What stands before a key of an internal topic in place of its version, to tell keys apart. */
  readonly recordType?: number;
}

export function defineApi<const Request extends Fields, const Response extends Fields>(source: {
  readonly name: string;
  readonly key: number;
  readonly versions: string;
  readonly flexible: string;
  readonly request: Request;
  readonly response: Response;
}): Api<Request, Response> {
  const versions = parseVersions(source.versions);
  const flexible = parseVersions(source.flexible);
  const side = <F extends Fields>(suffix: string, fields: F): Schema<F> => ({
    name: source.name + suffix,
    versions,
    flexible,
    fields,
  });
  return {
    name: source.name,
    key: source.key,
    versions,
    flexible,
    request: side('Request', source.request),
    response: side('Response', source.response),
  };
}

export function defineStruct<const F extends Fields>(source: {
  readonly name: string;
  readonly recordType?: number;
  readonly versions: string;
  readonly flexible: string;
  readonly fields: F;
}): Struct<F> {
  return {
    ...source,
    versions: parseVersions(source.versions),
    flexible: parseVersions(source.flexible),
  };
}

/** What decoding gives: every field is there, those that the version lacks at their default. */
export type RequestOf<A extends Api> = ValueOf<A['request']['fields']>;
export type ResponseOf<A extends Api> = ValueOf<A['response']['fields']>;
export type StructOf<S extends Struct> = ValueOf<S['fields']>;

/** What encoding takes: fields with a default, or not in every version, may be left out. */
export type RequestInput<A extends Api> = InputOf<A['request']['fields']>;
export type ResponseInput<A extends Api> = InputOf<A['response']['fields']>;
export type StructInput<S extends Struct> = InputOf<S['fields']>;
