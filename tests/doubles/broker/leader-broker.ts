// A broker that leads partitions, as its followers and consumers see it: the fetch handler over
// real replicas, without a network. Who else has replicas and who is in sync the test says.

import assert from 'node:assert/strict';
import { simulate } from '../../../sim/index.ts';
import { everyRight } from '../../../src/broker/authorization.ts';
import type { BrokerParts } from '../../../src/broker/broker-parts.ts';
import { FetchSessions } from '../../../src/broker/fetch-sessions.ts';
import type { Handler, RequestContext } from '../../../src/broker/handler.ts';
import { fetchHandler } from '../../../src/broker/handlers/fetch.ts';
import type { ReplicationQuota } from '../../../src/broker/quotas/index.ts';
import { loadBrokerConfig } from '../../../src/config/index.ts';
import type { Io } from '../../../src/io/index.ts';
import type { PartitionImage } from '../../../src/metadata/index.ts';
import {
  type Api,
  decodeRequest,
  decodeRequestHeader,
  decodeResponse,
  encodeBatch,
  encodeRequest,
  encodeResponse,
  type fetch,
  type RequestInput,
  type ResponseInput,
  type ResponseOf,
} from '../../../src/protocol/index.ts';
import type { Partition } from '../../../src/replication/index.ts';
import { defaultLogConfig, type LogConfig } from '../../../src/storage/index.ts';
import { FollowerBroker, nodeId } from '../replication/follower-broker.ts';
import { TopicHistory } from '../replication/topic-history.ts';

export type FetchAnswer = ResponseOf<typeof fetch>;
export type FetchedPartition = FetchAnswer['responses'][number]['partitions'][number];
type Request = RequestInput<typeof fetch>;
type Wanted = Partial<Request['topics'][number]['partitions'][number]>;

export interface FetchOf extends Omit<Partial<Request>, 'topics'> {
  /** null: a consumer. Default: broker 2 in its first life. */
  readonly replica?: { readonly replicaId: number; readonly replicaEpoch: number } | null;
  readonly partitions?: readonly Wanted[];
  readonly version?: number;
  /** Of the connection that it comes on. */
  readonly connection?: number;
}

export interface LeaderBrokerOptions {
  readonly partitions?: number;
  readonly isr?: readonly number[];
  readonly config?: Partial<LogConfig>;
  readonly brokerConfig?: Readonly<Record<string, string>>;
  readonly quota?: Pick<ReplicationQuota, 'holdsBack' | 'record'> | null;
}

export const follower = { replicaId: 2, replicaEpoch: 7 };

export class LeaderBroker {
  readonly broker: FollowerBroker;
  readonly history: TopicHistory;
  readonly noted: string[] = [];
  readonly #io: Io;
  readonly #parts: BrokerParts;

  private constructor(
    io: Io,
    { broker, history }: Pick<LeaderBroker, 'broker' | 'history'>,
    { brokerConfig = {}, quota = null }: LeaderBrokerOptions,
  ) {
    this.#io = io;
    this.broker = broker;
    this.history = history;
    const overrides = [['log.dirs', '/data'] as const, ...Object.entries(brokerConfig)];
    const onFollowerFetch = ({ partition }: Partition, id: number): void => {
      this.noted.push(`${id} ${partition}`);
    };
    this.#parts = {
      io,
      config: loadBrokerConfig({ overrides }).config,
      nodeId,
      clusterId: 'cluster',
      replicas: broker.replicas,
      fetchSessions: new FetchSessions(io, 10),
      inSync: { onFollowerFetch },
      replicationQuota: quota,
      unreadBytes: () => 0,
      endpoints: () =>
        [1, 2, 3].map((id) => ({ nodeId: id, host: `host-${id}`, port: 9092, rack: `r${id}` })),
    } as unknown as BrokerParts;
  }

  /** Leads every partition of topic `t`, which broker 2 follows. */
  static async open(io: Io, options: LeaderBrokerOptions = {}): Promise<LeaderBroker> {
    const { partitions = 1, isr = [1, 2], config = {} } = options;
    const logConfigOf = () => ({ ...defaultLogConfig, ...config });
    const broker = await FollowerBroker.open(io, ['/data'], { logConfigOf });
    const history = new TopicHistory(nodeId);
    const leader = new LeaderBroker(io, { broker, history }, options);
    broker.follow(history.create('t', Array(partitions).fill(nodeId)));
    for (let index = 0; index < partitions; index++) leader.alter({ isr }, index);
    await broker.replicas.settled();
    return leader;
  }

  alter(changes: Partial<PartitionImage>, index = 0): void {
    this.broker.follow(this.history.alter('t', index, changes));
  }

  setAlive(ids: readonly number[]): void {
    this.broker.follow(this.history.setAlive(ids));
  }

  partition(index = 0): Partition {
    return this.broker.replicas.get('t', index) as Partition;
  }

  append(values: readonly string[], index = 0): void {
    const timestamp = this.#io.clock.now();
    const records = values.map((value) => ({ value: Buffer.from(value), timestamp }));
    this.partition(index).appendAsLeader(encodeBatch({ records }));
  }

  /** As a follower does. */
  async fetch(of: FetchOf = {}): Promise<FetchAnswer> {
    const { replica = follower, partitions = [{}], version = 18, connection = 0, ...more } = of;
    const topicId = this.history.image.topic('t')?.id ?? '';
    const wanted = partitions.map((each, partition) => ({
      ...{ partition, fetchOffset: 0, partitionMaxBytes: 1_000_000, currentLeaderEpoch: 0 },
      ...each,
    }));
    const replicaState = version >= 15 && replica !== null ? { replicaState: replica } : {};
    const body: Request = {
      ...{ maxWaitMs: 0, minBytes: 1, replicaId: version < 15 ? (replica?.replicaId ?? -1) : -1 },
      ...replicaState,
      topics: wanted.length === 0 ? [] : [{ topic: 't', topicId, partitions: wanted }],
      ...more,
    };
    return this.ask(fetchHandler, body, version, connection);
  }

  /** Both ways through the bytes of the protocol. */
  async ask<A extends Api>(
    { api, handle }: Handler<A>,
    body: RequestInput<A>,
    version: number = api.versions.max,
    connection = 0,
  ): Promise<ResponseOf<A>> {
    const frame = payload(encodeRequest(api, version, { correlationId: 1, clientId: 'f' }, body));
    const { bodyPosition } = decodeRequestHeader(frame);
    const request = decodeRequest(api, version, frame, bodyPosition);
    const answer = (await handle(request, this.#context(version, connection))) as ResponseInput<A>;
    return decodeResponse(api, version, payload(encodeResponse(api, version, 1, answer))).body;
  }

  #context(apiVersion: number, number: number): RequestContext {
    return {
      broker: this.#parts,
      client: { whenGone: () => () => {}, connection: { number } },
      apiVersion,
      clientId: 'f',
      charge: null,
      rights: everyRight,
      image: this.broker.replicas.image,
    } as unknown as RequestContext;
  }
}

/** Without the size in front. */
function payload(chunks: Buffer[]): Buffer {
  return Buffer.concat(chunks).subarray(4);
}

/** The answer for a partition; undefined if it is not mentioned. */
export function partitionOf(answer: FetchAnswer, index = 0): FetchedPartition | undefined {
  const partitions = answer.responses.flatMap((topic) => topic.partitions);
  return partitions.find(({ partitionIndex }) => partitionIndex === index);
}

/** A test at one of its own, after which nothing has failed. */
export function withLeader(
  run: (leader: LeaderBroker, io: Io) => Promise<void>,
  options: Parameters<typeof LeaderBroker.open>[1] = {},
): Promise<void> {
  return simulate(async (io) => {
    const leader = await LeaderBroker.open(io, options);
    await run(leader, io);
    assert.deepEqual(leader.broker.failures, []);
    await leader.broker.close();
  });
}
