// Streams groups (KIP-1071): the tasks of a Kafka Streams application, assigned by the broker.

import { acceptedOnly, boolean, className, int, list, long } from './definition.ts';
import { reasons } from './reasons.ts';

export const brokerStreamsGroups = acceptedOnly('streams groups are not served yet', {
  'group.streams.assignors': list(
    ['sticky'],
    'Task assignors that a streams group may choose from; the first is the default.',
    { notEmpty: true },
  ),
  'group.streams.assignment.interval.ms': int(
    1000,
    'Shortest time between two assignments of a streams group, in ms.',
    { update: 'cluster-wide', min: 0 },
  ),
  'group.streams.min.assignment.interval.ms': int(
    0,
    'Smallest assignment interval a group may set, in ms.',
    { min: 0 },
  ),
  'group.streams.max.assignment.interval.ms': int(
    15_000,
    'Largest assignment interval a group may set, in ms.',
    { min: 0 },
  ),
  'group.streams.assignor.offload.enable': boolean(
    true,
    'Whether assignments are computed on a thread of their own.',
    { update: 'cluster-wide', internal: true, accepted: reasons.threads },
  ),
  'group.streams.heartbeat.interval.ms': int(
    5000,
    'Time between two heartbeats of a member, in ms.',
    { min: 1 },
  ),
  'group.streams.min.heartbeat.interval.ms': int(
    5000,
    'Smallest heartbeat interval a group may set, in ms.',
    { min: 1 },
  ),
  'group.streams.max.heartbeat.interval.ms': int(
    15_000,
    'Largest heartbeat interval a group may set, in ms.',
    { min: 1 },
  ),
  'group.streams.session.timeout.ms': int(
    45_000,
    'Time without heartbeat after which a member is gone, in ms.',
    { min: 1 },
  ),
  'group.streams.min.session.timeout.ms': int(
    45_000,
    'Smallest session timeout a group may set, in ms.',
    { min: 1 },
  ),
  'group.streams.max.session.timeout.ms': int(
    60_000,
    'Largest session timeout a group may set, in ms.',
    { min: 1 },
  ),
  'group.streams.initial.rebalance.delay.ms': int(
    3000,
    'Wait for more members before the first assignment of a new group, in ms.',
    { min: 0 },
  ),
  'group.streams.max.size': int(2_147_483_647, 'Most members of a streams group.', { min: 1 }),
  'group.streams.num.standby.replicas': int(0, 'Standby copies of each task.', { min: 0 }),
  'group.streams.max.standby.replicas': int(2, 'Most standby copies a group may set.', { min: 0 }),
  'group.streams.num.warmup.replicas': int(2, 'Most copies of tasks that warm up at a time.', {
    min: 0,
    internal: true,
  }),
  'group.streams.max.warmup.replicas': int(20, 'Most warm-up copies a group may set.', {
    min: 0,
    internal: true,
  }),
  'group.streams.acceptable.recovery.lag': long(
    10_000,
    'Records a member may lag behind and still count as caught up with a task.',
    { min: 0, internal: true },
  ),
  'group.streams.rack.aware.assignment.tags': list(
    [],
    'Client tags over which standby copies are spread.',
    { importance: 'low' },
  ),
  'group.streams.task.offset.interval.ms': int(
    60_000,
    'Time between two reports of a member about how far its copies are, in ms.',
    { min: 1, internal: true },
  ),
  'group.streams.min.task.offset.interval.ms': int(
    15_000,
    'Smallest report interval a group may set, in ms.',
    { min: 1, internal: true },
  ),
  'group.streams.topology.description.plugin.class': className(
    null,
    'Java class that keeps descriptions of topologies.',
    { accepted: reasons.java },
  ),
});
