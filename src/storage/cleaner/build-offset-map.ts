// Reads the dirty part of a log into an offset map, oldest first, until it ends or the map is full.
// Aborted records are not in the map: nobody reads them, so that they supersede nothing. Nor is any
// of a batch whose records cannot be read (retention-rules.ts): what may be older than they stays.

import { type BatchHeader, scanRecords } from '../../protocol/index.ts';
import { abortedEntriesBetween } from '../log/log-reads.ts';
import type { LogState } from '../log/log-state.ts';
import { CleanedTransactions } from './cleaned-transactions.ts';
import type { CleaningPace } from './cleaning-pace.ts';
import type { DirtyRange } from './dirty-range.ts';
import type { OffsetMap } from './offset-map.ts';
import { type ReadBuffer, readSegment } from './read-segment.ts';
import { ofRecords } from './unreadable-batch.ts';

export interface MapSource {
  readonly log: LogState;
  readonly range: Pick<DirtyRange, 'firstDirtyOffset' | 'firstUncleanableOffset'>;
  readonly buffer: ReadBuffer;
  readonly pace: CleaningPace;
}

/** Afterwards the map's latestOffset says how far it reaches. */
export async function buildOffsetMap(source: MapSource, map: OffsetMap): Promise<void> {
  const { log, range, buffer, pace } = source;
  const { firstDirtyOffset: start, firstUncleanableOffset: end } = range;
  const transactions = new CleanedTransactions();
  transactions.announce(abortedEntriesBetween(log, start, end));
  const segments = log.segments.filter((each) => each.baseOffset < end);
  for (const [at, segment] of segments.entries()) {
    const nextBaseOffset = segments[at + 1]?.baseOffset ?? end;
    if (nextBaseOffset <= start) continue;
    const position = segment.loadIndexes().offsets.lookup(start);
    let isFull = false;
    await readSegment(segment, { position, buffer }, pace, {
      onBatch: (bytes, header) => {
        isFull = !addBatch(map, { bytes, header, start, transactions });
        return !isFull;
      },
    });
    if (isFull) return;
    // Offsets may be missing at the segment's end.
    map.advanceTo(nextBaseOffset - 1);
  }
}

/** False if the map cannot take all keys of the batch. */
function addBatch(
  map: OffsetMap,
  batch: { bytes: Buffer; header: BatchHeader; start: number; transactions: CleanedTransactions },
): boolean {
  const { bytes, header, start, transactions } = batch;
  const isUnread = transactions.meet(bytes, header);
  let fits = true;
  if (!header.isControl && !isUnread && header.lastOffset >= start) {
    ofRecords(() =>
      scanRecords(bytes, header, (record, records) => {
        const offset = header.baseOffset + record.offsetDelta;
        if (record.keyLength < 0 || offset < start) return true;
        fits = !map.isFull;
        const { keyPosition } = record;
        if (fits) map.put(records, keyPosition, keyPosition + record.keyLength, offset);
        return fits;
      }),
    );
  }
  if (fits && header.lastOffset >= start) map.advanceTo(header.lastOffset);
  return fits;
}
