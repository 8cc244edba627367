// The parts of an open log, as the files that work on it share them: appending (partition-log.ts),
// syncing, reading, truncating and retention. It decides nothing by itself.
//
// Invariants: segments are ascending and never empty; logStartOffset is not before the first
// segment; the tail ends at logEndOffset or is empty; generation counts what takes batches away.

import type { Io, Timer } from '../io/index.ts';
import type { LeaderEpochCache } from './leader-epoch-cache.ts';
import type { LogConfig } from './log-config.ts';
import { createSegment, type LoadedLog } from './log-loader.ts';
import type { LogResources } from './log-resources.ts';
import type { ProducerSnapshots } from './producer-snapshots.ts';
import type { ProducerStates } from './producer-states.ts';
import type { Segment } from './segment.ts';
import { Tail } from './tail-cache.ts';

export class LogState {
  readonly io: Io;
  readonly directory: string;
  readonly resources: LogResources;
  readonly segments: Segment[];
  readonly epochs: LeaderEpochCache;
  readonly producers: ProducerStates;
  readonly snapshots: ProducerSnapshots;
  readonly tail: Tail;
  config: LogConfig;
  logStartOffset: number;
  logEndOffset: number;
  generation = 0;
  /** Counts what puts cleaned segments into the place of others: a list of segments is old then. */
  replacements = 0;
  /** Before it every key is there once; null if the log was never cleaned, for all we know. */
  cleanedTo: number | null;
  /** Version of the epochs that leader-epoch-checkpoint holds; -1 if that is not known. */
  epochsOnDisk: number;
  /** Names in the folder changed since it was synced. */
  isDirectoryBehind: boolean;
  /** Anything changed since the last clean stop. */
  isModified: boolean;
  /** Removals of deleted files that wait for file.delete.delay.ms. */
  readonly removals = new Set<Timer>();

  constructor(
    io: Io,
    loaded: LoadedLog,
    options: {
      directory: string;
      config: LogConfig;
      resources: LogResources;
      wasCleanShutdown: boolean;
      cleanedTo?: number | undefined;
    },
  ) {
    this.io = io;
    this.directory = options.directory;
    this.resources = options.resources;
    this.config = options.config;
    this.cleanedTo = options.cleanedTo ?? null;
    this.segments = loaded.segments;
    this.epochs = loaded.epochs;
    this.producers = loaded.producers;
    this.snapshots = loaded.snapshots;
    this.logStartOffset = loaded.logStartOffset;
    this.logEndOffset = loaded.logEndOffset;
    this.tail = new Tail(options.resources.tail);
    const isAsLeft = options.wasCleanShutdown && !loaded.isNew;
    this.epochsOnDisk = isAsLeft ? loaded.epochs.version : -1;
    this.isDirectoryBehind = !isAsLeft;
    this.isModified = !isAsLeft;
  }

  get active(): Segment {
    return this.segments.at(-1) as Segment;
  }

  /** Adds an empty segment at the log's end; nothing has changed if that throws. */
  addSegment(): Segment {
    const segment = createSegment(this.io, this, this.logEndOffset);
    this.segments.push(segment);
    this.isDirectoryBehind = true;
    this.isModified = true;
    return segment;
  }
}
