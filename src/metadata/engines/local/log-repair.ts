// What becomes of a metadata log that is not as it was left. Each record was synced before anybody
// was told of it, so that a log with bytes in its middle that cannot be read, or one that ends
// before where it was synced to, was harmed by the disk or by somebody. Cutting it would take
// topics that are there, with configurations, users and producer ids: that is for the operator to
// decide, who may have a copy.
//
// Invariants: what is cut is kept beside the log as a stray folder first, unless it is the
// beginning of one batch; nothing that a snapshot does not have is cut without being told to,
// except behind everything that is known to have been synced.

import type { Io } from '../../../io/index.ts';
import { LogDirectoryError, type OpenFiles, setSegmentsAside } from '../../../storage/index.ts';
import { type CheckedLog, checkLog, findBatchFrom, type LogDamage } from './log-check.ts';

export const METADATA_TOPIC = '__cluster_metadata';

const partition = { topic: METADATA_TOPIC, partition: 0 };
const flag = '--accept-lost-metadata';

export interface RepairOptions {
  /** The log directory. */
  readonly directory: string;
  readonly files: OpenFiles;
  /** End of the newest snapshot that is whole; 0 without one. */
  readonly snapshotEnd: number;
  /** The log was synced up to there; null when nothing tells. */
  readonly syncedEnd: number | null;
  /** The broker stopped cleanly: then all of it was synced. */
  readonly wasCleanShutdown: boolean;
  /** Something in the log directories that says that there was a log; null: it may be a new one. */
  readonly evidence: string | null;
  /** The operator said so. */
  readonly mayLose: boolean;
}

/**
 * Makes a log that can be opened of what is there. True when records may be lost that somebody
 * acted on: then another history begins.
 *
 * @throws LogDirectoryError, one line that names the file, the offset and the remedy
 */
export async function repairLog(io: Io, options: RepairOptions): Promise<boolean> {
  const { files, snapshotEnd } = options;
  const folder = `${options.directory}/${METADATA_TOPIC}-0`;
  const repair = new LogRepair(io, options, folder);
  let checked = await checkLog(files, folder, snapshotEnd);
  if (checked.damage !== null && (await repair.maybeDropBelowSnapshot(checked, checked.damage))) {
    checked = await checkLog(files, folder, snapshotEnd);
  }
  await repair.settle(checked);
  return repair.isLossy;
}

class LogRepair {
  readonly #io: Io;
  readonly #options: RepairOptions;
  readonly #folder: string;
  isLossy = false;

  constructor(io: Io, options: RepairOptions, folder: string) {
    this.#io = io;
    this.#options = options;
    this.#folder = folder;
  }

  async settle({ segments, endOffset, damage }: CheckedLog): Promise<void> {
    const { snapshotEnd, syncedEnd, evidence } = this.#options;
    const firstOffset = segments[0]?.baseOffset ?? snapshotEnd;
    if (segments.length === 0 && snapshotEnd === 0 && (syncedEnd ?? 0) === 0) {
      if (evidence === null) return;
      this.#refuse(`${this.#folder} holds no metadata, but ${evidence} is there`);
    } else if (firstOffset > snapshotEnd) {
      const what = 'and no whole snapshot (.checkpoint) leads up to it';
      this.#refuse(`${this.#folder}: the log begins at ${firstOffset} ${what}`);
      await this.#beginAnew(segments);
    } else if (damage !== null && this.#isCertain(damage)) {
      this.#refuse(textOf(damage));
      await this.#cut(segments, damage);
    } else if (Math.max(endOffset, snapshotEnd) < (syncedEnd ?? 0)) {
      const last = segments.at(-1)?.path ?? this.#folder;
      this.#refuse(`${last} ends at offset ${endOffset}, but it was synced up to ${syncedEnd}`);
    } else if (damage !== null && (damage.isWhole || damage.next !== null)) {
      await this.#cut(segments, damage);
    }
  }

  /** It cannot be what a crash left of the last writes. */
  #isCertain({ offset, next }: LogDamage): boolean {
    const { syncedEnd, wasCleanShutdown } = this.#options;
    // Where nobody noted it, a good batch behind it is what tells.
    return wasCleanShutdown || (syncedEnd === null ? next !== null : offset < syncedEnd);
  }

  /** Goes on only if the operator said so. */
  #refuse(problem: string): void {
    if (!this.#options.mayLose) {
      const remedy =
        `restore ${this.#folder} from a backup, or start once with ${flag} to go on without what ` +
        'cannot be read (what is cut is kept, and so are the records of topics that are unknown ' +
        'then, in folders that partita stray lists)';
      throw new LogDirectoryError(this.#options.directory, `${problem}: ${remedy}`);
    }
    this.#io.log.error('metadata are lost, and the broker goes on as it was told to', { problem });
    this.isLossy = true;
  }

  async #cut(segments: CheckedLog['segments'], damage: LogDamage): Promise<void> {
    const { segment, position, offset } = damage;
    const at = segments.findIndex(({ path }) => path === segment.path);
    const isMoved = position === 0 && at > 0;
    const files = segments.slice(isMoved ? at : at + 1).map(({ path, name }) => {
      return { source: path, name };
    });
    const name = `${String(offset).padStart(20, '0')}.log`;
    const part = { source: segment.path, name, from: position };
    const all = isMoved ? files : [part, ...files];
    const kept = await setSegmentsAside(this.#io, this.#options.directory, partition, all);
    if (!isMoved) await truncate(this.#io, segment.path, position);
    const why = textOf(damage);
    this.#io.log.error('the metadata log is cut', { atOffset: offset, why, kept });
  }

  /** The log goes on behind the snapshot, or from nothing. */
  async #beginAnew(segments: CheckedLog['segments']): Promise<void> {
    const files = segments.map(({ path, name }) => ({ source: path, name }));
    const kept = await setSegmentsAside(this.#io, this.#options.directory, partition, files);
    this.#io.log.error('the metadata log begins anew', { kept });
  }

  /**
   * What a whole snapshot has is not needed: the segments that begin before its end are set aside,
   * and what they have behind it is copied into one that begins there. False if the damage
   * reaches beyond the snapshot. Interrupted, it is done again.
   */
  async maybeDropBelowSnapshot({ segments }: CheckedLog, damage: LogDamage): Promise<boolean> {
    const { snapshotEnd, syncedEnd, mayLose, files, directory } = this.#options;
    if (damage.offset >= snapshotEnd) return false;
    const { disk } = this.#io;
    const older = segments.filter(({ baseOffset }) => baseOffset < snapshotEnd);
    const newer = segments[older.length];
    const last = older.at(-1);
    if (last === undefined) return false;
    if (newer?.baseOffset !== snapshotEnd) {
      const { offset } = damage;
      const position = last.path === damage.segment.path ? damage.position : 0;
      const next = await findBatchFrom(files, last, { position, offset }, snapshotEnd);
      if (next === 'unclear') return false;
      const isComplete = next === null ? newer === undefined : next.baseOffset === snapshotEnd;
      if (!isComplete) return false;
      // The start is going to be refused, and then every file stays as it is.
      if (next === null && snapshotEnd < (syncedEnd ?? 0) && !mayLose) return false;
      const target = `${this.#folder}/${String(snapshotEnd).padStart(20, '0')}.log`;
      if (next !== null) await copyEnd(this.#io, last.path, next.position, target);
    }
    const aside = older.map(({ path, name }) => ({ source: path, name }));
    const kept = await setSegmentsAside(this.#io, directory, partition, aside);
    await disk.syncDirectory(this.#folder);
    const why = textOf(damage);
    this.#io.log.warn('a snapshot makes up for damage in the metadata log', { why, kept });
    return true;
  }
}

function textOf({ segment, position, offset, problem, next }: LogDamage): string {
  const from = typeof next === 'object' ? ` from offset ${next?.baseOffset}` : '';
  const behind = next === null ? '' : `, and good batches follow${from}`;
  return `${segment.path} is damaged at byte ${position} (offset ${offset}): ${problem}${behind}`;
}

async function truncate(io: Io, path: string, sizeBytes: number): Promise<void> {
  const file = io.disk.open(path, 'write');
  try {
    file.truncate(sizeBytes);
    await file.sync();
  } finally {
    file.close();
  }
}

/** The copy gets its name when it is durable. */
async function copyEnd(io: Io, source: string, from: number, target: string): Promise<void> {
  const written = target.replace(/\d+\.log$/, 'end-of-segment.part');
  const file = io.disk.open(source, 'read');
  const copy = io.disk.open(written, 'create');
  try {
    copy.truncate(0);
    const buffer = Buffer.allocUnsafe(1024 * 1024);
    for (let at = from; ; ) {
      const bytes = await file.read(buffer, at);
      if (bytes === 0) break;
      copy.write([buffer.subarray(0, bytes)], at - from);
      at += bytes;
    }
    await copy.sync();
  } finally {
    file.close();
    copy.close();
  }
  io.disk.rename(written, target);
  await io.disk.syncDirectory(target.slice(0, target.lastIndexOf('/')));
}
