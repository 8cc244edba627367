// A record as a consumer hands it out.

import type { Headers } from '../headers.ts';

export interface ConsumerRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  /** Milliseconds since 1970; -1 in the oldest formats. */
  readonly timestamp: number;
  readonly timestampType: 'createTime' | 'logAppendTime';
  /** Slices of what was fetched: copy what is to be kept for long. */
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  /** In order, a name as often as it occurs: `headers.text('trace')`, or iterate. */
  readonly headers: Headers;
  /** -1 when the broker did not say. */
  readonly leaderEpoch: number;
}
