// Takes batches away from the end of a log: a follower that was ahead of the new leader, or one
// that must start over at another offset. Producers, epochs and indexes go back with the batches.
//
// Invariants: what the checkpoints say of the log goes back before anything is cut, so that a start
// after a kill at any step does not take what was cut for lost; what readers and syncs see changes
// in one turn of the event loop; after each pause nothing is touched of a log that was closed
// meanwhile, whose folder may have another owner.

import { KafkaError } from '../../protocol/index.ts';
import { isShortage } from '../files/shortage.ts';
import { replayProducers } from '../producers/producer-replay.ts';
import { scanBatches } from '../recovery/log-scan.ts';
import type { Segment } from '../segment/segment.ts';
import type { LogFlusher } from './log-flusher.ts';
import { positionOf, segmentOf } from './log-reads.ts';
import type { LogState } from './log-state.ts';
import { TruncationPostponed } from './truncation-slot.ts';

/** Afterwards the log ends at the offset, or at the start of the batch that has it. */
export async function truncateLog(
  log: LogState,
  flusher: LogFlusher,
  offset: number,
): Promise<void> {
  if (offset >= log.logEndOffset) {
    forgetEmptyEpochs(log);
    return;
  }
  const at = segmentOf(log.segments, offset);
  const segment = log.segments[at] as Segment;
  if (segment.baseOffset > offset) {
    await restartLog(log, flusher, offset);
    return;
  }
  const found = await positionOf(log, segment, offset);
  assertOpen(log);
  const endOffset = Math.min(offset, found?.baseOffset ?? offset);
  if (endOffset < log.logStartOffset && offset >= log.logStartOffset) {
    // The batch that goes begins below the log's start, which does not go back.
    await restartLog(log, flusher, log.logStartOffset);
    return;
  }
  if (endOffset < Math.max(flusher.recoveryPoint, log.logStartOffset)) {
    await withdraw(log, flusher, { endOffset, logStartOffset: endOffset });
  }
  // The segments behind it go first: a start scans the last one, and finds what is cut off here.
  const paths = log.list.deleteBehind(at);
  segment.truncateTo(endOffset, found?.position ?? segment.sizeBytes);
  endAt(log, flusher, endOffset);
  log.logStartOffset = Math.min(log.logStartOffset, endOffset);
  await removeAll(log, paths);
  const range = { from: indexedUpTo(segment), end: segment.sizeBytes };
  await scanBatches(segment.log, range, ({ header }) => {
    segment.maybeRaiseMaxTimestamp(header);
    return true;
  });
  assertOpen(log);
  await log.snapshots.removeAfter(endOffset);
  assertOpen(log);
  await replayProducers({
    producers: log.producers,
    snapshots: log.snapshots,
    segments: log.segments,
    logStartOffset: log.logStartOffset,
    endOffset,
    nowMs: log.io.clock.now(),
    expirationMs: log.config.producerIdExpirationMs,
  });
}

/** Afterwards the log is empty and its next offset is the one given. */
export async function restartLog(
  log: LogState,
  flusher: LogFlusher,
  offset: number,
): Promise<void> {
  if (flusher.recoveryPoint > 0) {
    // Of the segments that go one after the other any number may be left, and none.
    await withdraw(log, flusher, { endOffset: 0, logStartOffset: log.logStartOffset });
  }
  const paths = log.list.restartAt(offset);
  endAt(log, flusher, offset);
  log.logStartOffset = offset;
  log.epochs.clear();
  log.producers.clear();
  await removeAll(log, paths);
  await log.snapshots.removeAfter(-1);
}

/** From now on the checkpoints promise nothing behind it. @throws TruncationPostponed, IoError */
async function withdraw(
  log: LogState,
  flusher: LogFlusher,
  to: { readonly endOffset: number; readonly logStartOffset: number },
): Promise<void> {
  const { logStartOffset } = log;
  log.logStartOffset = Math.min(logStartOffset, to.logStartOffset);
  try {
    await flusher.beforeTruncation(to.endOffset);
  } catch (error) {
    log.logStartOffset = logStartOffset;
    flusher.onTruncated(log.logEndOffset);
    throw isShortage(error) ? new TruncationPostponed(error as Error) : error;
  }
  assertOpen(log);
}

/** Where the batch of the last time index entry lies, or one before it. */
function indexedUpTo(segment: Segment): number {
  const { offsets, times } = segment.loadIndexes();
  return times.last === null ? 0 : offsets.lookup(times.last.offset);
}

function endAt(log: LogState, flusher: LogFlusher, endOffset: number): void {
  log.generation++;
  log.isModified = true;
  log.isDirectoryBehind = true;
  log.logEndOffset = endOffset;
  if (log.cleanedTo !== null) log.cleanedTo = Math.min(log.cleanedTo, endOffset);
  log.tail.clear();
  log.epochs.truncateFromEnd(endOffset);
  flusher.onTruncated(endOffset);
}

/** Of a leader that was deposed before it had written anything: they must not tell of its log. */
function forgetEmptyEpochs(log: LogState): void {
  const { version } = log.epochs;
  log.epochs.truncateFromEnd(log.logEndOffset);
  if (log.epochs.version !== version) log.isModified = true;
}

async function removeAll(log: LogState, paths: readonly string[]): Promise<void> {
  for (const path of paths) {
    await log.io.disk.remove(path);
    assertOpen(log);
  }
}

function assertOpen(log: LogState): void {
  if (!log.active.isGone) return;
  throw new KafkaError('KAFKA_STORAGE_ERROR', `${log.directory} was closed during a truncation`);
}
