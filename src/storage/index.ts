// One partition's log on disk, in Kafka's own files.
//   partition-log.ts       the log: append, read, flush, truncate, retention
//   log-config.ts          what a log is told by its topic's configuration
//   log-directory.ts       one entry of log.dirs: lock, identity, checkpoints, partition folders
//   log-resources.ts       descriptors and memory shared by all logs
//   leader-epoch-cache.ts  where each leader epoch began
export { LeaderEpochCache, type LeaderEpochEntry } from './leader-epoch-cache.ts';
export { defaultLogConfig, type LogConfig } from './log-config.ts';
export * from './log-directory.ts';
export { type LogResourceLimits, LogResources } from './log-resources.ts';
export * from './partition-log.ts';
