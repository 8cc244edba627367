// What can be configured per topic. `fallbacks` name the broker keys that a topic without a value
// of its own follows, in their order.

import { INT64_MAX } from '../base/int64.ts';
import { boolean, type Definitions, double, from, int, list, long, string } from './definition.ts';
import { reasons } from './reasons.ts';
import { isThrottledReplica } from './shapes.ts';

export const topicConfigDefinitions = {
  'cleanup.policy': list(
    ['delete'],
    'What happens to old segments: delete, compact, or both. An empty list keeps everything.',
    { oneOf: ['compact', 'delete'], fallbacks: [from('log.cleanup.policy')] },
  ),
  'compression.type': string(
    'producer',
    'Codec in which the topic is stored; producer keeps what the producer chose.',
    {
      oneOf: ['uncompressed', 'zstd', 'lz4', 'snappy', 'gzip', 'producer'],
      fallbacks: [from('compression.type')],
    },
  ),
  'compression.gzip.level': int(
    -1,
    "Level of gzip where the broker compresses; -1 for the library's own.",
    { min: 1, max: 9, or: -1, fallbacks: [from('compression.gzip.level')] },
  ),
  'compression.lz4.level': int(9, 'Level of lz4 where the broker compresses.', {
    min: 1,
    max: 17,
    fallbacks: [from('compression.lz4.level')],
  }),
  'compression.zstd.level': int(3, 'Level of zstd where the broker compresses.', {
    min: -131_072,
    max: 22,
    fallbacks: [from('compression.zstd.level')],
  }),
  'delete.retention.ms': long(
    86_400_000,
    'Time for which a compacted log keeps tombstones, in ms.',
    { min: 0, fallbacks: [from('log.cleaner.delete.retention.ms')] },
  ),
  'errors.deadletterqueue.group.enable': boolean(
    false,
    'Whether share groups may write records they gave up into this topic.',
    { accepted: 'share groups are not served yet' },
  ),
  'file.delete.delay.ms': long(
    60_000,
    'Wait between taking a segment out of the log and removing its files, in ms.',
    { min: 0, fallbacks: [from('log.segment.delete.delay.ms')] },
  ),
  'flush.messages': long(
    INT64_MAX,
    'Records after which the log is synced to disk; by default the system decides.',
    { min: 1, fallbacks: [from('log.flush.interval.messages')] },
  ),
  'flush.ms': long(INT64_MAX, 'Age of unsynced records at which the log is synced, in ms.', {
    min: 0,
    fallbacks: [from('log.flush.interval.ms'), from('log.flush.scheduler.interval.ms')],
  }),
  'follower.replication.throttled.replicas': list(
    [],
    'Replicas whose fetching is throttled, as partition:broker between commas, or * for all.',
    {
      shape: 'partition:broker between commas, or *',
      check: isThrottledReplica,
    },
  ),
  'leader.replication.throttled.replicas': list(
    [],
    'Replicas to which sending is throttled, as partition:broker between commas, or * for all.',
    { shape: 'partition:broker between commas, or *', check: isThrottledReplica },
  ),
  'index.interval.bytes': int(4096, 'Bytes of records between two entries of the offset index.', {
    min: 0,
    fallbacks: [from('log.index.interval.bytes')],
  }),
  'internal.segment.bytes': int(
    null,
    'For tests: size of a segment in bytes, below the smallest that segment.bytes allows.',
    { internal: true },
  ),
  'local.retention.bytes': long(
    -2,
    'Size above which local copies may go, in bytes; -2 for retention.bytes.',
    { min: -2, fallbacks: [from('log.local.retention.bytes')], accepted: reasons.tieredStorage },
  ),
  'local.retention.ms': long(-2, 'Age at which a local copy may go, in ms; -2 for retention.ms.', {
    min: -2,
    fallbacks: [from('log.local.retention.ms')],
    accepted: reasons.tieredStorage,
  }),
  'max.compaction.lag.ms': long(
    INT64_MAX,
    'Age at which a record must have become open to compaction, in ms.',
    {
      min: 1,
      fallbacks: [from('log.cleaner.max.compaction.lag.ms')],
    },
  ),
  'max.decompressed.message.bytes': int(
    2_147_483_639,
    'Largest single record once decompressed, in bytes.',
    {
      min: 1,
      max: 2_147_483_639,
      fallbacks: [from('max.decompressed.message.bytes')],
      accepted: 'batches are bounded as a whole when they are decompressed',
    },
  ),
  'max.message.bytes': int(1_048_588, 'Largest record batch, compressed as it comes, in bytes.', {
    min: 0,
    fallbacks: [from('message.max.bytes')],
  }),
  'message.timestamp.after.max.ms': long(
    3_600_000,
    "How far a record's time may lie after the broker's, in ms.",
    { min: 0, fallbacks: [from('log.message.timestamp.after.max.ms')] },
  ),
  'message.timestamp.before.max.ms': long(
    INT64_MAX,
    "How far a record's time may lie before the broker's, in ms.",
    { min: 0, fallbacks: [from('log.message.timestamp.before.max.ms')] },
  ),
  'message.timestamp.type': string(
    'CreateTime',
    "Whether a record keeps the producer's time or gets the time of its append.",
    { oneOf: ['CreateTime', 'LogAppendTime'], fallbacks: [from('log.message.timestamp.type')] },
  ),
  'min.cleanable.dirty.ratio': double(
    0.5,
    'Share of the log that must be uncompacted before it is compacted.',
    {
      min: 0,
      max: 1,
      fallbacks: [from('log.cleaner.min.cleanable.ratio')],
    },
  ),
  'min.compaction.lag.ms': long(0, 'Youngest age at which a record may be compacted away, in ms.', {
    min: 0,
    fallbacks: [from('log.cleaner.min.compaction.lag.ms')],
  }),
  'min.insync.replicas': int(
    1,
    'Replicas in sync, the leader included, that a write with acks=all needs.',
    { min: 1, fallbacks: [from('min.insync.replicas')] },
  ),
  preallocate: boolean(false, 'Whether a new segment takes its space on the disk at once.', {
    fallbacks: [from('log.preallocate')],
    accepted: reasons.preallocation,
  }),
  'remote.copy.lag.bytes': long(
    -1,
    'Newer bytes from which a closed segment is copied to remote storage.',
    { min: -1, fallbacks: [from('log.remote.copy.lag.bytes')], accepted: reasons.tieredStorage },
  ),
  'remote.copy.lag.ms': long(
    0,
    'Age from which a closed segment is copied to remote storage, in ms.',
    { min: -1, fallbacks: [from('log.remote.copy.lag.ms')], accepted: reasons.tieredStorage },
  ),
  'remote.log.copy.disable': boolean(false, 'Whether nothing more is copied to remote storage.', {
    accepted: reasons.tieredStorage,
  }),
  'remote.log.delete.on.disable': boolean(
    false,
    'Whether switching remote storage off deletes what is there.',
    { accepted: reasons.tieredStorage },
  ),
  'remote.storage.enable': boolean(false, 'Whether old segments are kept in remote storage.', {
    accepted: reasons.tieredStorage,
  }),
  'retention.bytes': long(
    -1,
    'Size of a partition above which its oldest segments are deleted, in bytes; -1 for no limit.',
    { fallbacks: [from('log.retention.bytes')] },
  ),
  'retention.ms': long(604_800_000, 'Age at which a segment is deleted, in ms; -1 for never.', {
    min: -1,
    fallbacks: [
      from('log.retention.ms'),
      from('log.retention.minutes', 60_000),
      from('log.retention.hours', 3_600_000),
    ],
  }),
  'segment.bytes': int(1_073_741_824, 'Size at which the log starts a new segment, in bytes.', {
    min: 1_048_576,
    fallbacks: [from('log.segment.bytes')],
  }),
  'segment.index.bytes': int(
    10_485_760,
    'Size of an index file above which the segment rolls, in bytes.',
    { min: 4, fallbacks: [from('log.index.size.max.bytes')] },
  ),
  'segment.jitter.ms': long(
    0,
    'Most that chance takes off segment.ms, in ms, so that rolls spread.',
    { min: 0, fallbacks: [from('log.roll.jitter.ms'), from('log.roll.jitter.hours', 3_600_000)] },
  ),
  'segment.ms': long(604_800_000, 'Age at which the log starts a new segment, in ms.', {
    min: 1,
    fallbacks: [from('log.roll.ms'), from('log.roll.hours', 3_600_000)],
  }),
  'unclean.leader.election.enable': boolean(
    false,
    'Whether a replica out of sync may lead when no other is left, losing records.',
    { fallbacks: [from('unclean.leader.election.enable')] },
  ),
} satisfies Definitions;
