// JSON as UTF-8, with a schema that is checked on both ends if there is one.
//
// Invariant: what is written is read as the same value. What JSON.stringify would change without a
// word (NaN, Infinity and invalid dates become null) is refused; -0 is written as -0.

import type { Serde } from './serde.ts';
import { SchemaError } from './serde-error.ts';
import type { SchemaInput, SchemaOutput, StandardSchema } from './standard-schema.ts';

/**
 * Values as JSON. `schema` is any Standard Schema (zod, valibot, arktype …) that validates
 * synchronously and describes the JSON: what is sent is checked and written as it was given; what
 * is received is what the schema makes of it, with its defaults. Without a schema nothing is
 * checked, and `T` is a promise of the program.
 *
 *     json(z.object({ item: z.string(), count: z.number() }))
 */
export function json<Schema extends StandardSchema<unknown, unknown>>(
  schema: Schema,
): Serde<SchemaOutput<Schema>, SchemaInput<Schema>>;
export function json<T = unknown>(): Serde<T>;
export function json(schema?: StandardSchema): Serde<unknown> {
  return {
    serialize(_topic, value) {
      if (schema !== undefined) validated(schema, value);
      return Buffer.from(textOf(value));
    },
    deserialize(_topic, bytes) {
      const value: unknown = JSON.parse(bytes.toString());
      return schema === undefined ? value : validated(schema, value);
    },
  };
}

function validated(schema: StandardSchema, value: unknown): unknown {
  const result = schema['~standard'].validate(value);
  if (result instanceof Promise) {
    result.catch(() => {});
    throw new TypeError('the schema validates asynchronously: json() needs one that does not');
  }
  if (result.issues === undefined) return result.value;
  throw new SchemaError(result.issues);
}

function textOf(value: unknown): string {
  const text: string | undefined = JSON.stringify(value);
  if (text === undefined) throw new TypeError(`a value of type ${typeof value} has no JSON`);
  // Only a text with a null or a zero in it can hide what JSON has no word for.
  if (!suspicious.test(text)) return text;
  const found: Found = { hasMinusZero: false };
  look(value, '', found);
  if (!found.hasMinusZero) return text;
  const exact = JSON.stringify(value, (_key, each) => (Object.is(each, -0) ? minusZero : each));
  return exact.replaceAll(`"${minusZero}"`, '-0');
}

const suspicious = /(?:^|[:,[])(?:null|0)(?:$|[,\]}])/;
const minusZero = '\u007fpartita: minus zero\u007f';

interface Found {
  hasMinusZero: boolean;
}

function look(value: unknown, path: string, found: Found): void {
  if (typeof value === 'number') {
    if (Object.is(value, -0)) found.hasMinusZero = true;
    if (!Number.isFinite(value)) refuse(value, path);
    return;
  }
  if (typeof value !== 'object' || value === null) return;
  if (Array.isArray(value)) {
    for (const [at, each] of value.entries()) look(each, `${path}[${at}]`, found);
    return;
  }
  if (value instanceof Date) {
    if (Number.isNaN(value.getTime())) refuse('an invalid Date', path);
    return;
  }
  if ('toJSON' in value && typeof value.toJSON === 'function') return;
  for (const [key, each] of Object.entries(value)) {
    look(each, path === '' ? key : `${path}.${key}`, found);
  }
}

function refuse(value: unknown, path: string): never {
  const where = path === '' ? 'the value' : path;
  throw new RangeError(`${where} is ${String(value)}, which JSON cannot hold: use null or a text`);
}
