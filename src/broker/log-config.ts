// From the configuration in force to what storage wants to know of it: for a topic's logs, for the
// cleaner of all logs, and for their upkeep.

import { type BrokerConfig, effectiveTopicConfig } from '../config/index.ts';
import type { LogCleanerSettings, UpkeepOptions } from '../replication/index.ts';
import type { LogConfig } from '../storage/index.ts';

/** Longest timer that every platform keeps. */
export const timerMsMax = 2 ** 31 - 1;
/** How often logs are asked whether their flush.ms is over, at the least. */
const flushCheckMsMax = 1000;

export function logConfigOf(
  broker: BrokerConfig,
  overrides: ReadonlyMap<string, string>,
): LogConfig {
  const topic = effectiveTopicConfig(broker, overrides);
  const compressionType = topic.get('compression.type') as LogConfig['compressionType'];
  return {
    segmentBytesMax: topic.get('internal.segment.bytes') ?? topic.get('segment.bytes'),
    segmentMs: topic.get('segment.ms'),
    segmentJitterMs: topic.get('segment.jitter.ms'),
    indexBytesMax: topic.get('segment.index.bytes'),
    indexIntervalBytes: topic.get('index.interval.bytes'),
    flushMessages: topic.get('flush.messages'),
    flushMs: topic.get('flush.ms'),
    retentionMs: topic.get('retention.ms'),
    retentionBytes: topic.get('retention.bytes'),
    messageBytesMax: topic.get('max.message.bytes'),
    messageTimestampType: topic.get('message.timestamp.type') as LogConfig['messageTimestampType'],
    timestampBeforeMaxMs: topic.get('message.timestamp.before.max.ms'),
    timestampAfterMaxMs: topic.get('message.timestamp.after.max.ms'),
    fileDeleteDelayMs: topic.get('file.delete.delay.ms'),
    compressionType,
    compressionLevel: levelOf(topic, compressionType),
    cleanupPolicy: topic.get('cleanup.policy') as LogConfig['cleanupPolicy'],
    deleteRetentionMs: topic.get('delete.retention.ms'),
    minCleanableDirtyRatio: topic.get('min.cleanable.dirty.ratio'),
    minCompactionLagMs: topic.get('min.compaction.lag.ms'),
    maxCompactionLagMs: topic.get('max.compaction.lag.ms'),
    minInSyncReplicas: topic.get('min.insync.replicas'),
    producerIdExpirationMs: broker.get('producer.id.expiration.ms'),
  };
}

function levelOf(
  topic: ReturnType<typeof effectiveTopicConfig>,
  compressionType: LogConfig['compressionType'],
): number | null {
  switch (compressionType) {
    case 'gzip':
      return topic.get('compression.gzip.level');
    case 'lz4':
      return topic.get('compression.lz4.level');
    case 'zstd':
      return topic.get('compression.zstd.level');
    default:
      return null;
  }
}

export function cleanerSettingsOf(config: BrokerConfig): LogCleanerSettings {
  return {
    threads: config.get('log.cleaner.threads'),
    backoffMs: config.get('log.cleaner.backoff.ms'),
    dedupeBufferBytes: config.get('log.cleaner.dedupe.buffer.size'),
    loadFactor: config.get('log.cleaner.io.buffer.load.factor'),
    ioBufferBytes: config.get('log.cleaner.io.buffer.size'),
    bytesPerSecondMax: config.get('log.cleaner.io.max.bytes.per.second'),
  };
}

export function upkeepTimesOf(config: BrokerConfig): Omit<UpkeepOptions, 'directories' | 'onBug'> {
  const checkpointMs = config.get('replica.high.watermark.checkpoint.interval.ms');
  return {
    retentionCheckMs: Math.min(config.get('log.retention.check.interval.ms'), timerMsMax),
    flushCheckMs: Math.min(config.get('log.flush.scheduler.interval.ms'), flushCheckMsMax),
    highWatermarkCheckpointMs: Math.min(checkpointMs, timerMsMax),
    offsetCheckpointMs: config.get('log.flush.offset.checkpoint.interval.ms'),
    initialDelayMs: Math.min(config.get('log.initial.task.delay.ms'), timerMsMax),
  };
}
