// What is taken out of the log of a partition: by the clock (retention, compaction, expiry of
// producers) and by request (DeleteRecords).
//
// Invariants: nothing goes that is not below the high watermark, and nothing is compacted that is
// not decided. What is too old or too much is the leader's to say, and followers follow the start
// of its log: a clock that is wrong must not empty a replica that may lead next.

import type { Clock } from '../io/index.ts';
import { KafkaError } from '../protocol/index.ts';
import type {
  CleaningRequest,
  CleaningResult,
  DirtyRange,
  PartitionLog,
} from '../storage/index.ts';
import type { LeaderView } from './leader-state.ts';
import type { LowWatermark } from './low-watermark.ts';
import type { PartitionRole } from './partition-state.ts';

/** The partition, as its upkeep sees it. */
export interface KeptPartition {
  readonly topic: string;
  readonly role: PartitionRole;
  readonly highWatermark: number;
  readonly lastStableOffset: number;
  readonly isr: readonly number[];
  readonly replicas: readonly number[];
  readonly leading: Pick<LeaderView, 'lowestStart' | 'isr'> | null;
  assertLeader(): void;
}

/** Which replicas DeleteRecords waits for, and how long. */
export interface WaitForReplicas {
  readonly isAlive: (brokerId: number) => boolean;
  readonly deadlineMs: number;
}

export interface PartitionUpkeepOptions {
  /** A move between directories may replace it. */
  readonly log: () => PartitionLog;
  /** The start of the log may have moved. */
  readonly movingStart: <T>(change: () => Promise<T>) => Promise<T>;
  /** Of the partition: it is told of each start that a replica names, and when its role ends. */
  readonly lowWatermark: () => LowWatermark;
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

  /**
   * Moves the start of the log (DeleteRecords); -1 means the high watermark.
   * @param others without it nobody is waited for
   * @returns where the lowest log begins of those that are waited for, ours included
   * @throws KafkaError OFFSET_OUT_OF_RANGE, POLICY_VIOLATION if the topic does not delete,
   *   REQUEST_TIMED_OUT, NOT_LEADER_OR_FOLLOWER
   */
  async deleteRecordsBefore(offset: number, others?: WaitForReplicas): Promise<number> {
    const { highWatermark, topic } = this.#partition;
    const { movingStart, log, lowWatermark } = this.#options;
    this.#partition.assertLeader();
    if (!log().config.cleanupPolicy.includes('delete')) {
      throw new KafkaError('POLICY_VIOLATION', `${topic} is compacted, not deleted from`);
    }
    const target = offset === -1 ? highWatermark : offset;
    if (target < 0 || target > highWatermark) throw new KafkaError('OFFSET_OUT_OF_RANGE');
    await movingStart(() => log().deleteRecordsBefore(target));
    if (others === undefined) return log().logStartOffset;
    return await lowWatermark().reached(target, others.deadlineMs, () => {
      this.#partition.assertLeader();
      const own = log().logStartOffset;
      return this.#partition.leading?.lowestStart(own, others.isAlive) ?? own;
    });
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

  /**
   * Compacts the log, see PartitionLog.clean, up to what is decided and below the watermark, which
   * every replica has while all are in sync.
   */
  async clean(
    request: Omit<CleaningRequest, 'lastStableOffset' | 'mayForget'>,
  ): Promise<CleaningResult | null> {
    const { lastStableOffset } = this.#partition;
    // As far as this broker has heard; a leader hears before its watermark moves.
    const mayForget = (): boolean => {
      const { leading, isr, replicas } = this.#partition;
      return (leading?.isr ?? isr).length === replicas.length;
    };
    return await this.#options.log().clean({ ...request, lastStableOffset, mayForget });
  }

  /** Resolves when no cleaning is under way. */
  async stopCleaning(): Promise<void> {
    await this.#options.log().stopCleaning();
  }
}
