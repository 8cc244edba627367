// What the clock does to the log of a partition: retention, compaction, expiry of producers.
//
// Invariants: nothing goes that is not below the high watermark, and nothing is compacted that is
// not decided. What is too old or too much is the leader's to say, and followers follow the start
// of its log: a clock that is wrong must not empty a replica that may lead next.

import type { Clock } from '../io/index.ts';
import type {
  CleaningRequest,
  CleaningResult,
  DirtyRange,
  PartitionLog,
} from '../storage/index.ts';
import type { PartitionRole } from './partition-state.ts';

/** The partition, as its upkeep sees it. */
export interface KeptPartition {
  readonly role: PartitionRole;
  readonly highWatermark: number;
  readonly lastStableOffset: number;
}

export interface PartitionUpkeepOptions {
  /** A move between directories may replace it. */
  readonly log: () => PartitionLog;
  /** The start of the log may have moved. */
  readonly movingStart: <T>(change: () => Promise<T>) => Promise<T>;
}

export class PartitionUpkeep {
  readonly #clock: Clock;
  readonly #partition: KeptPartition;
  readonly #options: PartitionUpkeepOptions;

  constructor(clock: Clock, partition: KeptPartition, options: PartitionUpkeepOptions) {
    this.#clock = clock;
    this.#partition = partition;
    this.#options = options;
  }

  /** Rolls and deletes old segments, forgets idle producers; returns how many segments went. */
  async applyRetention(): Promise<number> {
    const { role, highWatermark } = this.#partition;
    if (role === 'offline') return 0;
    const log = this.#options.log();
    log.expireProducers(this.#clock.now());
    // Below its start a follower deletes as everybody.
    const end = role === 'leader' ? highWatermark : log.logStartOffset;
    return await this.#options.movingStart(() => log.applyRetention(this.#clock.now(), end));
  }

  /** What a cleaning would look at, and how badly the log needs it. */
  dirtyRange(): DirtyRange {
    const { lastStableOffset } = this.#partition;
    return this.#options.log().dirtyRange({ nowMs: this.#clock.now(), lastStableOffset });
  }

  /** Compacts the log, see PartitionLog.clean, up to what is decided and below the watermark. */
  async clean(request: Omit<CleaningRequest, 'lastStableOffset'>): Promise<CleaningResult | null> {
    const { lastStableOffset } = this.#partition;
    return await this.#options.log().clean({ ...request, lastStableOffset });
  }

  /** Resolves when no cleaning is under way. */
  async stopCleaning(): Promise<void> {
    await this.#options.log().stopCleaning();
  }
}
