// Batches under a right CRC whose records cannot be read all the same, because they were produced
// like that (docs/decisions/0004), maybe before their topic was compacted. None of them may keep a
// log from being cleaned: it is kept as it is, and nothing is concluded from it.

import { KafkaError } from '../../protocol/index.ts';

const reasons = ['CORRUPT_MESSAGE', 'MESSAGE_TOO_LARGE', 'UNSUPPORTED_COMPRESSION_TYPE'];

export class Unreadable {
  readonly because: string;

  constructor(because: string) {
    this.because = because;
  }
}

/** What was made of a batch's records, or why they cannot be read. */
export function ofRecords<T>(read: () => T): T | Unreadable {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof KafkaError) || !reasons.includes(error.errorName)) throw error;
    return new Unreadable(error.message);
  }
}
