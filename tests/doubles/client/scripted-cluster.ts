// A cluster in a few lines, for the tests of this folder: brokers that store batches in memory,
// check producer sequences as Kafka does, and misbehave on command (lose a connection before or
// after storing, answer with an error, stay silent, move a leader).

import type { Io } from '../../../src/io/index.ts';
import { type Exchange, Server, type ServerConnection } from '../../../src/network/index.ts';
import {
  type Api,
  apiVersions,
  type BatchHeader,
  type BatchRecord,
  decodeRecords,
  decodeRequest,
  decodeRequestHeader,
  ErrorCode,
  encodeEndTransactionMarker,
  encodeResponse,
  fetch,
  initProducerId,
  listOffsets,
  metadata,
  produce,
  type RequestHeader,
  type RequestOf,
  type ResponseInput,
  readBatchHeader,
  sequenceAfter,
  setBaseOffset,
  setPartitionLeaderEpoch,
} from '../../../src/protocol/index.ts';

export interface ProduceEvent {
  readonly nodeId: number;
  readonly topic: string;
  readonly partition: number;
  readonly header: BatchHeader;
}

/** What becomes of a batch: stored, stored or not with the connection lost, refused, ignored. */
export type ProduceVerdict = 'store' | 'lose' | 'storeAndLose' | 'silent' | number;

interface StoredBatch {
  readonly bytes: Buffer;
  readonly header: BatchHeader;
}

interface AbortedTransaction {
  readonly producerId: number;
  readonly firstOffset: number;
  readonly lastOffset: number;
}

interface ProducerState {
  epoch: number;
  readonly recent: { readonly first: number; readonly last: number; readonly offset: number }[];
}

export class ScriptedPartition {
  leader: number;
  leaderEpoch = 0;
  logStartOffset = 0;
  nextOffset = 0;
  batches: StoredBatch[] = [];
  readonly producers = new Map<number, ProducerState>();
  /** First offsets of open transactions, by producer id. */
  readonly open = new Map<number, number>();
  readonly aborted: AbortedTransaction[] = [];

  constructor(leader: number) {
    this.leader = leader;
  }

  get lastStableOffset(): number {
    return Math.min(this.nextOffset, ...this.open.values());
  }

  records(): BatchRecord[] {
    const data = this.batches.filter(({ header }) => !header.isControl);
    return data.flatMap(({ bytes, header }) => decodeRecords(bytes, header));
  }

  appendMarker(producerId: number, producerEpoch: number, isCommit: boolean): void {
    const marker = { producerId, producerEpoch, isCommit, coordinatorEpoch: 0, timestamp: 0 };
    const firstOffset = this.open.get(producerId);
    const lastOffset = this.nextOffset;
    if (firstOffset !== undefined && !isCommit) {
      this.aborted.push({ producerId, firstOffset, lastOffset });
    }
    this.open.delete(producerId);
    this.#store(encodeEndTransactionMarker(marker), 1);
    const known = this.producers.get(producerId);
    if (known !== undefined && producerEpoch > known.epoch) {
      this.producers.set(producerId, { epoch: producerEpoch, recent: [] });
    }
  }

  /** The base offset, or the code of the error. */
  append(records: Buffer): { errorCode: number; baseOffset: number } {
    const header = readBatchHeader(records, 0);
    const { producerId, baseSequence, recordCount } = header;
    if (producerId >= 0) {
      const answer = this.#checkSequence(header);
      if (answer !== null) return answer;
      const state = this.producers.get(producerId) as ProducerState;
      const last = sequenceAfter(baseSequence, recordCount - 1);
      state.recent.push({ first: baseSequence, last, offset: this.nextOffset });
      if (state.recent.length > 5) state.recent.shift();
    }
    const baseOffset = this.nextOffset;
    if (header.isTransactional && !this.open.has(producerId)) this.open.set(producerId, baseOffset);
    this.#store(records, recordCount);
    return { errorCode: 0, baseOffset };
  }

  #store(records: Buffer, offsetCount: number): void {
    const bytes = Buffer.from(records);
    setBaseOffset(bytes, 0, this.nextOffset);
    setPartitionLeaderEpoch(bytes, 0, this.leaderEpoch);
    this.nextOffset += offsetCount;
    this.batches.push({ bytes, header: readBatchHeader(bytes, 0) });
  }

  #checkSequence(header: BatchHeader): { errorCode: number; baseOffset: number } | null {
    const { producerId, producerEpoch, baseSequence, recordCount } = header;
    const known = this.producers.get(producerId);
    if (known === undefined || producerEpoch > known.epoch) {
      if (known !== undefined && baseSequence !== 0) {
        return { errorCode: ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER, baseOffset: -1 };
      }
      this.producers.set(producerId, { epoch: producerEpoch, recent: [] });
      return null;
    }
    if (producerEpoch < known.epoch) {
      return { errorCode: ErrorCode.INVALID_PRODUCER_EPOCH, baseOffset: -1 };
    }
    const last = sequenceAfter(baseSequence, recordCount - 1);
    const copy = known.recent.find((each) => each.first === baseSequence && each.last === last);
    if (copy !== undefined) return { errorCode: 0, baseOffset: copy.offset };
    const expected = sequenceAfter(known.recent.at(-1)?.last ?? -1, 1);
    if (baseSequence === expected) return null;
    return { errorCode: ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER, baseOffset: -1 };
  }
}

/** A request of an API that a test serves by itself. */
export interface ScriptedRequest<A extends Api> {
  readonly nodeId: number;
  readonly version: number;
  readonly body: RequestOf<A>;
  respond(body: ResponseInput<A>): void;
  /** Ends the connection instead of answering. */
  lose(): void;
}

interface Served {
  readonly api: Api;
  readonly onRequest: (request: Request) => void;
}

interface Request {
  readonly nodeId: number;
  readonly header: RequestHeader;
  readonly frame: Buffer;
  readonly exchange: Exchange;
  readonly connection: ServerConnection;
}

export class ScriptedCluster {
  readonly topics = new Map<string, { topicId: string; partitions: ScriptedPartition[] }>();
  readonly bootstrapServers = '127.0.0.1:9001';
  onProduce: (event: ProduceEvent) => ProduceVerdict = () => 'store';
  /** Whether a batch may be appended: 0, or the code of the error. */
  admit: (event: ProduceEvent) => number = () => 0;
  readonly featureLevels = new Map<string, number>();
  /** APIs that this cluster has in an older version only, by key. */
  readonly versionsMax = new Map<number, number>();
  /** Counts by API name. */
  readonly requestCounts = new Map<string, number>();
  readonly #io: Io;
  readonly #servers = new Map<number, Server>();
  readonly #served = new Map<number, Served>();
  #producerId = 1000;

  constructor(io: Io) {
    this.#io = io;
  }

  static async start(io: Io, nodeCount = 1): Promise<ScriptedCluster> {
    const cluster = new ScriptedCluster(io);
    for (let nodeId = 1; nodeId <= nodeCount; nodeId++) await cluster.startNode(nodeId);
    return cluster;
  }

  async startNode(nodeId: number): Promise<void> {
    const server = new Server(this.#io, {}, (connection) => {
      connection.onFrame = (frame, exchange) => {
        const header = decodeRequestHeader(frame);
        this.#onRequest({ nodeId, header, frame, exchange, connection });
      };
    });
    this.#servers.set(nodeId, server);
    await server.listen({ name: 'PLAINTEXT', host: '127.0.0.1', port: 9000 + nodeId });
  }

  async stopNode(nodeId: number): Promise<void> {
    const server = this.#servers.get(nodeId);
    this.#servers.delete(nodeId);
    await server?.close({ drainMs: 0 });
  }

  addTopic(name: string, leaders: readonly number[]): ScriptedPartition[] {
    const topicId = Buffer.from(name.padEnd(16, '.').slice(0, 16)).toString('base64url');
    const partitions = leaders.map((leader) => new ScriptedPartition(leader));
    this.topics.set(name, { topicId, partitions });
    return partitions;
  }

  addPartition(name: string, leader: number): void {
    this.topics.get(name)?.partitions.push(new ScriptedPartition(leader));
  }

  /** Answers an API that is not built in. */
  serve<A extends Api>(api: A, onRequest: (request: ScriptedRequest<A>) => void): void {
    this.#served.set(api.key, {
      api,
      onRequest: (request) =>
        onRequest({
          nodeId: request.nodeId,
          version: request.header.apiVersion,
          body: this.#body(request, api),
          respond: (body) => this.#respond(request, api, body),
          lose: () => request.connection.close(),
        }),
    });
  }

  partition(topic: string, partition: number): ScriptedPartition {
    return this.topics.get(topic)?.partitions[partition] as ScriptedPartition;
  }

  moveLeader(topic: string, partition: number, leader: number): void {
    const state = this.partition(topic, partition);
    state.leader = leader;
    state.leaderEpoch++;
  }

  #respond<A extends Api>(request: Request, api: A, body: ResponseInput<A>): void {
    const { apiVersion, correlationId } = request.header;
    request.exchange.respond(encodeResponse(api, apiVersion, correlationId, body));
  }

  #body<A extends Api>(request: Request, api: A): RequestOf<A> {
    const { apiVersion, bodyPosition } = request.header;
    return decodeRequest(api, apiVersion, request.frame, bodyPosition);
  }

  #onRequest(request: Request): void {
    const builtIn = [apiVersions, metadata, produce, fetch, listOffsets, initProducerId];
    const apis = new Set<Api>(builtIn);
    for (const { api } of this.#served.values()) apis.add(api);
    const api = [...apis].find((each) => each.key === request.header.apiKey);
    const name = api?.name ?? 'unknown';
    this.requestCounts.set(name, (this.requestCounts.get(name) ?? 0) + 1);
    if (api === apiVersions) {
      const apiKeys = [...apis].map(({ key, versions }) => {
        const maxVersion = this.versionsMax.get(key) ?? versions.max;
        return { apiKey: key, minVersion: versions.min, maxVersion };
      });
      const finalizedFeatures = [...this.featureLevels].map(([feature, level]) => {
        return { name: feature, maxVersionLevel: level, minVersionLevel: 0 };
      });
      this.#respond(request, apiVersions, { errorCode: 0, apiKeys, finalizedFeatures });
    } else if (api !== undefined && this.#served.has(api.key)) {
      this.#served.get(api.key)?.onRequest(request);
    } else if (api === metadata) this.#onMetadata(request);
    else if (api === produce) this.#onProduceRequest(request);
    else if (api === fetch) this.#onFetch(request, this.#io.clock.monotonic());
    else if (api === listOffsets) this.#onListOffsets(request);
    else if (api === initProducerId) {
      const producerId = this.#producerId++;
      this.#respond(request, initProducerId, {
        throttleTimeMs: 0,
        errorCode: 0,
        producerId,
        producerEpoch: 0,
      });
    }
  }

  #onMetadata(request: Request): void {
    const names = this.#body(request, metadata).topics?.map((each) => each.name ?? '');
    this.#respond(request, metadata, {
      brokers: [...this.#servers.keys()].map((nodeId) => {
        return { nodeId, host: '127.0.0.1', port: 9000 + nodeId };
      }),
      clusterId: 'scripted',
      controllerId: 1,
      topics: (names ?? [...this.topics.keys()]).map((name) => {
        const topic = this.topics.get(name);
        if (topic === undefined) {
          return { errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, name, partitions: [] };
        }
        return {
          errorCode: 0,
          name,
          topicId: topic.topicId,
          partitions: topic.partitions.map(({ leader, leaderEpoch }, partitionIndex) => {
            const replicas = { replicaNodes: [leader], isrNodes: [leader] };
            return { errorCode: 0, partitionIndex, leaderId: leader, leaderEpoch, ...replicas };
          }),
        };
      }),
    });
  }

  /** The name of a topic, or nothing. */
  topicOf(each: { topicId: string }): string {
    const found = [...this.topics].find(([, { topicId }]) => topicId === each.topicId);
    return found?.[0] ?? '';
  }

  #onProduceRequest(request: Request): void {
    const { nodeId, connection } = request;
    const body = this.#body(request, produce);
    let isLost = false;
    let isSilent = false;
    const responses = body.topicData.map((each) => {
      const topic = each.name || this.topicOf(each);
      const partitionResponses = each.partitionData.map(({ index, records }) => {
        const bytes = records as Buffer;
        const header = readBatchHeader(bytes, 0);
        const state = this.partition(topic, index);
        const verdict = this.onProduce({ nodeId, topic, partition: index, header });
        isLost ||= verdict === 'lose' || verdict === 'storeAndLose';
        isSilent ||= verdict === 'silent';
        if (typeof verdict === 'number') return { index, errorCode: verdict, baseOffset: -1 };
        if (state.leader !== nodeId) {
          return { index, errorCode: ErrorCode.NOT_LEADER_OR_FOLLOWER, baseOffset: -1 };
        }
        if (verdict !== 'store' && verdict !== 'storeAndLose') {
          return { index, errorCode: 0, baseOffset: -1 };
        }
        const errorCode = this.admit({ nodeId, topic, partition: index, header });
        if (errorCode !== 0) return { index, errorCode, baseOffset: -1 };
        return { index, ...state.append(bytes) };
      });
      return { name: topic, topicId: each.topicId, partitionResponses };
    });
    if (isLost) connection.close();
    else if (body.acks === 0) request.exchange.skip();
    else if (!isSilent) this.#respond(request, produce, { responses });
  }

  #onFetch(request: Request, beganMs: number): void {
    const body = this.#body(request, fetch);
    const isCommitted = body.isolationLevel === 1;
    let bytes = 0;
    let hasError = false;
    const responses = body.topics.map((each) => ({
      topicId: each.topicId,
      partitions: each.partitions.map(({ partition, fetchOffset, partitionMaxBytes }) => {
        const state: ScriptedPartition | undefined = this.partition(this.topicOf(each), partition);
        const errorCode = this.#fetchError(request.nodeId, state, fetchOffset);
        hasError ||= errorCode !== 0;
        const records: Buffer[] = [];
        let room = partitionMaxBytes;
        for (const { header, bytes: batch } of errorCode === 0 ? (state?.batches ?? []) : []) {
          if (header.lastOffset < fetchOffset) continue;
          if (isCommitted && header.baseOffset >= (state?.lastStableOffset ?? 0)) break;
          if (records.length > 0 && batch.length > room) break;
          records.push(batch);
          room -= batch.length;
          bytes += batch.length;
        }
        const { nextOffset: highWatermark = -1, logStartOffset = -1 } = state ?? {};
        const { lastStableOffset = -1, aborted = [] } = state ?? {};
        const offsets = { highWatermark, lastStableOffset, logStartOffset };
        const abortedTransactions = isCommitted
          ? aborted.filter((each) => each.lastOffset >= fetchOffset)
          : null;
        return { partitionIndex: partition, errorCode, ...offsets, abortedTransactions, records };
      }),
    }));
    const isDue = this.#io.clock.monotonic() - beganMs >= body.maxWaitMs;
    if (bytes >= body.minBytes || hasError || isDue) this.#respond(request, fetch, { responses });
    else this.#io.clock.after(5, () => this.#onFetch(request, beganMs));
  }

  #fetchError(nodeId: number, state: ScriptedPartition | undefined, offset: number): number {
    if (state === undefined) return ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
    if (state.leader !== nodeId) return ErrorCode.NOT_LEADER_OR_FOLLOWER;
    const isInside = offset >= state.logStartOffset && offset <= state.nextOffset;
    return isInside ? 0 : ErrorCode.OFFSET_OUT_OF_RANGE;
  }

  #onListOffsets(request: Request): void {
    const { topics: asked, isolationLevel } = this.#body(request, listOffsets);
    const topics = asked.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ partitionIndex, timestamp }) => {
        const state = this.partition(name, partitionIndex);
        const isHere = state.leader === request.nodeId;
        if (!isHere) return { partitionIndex, errorCode: ErrorCode.NOT_LEADER_OR_FOLLOWER };
        const found =
          timestamp < 0 ? undefined : state.records().find((each) => each.timestamp >= timestamp);
        const latest = isolationLevel === 1 ? state.lastStableOffset : state.nextOffset;
        const end = timestamp === -1 ? latest : -1;
        const offset = timestamp === -2 ? state.logStartOffset : (found?.offset ?? end);
        return { partitionIndex, errorCode: 0, offset, timestamp: found?.timestamp ?? -1 };
      }),
    }));
    this.#respond(request, listOffsets, { topics });
  }
}
