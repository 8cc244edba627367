// A machine decides. It is synchronous: a decision looks at the state and names the records that
// make it true and the response that may leave once they are committed. Only `replay` changes
// durable state, and it does the same whether the record was decided a moment ago or is read back
// after a crash.

export interface Machine<R> {
  replay(record: R, offset: number): void;
}

export interface Decision<R, T> {
  /** Empty for a question. */
  readonly records: readonly R[];
  readonly response: T;
}
