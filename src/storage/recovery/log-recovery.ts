// What is kept of a log that was not closed cleanly, or is not what a clean stop left: every
// segment that reaches past the recovery point is scanned; indexes, aborted transactions,
// producers and epochs are rebuilt from what is whole.
//
// Batches behind a gap (a damaged stretch, a segment that is missing) are kept where it is proven
// that what is missing was once there: below the recovery point, which was synced, and anywhere if
// the system has run on since, as its page cache then has all that was written. The log goes on
// without what is missing. Elsewhere the gap may be what a power cut took of writes that were not
// synced, and what follows must go, or a producer's retry of the lost batch would pass for a
// duplicate. Invariant: whole batches are never destroyed: what is cut off is set aside first
// (log-cuts.ts), but for the torn end of a last write.

import type { Io } from '../../io/index.ts';
import {
  type BatchHeader,
  batchSizeAt,
  isBatchCrcValid,
  RECORD_BATCH_OVERHEAD,
} from '../../protocol/index.ts';
import type { LeaderEpochCache } from '../log/leader-epoch-cache.ts';
import type { PartitionLogOptions } from '../log/log-options.ts';
import { lastWrittenMs, replayBatch } from '../producers/producer-replay.ts';
import type { ProducerStates } from '../producers/producer-states.ts';
import type { Segment } from '../segment/segment.ts';
import { LogCuts } from './log-cuts.ts';
import { type Behind, type DamagedPlace, findBehind, isPartOfBatch } from './log-damage.ts';
import {
  COMMON_BYTES_MAX,
  headerOrNull,
  offsetProblem,
  type ScanEnd,
  type ScannedBatch,
  scanBatches,
} from './log-scan.ts';
import { isMappedByKafka } from './mapped-index.ts';
import { assertNoOldMessage } from './old-messages.ts';

export interface RecoveryParts {
  /** Ascending; what is left of them when the recovery is over. */
  readonly segments: Segment[];
  readonly epochs: LeaderEpochCache;
  readonly producers: ProducerStates;
  readonly logStartOffset: number;
  /** Brings the producers to what they were at the offset. */
  readonly replayProducers: (endOffset: number) => Promise<void>;
  readonly hasSnapshot: (offset: number) => boolean;
}

export interface RecoveryResult {
  readonly logEndOffset: number;
  /** There may be gaps above the recovery point: the next start would take them for losses. */
  readonly hasUntoldGaps: boolean;
}

type ScannedSegment = ScanEnd & { readonly endOffset: number };

export class LogRecovery {
  readonly #options: PartitionLogOptions;
  readonly #parts: RecoveryParts;
  readonly #log: Io['log'];
  readonly #io: Io;
  readonly #cuts: LogCuts;
  /** The log may have gaps anywhere: the recovery point says nothing about them. */
  #isBlind = false;
  #hasUntoldGaps = false;

  constructor(io: Io, options: PartitionLogOptions, parts: RecoveryParts) {
    this.#io = io;
    this.#options = options;
    this.#parts = parts;
    this.#log = io.log.child('storage');
    this.#cuts = new LogCuts(io, options);
  }

  async run(): Promise<RecoveryResult> {
    const { segments, epochs } = this.#parts;
    const recoveryPoint = Math.max(this.#options.recoveryPoint ?? 0, this.#parts.logStartOffset);
    const { cleanupPolicy, indexBytesMax } = this.#options.config;
    this.#isBlind =
      cleanupPolicy.includes('compact') &&
      (this.#options.recoveryPoint === undefined ||
        isMappedByKafka(this.#io.disk, segments.at(-1) as Segment, indexBytesMax));
    this.#hasUntoldGaps = this.#isBlind;
    // The segment that ends at the recovery point may lack its indexes.
    let at = segments.findLastIndex((segment) => segment.baseOffset < recoveryPoint);
    at = Math.max(0, at);
    const start = (segments[at] as Segment).baseOffset;
    await this.#parts.replayProducers(start);
    // From there on the batches say it, not a file that may be older than a truncation.
    epochs.truncateFromEnd(start);
    let end = start;
    while (at < segments.length) {
      if (!(await this.#maybeGoOn(at, end))) continue;
      // It remembers batches that compaction has taken out of the segments before.
      const isDurable = (segments[at] as Segment).baseOffset === recoveryPoint;
      if (isDurable && this.#parts.hasSnapshot(recoveryPoint)) {
        await this.#parts.replayProducers(recoveryPoint);
      }
      const stop = await this.#recoverSegment(at);
      end = stop.endOffset;
      if (!stop.isReplaced) at++;
    }
    return { logEndOffset: end, hasUntoldGaps: this.#hasUntoldGaps };
  }

  /** False if the segment does not follow what is before it: it is gone from the list. */
  async #maybeGoOn(at: number, end: number): Promise<boolean> {
    const { segments } = this.#parts;
    const segment = segments[at] as Segment;
    if (segment.baseOffset === end) return true;
    const because = `it starts at ${segment.baseOffset} and the one before ends at ${end}`;
    if (segment.baseOffset > end && this.#mayHaveGap(segment.baseOffset)) {
      if (!this.#isGapByCleaning(segment.baseOffset)) this.#tellLoss(end, segment, because);
      return true;
    }
    // Where all that was written is there, what does not fit in is no part of the log.
    const isForeign = segment.baseOffset < end && this.#isProven(segment.baseOffset);
    await this.#cuts.removeSegments(
      segments.splice(at, isForeign ? 1 : Number.POSITIVE_INFINITY),
      because,
    );
    return false;
  }

  /**
   * Compaction leaves gaps, also in a log that is not compacted any more, but only below what was
   * durable (log-cleaning.ts). A compacted log is believed where no checkpoint tells, or Kafka's,
   * which tells nothing of gaps: its cleaner does not wait for it, and its followers begin
   * segments behind gaps.
   */
  #mayHaveGap(baseOffset: number): boolean {
    const { cleanedTo = 0, recoveryPoint = 0 } = this.#options;
    if (baseOffset <= recoveryPoint) return true;
    const isBelieved = this.#isBlind || baseOffset <= cleanedTo || this.#isProven(baseOffset);
    if (isBelieved) this.#hasUntoldGaps = true;
    return isBelieved;
  }

  #isGapByCleaning(baseOffset: number): boolean {
    const { cleanedTo = 0, config } = this.#options;
    return config.cleanupPolicy.includes('compact') || baseOffset <= cleanedTo;
  }

  /** All that was written before the offset is known to have been there when the log ended. */
  #isProven(offset: number): boolean {
    const { recoveryPoint = 0, wasCleanShutdown, hasSystemRunOn = false } = this.#options;
    return offset <= recoveryPoint || wasCleanShutdown || hasSystemRunOn;
  }

  async #recoverSegment(at: number): Promise<{ endOffset: number; isReplaced: boolean }> {
    const segment = this.#parts.segments[at] as Segment;
    const index = segment.tryLoadIndexes()?.offsets ?? null;
    const scanned = await this.#scan(segment);
    const { endOffset } = scanned;
    let isReplaced = false;
    if (scanned.position < segment.sizeBytes) {
      await assertNoOldMessage(segment.log, scanned, segment.sizeBytes);
      const { baseOffset, sizeBytes } = segment;
      const place = { position: scanned.position, end: sizeBytes, baseOffset, index };
      const damage = { ...place, offsetMin: endOffset };
      isReplaced = await this.#mend(at, damage, scanned.problem ?? 'its end is cut short');
    }
    if (isReplaced) return { endOffset, isReplaced };
    // The sign of a killed Kafka stays until there is a checkpoint that makes up for it.
    if (!this.#isBlind || segment !== this.#parts.segments.at(-1)) segment.writeIndexes();
    // Ten thousand logs that are scanned need no descriptor each.
    segment.log.close();
    return { endOffset, isReplaced };
  }

  async #scan(segment: Segment): Promise<ScannedSegment> {
    const { config } = this.#options;
    const { epochs, producers } = this.#parts;
    let endOffset = segment.baseOffset;
    segment.areIndexesDurable = false;
    segment.beginRebuild();
    segment.clearAborted();
    const arrivedMs = lastWrittenMs(segment, { nowMs: this.#io.clock.now() });
    const range = { from: 0, end: segment.sizeBytes };
    const scanned = await scanBatches(segment.log, range, (batch) => {
      const { header, buffer, position } = batch;
      const problem = offsetProblem(header, segment.baseOffset, endOffset);
      if (problem !== null) return problem;
      if (!isBatchCrcValid(buffer, header)) return 'a batch has a wrong CRC';
      const next = nextHeader(segment, batch, endOffset, epochs.latestEpoch);
      if (next !== null && next.baseOffset >= endOffset && next.baseOffset <= header.lastOffset) {
        return `offset ${header.baseOffset} comes before offset ${next.baseOffset}`;
      }
      endOffset = header.lastOffset + 1;
      segment.indexScanned(header, position, config);
      const { partitionLeaderEpoch: epoch } = header;
      const isFlipped = next !== null && next.partitionLeaderEpoch < epoch;
      if (epoch > epochs.latestEpoch && !isFlipped) epochs.assign(epoch, header.baseOffset);
      if (header.producerId >= 0) {
        segment.addAborted(replayBatch(producers, buffer, header, arrivedMs));
      }
      return true;
    });
    return { ...scanned, endOffset };
  }

  /** Decides about the rest of a segment. True if its file was replaced, and is to be scanned. */
  async #mend(at: number, damage: DamagedPlace, because: string): Promise<boolean> {
    const { segments } = this.#parts;
    const segment = segments[at] as Segment;
    const behind = await findBehind(segment.log, damage);
    const next = segments.slice(at + 1).find(({ sizeBytes }) => sizeBytes > 0);
    const nextBase = next?.baseOffset ?? Number.POSITIVE_INFINITY;
    if (typeof behind === 'object' && behind.baseOffset < nextBase) {
      if (this.#isProven(behind.baseOffset)) {
        const rest = await this.#cuts.split(segment, damage, behind);
        if (behind.baseOffset > (this.#options.recoveryPoint ?? 0)) this.#hasUntoldGaps = true;
        if (rest === null) return true;
        segments.splice(at + 1, 0, rest);
        return false;
      }
    } else if (next !== undefined && this.#isProven(nextBase)) {
      await this.#cuts.cutEnd(segment, damage, { behind, because, segments: [] });
      return false;
    }
    await this.#cutOff(at, damage, { behind, because });
    return false;
  }

  async #cutOff(
    at: number,
    damage: DamagedPlace,
    { behind, because }: { behind: Behind; because: string },
  ): Promise<void> {
    const segment = this.#parts.segments[at] as Segment;
    const removed = this.#parts.segments.splice(at + 1);
    const { recoveryPoint = 0, wasCleanShutdown } = this.#options;
    const wasSynced = wasCleanShutdown || damage.offsetMin < recoveryPoint;
    const isTorn = !wasSynced && behind === 'nothing' && (await isPartOfBatch(segment.log, damage));
    if (isTorn) {
      this.#cuts.cutTornTail(segment, damage, because);
      await this.#cuts.removeSegments(removed, `the segment before ends early: ${because}`);
    } else {
      await this.#cuts.cutEnd(segment, damage, { behind, because, segments: removed });
    }
  }

  #tellLoss(fromOffset: number, segment: Segment, because: string): void {
    const fields = { log: this.#options.directory, fromOffset, toOffset: segment.baseOffset };
    if (segment.sizeBytes === 0 && segment === this.#parts.segments.at(-1)) return;
    this.#options.onLoss?.();
    this.#log.error('records of a log are missing; it goes on behind them', { ...fields, because });
  }
}

/**
 * The batch behind one that leaves a gap or begins an epoch, which are rare: the CRC covers neither
 * offset nor epoch, but a batch that contradicts its successor cannot be right. Bytes that are no
 * whole batch (the torn end of a write) say nothing of the one before them.
 */
function nextHeader(
  segment: Segment,
  { header, buffer, position }: ScannedBatch,
  endOffset: number,
  latestEpoch: number,
): BatchHeader | null {
  if (header.baseOffset === endOffset && header.partitionLeaderEpoch <= latestEpoch) return null;
  const read = buffer.subarray(header.position + header.sizeBytes);
  const bytes = wholeBatch(segment, read, position + header.sizeBytes);
  const next = bytes === null ? null : headerOrNull(bytes);
  return bytes !== null && next !== null && isBatchCrcValid(bytes, next) ? next : null;
}

/** What may be a batch at the position, of which the first bytes were read; null if it is cut. */
function wholeBatch(segment: Segment, read: Buffer, position: number): Buffer | null {
  let bytes = read;
  for (const wanted of [RECORD_BATCH_OVERHEAD, 0]) {
    const sizeBytes = wanted === 0 ? (batchSizeAt(bytes, 0) as number) : wanted;
    if (sizeBytes < wanted || sizeBytes > COMMON_BYTES_MAX) return null;
    if (position + sizeBytes > segment.sizeBytes) return null;
    if (bytes.length >= sizeBytes) continue;
    bytes = Buffer.alloc(sizeBytes);
    if (segment.log.readSync(bytes, position) < sizeBytes) return null;
  }
  return bytes;
}
