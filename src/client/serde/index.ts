// Keys and values to bytes and back.
//
// serde.ts             the interface, the same for the whole platform (docs/decisions/0024)
// serde-error.ts       a record whose key or value was refused
// text-serdes.ts       bytes, string, uuid
// number-serdes.ts     int16, int32, int64, float32, float64, boolean
// json.ts              json, with or without a schema
// standard-schema.ts   the types that schemas of all libraries share
// java-serdes.ts       Java's classes by name
export { serdeOfJavaClass } from './java-serdes.ts';
export { json } from './json.ts';
export { boolean, float32, float64, int16, int32, int64 } from './number-serdes.ts';
export type { Serde, SerdeWork } from './serde.ts';
export { SchemaError, type SchemaIssue, SerdeError, type SerdePlace } from './serde-error.ts';
export type { SchemaInput, SchemaOutput, StandardSchema } from './standard-schema.ts';
export { bytes, string, uuid } from './text-serdes.ts';
