// What the runner needs of the consumer that it works for. The consumer loads the runner late and
// gives it this, so that neither file needs the other.

import type { Io, Log } from '../../io/index.ts';
import type { DecodedHeader } from '../../protocol/index.ts';
import type { OffsetToCommit } from '../consumer/group-offsets.ts';
import type { TopicPartition } from '../leader-requests.ts';

/** A record as it was fetched: key and value are bytes, whatever the consumer's serdes are. */
export interface RawRecord extends TopicPartition {
  readonly offset: number;
  readonly timestamp: number;
  readonly timestampType: 'createTime' | 'logAppendTime';
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: Iterable<DecodedHeader>;
  readonly leaderEpoch: number;
}

export interface RawHeader {
  readonly key: string;
  readonly value: Uint8Array | null;
}

export interface OutgoingRecord {
  readonly topic: string;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: readonly RawHeader[];
  readonly timestamp: number;
}

/** What records that failed are sent with. */
export interface Outlet {
  /** Resolves when the whole in-sync set has it. */
  send(record: OutgoingRecord): Promise<unknown>;
  close(): Promise<void>;
}

/** Hears within `poll` of partitions that go. */
export interface WorkHolder {
  /** They go to others in good order: the last moment to commit. */
  release(places: readonly TopicPartition[]): Promise<void>;
  /** They are gone, others may have them. */
  drop(places: readonly TopicPartition[]): void;
}

export interface RunnerPort {
  readonly io: Io;
  readonly log: Log;
  readonly clientId: string;
  readonly groupId: string;
  readonly maxPollIntervalMs: number;
  readonly requestTimeoutMs: number;
  /** Records as bytes. Whatever their serdes need has been prepared. */
  poll(maxWaitMs: number): Promise<readonly RawRecord[]>;
  /** A poll that waits returns at once. */
  endPoll(): void;
  assignment(): readonly TopicPartition[];
  /** Hands out no records of the partition, or does so again; apart from `pause`. */
  hold(place: TopicPartition, isHeld: boolean): void;
  /** Behind what was handed out; null while it is looked up. */
  position(place: TopicPartition): number | null;
  seek(place: TopicPartition, offset: number): void;
  /** Where the group stopped before we got the partition, unless the position is another by now. */
  committedPosition(place: TopicPartition): { readonly offset: number; readonly metadata: string };
  commit(offsets: readonly OffsetToCommit[], timeoutMs: number): Promise<void>;
  /** Who hears of partitions that go, before the listener does. Offsets are committed by it. */
  setHolder(holder: WorkHolder | null): void;
  /** The topics by name; null: an expression, or partitions assigned by hand. */
  subscribedTopics(): readonly string[] | null;
  /** Reads these topics beside the subscribed ones. */
  subscribeToo(topics: readonly string[]): void;
  leave(): Promise<void>;
  /** As the handler gets it. Throws a SerdeError for what its serde refuses. */
  decode(record: RawRecord): unknown;
  /** With the consumer's own connection options. */
  openOutlet(): Promise<Outlet>;
}
