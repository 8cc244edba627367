// A coordinator of KIP-848 groups for the tests of this folder: it deals the partitions of named
// topics to the members in turn, hands on what is given up, fences and times out.
//
// Invariant that it asserts of the clients: a member never claims what it was not assigned.

import assert from 'node:assert/strict';
import type { Io, Timer } from '../../../src/io/index.ts';
import {
  consumerGroupHeartbeat,
  ErrorCode,
  type offsetCommit,
} from '../../../src/protocol/index.ts';
import type { ScriptedCluster, ScriptedRequest } from './scripted-cluster.ts';
import { ScriptedOffsets, serveFindCoordinator } from './scripted-offsets.ts';

type Heartbeat = ScriptedRequest<typeof consumerGroupHeartbeat>;

interface Member {
  readonly memberId: string;
  readonly instanceId: string | null;
  epoch: number;
  topics: readonly string[];
  pattern: string | null;
  /** `topicId partition`: what it has, as far as we know. */
  owned: Set<string>;
  /** What we let it have. */
  granted: Set<string>;
  told: string;
  session: Timer | null;
}

export class ScriptedConsumerGroups {
  readonly members = new Map<string, Member>();
  epoch = 0;
  coordinator = 1;
  heartbeatIntervalMs = 1000;
  sessionTimeoutMs = 8000;
  verdict: (api: 'heartbeat' | 'commit' | 'fetch') => number | null = () => null;
  /** Bodies of all heartbeats, by member id. */
  readonly heartbeats: Heartbeat['body'][] = [];
  readonly #offsets: ScriptedOffsets;
  readonly #io: Io;
  readonly #cluster: ScriptedCluster;

  constructor(io: Io, cluster: ScriptedCluster) {
    this.#io = io;
    this.#cluster = cluster;
    serveFindCoordinator(cluster, () => this.coordinator);
    cluster.serve(consumerGroupHeartbeat, (request) => this.#onHeartbeat(request));
    this.#offsets = new ScriptedOffsets(cluster, {
      checkCommit: (request) => this.#checkCommit(request),
      checkFetch: ({ nodeId, body }) => {
        const { memberId = null, memberEpoch = -1 } = body.groups[0] ?? {};
        return this.#refusal(nodeId, 'fetch') || this.#checkMember(memberId ?? '', memberEpoch);
      },
    });
  }

  committed(): Record<string, number> {
    return this.#offsets.committed();
  }

  remove(memberId: string): void {
    const member = this.members.get(memberId);
    if (member === undefined) return;
    member.session?.cancel();
    this.members.delete(memberId);
    this.epoch++;
  }

  #refusal(nodeId: number, api: 'heartbeat' | 'commit' | 'fetch'): number {
    if (nodeId !== this.coordinator) return ErrorCode.NOT_COORDINATOR;
    return this.verdict(api) ?? 0;
  }

  #checkMember(memberId: string, epoch: number): number {
    const member = this.members.get(memberId);
    if (member === undefined) return ErrorCode.UNKNOWN_MEMBER_ID;
    return member.epoch === epoch ? 0 : ErrorCode.STALE_MEMBER_EPOCH;
  }

  #checkCommit({ nodeId, body }: ScriptedRequest<typeof offsetCommit>): number {
    const { memberId, generationIdOrMemberEpoch } = body;
    return (
      this.#refusal(nodeId, 'commit') || this.#checkMember(memberId, generationIdOrMemberEpoch)
    );
  }

  #onHeartbeat(request: Heartbeat): void {
    const { body } = request;
    this.heartbeats.push(body);
    const errorCode = this.#refusal(request.nodeId, 'heartbeat') || this.#replay(body);
    const member = this.members.get(body.memberId);
    if (errorCode !== 0 || member === undefined) {
      request.respond({
        throttleTimeMs: 0,
        errorCode,
        memberEpoch: body.memberEpoch,
        heartbeatIntervalMs: 0,
      });
      return;
    }
    this.#touch(member);
    const assignment = this.#grant(member);
    request.respond({
      throttleTimeMs: 0,
      errorCode: 0,
      memberId: member.memberId,
      memberEpoch: member.epoch,
      heartbeatIntervalMs: this.heartbeatIntervalMs,
      assignment,
    });
  }

  /** The error code. */
  #replay(body: Heartbeat['body']): number {
    const { memberId, memberEpoch, instanceId } = body;
    if (memberEpoch < 0) {
      this.remove(memberId);
      return 0;
    }
    let member = this.members.get(memberId);
    if (memberEpoch === 0) {
      assert.deepEqual(body.topicPartitions, [], 'who joins has nothing');
      const rival = [...this.members.values()].find(
        (each) => instanceId !== null && each.instanceId === instanceId,
      );
      if (rival !== undefined && rival !== member) return ErrorCode.UNRELEASED_INSTANCE_ID;
      this.remove(memberId);
      member = {
        memberId,
        instanceId,
        epoch: 0,
        topics: [],
        pattern: null,
        owned: new Set(),
        granted: new Set(),
        told: '',
        session: null,
      };
      this.members.set(memberId, member);
      this.epoch++;
    }
    if (member === undefined) return ErrorCode.UNKNOWN_MEMBER_ID;
    if (memberEpoch !== member.epoch) return ErrorCode.FENCED_MEMBER_EPOCH;
    if (body.subscribedTopicNames !== null) {
      member.topics = body.subscribedTopicNames;
      this.epoch++;
    }
    if (body.subscribedTopicRegex !== null) {
      member.pattern = body.subscribedTopicRegex;
      this.epoch++;
    }
    for (const { topicId, partitions } of body.topicPartitions ?? []) {
      for (const partition of partitions) {
        const key = `${topicId} ${partition}`;
        assert.ok(member.granted.has(key), `${memberId} claims ${key}`);
      }
    }
    if (body.topicPartitions !== null) {
      const owned = body.topicPartitions.flatMap(({ topicId, partitions }) =>
        partitions.map((partition) => `${topicId} ${partition}`),
      );
      member.owned = new Set(owned);
    }
    return 0;
  }

  #touch(member: Member): void {
    member.session?.cancel();
    member.session = this.#io.clock.after(this.sessionTimeoutMs, () => {
      this.remove(member.memberId);
    });
  }

  /** What the member should have now; null if it was told before. */
  #grant(member: Member) {
    const target = this.#targetOf(member);
    const isFree = (key: string): boolean =>
      [...this.members.values()].every(
        (other) => other === member || !(other.owned.has(key) || other.granted.has(key)),
      );
    // First it gives up what is not its own any more; until then it gets nothing new.
    const mustRevoke = [...member.owned].some((key) => !target.has(key));
    const keys = [...target].filter(
      (key) => member.owned.has(key) || member.granted.has(key) || (!mustRevoke && isFree(key)),
    );
    member.granted = new Set([...keys, ...member.owned]);
    if (!mustRevoke) {
      member.epoch = this.epoch;
      member.granted = new Set(keys);
    }
    const told = keys.sort().join();
    if (told === member.told) return null;
    member.told = told;
    const byTopic = new Map<string, number[]>();
    for (const key of keys) {
      const [topicId, partition] = key.split(' ') as [string, string];
      byTopic.set(topicId, [...(byTopic.get(topicId) ?? []), Number(partition)]);
    }
    const topicPartitions = [...byTopic].map(([topicId, partitions]) => ({ topicId, partitions }));
    return { topicPartitions };
  }

  #targetOf(member: Member): Set<string> {
    const target = new Set<string>();
    let turn = 0;
    for (const [name, { topicId, partitions }] of this.#cluster.topics) {
      const wants = ({ topics, pattern }: Member): boolean =>
        topics.includes(name) || (!!pattern && new RegExp(`^(?:${pattern})$`).test(name));
      const subscribed = [...this.members.values()].filter(wants);
      for (const partition of subscribed.length === 0 ? [] : partitions.keys()) {
        const owner = subscribed[turn++ % subscribed.length];
        if (owner === member) target.add(`${topicId} ${partition}`);
      }
    }
    return target;
  }
}
