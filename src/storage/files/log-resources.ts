// What all logs of a process share: the bound on open segment files, the memory for recent batches,
// the memory for the indexes of closed segments, and who tells of shortages.

import type { Io } from '../../io/index.ts';
import { TailCache } from '../log/tail-cache.ts';
import { LruBudget } from './lru-budget.ts';
import { OpenFiles } from './open-files.ts';
import { parentOf, Shortages } from './shortages.ts';

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
  readonly shortages: Shortages;

  constructor(io: Io, limits: LogResourceLimits = {}) {
    this.shortages = new Shortages(io);
    this.files = new OpenFiles(io.disk, limits.openFilesMax ?? 1024, (path, error) => {
      // <log directory>/<partition>/<file>
      this.shortages.onRefused(parentOf(parentOf(path)), error);
    });
    this.tail = new TailCache(limits.tailCacheBytesMax ?? 16 * MIB);
    this.indexes = new LruBudget(limits.indexCacheBytesMax ?? 16 * MIB);
  }
}
