// Which groups there are in a world, and what each life of their members is like: drawn from the
// seed.

import type { Prng } from '../../src/base/prng.ts';
import type { AssignorName, ConsumerOptions } from '../../src/client/index.ts';
import type { MemberPlan } from '../workloads/index.ts';

/**
 * `mixed`: members of both protocols at any time. `moving`: from one protocol to the other and
 * back, member by member.
 */
export const groupKinds = ['eager', 'cooperative', 'consumer', 'mixed', 'moving'] as const;
export type GroupKind = (typeof groupKinds)[number];

export interface GroupPlan {
  readonly groupId: string;
  readonly kind: GroupKind;
  readonly memberCount: number;
  /** These of the members keep their name when they are started again. */
  readonly staticCount: number;
  readonly isAutoCommitted: boolean;
  /** Of its classic members. */
  readonly strategy: readonly AssignorName[];
  readonly sessionTimeoutMs: number;
  readonly maxPollIntervalMs: number;
  readonly slowChance: number;
  /** For a group that moves: the times at which it does, and whether it begins as classic. */
  readonly movesAtMs: readonly number[];
  readonly beginsClassic: boolean;
}

const eagerStrategies: readonly (readonly AssignorName[])[] = [
  ['range'],
  ['roundrobin'],
  ['sticky'],
  ['range', 'cooperative-sticky'],
];

export function drawGroup(
  prng: Prng,
  groupId: string,
  kinds: readonly GroupKind[] = groupKinds,
): GroupPlan {
  const kind = prng.pick(kinds);
  const memberCount = 1 + prng.int(4);
  const isEager = kind === 'eager' || (kind !== 'cooperative' && prng.chance(0.5));
  const firstMoveMs = 4_000 + prng.int(8_000);
  return {
    groupId,
    kind,
    memberCount,
    staticCount: prng.chance(0.4) ? 1 + prng.int(memberCount) : 0,
    isAutoCommitted: prng.chance(0.2),
    strategy: isEager ? prng.pick(eagerStrategies) : ['cooperative-sticky'],
    sessionTimeoutMs: prng.pick([2_000, 6_000]),
    maxPollIntervalMs: prng.pick([3_000, 10_000]),
    slowChance: prng.pick([0, 0.02, 0.1]),
    movesAtMs: [firstMoveMs, firstMoveMs + 3_000 + prng.int(10_000)],
    beginsClassic: prng.chance(0.5),
  };
}

/** What one life of a member is like that begins at that time. */
export function drawMember(
  prng: Prng,
  group: GroupPlan,
  life: { readonly name: string; readonly instanceId: string | null; readonly timeMs: number },
): Omit<MemberPlan, 'topics'> {
  const { groupId, maxPollIntervalMs, slowChance } = group;
  const isClassic = isClassicAt(prng, group, life.timeMs);
  const options: MemberPlan['options'] = {
    ...(isClassic ? classicOptions(group) : consumerOptions(prng)),
    ...(life.instanceId !== null && { groupInstanceId: life.instanceId }),
    ...(group.isAutoCommitted && { enableAutoCommit: true, autoCommitIntervalMs: 500 }),
    maxPollRecords: prng.pick([1, 5, 50]),
    fetchMaxWaitMs: prng.pick([100, 500]),
  };
  return {
    name: life.name,
    groupId,
    options,
    maxPollIntervalMs,
    hasGenerations: group.kind === 'eager' || group.kind === 'cooperative',
    pollCount: prng.pick([3, 20, 100]),
    slowChance,
  };
}

function isClassicAt(prng: Prng, group: GroupPlan, timeMs: number): boolean {
  const { kind, movesAtMs, beginsClassic } = group;
  if (kind === 'mixed') return prng.chance(0.5);
  if (kind !== 'moving') return kind !== 'consumer';
  const moveCount = movesAtMs.filter((atMs) => atMs <= timeMs).length;
  return (moveCount % 2 === 0) === beginsClassic;
}

function classicOptions({ strategy, sessionTimeoutMs }: GroupPlan): Partial<ConsumerOptions> {
  return {
    groupProtocol: 'classic',
    partitionAssignmentStrategy: strategy,
    sessionTimeoutMs,
    heartbeatIntervalMs: sessionTimeoutMs / 4,
  };
}

function consumerOptions(prng: Prng): Partial<ConsumerOptions> {
  return {
    groupProtocol: 'consumer',
    ...(prng.chance(0.3) && { groupRemoteAssignor: prng.pick(['uniform', 'range']) }),
  };
}

/** Of a broker that notices within seconds what happens to its groups. */
export function drawGroupConfig(prng: Prng): Record<string, string> {
  const sessionMs = prng.pick(['2000', '6000']);
  const heartbeatMs = prng.pick(['300', '1000']);
  return {
    'offsets.topic.num.partitions': prng.pick(['1', '3']),
    'group.min.session.timeout.ms': '1000',
    'group.initial.rebalance.delay.ms': prng.pick(['0', '500', '3000']),
    'group.consumer.min.session.timeout.ms': '1000',
    'group.consumer.session.timeout.ms': sessionMs,
    'group.consumer.min.heartbeat.interval.ms': '100',
    'group.consumer.heartbeat.interval.ms': heartbeatMs,
    'group.consumer.assignment.interval.ms': prng.pick(['0', '1000']),
    'group.consumer.migration.policy': 'bidirectional',
  };
}
