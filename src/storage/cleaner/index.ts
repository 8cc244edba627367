// Log compaction: from a log's segments everything goes that a later record of the same key made
// superfluous, while the log is appended to and read.
//   cleaning-slot.ts        the cleaning of a log that is under way
//   log-cleaning.ts         one cleaning of one log
//   dirty-range.ts          what a cleaning may look at, and how badly it is needed
//   build-offset-map.ts     the last offset of each key of the dirty part, into offset-map.ts,
//                           which keeps hashes of keys (key-hash.ts)
//   clean-group.ts          which segments become one, and writing that
//   retention-rules.ts      what is kept; cleaned-transactions.ts knows what was aborted
//   unreadable-batch.ts     batches whose records cannot be read
//   replace-segments.ts     putting it into the place of the old ones
//   read-segment.ts         the walk over a segment, at the pace of cleaning-pace.ts
export { CleaningSlot } from './cleaning-slot.ts';
export type { DirtyBounds, DirtyRange } from './dirty-range.ts';
export { dirtyRangeOf } from './dirty-range.ts';
export type { CleaningRequest, CleaningResult } from './log-cleaning.ts';
export { CleaningStopped, ReplacementFailed } from './replace-segments.ts';
