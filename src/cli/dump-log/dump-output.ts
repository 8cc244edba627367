// Where a dump goes: what is in the file to standard output, what is wrong with it to standard
// error, as Kafka's tool does it, so that either can be read alone.

export interface DumpOutput {
  /** One line of what there is. */
  readonly print: (line: string) => void;
  /** One line about damage. */
  readonly complain: (line: string) => void;
}
