// A partition as it was read from its beginning to its end at one time.

import type { RecordIdentity } from './record-identity.ts';

export interface StoredRecord extends RecordIdentity {
  readonly offset: number;
  readonly timestamp: number;
}

export interface PartitionContents {
  readonly topic: string;
  readonly partition: number;
  /** Earliest and latest as ListOffsets said before the reading began. */
  readonly startOffset: number;
  readonly endOffset: number;
  /** From startOffset up to endOffset, in the order in which they were handed out. */
  readonly records: readonly StoredRecord[];
}

export interface Place {
  readonly topic: string;
  readonly partition: number;
}

export function placeName({ topic, partition }: Place): string {
  return `${topic}-${partition}`;
}
