// What all logs of a process share. (Signatures first; bodies follow.)
import type { Io } from '../io/index.ts';

export interface LogResourceLimits {
  /** Segment files kept open (default 1024). */
  readonly openFilesMax?: number;
  /** Memory for recent batches of all partitions (default 32 MiB). */
  readonly tailCacheBytesMax?: number;
  /** Memory for the indexes of closed segments (default 16 MiB). */
  readonly indexCacheBytesMax?: number;
}

export declare class LogResources {
  constructor(io: Io, limits?: LogResourceLimits);
}
