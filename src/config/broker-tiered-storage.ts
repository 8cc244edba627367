// Tiered storage (KIP-405): segments kept in remote storage by Java plugins.

import { INT64_MAX } from '../base/int64.ts';
import { acceptedOnly, boolean, double, int, long, string } from './definition.ts';

export const brokerTieredStorage = acceptedOnly('tiered storage is not offered', {
  'remote.log.storage.system.enable': boolean(
    false,
    'Whether topics may keep segments in remote storage.',
  ),
  'remote.log.storage.manager.class.name': string(null, 'Java class that stores segments.', {
    notEmpty: true,
  }),
  'remote.log.storage.manager.class.path': string(null, 'Where Java finds that class.'),
  'remote.log.storage.manager.impl.prefix': string(
    'rsm.config.',
    'What the keys for that class start with.',
    { notEmpty: true },
  ),
  'remote.log.metadata.manager.class.name': string(
    'org.apache.kafka.server.log.remote.metadata.storage.TopicBasedRemoteLogMetadataManager',
    'Java class that stores what is where.',
    { notEmpty: true },
  ),
  'remote.log.metadata.manager.class.path': string(null, 'Where Java finds that class.'),
  'remote.log.metadata.manager.impl.prefix': string(
    'rlmm.config.',
    'What the keys for that class start with.',
    { notEmpty: true },
  ),
  'remote.log.metadata.manager.listener.name': string(
    null,
    'Listener over which that class talks to brokers.',
    { notEmpty: true },
  ),
  'remote.log.metadata.custom.metadata.max.bytes': int(
    128,
    'Most bytes a plugin may store beside a segment.',
    { importance: 'low', min: 0 },
  ),
  'remote.log.index.file.cache.total.size.bytes': long(
    1_073_741_824,
    'Bytes of remote indexes kept on the local disk.',
    { importance: 'low', update: 'cluster-wide', min: 1 },
  ),
  'remote.log.index.file.cache.ttl.ms': long(
    900_000,
    'Time for which an unused remote index is kept, in ms; -1 for ever.',
    { importance: 'low', min: -1, internal: true },
  ),
  'remote.log.manager.thread.pool.size': int(2, 'Threads for all work with remote storage.', {
    min: 1,
  }),
  'remote.log.manager.copier.thread.pool.size': int(10, 'Threads that copy segments out.', {
    update: 'cluster-wide',
    min: 1,
  }),
  'remote.log.manager.expiration.thread.pool.size': int(
    10,
    'Threads that delete remote segments.',
    { update: 'cluster-wide', min: 1 },
  ),
  'remote.log.manager.follower.thread.pool.size': int(
    2,
    'Threads for followers of tiered partitions.',
    { update: 'cluster-wide', min: 1 },
  ),
  'remote.log.manager.task.interval.ms': long(30_000, 'Time between two looks for work, in ms.', {
    importance: 'low',
    min: 1,
  }),
  'remote.log.manager.task.retry.backoff.ms': long(500, 'First wait after a failure, in ms.', {
    importance: 'low',
    min: 1,
    internal: true,
  }),
  'remote.log.manager.task.retry.backoff.max.ms': long(
    30_000,
    'Longest wait after a failure, in ms.',
    { importance: 'low', min: 1, internal: true },
  ),
  'remote.log.manager.task.retry.jitter': double(0.2, 'Share of that wait that chance changes.', {
    importance: 'low',
    min: 0,
    max: 0.5,
    internal: true,
  }),
  'remote.log.manager.copy.max.bytes.per.second': long(INT64_MAX, 'Bytes per second copied out.', {
    update: 'cluster-wide',
    min: 1,
  }),
  'remote.log.manager.copy.quota.window.num': int(11, 'Samples kept to measure that.', { min: 1 }),
  'remote.log.manager.copy.quota.window.size.seconds': int(
    1,
    'Length of such a sample, in seconds.',
    { min: 1 },
  ),
  'remote.log.manager.fetch.max.bytes.per.second': long(INT64_MAX, 'Bytes per second read back.', {
    update: 'cluster-wide',
    min: 1,
  }),
  'remote.log.manager.fetch.quota.window.num': int(11, 'Samples kept to measure that.', { min: 1 }),
  'remote.log.manager.fetch.quota.window.size.seconds': int(
    1,
    'Length of such a sample, in seconds.',
    { min: 1 },
  ),
  'remote.log.reader.threads': int(10, 'Threads that read remote segments.', {
    update: 'cluster-wide',
    min: 1,
  }),
  'remote.log.reader.max.pending.tasks': int(100, 'Remote reads that may wait.', { min: 1 }),
  'remote.fetch.max.wait.ms': int(500, 'Longest wait of a consumer for remote records, in ms.', {
    update: 'cluster-wide',
    min: 1,
  }),
  'remote.list.offsets.request.timeout.ms': long(
    30_000,
    'Longest search for an offset in remote storage, in ms.',
    { update: 'cluster-wide', min: 1 },
  ),
  'log.local.retention.ms': long(
    -2,
    'Age at which a local copy may go, in ms; -2 for log.retention.ms.',
    { update: 'cluster-wide', min: -2 },
  ),
  'log.local.retention.bytes': long(
    -2,
    'Size above which local copies may go, in bytes; -2 for log.retention.bytes.',
    { update: 'cluster-wide', min: -2 },
  ),
  'log.remote.copy.lag.ms': long(0, 'Age from which a closed segment is copied out, in ms.', {
    update: 'cluster-wide',
    min: -1,
  }),
  'log.remote.copy.lag.bytes': long(-1, 'Newer bytes from which a closed segment is copied out.', {
    update: 'cluster-wide',
    min: -1,
  }),
  'follower.fetch.last.tiered.offset.enable': boolean(
    false,
    'Whether a new follower starts after what is in remote storage.',
    { update: 'cluster-wide' },
  ),
});
