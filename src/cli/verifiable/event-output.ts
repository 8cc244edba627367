// What the verifiable tools print: one JSON object per line, with time and name first, in the
// shapes that Kafka's system tests and others' harnesses read.

import type { Io } from '../../io/index.ts';

export type EventName =
  | 'startup_complete'
  | 'shutdown_requested'
  | 'shutdown_complete'
  | 'producer_send_success'
  | 'producer_send_error'
  | 'tool_data'
  | 'partitions_assigned'
  | 'partitions_revoked'
  | 'record_data'
  | 'records_consumed'
  | 'offsets_committed';

export class EventOutput {
  readonly #io: Io;
  readonly #write: (line: string) => void;

  constructor(io: Io, write: (line: string) => void) {
    this.#io = io;
    this.#write = write;
  }

  print(name: EventName, fields: Readonly<Record<string, unknown>> = {}): void {
    this.#write(`${JSON.stringify({ timestamp: this.#io.clock.now(), name, ...fields })}\n`);
  }
}
