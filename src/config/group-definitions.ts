// What can be configured per group, with the broker keys that a group without a value of its own
// follows.

import { acceptedOnly, boolean, from, int, list, long, string } from './definition.ts';
import { reasons } from './reasons.ts';
import { isOffsetReset } from './shapes.ts';

const consumerDefinitions = {
  'consumer.assignment.interval.ms': int(
    1000,
    'Shortest time between two assignments of the group, in ms.',
    { min: 0, fallbacks: [from('group.consumer.assignment.interval.ms')] },
  ),
  'consumer.assignor.offload.enable': boolean(
    true,
    'Whether assignments are computed on a thread of their own.',
    {
      internal: true,
      fallbacks: [from('group.consumer.assignor.offload.enable')],
      accepted: reasons.threads,
    },
  ),
  'consumer.heartbeat.interval.ms': int(5000, 'Time between two heartbeats of a member, in ms.', {
    min: 1,
    fallbacks: [from('group.consumer.heartbeat.interval.ms')],
  }),
  'consumer.session.timeout.ms': int(
    45_000,
    'Time without heartbeat after which a member is gone, in ms.',
    { min: 1, fallbacks: [from('group.consumer.session.timeout.ms')] },
  ),
};

export const groupConfigDefinitions = {
  ...consumerDefinitions,
  ...acceptedOnly('share and streams groups are not served yet', {
    'errors.deadletterqueue.copy.record.enable': boolean(
      false,
      'Whether the record itself is written to the topic of records that were given up.',
    ),
    'errors.deadletterqueue.topic.name': string(
      '',
      'Topic of the records that were given up; empty for none.',
    ),
    'share.assignment.interval.ms': int(
      1000,
      'Shortest time between two assignments of the group, in ms.',
      { min: 0, fallbacks: [from('group.share.assignment.interval.ms')] },
    ),
    'share.assignor.offload.enable': boolean(
      true,
      'Whether assignments are computed on a thread of their own.',
      {
        internal: true,
        fallbacks: [from('group.share.assignor.offload.enable')],
        accepted: reasons.threads,
      },
    ),
    'share.auto.offset.reset': string(
      'latest',
      'Where a share group without state starts: latest, earliest or some time ago.',
      { shape: 'latest, earliest or by_duration:PnDTnHnMnS', check: isOffsetReset },
    ),
    'share.delivery.count.limit': int(5, 'Deliveries of a record before it is given up.', {
      min: 2,
      fallbacks: [from('group.share.delivery.count.limit')],
    }),
    'share.heartbeat.interval.ms': int(5000, 'Time between two heartbeats of a member, in ms.', {
      min: 1,
      fallbacks: [from('group.share.heartbeat.interval.ms')],
    }),
    'share.isolation.level': string(
      'read_uncommitted',
      'Whether records of aborted transactions are delivered.',
      { oneOf: ['read_committed', 'read_uncommitted'] },
    ),
    'share.partition.max.record.locks': int(
      2000,
      'Records of one partition that may be held at a time.',
      { min: 100, fallbacks: [from('group.share.partition.max.record.locks')] },
    ),
    'share.record.lock.duration.ms': int(30_000, 'Time for which a member holds a record, in ms.', {
      min: 1000,
      fallbacks: [from('group.share.record.lock.duration.ms')],
    }),
    'share.renew.acknowledge.enable': boolean(
      true,
      'Whether a member may prolong its hold of a record.',
    ),
    'share.session.timeout.ms': int(
      45_000,
      'Time without heartbeat after which a member is gone, in ms.',
      { min: 1, fallbacks: [from('group.share.session.timeout.ms')] },
    ),
    'streams.acceptable.recovery.lag': long(
      10_000,
      'Records a member may lag behind and still count as caught up with a task.',
      { min: 0, internal: true, fallbacks: [from('group.streams.acceptable.recovery.lag')] },
    ),
    'streams.assignment.interval.ms': int(
      1000,
      'Shortest time between two assignments of the group, in ms.',
      { min: 0, fallbacks: [from('group.streams.assignment.interval.ms')] },
    ),
    'streams.assignor.name': string(
      null,
      'Task assignor of the group; without it the first of group.streams.assignors.',
    ),
    'streams.assignor.offload.enable': boolean(
      true,
      'Whether assignments are computed on a thread of their own.',
      {
        internal: true,
        fallbacks: [from('group.streams.assignor.offload.enable')],
        accepted: reasons.threads,
      },
    ),
    'streams.heartbeat.interval.ms': int(5000, 'Time between two heartbeats of a member, in ms.', {
      min: 1,
      fallbacks: [from('group.streams.heartbeat.interval.ms')],
    }),
    'streams.initial.rebalance.delay.ms': int(
      3000,
      'Wait for more members before the first assignment, in ms.',
      { min: 0, fallbacks: [from('group.streams.initial.rebalance.delay.ms')] },
    ),
    'streams.num.standby.replicas': int(0, 'Standby copies of each task.', {
      min: 0,
      fallbacks: [from('group.streams.num.standby.replicas')],
    }),
    'streams.num.warmup.replicas': int(2, 'Most copies of tasks that warm up at a time.', {
      min: 0,
      internal: true,
      fallbacks: [from('group.streams.num.warmup.replicas')],
    }),
    'streams.rack.aware.assignment.tags': list(
      [],
      'Client tags over which standby copies are spread.',
      { importance: 'low', fallbacks: [from('group.streams.rack.aware.assignment.tags')] },
    ),
    'streams.session.timeout.ms': int(
      45_000,
      'Time without heartbeat after which a member is gone, in ms.',
      { min: 1, fallbacks: [from('group.streams.session.timeout.ms')] },
    ),
    'streams.task.offset.interval.ms': int(
      60_000,
      'Time between two reports of a member about how far its copies are, in ms.',
      { min: 1, internal: true, fallbacks: [from('group.streams.task.offset.interval.ms')] },
    ),
  }),
};
