// What all logs of a process share: the bound on open segment files, the memory for recent batches
// and the memory for the indexes of closed segments.

import type { Io } from '../io/index.ts';
import { LruBudget } from './lru-budget.ts';
import { OpenFiles } from './open-files.ts';
import { TailCache } from './tail-cache.ts';

export interface LogResourceLimits {
  /** Segment files kept open (default 1024). */
  readonly openFilesMax?: number;
  /** Memory for recent batches of all partitions (default 16 MiB). */
  readonly tailCacheBytesMax?: number;
  /** Memory for the indexes of closed segments (default 16 MiB). */
  readonly indexCacheBytesMax?: number;
}

const MIB = 1024 * 1024;

export class LogResources {
  readonly files: OpenFiles;
  readonly tail: TailCache;
  readonly indexes: LruBudget;

  constructor(io: Io, limits: LogResourceLimits = {}) {
    this.files = new OpenFiles(io.disk, limits.openFilesMax ?? 1024);
    this.tail = new TailCache(limits.tailCacheBytesMax ?? 16 * MIB);
    this.indexes = new LruBudget(limits.indexCacheBytesMax ?? 16 * MIB);
  }
}
