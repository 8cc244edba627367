// Replicas: how followers fetch, who is in sync, who becomes leader, and the budgets of copying.

import { INT64_MAX } from '../base/int64.ts';
import { boolean, int, long, string } from './definition.ts';
import { reasons } from './reasons.ts';

/** A value of `replica.selector.class`. */
export const rackAwareSelector = 'org.apache.kafka.common.replica.RackAwareReplicaSelector';

export const brokerReplication = {
  'replica.socket.receive.buffer.bytes': int(
    65_536,
    "Size of the kernel's receive buffer of a follower's socket, in bytes.",
    { importance: 'high', accepted: reasons.socketBuffers },
  ),
  'auto.leader.rebalance.enable': boolean(
    true,
    'Whether leadership goes back to preferred replicas by itself.',
    { importance: 'high' },
  ),
  'leader.imbalance.check.interval.seconds': long(
    300,
    'Time between two looks for partitions not led by their preferred replica, in seconds.',
    { importance: 'high', min: 1 },
  ),
  'unclean.leader.election.enable': boolean(
    false,
    'Whether a replica out of sync may lead when no other is left, losing records.',
    { importance: 'high', update: 'cluster-wide' },
  ),
  'unclean.leader.election.interval.ms': long(
    300_000,
    'Time between two looks for partitions without leader, in ms.',
    { min: 1, internal: true },
  ),
  'alter.log.dirs.replication.quota.window.num': int(
    11,
    'Samples kept to measure moves between folders.',
    { importance: 'low', min: 1, accepted: reasons.moves },
  ),
  'alter.log.dirs.replication.quota.window.size.seconds': int(
    1,
    'Length of such a sample, in seconds.',
    { importance: 'low', min: 1, accepted: reasons.moves },
  ),
  'follower.replication.throttled.rate': long(
    INT64_MAX,
    'Bytes per second a throttled follower fetches; only set dynamically.',
    { update: 'cluster-wide', min: 0 },
  ),
  'replication.quota.window.num': int(11, 'Samples kept to measure throttled replication.', {
    importance: 'low',
    min: 1,
  }),
  'replication.quota.window.size.seconds': int(1, 'Length of such a sample, in seconds.', {
    importance: 'low',
    min: 1,
  }),
  'leader.replication.throttled.rate': long(
    INT64_MAX,
    'Bytes per second a leader sends to throttled followers; only set dynamically.',
    { update: 'cluster-wide', min: 0 },
  ),
  'replica.selector.class': string(
    null,
    'Which replica a consumer reads from, by the name of a class of Apache Kafka.',
    { oneOf: ['org.apache.kafka.common.replica.LeaderSelector', rackAwareSelector] },
  ),
  'replica.lag.time.max.ms': long(
    30_000,
    'Time a follower may lag before it leaves the in-sync replicas, in ms.',
    { importance: 'high' },
  ),
  'replica.fetch.max.bytes': int(1_048_576, 'Bytes a follower asks for per partition.', { min: 0 }),
  'replica.fetch.response.max.bytes': int(10_485_760, 'Bytes a follower asks for in one fetch.', {
    min: 0,
  }),
  'replica.fetch.min.bytes': int(1, 'Bytes the leader gathers before it answers a follower.', {
    importance: 'high',
  }),
  'replica.fetch.wait.max.ms': int(500, "Time the leader may hold a follower's fetch, in ms.", {
    importance: 'high',
  }),
  'replica.fetch.backoff.ms': int(1000, 'Rest of a follower after a failed fetch, in ms.', {
    min: 0,
  }),
  'replica.socket.timeout.ms': int(
    30_000,
    'Time within which the leader must answer a follower, in ms.',
    { importance: 'high' },
  ),
  'num.replica.fetchers': int(1, 'Connections over which a follower fetches from one leader.', {
    importance: 'high',
    update: 'cluster-wide',
    min: 1,
  }),
  'replica.high.watermark.checkpoint.interval.ms': long(
    5000,
    'Time between two writes of the high watermarks, in ms.',
    { importance: 'high' },
  ),
  'replica.alter.log.dirs.io.max.bytes.per.second': long(
    INT64_MAX,
    'Bytes per second of moves between folders; only set dynamically.',
    { update: 'cluster-wide', min: 0 },
  ),
} as const;
