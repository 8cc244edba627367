// The types of Standard Schema (https://standardschema.dev), version 1: what zod, valibot, arktype
// and others have in common. Types only, so that none of them has to be installed.

import type { SchemaIssue } from './serde-error.ts';

/** A schema that takes an `Input` and makes an `Output` of it. */
export interface StandardSchema<Input = unknown, Output = Input> {
  readonly '~standard': {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>;
    readonly types?: { readonly input: Input; readonly output: Output } | undefined;
  };
}

export type SchemaResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly SchemaIssue[] };

type TypesOf<Schema extends StandardSchema> = NonNullable<Schema['~standard']['types']>;
/** What a schema takes: the form in which a value stands in JSON. */
export type SchemaInput<Schema extends StandardSchema> = TypesOf<Schema>['input'];
/** What a schema makes of it, with defaults filled in. */
export type SchemaOutput<Schema extends StandardSchema> = TypesOf<Schema>['output'];
