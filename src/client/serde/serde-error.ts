// A key or a value that its serde refused: which record, which part of it, and why.

import { branded } from '../../base/brand.ts';

/** One complaint of a schema, as Standard Schema has them. */
export interface SchemaIssue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/** Thrown by a serde whose schema refuses a value. */
export class SchemaError extends TypeError {
  readonly issues: readonly SchemaIssue[];

  constructor(issues: readonly SchemaIssue[]) {
    super(issues.map(textOf).join('; '));
    this.name = 'SchemaError';
    this.issues = issues;
  }
}

export interface SerdePlace {
  readonly part: 'key' | 'value';
  readonly topic: string;
  /** null while it is not known: the record was not sent. */
  readonly partition?: number | null;
  readonly offset?: number | null;
}

/**
 * A key or a value could not be serialized or deserialized: `cause` is what the serde threw. The
 * record was not sent, and no other record is concerned.
 */
export class SerdeError extends Error {
  static {
    branded(SerdeError, 'SerdeError');
  }
  readonly code = 'SERDE_ERROR';
  readonly retriable = false;
  readonly fatal = false;
  readonly abortable = false;
  readonly hint: string;
  readonly topic: string;
  /** null for a record that was not sent. */
  readonly partition: number | null;
  /** null for a record that was not sent. */
  readonly offset: number | null;
  readonly part: 'key' | 'value';
  /** What the schema says of the value; none when it was no schema that refused. */
  readonly issues: readonly SchemaIssue[];

  constructor(place: SerdePlace, cause: unknown) {
    const because = cause instanceof Error ? cause.message : String(cause);
    const { topic, part, partition = null, offset = null } = place;
    super(
      offset === null
        ? `the ${part} of a record for topic ${topic} cannot be serialized: ${because}`
        : `the ${part} at offset ${offset} of ${topic}-${partition} cannot be ` +
            `deserialized: ${because}`,
      { cause },
    );
    this.name = 'SerdeError';
    this.topic = topic;
    this.part = part;
    this.partition = partition;
    this.offset = offset;
    const { issues } = (cause ?? {}) as { issues?: unknown };
    this.issues = Array.isArray(issues) ? issues : [];
    this.hint =
      offset === null
        ? `Give the ${part} that the serde of ${topic} takes; nothing was sent.`
        : `Seek to ${offset + 1} to go on behind the record, or read ${topic} with another serde.`;
  }
}

function textOf({ message, path }: SchemaIssue): string {
  if (path === undefined || path.length === 0) return message;
  const at = path.map((each) => String(typeof each === 'object' ? each.key : each));
  return `${at.join('.')}: ${message}`;
}
