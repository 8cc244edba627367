// The log: folders, segments, retention, syncing, timestamps, compression, compaction. Most are the
// defaults of a topic configuration.

import { INT64_MAX } from '../base/int64.ts';
import {
  boolean,
  type Definitions,
  double,
  from,
  int,
  list,
  listFrom,
  long,
  numberFrom,
  string,
} from './definition.ts';
import { reasons } from './reasons.ts';

export const brokerLog = {
  'log.dirs': listFrom(
    [from('log.dir')],
    'Folders that hold the partitions, between commas. Without it, log.dir.',
    { importance: 'high', notEmpty: true },
  ),
  'log.dir': list(['/tmp/kafka-logs'], 'Folder of the partitions while log.dirs is not set.', {
    importance: 'high',
    notEmpty: true,
  }),
  'cordoned.log.dirs': list(
    [],
    'Folders of log.dirs that get no new partitions; * for all of them.',
    { update: 'per-broker', accepted: 'new partitions go to the folder with the fewest' },
  ),
  'log.dir.failure.timeout.ms': long(
    30_000,
    'Time a broker may fail to report a failed folder before it stops, in ms.',
    { importance: 'low', min: 1, accepted: 'a broker whose folder fails stops at once' },
  ),
  'num.recovery.threads.per.data.dir': int(
    2,
    'Logs of one folder that are opened and recovered side by side.',
    { importance: 'high', update: 'cluster-wide', min: 1, accepted: reasons.threads },
  ),
  'num.replica.alter.log.dirs.threads': int(null, 'Threads that move replicas between folders.', {
    importance: 'high',
    accepted: 'replicas are not moved between folders',
  }),
  'num.partitions': int(1, 'Partitions of a topic that is created without a number.', { min: 1 }),
  'default.replication.factor': int(1, 'Replicas of a topic that is created without a number.'),
  'auto.create.topics.enable': boolean(
    true,
    'Whether a topic that is asked for and does not exist is created.',
    { importance: 'high' },
  ),
  'delete.topic.enable': boolean(true, 'Whether topics may be deleted.', { importance: 'high' }),
  'log.segment.bytes': int(1_073_741_824, 'Size at which a log starts a new segment, in bytes.', {
    importance: 'high',
    update: 'cluster-wide',
    min: 1_048_576,
  }),
  'log.roll.ms': numberFrom(
    'long',
    [from('log.roll.hours', 3_600_000)],
    'Age at which a log starts a new segment, in ms. Without it, log.roll.hours.',
    { importance: 'high', update: 'cluster-wide' },
  ),
  'log.roll.hours': int(
    168,
    'Age at which a log starts a new segment, in hours, while log.roll.ms is not set.',
    { importance: 'high', min: 1 },
  ),
  'log.roll.jitter.ms': numberFrom(
    'long',
    [from('log.roll.jitter.hours', 3_600_000)],
    'Most that chance takes off log.roll.ms, in ms. Without it, log.roll.jitter.hours.',
    { importance: 'high', update: 'cluster-wide' },
  ),
  'log.roll.jitter.hours': int(0, 'The same in hours, while log.roll.jitter.ms is not set.', {
    importance: 'high',
    min: 0,
  }),
  'log.retention.ms': numberFrom(
    'long',
    [from('log.retention.minutes', 60_000), from('log.retention.hours', 3_600_000)],
    'Age at which a segment is deleted, in ms; -1 for never. Without it, log.retention.minutes.',
    { importance: 'high', update: 'cluster-wide' },
  ),
  'log.retention.minutes': int(
    null,
    'Age at which a segment is deleted, in minutes. Without it, log.retention.hours.',
    { importance: 'high' },
  ),
  'log.retention.hours': int(
    168,
    'Age at which a segment is deleted, in hours, while the keys in ms and minutes are not set.',
    { importance: 'high' },
  ),
  'log.retention.bytes': long(
    -1,
    'Size of a partition above which its oldest segments are deleted, in bytes; -1 for no limit.',
    { importance: 'high', update: 'cluster-wide' },
  ),
  'log.retention.check.interval.ms': long(
    300_000,
    'Time between two looks for segments to delete, in ms.',
    { min: 1 },
  ),
  'log.segment.delete.delay.ms': long(
    60_000,
    'Wait between taking a segment out of the log and removing its files, in ms.',
    { importance: 'high', update: 'cluster-wide', min: 0 },
  ),
  'log.initial.task.delay.ms': long(
    30_000,
    'Wait after the start before the first look for segments to delete, in ms.',
    {
      importance: 'low',
      min: 0,
      internal: true,
    },
  ),
  'log.flush.interval.messages': long(
    INT64_MAX,
    'Records after which a log is synced to disk; by default the system decides.',
    { importance: 'high', update: 'cluster-wide', min: 1 },
  ),
  'log.flush.interval.ms': numberFrom(
    'long',
    [from('log.flush.scheduler.interval.ms')],
    'Age of unsynced records at which a log is synced, in ms.',
    { importance: 'high', update: 'cluster-wide' },
  ),
  'log.flush.scheduler.interval.ms': long(
    INT64_MAX,
    'Time between two looks for logs to sync, in ms.',
    { importance: 'high' },
  ),
  'log.flush.offset.checkpoint.interval.ms': int(
    60_000,
    'Time between two writes of the recovery points, in ms.',
    { importance: 'high', min: 0 },
  ),
  'log.flush.start.offset.checkpoint.interval.ms': int(
    60_000,
    'Time between two writes of the log start offsets, in ms.',
    {
      importance: 'high',
      min: 0,
      accepted: 'they are written together with the recovery points',
    },
  ),
  'log.index.size.max.bytes': int(
    10_485_760,
    'Size of an index file above which the segment rolls, in bytes.',
    { update: 'cluster-wide', min: 4 },
  ),
  'log.index.interval.bytes': int(
    4096,
    'Bytes of records between two entries of the offset index.',
    { update: 'cluster-wide', min: 0 },
  ),
  'log.preallocate': boolean(false, 'Whether a new segment takes its space on the disk at once.', {
    update: 'cluster-wide',
    accepted: reasons.preallocation,
  }),
  'log.message.timestamp.type': string(
    'CreateTime',
    "Whether a record keeps the producer's time or gets the time of its append.",
    { update: 'cluster-wide', oneOf: ['CreateTime', 'LogAppendTime'] },
  ),
  'log.message.timestamp.before.max.ms': long(
    INT64_MAX,
    "How far a record's time may lie before the broker's, in ms.",
    { update: 'cluster-wide', min: 0 },
  ),
  'log.message.timestamp.after.max.ms': long(
    3_600_000,
    "How far a record's time may lie after the broker's, in ms.",
    { update: 'cluster-wide', min: 0 },
  ),
  'message.max.bytes': int(1_048_588, 'Largest record batch, compressed as it comes, in bytes.', {
    importance: 'high',
    update: 'cluster-wide',
    min: 0,
  }),
  'max.decompressed.message.bytes': int(
    2_147_483_639,
    'Largest single record once decompressed, in bytes.',
    {
      update: 'cluster-wide',
      min: 1,
      max: 2_147_483_639,
      accepted: 'batches are bounded as a whole when they are decompressed',
    },
  ),
  'min.insync.replicas': int(
    1,
    'Replicas in sync, the leader included, that a write with acks=all needs.',
    { importance: 'high', update: 'cluster-wide', min: 1 },
  ),
  'compression.type': string(
    'producer',
    'Codec in which a topic is stored; producer keeps what the producer chose.',
    {
      importance: 'high',
      update: 'cluster-wide',
      oneOf: ['uncompressed', 'zstd', 'lz4', 'snappy', 'gzip', 'producer'],
    },
  ),
  'compression.gzip.level': int(
    -1,
    "Level of gzip where the broker compresses; -1 for the library's own.",
    { update: 'cluster-wide', min: 1, max: 9, or: -1 },
  ),
  'compression.lz4.level': int(9, 'Level of lz4 where the broker compresses.', {
    update: 'cluster-wide',
    min: 1,
    max: 17,
  }),
  'compression.zstd.level': int(3, 'Level of zstd where the broker compresses.', {
    update: 'cluster-wide',
    min: -131_072,
    max: 22,
  }),
  'log.cleanup.policy': list(
    ['delete'],
    'What happens to old segments: delete, compact, or both. An empty list keeps everything.',
    { update: 'cluster-wide', oneOf: ['compact', 'delete'] },
  ),
  'log.cleaner.enable': boolean(true, 'Whether logs with the policy compact are compacted.', {}),
  'log.cleaner.threads': int(
    1,
    'Threads that compact logs: here 0 stops it, and others mean one log at a time.',
    { update: 'cluster-wide', min: 0 },
  ),
  'log.cleaner.backoff.ms': long(
    15_000,
    'Rest of the cleaner while there is nothing to compact, in ms.',
    { update: 'cluster-wide', min: 0 },
  ),
  'log.cleaner.dedupe.buffer.size': long(
    134_217_728,
    'Memory for the keys of the logs being compacted, in bytes.',
    { update: 'cluster-wide' },
  ),
  'log.cleaner.io.buffer.size': int(
    524_288,
    'Memory for reading and writing while compacting, in bytes.',
    { update: 'cluster-wide', min: 0 },
  ),
  'log.cleaner.io.buffer.load.factor': double(0.9, 'How full the memory for keys may become.', {
    update: 'cluster-wide',
  }),
  'log.cleaner.io.max.bytes.per.second': double(
    Number.MAX_VALUE,
    'Bytes per second that compaction may read and write.',
    { update: 'cluster-wide' },
  ),
  'log.cleaner.delete.retention.ms': long(
    86_400_000,
    'Time for which a compacted log keeps tombstones, in ms.',
    { update: 'cluster-wide', min: 0 },
  ),
  'log.cleaner.min.compaction.lag.ms': long(
    0,
    'Youngest age at which a record may be compacted away, in ms.',
    { update: 'cluster-wide', min: 0 },
  ),
  'log.cleaner.max.compaction.lag.ms': long(
    INT64_MAX,
    'Age at which a record must have become open to compaction, in ms.',
    { update: 'cluster-wide', min: 1 },
  ),
  'log.cleaner.min.cleanable.ratio': double(
    0.5,
    'Share of a log that must be uncompacted before it is compacted.',
    { update: 'cluster-wide', min: 0, max: 1 },
  ),
  'producer.id.expiration.ms': int(
    86_400_000,
    "Time without writes after which a partition forgets a producer's sequence, in ms.",
    { importance: 'low', update: 'cluster-wide', min: 1 },
  ),
  'producer.id.expiration.check.interval.ms': int(
    600_000,
    'Time between two looks for producers to forget, in ms.',
    {
      importance: 'low',
      min: 1,
      internal: true,
      accepted: 'producers are looked through together with retention',
    },
  ),
} satisfies Definitions;
