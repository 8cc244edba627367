// Group coordinators: offsets, classic and consumer groups, streams groups.

import { boolean, int, list, long, short, string } from './definition.ts';
import { reasons } from './reasons.ts';

export const brokerGroups = {
  'offsets.topic.num.partitions': int(
    50,
    'Partitions of the topic of committed offsets; fixed once the topic exists.',
    { importance: 'high', min: 1 },
  ),
  'offsets.topic.replication.factor': short(3, 'Replicas of the topic of committed offsets.', {
    importance: 'high',
    min: 1,
  }),
  'offsets.topic.segment.bytes': int(104_857_600, 'Size of a segment of that topic, in bytes.', {
    importance: 'high',
    min: 1,
  }),
  'offsets.topic.compression.codec': int(0, "Codec of that topic by Kafka's number; 0 for none.", {
    importance: 'high',
  }),
  'offsets.retention.minutes': int(
    10_080,
    'Time for which the offsets of an empty group are kept, in minutes.',
    { importance: 'high', min: 1 },
  ),
  'offsets.retention.check.interval.ms': long(
    600_000,
    'Time between two looks for offsets to forget, in ms.',
    { importance: 'high', min: 1 },
  ),
  'offsets.commit.timeout.ms': int(5000, 'Longest wait of a commit for the replicas, in ms.', {
    importance: 'high',
    min: 1,
    accepted: 'a commit waits for as long as its coordinator leads',
  }),
  'offsets.load.buffer.size': int(
    5_242_880,
    'Bytes read at a time while a coordinator loads its offsets.',
    { importance: 'high', min: 1 },
  ),
  'offset.metadata.max.bytes': int(
    4096,
    'Longest text stored beside a committed offset, in bytes.',
    { importance: 'high' },
  ),
  'group.min.session.timeout.ms': int(
    6000,
    'Shortest session timeout a member of a classic group may ask for, in ms.',
  ),
  'group.max.session.timeout.ms': int(
    1_800_000,
    'Longest session timeout a member of a classic group may ask for, in ms.',
  ),
  'group.initial.rebalance.delay.ms': int(
    3000,
    'Wait for more members before the first rebalance of a new classic group, in ms.',
  ),
  'group.max.size': int(2_147_483_647, 'Most members of a classic group.', { min: 1 }),
  'group.coordinator.rebalance.protocols': list(
    ['classic', 'consumer', 'streams'],
    'Group protocols that are offered.',
    {
      oneOf: ['consumer', 'classic', 'share', 'streams'],
      notEmpty: true,
      accepted: 'classic and consumer are always offered',
    },
  ),
  'group.coordinator.threads': int(4, 'Threads of the group coordinator.', {
    importance: 'high',
    min: 1,
    accepted: reasons.threads,
  }),
  'group.coordinator.background.threads': int(2, 'Threads for assignments and patterns.', {
    importance: 'high',
    min: 1,
    accepted: reasons.threads,
  }),
  'group.coordinator.append.linger.ms': int(
    -1,
    'Time for which the coordinator gathers writes, in ms; -1 to adapt.',
    { min: -1, accepted: 'what is decided in one turn of the event loop is written together' },
  ),
  'group.coordinator.cached.buffer.max.bytes': int(
    1_048_588,
    'Largest write buffer that is kept for reuse, in bytes.',
    { update: 'cluster-wide', min: 524_288, accepted: 'no write buffer is kept' },
  ),
  'group.consumer.assignors': list(
    ['uniform', 'range'],
    'Assignors of consumer groups; the first is the default.',
    { notEmpty: true },
  ),
  'group.consumer.assignment.interval.ms': int(
    1000,
    'Shortest time between two assignments of a consumer group, in ms.',
    { update: 'cluster-wide', min: 0 },
  ),
  'group.consumer.min.assignment.interval.ms': int(
    0,
    'Smallest assignment interval a group may set, in ms.',
    { min: 0 },
  ),
  'group.consumer.max.assignment.interval.ms': int(
    15_000,
    'Largest assignment interval a group may set, in ms.',
    { min: 0 },
  ),
  'group.consumer.assignor.offload.enable': boolean(
    true,
    'Whether assignments are computed on a thread of their own.',
    { update: 'cluster-wide', internal: true, accepted: reasons.threads },
  ),
  'group.consumer.heartbeat.interval.ms': int(
    5000,
    'Time between two heartbeats of a member, in ms.',
    { min: 1 },
  ),
  'group.consumer.min.heartbeat.interval.ms': int(
    5000,
    'Smallest heartbeat interval a group may set, in ms.',
    { min: 1 },
  ),
  'group.consumer.max.heartbeat.interval.ms': int(
    15_000,
    'Largest heartbeat interval a group may set, in ms.',
    { min: 1 },
  ),
  'group.consumer.session.timeout.ms': int(
    45_000,
    'Time without heartbeat after which a member is gone, in ms.',
    { min: 1 },
  ),
  'group.consumer.min.session.timeout.ms': int(
    45_000,
    'Smallest session timeout a group may set, in ms.',
    { min: 1 },
  ),
  'group.consumer.max.session.timeout.ms': int(
    60_000,
    'Largest session timeout a group may set, in ms.',
    { min: 1 },
  ),
  'group.consumer.max.size': int(2_147_483_647, 'Most members of a consumer group.', { min: 1 }),
  'group.consumer.migration.policy': string(
    'bidirectional',
    'Which way a group with members may change between the classic and the consumer protocol.',
    { oneOf: ['DISABLED', 'DOWNGRADE', 'UPGRADE', 'BIDIRECTIONAL'], isCaseInsensitive: true },
  ),
  'group.consumer.regex.refresh.interval.ms': int(
    600_000,
    'Time between two resolutions of the patterns a group subscribes to, in ms.',
    {
      min: 10_000,
      internal: true,
      accepted: 'patterns are resolved when topics change, at most once a second',
    },
  ),
} as const;
