// Makes the object for a segment's files, which are there or are created.

import type { Io } from '../../io/index.ts';
import type { LogResources } from '../files/log-resources.ts';
import type { LogConfig } from '../log/log-config.ts';
import { Segment } from './segment.ts';

interface SegmentOptions {
  readonly directory: string;
  readonly config: LogConfig;
  readonly resources: LogResources;
}

/** @param state the last part of the files' names, '' for a segment of the log */
export function createSegment(
  io: Io,
  options: SegmentOptions,
  baseOffset: number,
  state = '',
): Segment {
  const segment = openSegment(io, options, { baseOffset, sizeBytes: 0, state });
  segment.create();
  return segment;
}

export function openSegment(
  io: Io,
  options: SegmentOptions,
  file: { baseOffset: number; sizeBytes: number; state?: string },
): Segment {
  const { directory, resources, config } = options;
  const jitterMax = Math.min(config.segmentJitterMs, config.segmentMs);
  const rollJitterMs = jitterMax > 0 ? io.random.int(jitterMax) : 0;
  const openedMs = io.clock.now();
  return new Segment({ directory, resources, ...file, rollJitterMs, openedMs });
}
