// One partition of __consumer_offsets in virtual time, and members of classic groups in it, for
// tests of the coordinator. The log, the replica and the machine are the real ones.

import assert from 'node:assert/strict';
import type { WorldOptions } from '../../../sim/index.ts';
import { ZERO_UUID } from '../../../src/base/uuid.ts';
import { loadBrokerConfig } from '../../../src/config/index.ts';
import type { JoinAnswer, SyncAnswer } from '../../../src/coordinator/group/classic/index.ts';
import type { Outcome } from '../../../src/coordinator/group/decision.ts';
import { GroupShard } from '../../../src/coordinator/group/group-shard.ts';
import type { GroupTable } from '../../../src/coordinator/group/group-table.ts';
import type { CommitRequest } from '../../../src/coordinator/group/offsets/index.ts';
import {
  onHeartbeat,
  onJoin,
  onLeave,
  onSync,
} from '../../../src/coordinator/group/requests/member-requests.ts';
import { onCommit } from '../../../src/coordinator/group/requests/offset-requests.ts';
import { OFFSETS_TOPIC } from '../../../src/coordinator/internal-topics.ts';
import type { Io } from '../../../src/io/index.ts';
import { MetadataImage } from '../../../src/metadata/index.ts';
import {
  consumerProtocolSubscription,
  type ErrorName,
  encodeVersioned,
  errorName,
  KafkaError,
} from '../../../src/protocol/index.ts';
import type { Partition } from '../../../src/replication/index.ts';
import type { LogConfig } from '../../../src/storage/index.ts';
import { LeadingShards, withInternalPartition } from './internal-partition.ts';

export interface TestShardOptions extends WorldOptions {
  readonly config?: Readonly<Record<string, string>>;
  readonly log?: Partial<LogConfig>;
  readonly image?: () => MetadataImage;
}

/** What an answer that has arrived says, or null while the request is parked. */
export interface Pending<T> {
  answer: T | null;
}

export class TestShard {
  readonly io: Io;
  readonly partition: Partition;
  readonly #options: TestShardOptions;
  readonly #shards: LeadingShards<GroupShard>;

  constructor(io: Io, partition: Partition, options: TestShardOptions) {
    this.io = io;
    this.partition = partition;
    this.#options = options;
    this.#shards = new LeadingShards(partition, () => this.#newShard());
  }

  get shard(): GroupShard {
    return this.#shards.current;
  }

  /** The coordinator dies and another one replays the log. */
  async restart(): Promise<void> {
    await this.#shards.restart();
  }

  #newShard(): GroupShard {
    const overrides = Object.entries({
      'group.initial.rebalance.delay.ms': '0',
      ...this.#options.config,
    });
    const { config } = loadBrokerConfig({ overrides });
    const empty = MetadataImage.empty('cluster');
    return new GroupShard(this.io, {
      partition: this.partition,
      config: () => config,
      image: this.#options.image ?? (() => empty),
      onBug: (error) => {
        throw error;
      },
    });
  }

  decide<T>(decide: (table: GroupTable, outcome: Outcome) => T | Promise<T>): Promise<T> {
    return this.shard.decide(decide);
  }

  /** The state of the group as tools see it, without a group 'Dead'. */
  state(groupId = 'g'): Promise<string> {
    return this.decide((table) => table.groups.get(groupId)?.state ?? 'Dead');
  }

  member(options: MemberOptions = {}): TestMember {
    return new TestMember(this, options);
  }

  /** Joins and syncs all of them, the leader assigning each its own member id. */
  async settle(...members: TestMember[]): Promise<void> {
    const joins = await Promise.all(members.map((member) => member.join()));
    for (const { errorCode } of joins) assert.equal(errorCode, 0, errorName(errorCode));
    await this.assign(...members);
  }

  async assign(...members: TestMember[]): Promise<void> {
    const syncs = await Promise.all(members.map((member) => member.sync()));
    for (const { errorCode } of syncs) assert.equal(errorCode, 0, errorName(errorCode));
  }

  commit(changes: Partial<CommitRequest> & { offset?: number; metadata?: string } = {}) {
    const { offset = 1, metadata = '', ...request } = changes;
    const partition = {
      partitionIndex: 0,
      committedOffset: offset,
      committedLeaderEpoch: 7,
      committedMetadata: metadata,
      commitTimestamp: -1,
    };
    return errorOf(async () => {
      const [topic] = await this.decide((table, outcome) =>
        onCommit(
          table,
          {
            groupId: 'g',
            memberId: '',
            groupInstanceId: null,
            generationIdOrMemberEpoch: -1,
            retentionTimeMs: -1,
            topics: [{ name: 't', topicId: ZERO_UUID, partitions: [partition] }],
            ...request,
          },
          outcome,
        ),
      );
      return topic?.partitions[0]?.errorCode ?? 0;
    });
  }

  /** The committed offset of partition 0 of a topic; -1 if there is none. */
  committed(groupId = 'g', topic = 't'): Promise<number> {
    return this.decide((table) => table.offsets.get(groupId, topic, 0)?.offset ?? -1);
  }
}

export interface MemberOptions {
  readonly groupId?: string;
  readonly instanceId?: string;
  readonly clientId?: string;
  readonly version?: number;
  readonly sessionTimeoutMs?: number;
  readonly rebalanceTimeoutMs?: number;
  readonly protocolType?: string;
  readonly protocols?: readonly string[];
  readonly topics?: readonly string[];
}

export class TestMember {
  readonly #at: TestShard;
  readonly #options: MemberOptions;
  topics: readonly string[];
  protocols: readonly string[];
  /** Partitions of `t` that it says it has. */
  owned: readonly number[] = [];
  memberId = '';
  generationId = -1;
  joined: JoinAnswer | null = null;
  assignment = '';

  constructor(at: TestShard, options: MemberOptions) {
    this.#at = at;
    this.#options = options;
    this.topics = options.topics ?? ['t'];
    this.protocols = options.protocols ?? ['range'];
  }

  get groupId(): string {
    return this.#options.groupId ?? 'g';
  }

  get isLeader(): boolean {
    return this.joined !== null && this.joined.leader === this.memberId;
  }

  /** One JoinGroup request; errors come back as codes. */
  async tryJoin(): Promise<JoinAnswer> {
    const options = this.#options;
    const apiVersion = options.version ?? 9;
    const subscription = encodeVersioned(consumerProtocolSubscription, 1, {
      topics: this.topics,
      ownedPartitions: this.owned.length === 0 ? [] : [{ topic: 't', partitions: this.owned }],
    });
    const request = {
      groupId: this.groupId,
      sessionTimeoutMs: options.sessionTimeoutMs ?? 10_000,
      rebalanceTimeoutMs: options.rebalanceTimeoutMs ?? 30_000,
      memberId: this.memberId,
      groupInstanceId: options.instanceId ?? null,
      protocolType: options.protocolType ?? 'consumer',
      protocols: this.protocols.map((name) => ({ name, metadata: subscription })),
      reason: null,
    };
    const client = { clientId: options.clientId ?? 'client', clientHost: '/10.0.0.1' };
    try {
      return await this.#at.decide((table, outcome) =>
        onJoin(table, { request, client, apiVersion }, outcome),
      );
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error;
      const none = { generationId: -1, protocolName: null, leader: '', members: [] };
      return { ...none, errorCode: error.code, memberId: this.memberId };
    }
  }

  /** As clients do: takes the id it is given, and comes again. */
  async join(): Promise<JoinAnswer> {
    let answer = await this.tryJoin();
    if (errorName(answer.errorCode) === 'MEMBER_ID_REQUIRED') {
      this.memberId = answer.memberId;
      answer = await this.tryJoin();
    }
    if (answer.errorCode === 0) {
      this.memberId = answer.memberId;
      this.generationId = answer.generationId ?? -1;
      this.joined = answer;
    }
    return answer;
  }

  /** One SyncGroup request; a leader brings `assignments`, or everybody's own id. */
  async sync(assignments?: readonly { memberId: string; assignment: Buffer }[]) {
    const all = (this.joined?.members ?? []).map(({ memberId }) => ({
      memberId,
      assignment: Buffer.from(memberId),
    }));
    const request = {
      groupId: this.groupId,
      generationId: this.generationId,
      memberId: this.memberId,
      groupInstanceId: this.#options.instanceId ?? null,
      protocolType: null,
      protocolName: null,
      assignments: [...(assignments ?? (this.isLeader ? all : []))],
    };
    try {
      const answer: SyncAnswer = await this.#at.decide((table, outcome) =>
        onSync(table, request, outcome),
      );
      if (answer.errorCode === 0) this.assignment = answer.assignment.toString();
      return answer;
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error;
      return { errorCode: error.code, assignment: Buffer.alloc(0) };
    }
  }

  heartbeat(): Promise<ErrorName> {
    return errorOf(() =>
      this.#at.decide((table) => {
        onHeartbeat(table, {
          groupId: this.groupId,
          generationId: this.generationId,
          memberId: this.memberId,
          groupInstanceId: this.#options.instanceId ?? null,
        });
        return 0;
      }),
    );
  }

  commit(offset: number, metadata = ''): Promise<ErrorName> {
    return this.#at.commit({
      groupId: this.groupId,
      memberId: this.memberId,
      groupInstanceId: this.#options.instanceId ?? null,
      generationIdOrMemberEpoch: this.generationId,
      offset,
      metadata,
    });
  }

  leave(): Promise<ErrorName> {
    return errorOf(async () => {
      const request = {
        groupId: this.groupId,
        memberId: '',
        members: [{ memberId: this.memberId, groupInstanceId: null, reason: null }],
      };
      const answer = await this.#at.decide((table, outcome) =>
        onLeave(table, { request, apiVersion: 5 }, outcome),
      );
      return answer.members?.[0]?.errorCode ?? answer.errorCode;
    });
  }
}

/** The name of the error a request is answered with. */
export async function errorOf(request: () => Promise<number>): Promise<ErrorName> {
  try {
    return errorName(await request());
  } catch (error) {
    if (error instanceof KafkaError) return error.errorName;
    throw error;
  }
}

/** Looks at a request that may be parked, without waiting for it. */
export function pending<T>(promise: Promise<T>): Pending<T> {
  const state: Pending<T> = { answer: null };
  void promise.then((answer) => {
    state.answer = answer;
  });
  return state;
}

export function isParked(request: Pending<unknown>): boolean {
  return request.answer === null;
}

export function withShard(
  run: (at: TestShard) => Promise<void>,
  options: TestShardOptions = {},
): Promise<void> {
  const internal = { ...options, topic: OFFSETS_TOPIC };
  return withInternalPartition(internal, async (io, partition) => {
    const at = new TestShard(io, partition, options);
    await at.restart();
    await run(at);
    at.shard.close();
  });
}
