// A change of a log's segments that failed half-way. Whoever meets one of these must not go on with
// the log: only a start finds out what is there.

import { IoError } from '../../io/index.ts';

/** Files and memory may disagree: the log must not be used before it was opened anew. */
export class SegmentsInDoubt extends IoError {
  constructor(cause: IoError) {
    super(cause.code, cause.message, { cause });
    this.name = 'SegmentsInDoubt';
  }
}

export function inDoubtIfFailed<T>(change: () => T): T {
  try {
    return change();
  } catch (error) {
    if (!(error instanceof IoError) || error instanceof SegmentsInDoubt) throw error;
    throw new SegmentsInDoubt(error);
  }
}
