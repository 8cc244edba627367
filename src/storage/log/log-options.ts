// What a log is opened with.

import type { LogResources } from '../files/log-resources.ts';
import type { LogConfig } from './log-config.ts';

export interface PartitionLogOptions {
  /** The folder `<topic>-<partition>`; created if it is not there. */
  readonly directory: string;
  readonly topic: string;
  readonly partition: number;
  readonly config: LogConfig;
  readonly wasCleanShutdown: boolean;
  /**
   * Offset up to which the log is known to be durable; recovery scans from its segment. Left out
   * when the checkpoint that says it was lost.
   */
  readonly recoveryPoint?: number | undefined;
  readonly logStartOffset?: number | undefined;
  /** Where the last cleaning ended, by cleaner-offset-checkpoint. */
  readonly cleanedTo?: number | undefined;
  /**
   * The system did not go down since the log was last written to, so that its page cache has all
   * that was written: what is missing was damaged, and not lost for want of a sync.
   */
  readonly hasSystemRunOn?: boolean | undefined;
  /** Descriptors, tail cache and index memory, shared by all logs of the process. */
  readonly resources: LogResources;
  /** A failed fsync or truncation: what is on disk is no longer known. */
  readonly onFailure?: (error: Error) => void;
  /** An opening finds that records which were there are gone, or is about to cut them off. */
  readonly onLoss?: () => void;
  /**
   * Writes recoveryPoint, logStartOffset and cleanedTo to the directory's checkpoints, durably:
   * around a truncation, and before what is below the recovery point gets gaps.
   */
  readonly checkpoint?: () => Promise<void>;
}
