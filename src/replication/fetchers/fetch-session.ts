// The follower's side of an incremental fetch session (KIP-227): what the leader was told of each
// partition, and what has changed since. A fetch costs what changed: partitions whose last answer
// moved nothing are not looked at, and not named again.
//
// Invariants: an answer is for the position that the leader was told last; what left, or came
// anew, since the fetch was sent has no answer in it; after a failure the leader's session may be
// gone or ahead of us, so that the next fetch names everything and begins a new one.

import type { fetch, RequestInput } from '../../protocol/index.ts';
import type { FetchedPartition } from './fetched-partition.ts';

type Request = RequestInput<typeof fetch>;

export type SessionFetch = Pick<
  Request,
  'sessionId' | 'sessionEpoch' | 'topics' | 'forgottenTopicsData'
>;

const INT32_MAX = 0x7fff_ffff;

export class FetchSession {
  #id = 0;
  #epoch = 0;
  /** By key: what the leader reads for us. */
  readonly #told = new Map<string, FetchedPartition>();
  /** What it is to be told. */
  readonly #changed = new Map<string, FetchedPartition>();
  readonly #forgotten = new Map<string, FetchedPartition>();

  /** There is something to fetch. */
  get hasWork(): boolean {
    return this.#told.size + this.#changed.size > 0;
  }

  /** The next fetch asks for the partition from where it is then. */
  ask(partition: FetchedPartition): void {
    this.#changed.set(partition.key, partition);
  }

  /** The next fetch asks nothing of it any more, and an answer on its way is not for it. */
  forget(partition: FetchedPartition): void {
    const { key } = partition;
    if (this.#changed.get(key) === partition) this.#changed.delete(key);
    if (this.#told.get(key) !== partition) return;
    this.#told.delete(key);
    this.#forgotten.set(key, partition);
  }

  /** Whom an answer is for. */
  find(topicId: string, index: number): FetchedPartition | undefined {
    return this.#told.get(`${index} ${topicId}`);
  }

  /**
   * What to send now; null if there is nothing to fetch.
   * @param onUnready for each that cannot be asked for now: it is out of the session until then
   */
  next(bytesMax: number, onUnready: (partition: FetchedPartition) => void): SessionFetch | null {
    const topics = this.#takeChanged(bytesMax, onUnready, () => true);
    if (this.#told.size === 0) return null;
    return { ...this.#nextEpoch(), topics, forgottenTopicsData: this.#takeForgotten() };
  }

  /**
   * What to send while the answer to the last fetch is awaited; null if it must be awaited. Only
   * partitions that the leader was not told of: of others an answer to an older position, or epoch,
   * may be on its way.
   */
  overtake(
    bytesMax: number,
    onUnready: (partition: FetchedPartition) => void,
  ): SessionFetch | null {
    if (this.#epoch === 0) return null;
    const isNew = ({ key }: FetchedPartition): boolean =>
      !this.#told.has(key) && !this.#forgotten.has(key);
    const topics = this.#takeChanged(bytesMax, onUnready, isNew);
    if (topics.length === 0) return null;
    return { ...this.#nextEpoch(), topics, forgottenTopicsData: [] };
  }

  #nextEpoch(): { sessionId: number; sessionEpoch: number } {
    const sessionEpoch = this.#epoch;
    if (sessionEpoch > 0) this.#epoch = sessionEpoch === INT32_MAX ? 1 : sessionEpoch + 1;
    return { sessionId: this.#id, sessionEpoch };
  }

  #takeChanged(
    bytesMax: number,
    onUnready: (partition: FetchedPartition) => void,
    isTaken: (partition: FetchedPartition) => boolean,
  ): TopicFetch[] {
    const topics = new Map<string, TopicFetch>();
    for (const partition of this.#changed.values()) {
      if (!isTaken(partition)) continue;
      const { key, topicId } = partition;
      this.#changed.delete(key);
      const position = partition.prepare();
      if (position === null) {
        this.forget(partition);
        onUnready(partition);
        continue;
      }
      this.#told.set(key, partition);
      this.#forgotten.delete(key);
      let topic = topics.get(topicId);
      if (topic === undefined) {
        topic = { topicId, partitions: [] };
        topics.set(topicId, topic);
      }
      topic.partitions.push({
        partition: partition.index,
        currentLeaderEpoch: partition.leaderEpoch,
        ...position,
        partitionMaxBytes: bytesMax,
      });
    }
    return [...topics.values()];
  }

  /** The answer was taken; 0 if the leader keeps no session for us. */
  onAnswered(sessionId: number): void {
    if (sessionId === 0) {
      this.onFailure();
      return;
    }
    this.#id = sessionId;
    if (this.#epoch === 0) this.#epoch = 1;
  }

  /**
   * The next fetch names everything; it ends the old session at the leader, too.
   * @returns false if this one did so already
   */
  onFailure(): boolean {
    const wasIncremental = this.#epoch > 0;
    this.#epoch = 0;
    for (const [key, partition] of this.#told) {
      if (!this.#changed.has(key)) this.#changed.set(key, partition);
    }
    this.#told.clear();
    this.#forgotten.clear();
    return wasIncremental;
  }

  get #isNew(): boolean {
    return this.#epoch === 0;
  }

  #takeForgotten(): { topicId: string; partitions: number[] }[] {
    if (this.#forgotten.size === 0) return [];
    const topics = new Map<string, { topicId: string; partitions: number[] }>();
    // A new session knows of none.
    for (const { topicId, index } of this.#isNew ? [] : this.#forgotten.values()) {
      const topic = topics.get(topicId);
      if (topic === undefined) topics.set(topicId, { topicId, partitions: [index] });
      else topic.partitions.push(index);
    }
    this.#forgotten.clear();
    return [...topics.values()];
  }
}

interface TopicFetch {
  readonly topicId: string;
  readonly partitions: PartitionFetch[];
}
type PartitionFetch = Request['topics'][number]['partitions'][number];
