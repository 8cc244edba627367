// A broker that leads, as those who fetch from it see it: it keeps incremental sessions by its own
// strict rules, answers by the logs that it has, and does what a test tells it to: refuse, be
// silent, lose answers or connections. Requests and answers cross as bytes.

import { Deferred } from '../../../src/base/deferred.ts';
import type { Io } from '../../../src/io/index.ts';
import { IoError } from '../../../src/io/index.ts';
import {
  type Api,
  decodeRequest,
  decodeRequestHeader,
  decodeResponse,
  ErrorCode,
  type ErrorName,
  encodeRequest,
  encodeResponse,
  fetch,
  KafkaError,
  listOffsets,
  type RequestInput,
  type RequestOf,
  type ResponseInput,
  type ResponseOf,
} from '../../../src/protocol/index.ts';
import type { LeaderConnection } from '../../../src/replication/fetchers/index.ts';
import type { Partition } from '../../../src/replication/index.ts';
import { logOf } from './logs.ts';

export type FetchRequest = RequestOf<typeof fetch>;
type PartitionFetch = FetchRequest['topics'][number]['partitions'][number];
type PartitionAnswer = ResponseInput<typeof fetch>['responses'][number]['partitions'][number];

interface Told {
  readonly key: string;
  readonly topicId: string;
  fetch: PartitionFetch;
  answered: string;
}

interface Session {
  readonly id: number;
  epoch: number;
  /** That its requests come on. */
  readonly connectionNumber: number;
  readonly partitions: Map<string, Told>;
}

export class ScriptedLeader {
  readonly nodeId: number;
  /** Every fetch that arrived. */
  readonly fetches: FetchRequest[] = [];
  /** Of a topic and a place in time, as `t-0 -2`. */
  readonly offsetsAsked: string[] = [];
  connectionCount = 0;
  /** Connections are refused. */
  isDown = false;
  /** It gives nobody a session. */
  hasNoSessions = false;
  /** How long a request or an answer takes. */
  delayMs: () => number = () => 0;
  /** What becomes of an answer; asked for each. */
  fate: () => 'sent' | 'lost' = () => 'sent';
  /** Changes an answer on its way. */
  onAnswer: (key: string, answer: PartitionAnswer, asked: PartitionFetch) => PartitionAnswer = (
    _,
    answer,
  ) => answer;
  readonly #io: Io;
  readonly #partitions = new Map<string, Partition>();
  readonly #refusals = new Map<string, { error: ErrorName; left: number }>();
  readonly #sessions = new Map<number, Session>();
  readonly #connections = new Set<ScriptedConnection>();
  #sessionCount = 0;
  #news = new Deferred<void>();

  constructor(io: Io, nodeId: number) {
    this.#io = io;
    this.nodeId = nodeId;
  }

  readonly connect = async (nodeId: number): Promise<LeaderConnection> => {
    if (nodeId !== this.nodeId || this.isDown) {
      throw new IoError('ECONNREFUSED', `cannot connect to broker ${nodeId}`);
    }
    await this.#io.clock.sleep(this.delayMs());
    this.connectionCount++;
    const number = this.connectionCount;
    const connection = new ScriptedConnection(this.#io, this, {
      number,
      onGone: () => this.#connections.delete(connection),
    });
    this.#connections.add(connection);
    return connection;
  };

  get openConnections(): number {
    return this.#connections.size;
  }

  /** It has the partition from now on; what its role is there is the partition's. */
  host(partition: Partition): void {
    this.#partitions.set(keyOf(partition.topicId, partition.partition), partition);
    this.onNews();
  }

  /** The next fetches of the partition, so many of them. */
  refuse({ topicId, partition }: Partition, error: ErrorName, count = 1): void {
    this.#refusals.set(keyOf(topicId, partition), { error, left: count });
    this.onNews();
  }

  /** Whoever waits looks again. */
  onNews(): void {
    this.#news.resolve();
    this.#news = new Deferred();
  }

  forgetSessions(): void {
    this.#sessions.clear();
  }

  cutConnections(): void {
    for (const connection of this.#connections) connection.close();
  }

  async answer(api: Api, body: unknown, connectionNumber: number): Promise<unknown> {
    if (api.key === fetch.key) return await this.#fetch(body as FetchRequest, connectionNumber);
    if (api.key === listOffsets.key) return this.#listOffsets(body as never);
    throw new KafkaError('UNSUPPORTED_VERSION', api.name);
  }

  async #fetch(request: FetchRequest, number: number): Promise<ResponseInput<typeof fetch>> {
    this.fetches.push(request);
    const session = this.#sessionOf(request, number);
    if (session === null) {
      const isKnown = this.#sessions.has(request.sessionId);
      const error = isKnown ? 'INVALID_FETCH_SESSION_EPOCH' : 'FETCH_SESSION_ID_NOT_FOUND';
      return { errorCode: ErrorCode[error], responses: [] };
    }
    const { clock } = this.#io;
    const deadlineMs = clock.monotonic() + request.maxWaitMs;
    const { epoch } = session;
    // Whoever waits is overtaken.
    this.onNews();
    for (;;) {
      const news = this.#news.promise;
      if (session.epoch !== epoch) return { sessionId: session.id, responses: [] };
      const answers = await this.#read(session, request);
      if (session.epoch !== epoch) return { sessionId: session.id, responses: [] };
      const leftMs = deadlineMs - clock.monotonic();
      if (answers.length > 0 || leftMs <= 0 || session.partitions.size === 0) {
        return { sessionId: session.id, responses: grouped(answers) };
      }
      await Promise.race([news, clock.sleep(leftMs)]);
    }
  }

  /** Null if the request is not the next of a session that is here. */
  #sessionOf(request: FetchRequest, connectionNumber: number): Session | null {
    const { sessionId, sessionEpoch } = request;
    let session = this.#sessions.get(sessionId) ?? null;
    if (sessionEpoch <= 0) {
      this.#sessions.delete(sessionId);
      const id = this.hasNoSessions || sessionEpoch < 0 ? 0 : ++this.#sessionCount;
      session = { id, epoch: 1, connectionNumber, partitions: new Map() };
      if (id > 0) this.#sessions.set(id, session);
    } else if (session === null || session.epoch !== sessionEpoch) return null;
    else session.epoch++;
    for (const { topicId, partitions } of request.forgottenTopicsData) {
      for (const index of partitions) session.partitions.delete(keyOf(topicId, index));
    }
    for (const { topicId, partitions } of request.topics) {
      for (const each of partitions) {
        const key = keyOf(topicId, each.partition);
        session.partitions.set(key, { key, topicId, fetch: each, answered: '' });
      }
    }
    return session;
  }

  async #read(session: Session, request: FetchRequest) {
    const answers: { topicId: string; answer: PartitionAnswer }[] = [];
    for (const told of [...session.partitions.values()]) {
      const found = await this.#readOne(told, request, session);
      const said = [found.errorCode, found.highWatermark, found.logStartOffset].join();
      const hasRecords = (found.records as Buffer).length > 0 || found.divergingEpoch;
      if (found.errorCode === 0 && said === told.answered && !hasRecords) continue;
      told.answered = said;
      answers.push({ topicId: told.topicId, answer: this.onAnswer(told.key, found, told.fetch) });
    }
    return answers;
  }

  async #readOne(
    { key, fetch: asked }: Told,
    request: FetchRequest,
    { connectionNumber }: Session,
  ): Promise<PartitionAnswer> {
    const { partition: partitionIndex, fetchOffset, lastFetchedEpoch, logStartOffset } = asked;
    const none = { partitionIndex, errorCode: 0, highWatermark: -1, logStartOffset: -1 };
    const refusal = this.#refusals.get(key);
    if (refusal !== undefined && refusal.left-- > 0) {
      return { ...none, errorCode: ErrorCode[refusal.error], records: noRecords };
    }
    try {
      const partition = this.#partitions.get(key);
      if (partition === undefined) throw new KafkaError('UNKNOWN_TOPIC_ID');
      partition.assertLeader(asked.currentLeaderEpoch);
      const log = logOf(partition);
      const ends = lastFetchedEpoch < 0 ? null : log.endOffsetForEpoch(lastFetchedEpoch);
      if (ends !== null && ends.epoch < 0) throw new KafkaError('OFFSET_OUT_OF_RANGE');
      if (ends !== null && (ends.epoch < lastFetchedEpoch || ends.endOffset < fetchOffset)) {
        const { highWatermark } = partition;
        const answer = { ...none, highWatermark, logStartOffset: partition.logStartOffset };
        return { ...answer, divergingEpoch: ends, records: noRecords };
      }
      const upperBound = partition.logEndOffset;
      const limits = { upperBound, atLeastOneBatch: true };
      const read = await log.read(fetchOffset, asked.partitionMaxBytes, limits);
      const { replicaId, replicaEpoch: brokerEpoch } = request.replicaState;
      const sent = { timeMs: this.#io.clock.monotonic(), brokerEpoch: Number(brokerEpoch) };
      const { currentLeaderEpoch } = asked;
      const position = { currentLeaderEpoch, fetchOffset, logStartOffset };
      const had = { replicaId, connectionNumber, ...position, ...sent };
      partition.onFollowerFetch(had);
      const { highWatermark, logStartOffset: start } = partition;
      const records = Buffer.concat(read.buffers);
      return { ...none, highWatermark, logStartOffset: start, records };
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error;
      return { ...none, errorCode: error.code, records: noRecords };
    }
  }

  #listOffsets(request: RequestOf<typeof listOffsets>): ResponseInput<typeof listOffsets> {
    const topics = request.topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ partitionIndex, timestamp, currentLeaderEpoch }) => {
        this.offsetsAsked.push(`${name}-${partitionIndex} ${timestamp}`);
        const partition = [...this.#partitions.values()].find(
          (each) => each.topic === name && each.partition === partitionIndex,
        );
        try {
          if (partition === undefined) throw new KafkaError('UNKNOWN_TOPIC_OR_PARTITION');
          partition.assertLeader(currentLeaderEpoch);
          const offset = timestamp === -1 ? partition.logEndOffset : partition.logStartOffset;
          return { partitionIndex, errorCode: 0, offset, timestamp: -1 };
        } catch (error) {
          if (!(error instanceof KafkaError)) throw error;
          return { partitionIndex, errorCode: error.code, offset: -1, timestamp: -1 };
        }
      }),
    }));
    return { topics };
  }
}

class ScriptedConnection implements LeaderConnection {
  onClose: (error: Error) => void = () => {};
  isClosed = false;
  readonly #io: Io;
  readonly #leader: ScriptedLeader;
  readonly #number: number;
  readonly #onGone: () => void;
  readonly #pending = new Set<(error: Error) => void>();

  constructor(
    io: Io,
    leader: ScriptedLeader,
    { number, onGone }: { readonly number: number; readonly onGone: () => void },
  ) {
    this.#io = io;
    this.#leader = leader;
    this.#number = number;
    this.#onGone = onGone;
  }

  request<A extends Api>(api: A, body: RequestInput<A>): Promise<ResponseOf<A>> {
    return new Promise((resolve, reject) => {
      if (this.isClosed) throw gone();
      this.#pending.add(reject);
      this.#exchange(api, body).then((answer) => {
        if (this.#pending.delete(reject)) resolve(answer);
      }, reject);
    });
  }

  async #exchange<A extends Api>(api: A, body: RequestInput<A>): Promise<ResponseOf<A>> {
    const { max } = api.versions;
    const { clock } = this.#io;
    const asked = Buffer.concat(
      encodeRequest(api, max, { correlationId: 0, clientId: null }, body),
    );
    await clock.sleep(this.#leader.delayMs());
    const frame = asked.subarray(4);
    const { bodyPosition } = decodeRequestHeader(frame);
    const request = decodeRequest(api, max, frame, bodyPosition);
    const answer = await this.#leader.answer(api, request, this.#number);
    const bytes = Buffer.concat(encodeResponse(api, max, 0, answer as ResponseInput<A>));
    await clock.sleep(this.#leader.delayMs());
    if (this.#leader.fate() === 'lost') this.close();
    return decodeResponse(api, max, bytes.subarray(4)).body;
  }

  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.#onGone();
    const pending = [...this.#pending];
    this.#pending.clear();
    for (const reject of pending) reject(gone());
    this.onClose(gone());
  }
}

const noRecords = Buffer.alloc(0);

function gone(): KafkaError {
  return new KafkaError('NETWORK_EXCEPTION', 'the connection was lost');
}

function keyOf(topicId: string, index: number): string {
  return `${index} ${topicId}`;
}

function grouped(answers: readonly { topicId: string; answer: PartitionAnswer }[]) {
  return answers.map(({ topicId, answer }) => ({ topicId, partitions: [answer] }));
}
