// What one partition's log is told by its topic's configuration, in plain numbers, so that storage
// needs to know neither the configuration keys nor where a value came from. The defaults are
// Kafka's. A log's configuration is replaced as a whole (PartitionLog.configure).

export interface LogConfig {
  /** A segment is closed before an append that would make it larger (segment.bytes). */
  readonly segmentBytesMax: number;
  /** Age of a segment's first batch at which the next append starts a new one (segment.ms). */
  readonly segmentMs: number;
  /** Each segment is rolled up to this much earlier, at random (segment.jitter.ms). */
  readonly segmentJitterMs: number;
  /** Size at which an offset or time index is full and the segment rolls (segment.index.bytes). */
  readonly indexBytesMax: number;
  /** Log bytes between two entries of the indexes (index.interval.bytes). */
  readonly indexIntervalBytes: number;
  /** Appended records after which AppendResult.flushDue is set (flush.messages). */
  readonly flushMessages: number;
  /** Age of the oldest unflushed append at which `isFlushDue` says so (flush.ms). */
  readonly flushMs: number;
  /** -1 keeps segments for ever (retention.ms). */
  readonly retentionMs: number;
  /** -1 sets no bound (retention.bytes). */
  readonly retentionBytes: number;
  /** Largest batch accepted from a client, as it is stored (max.message.bytes). */
  readonly messageBytesMax: number;
  readonly messageTimestampType: 'CreateTime' | 'LogAppendTime';
  /** message.timestamp.before.max.ms and .after.max.ms; checked with CreateTime only. */
  readonly timestampBeforeMaxMs: number;
  readonly timestampAfterMaxMs: number;
  /** Deleted segments and logs stay under a `.deleted` or `-delete` name this long. */
  readonly fileDeleteDelayMs: number;
  /** `producer` keeps batches as they came. */
  readonly compressionType: 'producer' | 'uncompressed' | 'gzip' | 'snappy' | 'lz4' | 'zstd';
  /** Level for batches that are compressed here; null is the codec's default. */
  readonly compressionLevel: number | null;
  /** Any of `delete` and `compact`. */
  readonly cleanupPolicy: readonly ('delete' | 'compact')[];
  /** How long a compacted log keeps tombstones and markers that it could drop. */
  readonly deleteRetentionMs: number;
  /** Share of the log that must be uncompacted before it is compacted (0 to 1). */
  readonly minCleanableDirtyRatio: number;
  /** Records younger than this are not compacted away; 0 sets no bound. */
  readonly minCompactionLagMs: number;
  /** Age at which a record must be open to compaction, whatever the ratio. */
  readonly maxCompactionLagMs: number;
  readonly minInSyncReplicas: number;
  /** Idle time after which a producer's sequence state is forgotten (producer.id.expiration.ms). */
  readonly producerIdExpirationMs: number;
}

export const defaultLogConfig: LogConfig = {
  segmentBytesMax: 1_073_741_824,
  segmentMs: 604_800_000,
  segmentJitterMs: 0,
  indexBytesMax: 10_485_760,
  indexIntervalBytes: 4096,
  flushMessages: Number.MAX_SAFE_INTEGER,
  flushMs: Number.MAX_SAFE_INTEGER,
  retentionMs: 604_800_000,
  retentionBytes: -1,
  messageBytesMax: 1_048_588,
  messageTimestampType: 'CreateTime',
  timestampBeforeMaxMs: Number.MAX_SAFE_INTEGER,
  timestampAfterMaxMs: 3_600_000,
  fileDeleteDelayMs: 60_000,
  compressionType: 'producer',
  compressionLevel: null,
  cleanupPolicy: ['delete'],
  deleteRetentionMs: 86_400_000,
  minCleanableDirtyRatio: 0.5,
  minCompactionLagMs: 0,
  maxCompactionLagMs: Number.MAX_SAFE_INTEGER,
  minInSyncReplicas: 1,
  producerIdExpirationMs: 86_400_000,
};

/** A segment that is written to is not compacted: max.compaction.lag.ms ends it early. */
export function segmentMsOf(config: LogConfig): number {
  const isCompacted = config.cleanupPolicy.includes('compact') && config.maxCompactionLagMs > 0;
  return isCompacted ? Math.min(config.segmentMs, config.maxCompactionLagMs) : config.segmentMs;
}
