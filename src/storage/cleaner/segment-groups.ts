// Which segments of a log are cleaned into one: neighbours that fit into a segment together, so
// that the small ones that cleaning leaves do not pile up.

import type { LogConfig } from '../log/log-config.ts';
import type { Segment } from '../segment/segment.ts';

const INT32_MAX = 0x7fff_ffff;

/** The segments in order, each in one group; `endOffset` is where the last one ends at most. */
export function groupSegments(
  segments: readonly Segment[],
  config: Pick<LogConfig, 'segmentBytesMax' | 'indexBytesMax'>,
  endOffset: number,
): Segment[][] {
  const groups: Segment[][] = [];
  let room = { logBytes: 0, offsetBytes: 0, timeBytes: 0 };
  for (const [at, segment] of segments.entries()) {
    const { offsets, times } = segment.loadIndexes();
    const group = groups.at(-1);
    const lastOffset = (segments[at + 1]?.baseOffset ?? endOffset) - 1;
    const fits =
      group !== undefined &&
      segment.sizeBytes <= room.logBytes &&
      offsets.sizeBytes <= room.offsetBytes &&
      times.sizeBytes <= room.timeBytes &&
      // An index has 32 bits for an offset; a segment without batches needs no entry.
      (segment.sizeBytes === 0 || lastOffset - (group[0] as Segment).baseOffset <= INT32_MAX);
    if (fits) group.push(segment);
    else {
      groups.push([segment]);
      const { segmentBytesMax, indexBytesMax } = config;
      room = { logBytes: segmentBytesMax, offsetBytes: indexBytesMax, timeBytes: indexBytesMax };
    }
    room.logBytes -= segment.sizeBytes;
    room.offsetBytes -= offsets.sizeBytes;
    room.timeBytes -= times.sizeBytes;
  }
  return groups;
}
