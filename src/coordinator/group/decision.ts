// What a decision about groups is made with and what it comes to. With: time, the configuration,
// the newest metadata, and the means to decide again later. To: the records that make it true, and
// the answers to others (members parked in a join or a sync) that may leave once it is committed.
//
// Invariant: an answer that depends on a record leaves after the record's commit, or never.

import { pushAll } from '../../base/push-all.ts';
import type { BrokerConfig } from '../../config/index.ts';
import type { Clock } from '../../io/index.ts';
import type { SoftTimer } from '../../machine/index.ts';
import type { MetadataImage } from '../../metadata/index.ts';
import type { GroupRecord } from './group-record.ts';

export interface GroupContext {
  readonly clock: Clock;
  readonly config: () => BrokerConfig;
  readonly image: () => MetadataImage;
  /** The largest record that the log of the machine takes, in bytes. */
  readonly recordBytesMax: () => number;
  /** 22 characters or more that nobody else has. */
  readonly newUuid: () => string;
  /** Decides after the delay, unless cancelled or the machine was thrown away meanwhile. */
  readonly later: (delayMs: number, decide: (outcome: Outcome) => void) => SoftTimer;
}

/** Who sends a request, as groups describe it. */
export interface GroupClient {
  readonly clientId: string;
  /** Kafka prints a slash before the address. */
  readonly clientHost: string;
}

export class Outcome {
  readonly records: GroupRecord[] = [];
  readonly #onCommitted: (() => void)[] = [];

  append(record: GroupRecord): void {
    this.records.push(record);
  }

  appendAll(records: Iterable<GroupRecord>): void {
    pushAll(this.records, records);
  }

  /** Called when the records of this decision, and all before them, are committed. */
  whenCommitted(callback: () => void): void {
    this.#onCommitted.push(callback);
  }

  onCommitted(): void {
    for (const callback of this.#onCommitted.splice(0)) callback();
  }
}
