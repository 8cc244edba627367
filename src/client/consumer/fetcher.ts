// Keeps the assigned partitions supplied: looks up positions, fetches from leaders, one request
// under way per broker, up to two answers ahead per partition, so that the network and the
// program that handles records work at the same time.

import { ZERO_UUID } from '../../base/uuid.ts';
import type { Timer } from '../../io/index.ts';
import type { ClientConnection } from '../../network/index.ts';
import {
  ErrorCode,
  fetch,
  isRetriable,
  KafkaError,
  magicOf,
  type ResponseOf,
  upConvert,
} from '../../protocol/index.ts';
import { type Client, isRetriableFailure, messageOf } from '../client.ts';
import { LeaderAccess } from '../leader-access.ts';
import { keyOf, type TopicPartition } from '../leader-requests.ts';
import { type ClientMetric, ConsumerMetrics } from '../metrics/index.ts';
import { groupByTopic, OffsetSpec, queryOffsetsOnce } from '../offset-queries.ts';
import type { AssignedPartition } from './assigned-partition.ts';
import type { ResolvedConsumerOptions } from './consumer-options.ts';
import type { ConsumerRecord } from './consumer-record.ts';
import { FetchedRecords } from './fetched-records.ts';
import { resetSpec } from './offset-reset.ts';
import { UnreadableRecordsError } from './unreadable-records-error.ts';

type FetchResponse = ResponseOf<typeof fetch>;
type PartitionResponse = FetchResponse['responses'][number]['partitions'][number];

interface Asked {
  readonly partition: AssignedPartition;
  readonly generation: number;
  readonly fetchOffset: number;
}

/** Answers kept per partition before the next fetch leaves it out. */
const fetchedAheadMax = 2;

export class Fetcher {
  /** Called when there may be something to hand out, or an error to throw. */
  onArrival: () => void = () => {};
  readonly metrics = new ConsumerMetrics();
  readonly #client: Client;
  readonly #leaders: LeaderAccess;
  readonly #options: ResolvedConsumerOptions;
  /** In the order in which they are served: who was, goes to the end. */
  readonly #partitions = new Map<string, AssignedPartition>();
  readonly #busyNodes = new Set<number>();
  #error: Error | null = null;
  /** It ended at what cannot be read, which the caller has not been told yet. */
  #failed: AssignedPartition | null = null;
  /** What the poll under way may still begin of batches. */
  #pollRoomBytes = 0;
  #timer: Timer | null = null;
  #timerAtMs = Number.POSITIVE_INFINITY;
  #closed = false;

  constructor(client: Client, options: ResolvedConsumerOptions) {
    this.#client = client;
    this.#leaders = new LeaderAccess(client, () => this.pump());
    this.#options = options;
  }

  get partitions(): Iterable<AssignedPartition> {
    return this.#partitions.values();
  }

  /** `protocol`: of the group; null without one. */
  readMetrics(protocol: 'classic' | 'consumer' | null): ClientMetric[] {
    return this.#client.readMetrics('consumer', this.metrics.groups(this.partitions, protocol));
  }

  partition(place: TopicPartition): AssignedPartition | undefined {
    return this.#partitions.get(keyOf(place));
  }

  replaceAll(partitions: readonly AssignedPartition[]): void {
    const kept = new Set(partitions);
    for (const partition of this.#partitions.values()) {
      if (!kept.has(partition)) partition.generation++;
    }
    this.#partitions.clear();
    for (const partition of partitions) this.#partitions.set(keyOf(partition), partition);
  }

  close(): void {
    this.#closed = true;
    this.#leaders.close();
    this.#timer?.cancel();
  }

  /** The next `collect` that has nothing to hand out throws this. */
  reportError(error: Error): void {
    this.#error ??= error;
    this.onArrival();
  }

  /**
   * What is there, at most `max` records. Throws an error that needs the caller's decision: one
   * that a partition ends at comes after the records before it and those of other partitions, and
   * then in turns with them until its position moves.
   */
  collect(max: number): ConsumerRecord[] {
    this.#pollRoomBytes = this.#options.maxPollBytes;
    const out: ConsumerRecord[] = [];
    const served: AssignedPartition[] = [];
    const owed = this.#failed;
    this.#failed = null;
    if (owed !== null && this.partition(owed) === owed && !owed.isResting) {
      this.#collectFrom(owed, max, out);
    }
    let failure: unknown = null;
    for (const partition of this.#partitions.values()) {
      if (out.length >= max || this.#pollRoomBytes <= 0) break;
      if (partition.isResting || partition.fetched.length === 0) continue;
      served.push(partition);
      try {
        this.#collectFrom(partition, max, out);
      } catch (error) {
        failure ??= error;
        this.#failed ??= partition;
      }
    }
    for (const partition of served) {
      const key = keyOf(partition);
      this.#partitions.delete(key);
      this.#partitions.set(key, partition);
    }
    if (failure !== null && out.length === 0) {
      this.#failed = null;
      throw failure;
    }
    if (out.length === 0 && this.#error !== null) {
      const error = this.#error;
      this.#error = null;
      throw error;
    }
    return out;
  }

  /** Asks for whatever is missing and may be asked for now. */
  pump(): void {
    if (this.#closed) return;
    const nowMs = this.#client.io.clock.monotonic();
    this.#client.maybeRefresh();
    const isFull = this.#bufferedBytes() >= this.#options.maxBufferedBytes;
    const resets = new Map<number, AssignedPartition[]>();
    const byNode = new Map<number, AssignedPartition[]>();
    for (const partition of this.#partitions.values()) {
      if (partition.notBeforeMs > nowMs) {
        this.#wakeAt(partition.notBeforeMs, nowMs);
        continue;
      }
      if (partition.resetTo !== null) {
        if (!partition.isResetting) addTo(resets, this.#leaderOf(partition), partition);
        continue;
      }
      if (!isFetchable(partition) || (isFull && partition.fetched.length > 0)) continue;
      if (this.#isCreatedAnew(partition)) {
        this.#onCreatedAnew(partition);
        continue;
      }
      const node = this.#nodeFor(partition);
      if (node === null) continue;
      addTo(byNode, node, partition);
    }
    // One by one leader, so that none waits for the time-out of another's.
    for (const group of resets.values()) void this.#lookUpPositions(group);
    for (const [nodeId, group] of byNode) {
      const connection = this.#client.readyConnection(nodeId);
      if (connection === null) this.#leaders.connect(nodeId);
      else void this.#fetch(nodeId, connection, group);
    }
  }

  /** What is fetched and not handed out; with room for all of it nobody counts. */
  #bufferedBytes(): number {
    if (this.#options.maxBufferedBytes === Number.POSITIVE_INFINITY) return 0;
    let bytes = 0;
    for (const { fetched } of this.#partitions.values()) {
      for (const { sizeBytes } of fetched) bytes += sizeBytes;
    }
    return bytes;
  }

  #collectFrom(partition: AssignedPartition, max: number, out: ConsumerRecord[]): void {
    const before = out.length;
    for (let next = partition.fetched[0]; next !== undefined; next = partition.fetched[0]) {
      try {
        next.take(max - out.length, out, this.#pollRoomBytes);
      } finally {
        // A damaged batch throws behind records that are good and will be handed out.
        partition.position = next.nextOffset;
        partition.positionEpoch = next.leaderEpoch;
      }
      this.#pollRoomBytes -= next.takenBytes;
      if (!next.isEmpty && (out.length >= max || this.#pollRoomBytes <= 0)) break;
      partition.fetched.shift();
    }
    this.metrics.onRecords(partition, out.length - before, this.#client.io.clock.monotonic());
  }

  /** null while its leader is unknown or busy with a fetch of ours. */
  #nodeFor(partition: AssignedPartition): number | null {
    const { preferredReplica } = partition;
    const leader = this.#leaderOf(partition);
    if (leader < 0) {
      this.#leaders.refreshMetadata();
      return null;
    }
    const nodeId = this.#client.cache.nodes.has(preferredReplica) ? preferredReplica : leader;
    return this.#busyNodes.has(nodeId) ? null : nodeId;
  }

  /** -1: none is known. */
  #leaderOf({ topic, partition }: TopicPartition): number {
    return this.#client.topic(topic)?.partitions[partition]?.leader ?? -1;
  }

  async #fetch(
    nodeId: number,
    connection: ClientConnection,
    group: readonly AssignedPartition[],
  ): Promise<void> {
    const asked = new Map<string, Asked>();
    for (const partition of group) {
      partition.isFetching = true;
      const { generation, fetchOffset } = partition;
      asked.set(keyOf(partition), { partition, generation, fetchOffset: fetchOffset as number });
    }
    this.#busyNodes.add(nodeId);
    try {
      const beganMs = this.#client.io.clock.monotonic();
      const response = await this.#request(connection, group);
      const nowMs = this.#client.io.clock.monotonic();
      this.metrics.onFetched(nowMs - beganMs, response.throttleTimeMs, nowMs);
      if (response.errorCode !== ErrorCode.NONE) throw KafkaError.fromCode(response.errorCode);
      this.#onResponse(asked, response);
    } catch (error) {
      this.#onFetchFailed(asked, error);
    } finally {
      this.#busyNodes.delete(nodeId);
      for (const partition of group) partition.isFetching = false;
      this.pump();
      this.onArrival();
    }
  }

  #request(
    connection: ClientConnection,
    group: readonly AssignedPartition[],
  ): Promise<FetchResponse> {
    let versionMax: number | undefined;
    const { cache, options } = this.#client;
    const { fetchMaxWaitMs, fetchMinBytes, fetchMaxBytes, maxPartitionFetchBytes } = this.#options;
    const topics = groupByTopic(group).map(([topic, partitions]) => {
      const topicId = cache.topic(topic)?.topicId ?? ZERO_UUID;
      // From version 13 on topics go by their id, which old brokers do not have.
      if (topicId === ZERO_UUID) versionMax = 12;
      return {
        topic,
        topicId,
        partitions: partitions.map(({ partition, fetchOffset }) => ({
          partition,
          currentLeaderEpoch: cache.partition(topic, partition)?.leaderEpoch ?? -1,
          fetchOffset: fetchOffset as number,
          partitionMaxBytes: maxPartitionFetchBytes,
        })),
      };
    });
    const body = {
      maxWaitMs: fetchMaxWaitMs,
      minBytes: fetchMinBytes,
      maxBytes: fetchMaxBytes,
      isolationLevel: this.#options.isolationLevel === 'read_committed' ? 1 : 0,
      topics,
      rackId: this.#options.clientRack,
    };
    const timeoutMs = options.requestTimeoutMs + fetchMaxWaitMs;
    return connection.request(fetch, body, { timeoutMs, versionMax });
  }

  #onResponse(asked: ReadonlyMap<string, Asked>, response: FetchResponse): void {
    for (const each of response.responses) {
      const name =
        each.topicId === ZERO_UUID ? each.topic : this.#client.cache.topicNameOf(each.topicId);
      for (const answer of each.partitions) {
        const found = asked.get(keyOf({ topic: name ?? '', partition: answer.partitionIndex }));
        if (found === undefined || found.partition.generation !== found.generation) continue;
        if (answer.errorCode === ErrorCode.NONE) this.#onRecords(found, answer);
        else this.#onPartitionError(found.partition, answer);
      }
    }
  }

  #onRecords({ partition, fetchOffset }: Asked, answer: PartitionResponse): void {
    partition.failures = 0;
    partition.highWatermark = answer.highWatermark;
    partition.lastStableOffset = answer.lastStableOffset;
    partition.logStartOffset = answer.logStartOffset;
    if (answer.preferredReadReplica >= 0) {
      partition.preferredReplica = answer.preferredReadReplica;
      return;
    }
    let records = answer.records;
    if (records === null || records.length === 0) return;
    this.metrics.onBytes(partition.topic, records.length, this.#client.io.clock.monotonic());
    const magic = magicOf(records);
    try {
      if (magic === 0 || magic === 1) records = upConvert(records);
      const fetched = new FetchedRecords(partition, records, fetchOffset, {
        checkCrcs: this.#options.checkCrcs,
        abortedTransactions:
          this.#options.isolationLevel === 'read_committed'
            ? (answer.abortedTransactions ?? [])
            : null,
      });
      if (fetched.isEmpty) return;
      partition.fetched.push(fetched);
      partition.fetchOffset = fetched.endOffset;
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error;
      const place = { offset: fetchOffset, nextOffset: fetchOffset + 1 };
      const because = `cannot be read (${error.message})`;
      this.#stop(partition, new UnreadableRecordsError(partition, place, because));
    }
  }

  #onPartitionError(partition: AssignedPartition, answer: PartitionResponse): void {
    const { topic } = partition;
    const code = answer.errorCode;
    if (code === ErrorCode.OFFSET_OUT_OF_RANGE) {
      this.#onOutOfRange(partition);
      return;
    }
    if (!isRetriable(code)) {
      const error = KafkaError.fromCode(code);
      const place = `${topic}-${partition.partition}`;
      this.#stop(partition, KafkaError.fromCode(code, `${place}: ${error.message}`));
      return;
    }
    partition.preferredReplica = -1;
    const { leaderId, leaderEpoch } = answer.currentLeader;
    const { cache } = this.#client;
    if (cache.replayLeader(topic, partition.partition, leaderId, leaderEpoch)) return;
    this.#backOff(partition);
    this.#leaders.refreshMetadata();
  }

  /** The topic was deleted, and there is another one of its name. */
  #isCreatedAnew(partition: AssignedPartition): boolean {
    const topicId = this.#client.topic(partition.topic)?.topicId ?? ZERO_UUID;
    if (topicId === ZERO_UUID || topicId === partition.topicId) return false;
    if (partition.topicId !== ZERO_UUID) return true;
    partition.topicId = topicId;
    return false;
  }

  /** Nothing of the new topic was read: it is read from its beginning, whatever the policy. */
  #onCreatedAnew(partition: AssignedPartition): void {
    if (partition.fetched.length > 0) return;
    const place = `${partition.topic}-${partition.partition}`;
    const message = `${place} belongs to a topic that was deleted and created anew`;
    if (this.#options.autoOffsetReset === 'none') {
      const remedy = 'autoOffsetReset is none: seek to where it is to be read from';
      this.#stop(partition, new KafkaError('OFFSET_OUT_OF_RANGE', `${message}, and ${remedy}`));
      return;
    }
    this.#client.log.warn(`${message}: it is read from its beginning`);
    partition.reset(OffsetSpec.earliest);
    this.#leaders.refreshMetadata();
  }

  #onOutOfRange(partition: AssignedPartition): void {
    if (partition.preferredReplica >= 0) {
      // A follower may lag behind: the leader has the last word.
      partition.preferredReplica = -1;
      return;
    }
    const { topic, fetchOffset } = partition;
    const place = `${topic}-${partition.partition}`;
    // Records fetched before are still good; the jump comes after them.
    const policy = this.#options.autoOffsetReset;
    const spec = resetSpec(policy, this.#client.io.clock.now());
    if (spec === null) {
      const message = `${place} does not hold offset ${fetchOffset}, and autoOffsetReset is none`;
      this.#stop(partition, new KafkaError('OFFSET_OUT_OF_RANGE', message));
      return;
    }
    if (partition.fetched.length > 0) {
      this.#backOff(partition);
      return;
    }
    this.#client.log.warn('offset out of range: position is reset', { place, fetchOffset, policy });
    partition.reset(spec);
  }

  /** The caller learns of it; the partition is tried again after a pause unless it moves. */
  #stop(partition: AssignedPartition, error: Error): void {
    this.#error ??= error;
    this.#backOff(partition);
  }

  #backOff(partition: AssignedPartition): void {
    partition.failures++;
    const delayMs = this.#client.backoff.delayMs(partition.failures);
    partition.notBeforeMs = this.#client.io.clock.monotonic() + delayMs;
  }

  #onFetchFailed(asked: ReadonlyMap<string, Asked>, error: unknown): void {
    if (this.#closed) return;
    this.#client.log.debug('fetch failed', { error: messageOf(error) });
    for (const { partition } of asked.values()) {
      partition.preferredReplica = -1;
      this.#backOff(partition);
    }
    if (isRetriableFailure(error)) this.#leaders.refreshMetadata();
    else this.#error ??= error as Error;
  }

  /** As in Java's consumer: what may succeed later is tried for ever, and is no error of poll. */
  async #lookUpPositions(partitions: readonly AssignedPartition[]): Promise<void> {
    const asked = partitions.map((partition) => ({
      topic: partition.topic,
      partition: partition.partition,
      timestamp: partition.resetTo as number,
      assigned: partition,
      generation: partition.generation,
    }));
    for (const partition of partitions) partition.isResetting = true;
    try {
      const { isolationLevel } = this.#options;
      const answers = await queryOffsetsOnce(this.#client, asked, isolationLevel);
      for (const [i, { errorCode, answer }] of answers.entries()) {
        const { assigned, generation } = asked[i] as (typeof asked)[number];
        if (assigned.generation !== generation) continue;
        if (answer === null) this.#onLookUpFailed(assigned, KafkaError.fromCode(errorCode));
        else if (answer.offset >= 0) assigned.seek(answer.offset);
        else assigned.reset(OffsetSpec.latest);
      }
    } catch (error) {
      for (const { assigned, generation } of asked) {
        if (assigned.generation === generation) this.#onLookUpFailed(assigned, error);
      }
    } finally {
      for (const partition of partitions) partition.isResetting = false;
      this.pump();
      this.onArrival();
    }
  }

  #onLookUpFailed(partition: AssignedPartition, error: unknown): void {
    if (this.#closed) return;
    if (!isRetriableFailure(error)) {
      this.#stop(partition, error as Error);
      return;
    }
    const place = `${partition.topic}-${partition.partition}`;
    this.#client.log.debug('no position yet', { place, error: messageOf(error) });
    this.#backOff(partition);
    this.#leaders.refreshMetadata();
  }

  #wakeAt(atMs: number, nowMs: number): void {
    if (atMs >= this.#timerAtMs) return;
    this.#timer?.cancel();
    this.#timerAtMs = atMs;
    this.#timer = this.#client.io.clock.after(atMs - nowMs, () => {
      this.#timerAtMs = Number.POSITIVE_INFINITY;
      this.#timer = null;
      this.pump();
    });
  }
}

function addTo<Key, Each>(groups: Map<Key, Each[]>, key: Key, each: Each): void {
  const group = groups.get(key);
  if (group === undefined) groups.set(key, [each]);
  else group.push(each);
}

function isFetchable(partition: AssignedPartition): boolean {
  return (
    partition.fetchOffset !== null &&
    !partition.isResting &&
    !partition.isFetching &&
    partition.fetched.length < fetchedAheadMax
  );
}
