// The parts of an open log, as the files that work on it share them: appending (partition-log.ts),
// syncing, reading, truncating and retention. It decides nothing by itself.
//
// Invariants: only segment-list.ts changes which segments there are; logStartOffset is not before
// the first one; the tail ends at logEndOffset or is empty; generation counts what takes batches
// away.

import { type Io, IoError, type Timer } from '../../io/index.ts';
import type { LogResources } from '../files/log-resources.ts';
import type { ProducerSnapshots } from '../producers/producer-snapshots.ts';
import type { ProducerStates } from '../producers/producer-states.ts';
import type { LoadedLog } from '../recovery/log-loader.ts';
import { LOG_SUFFIX, logFileName } from '../segment/log-files.ts';
import { createSegment } from '../segment/open-segment.ts';
import type { Segment } from '../segment/segment.ts';
import { SegmentList } from '../segment/segment-list.ts';
import { inDoubtIfFailed, SegmentsInDoubt } from '../segment/segments-in-doubt.ts';
import type { LeaderEpochCache } from './leader-epoch-cache.ts';
import type { LogConfig } from './log-config.ts';
import { Tail } from './tail-cache.ts';

export class LogState {
  readonly io: Io;
  readonly directory: string;
  readonly resources: LogResources;
  /** Whoever changes it sees to the offsets here. */
  readonly list: SegmentList;
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
  /** What a cleaning writes now: not in the list until it takes the place of others. */
  cleaned: Segment | null = null;
  /** Closed as it is: the folder may be gone, and its name another log's. */
  isAbandoned = false;
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
    this.list = new SegmentList(loaded.segments, (at) => this.#createSegment(at));
    this.epochs = loaded.epochs;
    this.producers = loaded.producers;
    this.snapshots = loaded.snapshots;
    this.logStartOffset = loaded.logStartOffset;
    this.logEndOffset = loaded.logEndOffset;
    this.tail = new Tail(options.resources.tail);
    const isAsLeft = options.wasCleanShutdown && !loaded.isNew && !loaded.areEpochsRebuilt;
    this.epochsOnDisk = isAsLeft ? loaded.epochs.version : -1;
    this.isDirectoryBehind = !isAsLeft;
    this.isModified = !isAsLeft;
  }

  /** Whatever is under way writes nothing more into the folder, as far as it looks. */
  abandon(): void {
    this.isAbandoned = true;
    // The cleaning closes it, when it looks.
    this.cleaned?.log.disown();
    for (const timer of this.removals) timer.cancel();
  }

  get segments(): readonly Segment[] {
    return this.list.all;
  }

  get active(): Segment {
    return this.list.active;
  }

  /** Adds an empty segment at the log's end. @throws IoError, SegmentsInDoubt */
  addSegment(): Segment {
    const segment = this.list.add(this.logEndOffset);
    this.isDirectoryBehind = true;
    this.isModified = true;
    return segment;
  }

  /**
   * An empty file behind a segment that is written to would say, at the next start, that the log
   * ends where the file's name says: nothing more may be appended if one may have been left.
   */
  #createSegment(baseOffset: number): Segment {
    try {
      return createSegment(this.io, this, baseOffset);
    } catch (error) {
      const path = `${this.directory}/${logFileName(baseOffset, LOG_SUFFIX)}`;
      if (inDoubtIfFailed(() => this.io.disk.stat(path)) === null) throw error;
      throw error instanceof IoError ? new SegmentsInDoubt(error) : error;
    }
  }
}
