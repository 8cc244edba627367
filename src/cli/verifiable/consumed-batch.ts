// One poll of the verifiable consumer: what it counts of each partition, up to the number of
// records it was told to read.

import type { ConsumerRecord } from '../../client/index.ts';

export interface ConsumedRange {
  readonly topic: string;
  readonly partition: number;
  count: number;
  minOffset: number;
  maxOffset: number;
}

export interface ConsumedBatch {
  readonly ranges: readonly ConsumedRange[];
  /** Those that count, in the order in which they came. */
  readonly records: readonly ConsumerRecord[];
}

/** The first `countMax` of the records, by partition. */
export function consumedBatch(records: readonly ConsumerRecord[], countMax: number): ConsumedBatch {
  const counted = records.length <= countMax ? records : records.slice(0, countMax);
  const ranges = new Map<string, ConsumedRange>();
  for (const { topic, partition, offset } of counted) {
    const place = `${topic}-${partition}`;
    const range = ranges.get(place);
    if (range === undefined) {
      ranges.set(place, { topic, partition, count: 1, minOffset: offset, maxOffset: offset });
      continue;
    }
    range.count++;
    range.maxOffset = offset;
  }
  return { ranges: [...ranges.values()], records: counted };
}
