// The log behind a machine: the metadata log for the controller, one partition of an internal
// topic for a coordinator. The runtime needs no more of it than this.
//
// Invariant: an append that resolved is committed (it will be replayed by whoever loads this log
// after us); an append that rejected was not applied, or was fenced so that it never will be
// acknowledged by anybody else under the same epoch.

export interface MachineLog<R> {
  /** One past the last record, committed or not; where the next append begins. */
  readonly endOffset: number;

  /**
   * Appends all records as one unit that begins at `expectedEnd`. Appends are called in order, and
   * the next one may be called before this one resolved.
   */
  append(records: readonly R[], expectedEnd: number): Promise<void>;

  /**
   * Resolves when nobody else has taken the log over up to a moment after the call. Present where
   * that can happen unnoticed: then every answer that comes without an append waits for it.
   */
  confirm?(): Promise<void>;

  /** What is committed from the offset on, in order, up to the end at the time of the call. */
  read(from: number): AsyncIterable<LoggedRecords<R>>;
}

export interface LoggedRecords<R> {
  readonly baseOffset: number;
  /** One past the last offset; may be beyond baseOffset + records.length (control records). */
  readonly endOffset: number;
  readonly records: readonly R[];
}
