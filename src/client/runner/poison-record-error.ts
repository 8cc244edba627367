// The error of a record that cannot be handled: it names the place, so that somebody can look at
// the record, and says what there is to do.

import { branded } from '../../base/brand.ts';
import { messageOf } from '../client.ts';
import type { Origin } from './retry-topics.ts';

/** A handler has failed with a record as often as it may; `cause` is what it threw last. */
export class PoisonRecordError extends Error {
  static {
    branded(PoisonRecordError, 'PoisonRecordError');
  }
  readonly code = 'POISON_RECORD';
  readonly retriable = false;
  readonly fatal = false;
  readonly abortable = false;
  readonly hint = "Mend the handler, or set onPoison to 'skip' or { topic }.";
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly attempts: number;

  constructor({ topic, partition, offset }: Origin, attempts: number, cause: unknown) {
    const place = `the record at offset ${offset} of ${topic}-${partition}`;
    const times = attempts === 1 ? 'once' : `${attempts} times`;
    const why =
      attempts === 0
        ? `${place} cannot be decoded: ${messageOf(cause)}`
        : `the handler has failed ${times} with ${place}: ${messageOf(cause)}`;
    super(`${why}; its offset is not committed`, { cause });
    this.name = 'PoisonRecordError';
    this.topic = topic;
    this.partition = partition;
    this.offset = offset;
    this.attempts = attempts;
  }
}
