// Share groups (KIP-932): records acquired under a lock, one by one, and the state they leave.

import { acceptedOnly, boolean, int, list, short, string } from './definition.ts';
import { reasons } from './reasons.ts';

export const brokerShareGroups = acceptedOnly('share groups are not served yet', {
  'group.share.assignors': list(['simple'], 'The one assignor of share groups.', {
    notEmpty: true,
  }),
  'group.share.assignment.interval.ms': int(
    1000,
    'Shortest time between two assignments of a share group, in ms.',
    { update: 'cluster-wide', min: 0 },
  ),
  'group.share.min.assignment.interval.ms': int(
    0,
    'Smallest assignment interval a group may set, in ms.',
    { min: 0 },
  ),
  'group.share.max.assignment.interval.ms': int(
    15_000,
    'Largest assignment interval a group may set, in ms.',
    { min: 0 },
  ),
  'group.share.assignor.offload.enable': boolean(
    true,
    'Whether assignments are computed on a thread of their own.',
    { update: 'cluster-wide', internal: true, accepted: reasons.threads },
  ),
  'group.share.heartbeat.interval.ms': int(
    5000,
    'Time between two heartbeats of a member, in ms.',
    { min: 1 },
  ),
  'group.share.min.heartbeat.interval.ms': int(
    5000,
    'Smallest heartbeat interval a group may set, in ms.',
    { min: 1 },
  ),
  'group.share.max.heartbeat.interval.ms': int(
    15_000,
    'Largest heartbeat interval a group may set, in ms.',
    { min: 1 },
  ),
  'group.share.session.timeout.ms': int(
    45_000,
    'Time without heartbeat after which a member is gone, in ms.',
    { min: 1 },
  ),
  'group.share.min.session.timeout.ms': int(
    45_000,
    'Smallest session timeout a group may set, in ms.',
    { min: 1 },
  ),
  'group.share.max.session.timeout.ms': int(
    60_000,
    'Largest session timeout a group may set, in ms.',
    { min: 1 },
  ),
  'group.share.max.size': int(200, 'Most members of a share group.', { min: 1, max: 1000 }),
  'group.share.max.share.sessions': int(2000, 'Most share sessions of a broker.', { min: 1 }),
  'group.share.delivery.count.limit': int(5, 'Deliveries of a record before it is given up.', {
    min: 2,
    max: 10,
  }),
  'group.share.min.delivery.count.limit': int(2, 'Smallest delivery limit a group may set.', {
    min: 2,
    max: 5,
  }),
  'group.share.max.delivery.count.limit': int(10, 'Largest delivery limit a group may set.', {
    min: 5,
    max: 25,
  }),
  'group.share.record.lock.duration.ms': int(
    30_000,
    'Time for which a member holds a record, in ms.',
    { min: 1000, max: 3_600_000 },
  ),
  'group.share.min.record.lock.duration.ms': int(15_000, 'Shortest lock a group may set, in ms.', {
    min: 1000,
    max: 30_000,
  }),
  'group.share.max.record.lock.duration.ms': int(60_000, 'Longest lock a group may set, in ms.', {
    min: 30_000,
    max: 3_600_000,
  }),
  'group.share.partition.max.record.locks': int(
    2000,
    'Records of one partition that may be held at a time.',
    { min: 100, max: 10_000 },
  ),
  'group.share.min.partition.max.record.locks': int(
    100,
    'Smallest number of locks a group may set.',
    { min: 100, max: 2000 },
  ),
  'group.share.max.partition.max.record.locks': int(
    4000,
    'Largest number of locks a group may set.',
    { min: 2000, max: 10_000 },
  ),
  'group.share.initialize.retry.interval.ms': int(
    30_000,
    'Wait before the state of a group is initialized again after a failure, in ms.',
    { importance: 'low', min: 1, internal: true },
  ),
  'group.share.persister.class.name': string(
    'org.apache.kafka.server.share.persister.DefaultStatePersister',
    'Java class that stores the state of share groups.',
    { internal: true, accepted: reasons.java },
  ),
  'group.share.dlq.manager.class.name': string(
    'org.apache.kafka.server.share.dlq.DefaultShareGroupDLQManager',
    'Java class that writes records that were given up.',
    { internal: true, accepted: reasons.java },
  ),
  'errors.deadletterqueue.auto.create.topics.enable': boolean(
    false,
    'Whether the topic for records that were given up is created when missing.',
    { update: 'cluster-wide' },
  ),
  'errors.deadletterqueue.topic.name.prefix': string(
    'dlq.',
    'What the name of such a topic must start with; empty for anything.',
    { update: 'cluster-wide' },
  ),
  'share.coordinator.state.topic.num.partitions': int(
    50,
    'Partitions of the topic of share states; fixed once the topic exists.',
    { importance: 'high', min: 1 },
  ),
  'share.coordinator.state.topic.replication.factor': short(
    3,
    'Replicas of the topic of share states.',
    { importance: 'high', min: 1 },
  ),
  'share.coordinator.state.topic.min.isr': short(
    2,
    'Replicas in sync that a write to that topic needs.',
    { importance: 'high', min: 1 },
  ),
  'share.coordinator.state.topic.segment.bytes': int(
    104_857_600,
    'Size of a segment of that topic, in bytes.',
    { importance: 'high', min: 1 },
  ),
  'share.coordinator.state.topic.compression.codec': int(
    0,
    "Codec of that topic by Kafka's number; 0 for none.",
    { importance: 'high' },
  ),
  'share.coordinator.state.topic.prune.interval.ms': int(
    300_000,
    'Time between two removals of states no longer needed, in ms.',
    { importance: 'low', min: 1, internal: true },
  ),
  'share.coordinator.snapshot.update.records.per.snapshot': int(
    500,
    'Updates of a share state between two whole snapshots of it.',
    { min: 0, max: 500 },
  ),
  'share.coordinator.cold.partition.snapshot.interval.ms': int(
    300_000,
    'Time after which an unchanged state is written whole again, in ms.',
    { importance: 'low', min: 1, internal: true },
  ),
  'share.coordinator.load.buffer.size': int(
    5_242_880,
    'Bytes read at a time while a coordinator loads its states.',
    { importance: 'high', min: 1 },
  ),
  'share.coordinator.threads': int(1, 'Threads of the share coordinator.', {
    min: 1,
    accepted: reasons.threads,
  }),
  'share.coordinator.write.timeout.ms': int(
    5000,
    'Longest wait of a write for the replicas, in ms.',
    { importance: 'high', min: 1 },
  ),
  'share.coordinator.append.linger.ms': int(
    -1,
    'Time for which the coordinator gathers writes, in ms; -1 to adapt.',
    { min: -1 },
  ),
  'share.coordinator.cached.buffer.max.bytes': int(
    1_048_588,
    'Largest write buffer that is kept for reuse, in bytes.',
    { update: 'cluster-wide', min: 524_288 },
  ),
});
