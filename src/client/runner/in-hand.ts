// The partitions that the runner works on, and what it has of them in hand. Records and bytes are
// bounded: above the bound those partitions rest that have most of it, so that one whose records
// wait long does not hold up the others. Polls and heartbeats go on.
//
// Invariant: a partition is handled only while it is `ours`. What ends while it is `leaving` is
// committed, what ends when it is `gone` is not.

import { keyOf, type TopicPartition } from '../leader-requests.ts';
import { decodeDone } from './done-offsets.ts';
import type { LaneWork } from './lanes.ts';
import { type Committable, OffsetTracker } from './offset-tracker.ts';
import type { Origin } from './retry-topics.ts';
import type { RawRecord, RunnerPort } from './runner-port.ts';

/** Open records of one partition, all of which fit into the metadata of a commit. */
const openMax = 1000;

export class PartitionInHand implements TopicPartition {
  readonly topic: string;
  readonly partition: number;
  readonly tracker: OffsetTracker;
  state: 'ours' | 'leaving' | 'gone' = 'ours';
  bytes = 0;
  /** Works that a handler has now. */
  atWork = 0;
  isHeld = false;
  /** What the coordinator has acknowledged last. */
  committed: Committable | null = null;

  constructor({ topic, partition }: TopicPartition, tracker: OffsetTracker) {
    this.topic = topic;
    this.partition = partition;
    this.tracker = tracker;
  }
}

export class Work implements LaneWork {
  readonly record: RawRecord;
  readonly origin: Origin;
  readonly owner: PartitionInHand;
  readonly laneId: string | null;
  readonly sizeBytes: number;
  readonly arrivedMs: number;
  /** As the handler gets it; undefined until then. */
  decoded: unknown;

  constructor(
    parts: { record: RawRecord; origin: Origin; owner: PartitionInHand },
    laneId: string | null,
    arrivedMs: number,
  ) {
    this.record = parts.record;
    this.origin = parts.origin;
    this.owner = parts.owner;
    this.laneId = laneId;
    this.arrivedMs = arrivedMs;
    this.sizeBytes = sizeOf(parts.record);
  }

  get isDropped(): boolean {
    return this.owner.state !== 'ours';
  }
}

export interface InHandLimits {
  readonly inHandMax: number;
  readonly inHandBytesMax: number;
}

export class InHand {
  readonly #port: RunnerPort;
  readonly #limits: InHandLimits;
  readonly #partitions = new Map<string, PartitionInHand>();
  #count = 0;
  #bytes = 0;
  #heldCount = 0;

  constructor(port: RunnerPort, limits: InHandLimits) {
    this.#port = port;
    this.#limits = limits;
  }

  get partitions(): Iterable<PartitionInHand> {
    return this.#partitions.values();
  }

  get count(): number {
    return this.#count;
  }

  find(place: TopicPartition): PartitionInHand | undefined {
    return this.#partitions.get(keyOf(place));
  }

  /** Who has the record's partition from now on; null: a former owner has done the record. */
  take(record: RawRecord): PartitionInHand | null {
    let owner = this.#partitions.get(keyOf(record));
    const before = owner?.tracker.receivedTo ?? null;
    if (owner !== undefined && before !== null && record.offset < before) {
      // The log was cut, or begins anew: what we knew of it is of no use.
      this.drop(owner);
      owner = undefined;
    }
    if (owner === undefined) {
      owner = new PartitionInHand(record, new OffsetTracker(this.#priorOf(record)));
      this.#partitions.set(keyOf(record), owner);
    }
    if (!owner.tracker.take(record.offset, record.leaderEpoch)) return null;
    const sizeBytes = sizeOf(record);
    owner.bytes += sizeBytes;
    this.#bytes += sizeBytes;
    this.#count++;
    return owner;
  }

  /** The positions behind what was taken, which may have passed what is hidden from us. */
  passToPositions(): void {
    for (const each of this.#partitions.values()) {
      const position = this.#port.position(each);
      if (position !== null) each.tracker.passTo(position);
    }
  }

  /** It is done, or was given to somebody who will do it. */
  finish({ owner, record, sizeBytes }: Work): void {
    if (owner.state === 'gone') return;
    owner.tracker.finish(record.offset);
    owner.bytes -= sizeBytes;
    this.#bytes -= sizeBytes;
    this.#count--;
    if (this.#heldCount > 0) this.balance();
  }

  /** It is not ours any more. */
  drop(owner: PartitionInHand): void {
    if (owner.state === 'gone') return;
    owner.state = 'gone';
    this.#count -= owner.tracker.openCount;
    this.#bytes -= owner.bytes;
    if (owner.isHeld) this.#hold(owner, false);
    if (this.#partitions.get(keyOf(owner)) === owner) this.#partitions.delete(keyOf(owner));
    this.balance();
  }

  /** Lets partitions rest, or go on. */
  balance(): void {
    const { inHandMax, inHandBytesMax } = this.#limits;
    const isOver = this.#count >= inHandMax || this.#bytes >= inHandBytesMax;
    const isUnder = this.#count <= inHandMax / 2 && this.#bytes <= inHandBytesMax / 2;
    const shareCount = inHandMax / this.#partitions.size;
    const shareBytes = inHandBytesMax / this.#partitions.size;
    for (const each of this.#partitions.values()) {
      const { openCount } = each.tracker;
      const isLarge = openCount >= shareCount || each.bytes >= shareBytes;
      if (openCount >= openMax || (isOver && isLarge)) {
        if (!each.isHeld) this.#hold(each, true);
      } else if (each.isHeld && isUnder && openCount <= openMax / 2) this.#hold(each, false);
    }
  }

  #hold(each: PartitionInHand, isHeld: boolean): void {
    each.isHeld = isHeld;
    this.#heldCount += isHeld ? 1 : -1;
    this.#port.hold(each, isHeld);
  }

  #priorOf(record: RawRecord): ReturnType<typeof decodeDone> {
    const { metadata, offset } = this.#port.committedPosition(record);
    return metadata === '' ? null : decodeDone(offset, metadata);
  }
}

function sizeOf({ key, value }: RawRecord): number {
  return (key?.length ?? 0) + (value?.length ?? 0);
}
