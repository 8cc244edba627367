// One partition that is fetched from its leader, in one leader epoch: what it asks for, and what
// becomes of the answer.
//
// Invariants: an answer is taken for the position that was asked for, and only while the log still
// ends there; the leader's watermark is not taken with an answer that says that the logs part:
// first the log is cut (KAFKA-14704); a log that begins anew takes its watermark and its start
// along (KAFKA-9491).

import type { Log } from '../../io/index.ts';
import {
  ErrorCode,
  errorName,
  type fetch,
  KafkaError,
  listOffsets,
  type ResponseOf,
} from '../../protocol/index.ts';
import type { FetchPosition, FollowerState } from '../follower-state.ts';
import type { Partition } from '../partition.ts';
import type { LeaderConnection } from './fetcher-options.ts';

export type PartitionAnswer = ResponseOf<typeof fetch>['responses'][number]['partitions'][number];

/**
 * `unchanged`: the leader knows what we want next. `moved`: it is to be told. `refused`: after a
 * rest, it is to be asked again. `unsettled`: so too, but the reason will soon be over.
 */
export type Outcome = 'unchanged' | 'moved' | 'refused' | 'unsettled';

/**
 * Metadata reach brokers one after the other, and a new leader's log may still be made or cut: what
 * it says then is over a moment later, or when ours name another leader.
 */
const unsettledErrors: ReadonlySet<number> = new Set([
  ErrorCode.UNKNOWN_LEADER_EPOCH,
  ErrorCode.NOT_LEADER_OR_FOLLOWER,
  ErrorCode.UNKNOWN_TOPIC_ID,
  ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
]);

/** Our metadata are behind, or the leader's disk is gone: both are said where they are known. */
const quietErrors: ReadonlySet<number> = new Set([
  ErrorCode.FENCED_LEADER_EPOCH,
  ErrorCode.KAFKA_STORAGE_ERROR,
]);

export interface FetchedPartitionOptions {
  readonly log: Log;
  readonly nodeId: number;
  /** Something is under way beside the fetches; they go on. */
  readonly onBeside: (partition: FetchedPartition, work: Promise<Outcome>) => void;
}

const place = { latest: -1, earliest: -2 } as const;

export class FetchedPartition {
  readonly partition: Partition;
  readonly key: string;
  readonly topicId: string;
  readonly index: number;
  readonly leaderEpoch: number;
  readonly follower: FollowerState;
  /** How long it rested last; 0 since an answer was good. */
  restMs = 0;
  readonly #options: FetchedPartitionOptions;
  #asked: FetchPosition | null = null;
  #isTold = false;

  constructor(options: FetchedPartitionOptions, partition: Partition, follower: FollowerState) {
    this.#options = options;
    this.partition = partition;
    this.topicId = partition.topicId;
    this.index = partition.partition;
    this.key = `${this.index} ${this.topicId}`;
    this.follower = follower;
    this.leaderEpoch = follower.leaderEpoch;
  }

  /** What to ask for now; null while it must not be asked for. */
  prepare(): FetchPosition | null {
    this.#asked = this.follower.fetchPosition();
    return this.#asked;
  }

  take(answer: PartitionAnswer, leader: LeaderConnection): Outcome | Promise<Outcome> {
    const { errorCode, divergingEpoch } = answer;
    if (errorCode !== 0) return this.#takeError(errorCode, leader);
    if (divergingEpoch.epoch >= 0 || divergingEpoch.endOffset >= 0) {
      return this.#granted(async () => {
        const { logEndOffset: from, leaderEpochs } = this.partition.logView;
        const epochsBefore = leaderEpochs.entries.length;
        await this.follower.truncateTo(divergingEpoch);
        this.#tellOfCut(from, epochsBefore - leaderEpochs.entries.length);
        return 'moved';
      });
    }
    return this.#append(answer);
  }

  #tellOfCut(from: number, epochs: number): void {
    const { topic, partition, logView } = this.partition;
    const { logEndOffset: to, config } = logView;
    const isCompacted = config.cleanupPolicy.includes('compact');
    const fields = { topic, partition, from, to, epochs, isCompacted };
    this.#options.log.debug('a log that was not one with its leader is cut', fields);
  }

  #append(answer: PartitionAnswer): Outcome | Promise<Outcome> {
    const { follower } = this;
    const { fetchOffset } = this.#asked as FetchPosition;
    const { highWatermark, logStartOffset } = answer;
    const fetched = { records: answer.records ?? noRecords, highWatermark, fetchOffset };
    if (follower.isInsideFirst(fetched)) {
      return this.#granted(async () => {
        await follower.beginWith(fetched);
        await follower.followLogStart(logStartOffset);
        return 'moved';
      });
    }
    try {
      follower.append(fetched);
      // The leader alone decides how long records are kept: its log start is ours.
      this.#isTold = false;
      const starting = follower.followLogStart(logStartOffset);
      if (starting !== null) this.#tellOfStart(starting);
      return fetched.records.length > 0 ? 'moved' : 'unchanged';
    } catch (error) {
      return this.#refused(error);
    }
  }

  /** Fetches go on meanwhile; the first one behind it tells the leader. */
  #tellOfStart(starting: Promise<void>): void {
    const told = async (): Promise<Outcome> => {
      await starting;
      return 'moved';
    };
    this.#options.onBeside(this, this.#granted(told));
  }

  #takeError(errorCode: number, leader: LeaderConnection): Outcome | Promise<Outcome> {
    if (unsettledErrors.has(errorCode)) return 'unsettled';
    if (errorCode === ErrorCode.OFFSET_OUT_OF_RANGE) {
      return this.#granted(() => this.#onOutOfRange(leader));
    }
    if (!quietErrors.has(errorCode)) this.#tell(errorName(errorCode));
    return 'refused';
  }

  /** The leader's log ends before ours, begins behind ours, or knows nothing of our epoch. */
  async #onOutOfRange(leader: LeaderConnection): Promise<Outcome> {
    const asked = this.#asked as FetchPosition;
    const endOffset = await this.#offsetAt(place.latest, leader);
    if (endOffset < asked.fetchOffset) {
      const { logEndOffset: from } = this.partition;
      const isCut = await this.follower.truncateToEnd(endOffset);
      const { topic, partition } = this.partition;
      const message = 'a log that reached beyond its leader is cut';
      this.#options.log.debug(message, { topic, partition, from, to: endOffset });
      return isCut ? 'moved' : 'refused';
    }
    const startOffset = await this.#offsetAt(place.earliest, leader);
    if (startOffset > asked.fetchOffset) {
      const { topic, partition } = this.partition;
      const message = 'a replica starts anew where its leader begins';
      this.#options.log.warn(message, {
        topic,
        partition,
        from: asked.fetchOffset,
        to: startOffset,
      });
      await this.follower.startAnewAt(startOffset);
      return 'moved';
    }
    const why = `the leader knows nothing of epoch ${asked.lastFetchedEpoch}`;
    this.#tell(`${why}, and has offset ${asked.fetchOffset}`);
    return 'refused';
  }

  async #offsetAt(timestamp: number, leader: LeaderConnection): Promise<number> {
    const { topic: name } = this.partition;
    const wanted = { partitionIndex: this.index, currentLeaderEpoch: this.leaderEpoch, timestamp };
    const { topics } = await leader.request(listOffsets, {
      replicaId: this.#options.nodeId,
      isolationLevel: 0,
      topics: [{ name, partitions: [wanted] }],
    });
    const found = topics[0]?.partitions[0];
    if (found === undefined) throw new KafkaError('UNKNOWN_SERVER_ERROR', 'an empty answer');
    if (found.errorCode !== 0) throw new KafkaError(errorName(found.errorCode));
    return found.offset;
  }

  async #granted(work: () => Promise<Outcome>): Promise<Outcome> {
    try {
      return await work();
    } catch (error) {
      return this.#refused(error);
    }
  }

  #refused(error: unknown): Outcome {
    if (!(error instanceof KafkaError)) throw error;
    if (unsettledErrors.has(error.code)) return 'unsettled';
    if (!quietErrors.has(error.code) || error.errorName === 'KAFKA_STORAGE_ERROR') {
      this.#tell(error.message);
    }
    return 'refused';
  }

  /** Once, until it goes well again. */
  #tell(because: string): void {
    if (this.#isTold) return;
    this.#isTold = true;
    const { topic, partition } = this.partition;
    const { leader } = this.follower;
    this.#options.log.warn('a replica cannot follow its leader', {
      topic,
      partition,
      leader,
      because,
    });
  }
}

const noRecords = Buffer.alloc(0);
