// One entry of log.dirs. (Signatures first; bodies follow.)
import type { Uuid } from '../base/uuid.ts';
import type { Io } from '../io/index.ts';
import type { LogConfig } from './log-config.ts';
import type { LogResources } from './log-resources.ts';
import type { PartitionLog } from './partition-log.ts';

export interface MetaProperties {
  readonly clusterId: string;
  readonly nodeId: number;
  readonly directoryId: Uuid;
}

export interface LogDirectoryOptions {
  readonly path: string;
  readonly nodeId: number;
  /** null takes the id found in meta.properties, or makes one up for a new directory. */
  readonly clusterId: string | null;
  readonly resources: LogResources;
  /** The directory failed (a sync, a write that could not be undone): stop using it. */
  readonly onFailure: (directory: LogDirectory, error: Error) => void;
}

export interface PartitionName {
  readonly topic: string;
  readonly partition: number;
  /** ZERO_UUID when partition.metadata is missing. */
  readonly topicId: Uuid;
}

/** One line that names the path and the remedy. */
export declare class LogDirectoryError extends Error {
  readonly path: string;
}

export declare class LogDirectory {
  /** Creates, locks and checks the directory; throws LogDirectoryError. */
  static open(io: Io, options: LogDirectoryOptions): Promise<LogDirectory>;
  static readMetaProperties(io: Io, path: string): MetaProperties | null;
  static format(io: Io, path: string, meta: Omit<MetaProperties, 'directoryId'>): Promise<void>;
  readonly path: string;
  readonly meta: MetaProperties;
  readonly wasCleanShutdown: boolean;
  /** Opens (recovers) every partition folder that is there. */
  openLogs(configFor: (name: PartitionName) => LogConfig): Promise<PartitionLog[]>;
  createLog(name: PartitionName, config: LogConfig): Promise<PartitionLog>;
  log(topic: string, partition: number): PartitionLog | null;
  logs(): Iterable<PartitionLog>;
  topicId(topic: string, partition: number): Uuid;
  /** Renames the folder to `…-delete`; it is removed after file.delete.delay.ms. */
  deleteLog(topic: string, partition: number): Promise<void>;
  /** replication-offset-checkpoint as it was found at the start, by `topic-partition`. */
  readonly highWatermarks: ReadonlyMap<string, number>;
  checkpointHighWatermarks(highWatermarks: ReadonlyMap<string, number>): Promise<void>;
  /** recovery-point-offset-checkpoint and log-start-offset-checkpoint. */
  checkpointOffsets(): Promise<void>;
  /** Flushes the logs whose flush.ms is over. */
  flushDueLogs(nowMs: number): Promise<void>;
  /** Flushes and closes the logs, then leaves .kafka_cleanshutdown. */
  close(): Promise<void>;
}
