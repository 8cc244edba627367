// Proves again and again that the names of a log directory lead to the files that are open: the
// directory, its lock, and the segment files that were used since they were last seen to be in
// their place. A disk that was unmounted, replaced or removed under a running broker takes writes
// to what is open for ever, and nobody finds them again.
//
// Everything here runs off the event loop, one operation of a directory at a time, so that a disk
// that does not answer keeps one thread of the pool. That it does not answer is a proof, too; but
// where nothing at all comes back the pool may be full of other work, and only time tells.
//
// Invariants: `onAbsent` is called once, with one line; after `stop` nothing is asked any more.

import { type DiskLock, type Io, IoError, type Timer } from '../../io/index.ts';
import type { OpenFiles, PooledFile } from '../files/open-files.ts';
import { isLoss } from '../files/shortage.ts';

const roundMs = 1_000;
/** Segment files looked at in a round; the others have their turn in the next ones. */
const filesPerRound = 64;
/** How long a disk may take for one look at a name. */
const answerMsMax = 30_000;

export interface PresenceOptions {
  readonly path: string;
  readonly lock: DiskLock;
  readonly files: OpenFiles;
  readonly onAbsent: (error: Error) => void;
  /** Called before each round. */
  readonly onRound?: () => void;
}

export class DirectoryPresence {
  readonly #io: Io;
  readonly #options: PresenceOptions;
  #identity: string | null = null;
  #timer: Timer | null = null;
  #isOver = false;
  #isSilent = false;

  constructor(io: Io, options: PresenceOptions) {
    this.#io = io;
    this.#options = options;
    options.files.listen(options.path, (error) => this.#onAbsent(error));
    this.#plan();
  }

  /** The disk does not answer: whatever is asked of it may never end. */
  get isSilent(): boolean {
    return this.#isSilent;
  }

  stop(): void {
    this.#isOver = true;
    this.#timer?.cancel();
    this.#options.files.listen(this.#options.path, null);
  }

  #plan(): void {
    this.#timer = this.#io.clock.after(roundMs, () => {
      this.#options.onRound?.();
      void this.#round().then(() => {
        if (!this.#isOver) this.#plan();
      });
    });
  }

  async #round(): Promise<void> {
    try {
      await this.#proveDirectory();
      let left = filesPerRound;
      for (const file of [...this.#options.files.unproven(this.#options.path)]) {
        if (this.#isOver || left-- === 0) return;
        await this.#proveFile(file);
      }
    } catch (error) {
      // What is short (a descriptor) is asked for again in the next round.
      if (!(error instanceof IoError)) throw error;
      if (isLoss(error)) this.#onAbsent(error);
    }
  }

  async #proveDirectory(): Promise<void> {
    const { path, lock } = this.#options;
    const isHeld = await this.#answer(`touch ${path}/.lock`, lock.isHeld());
    const identity = await this.#answer(`stat ${path}`, this.#io.disk.identity(path));
    if (this.#isOver) return;
    if (identity === null) throw lost(`${path} is gone`);
    if (!isHeld) throw lost(`${path} is another directory: our lock is not in it`);
    this.#identity ??= identity;
    if (identity !== this.#identity)
      throw lost(`another directory was put into the place of ${path}`);
  }

  async #proveFile(file: PooledFile): Promise<void> {
    const { path } = file;
    if (await this.#answer(`stat ${path}`, file.isInPlace())) return;
    // What changes names does so in one turn; a second look is not in the middle of anything.
    if (await this.#answer(`stat ${path}`, file.isInPlace())) return;
    if (!this.#isOver) throw lost(`${path} is not the file any more that is written to`);
  }

  /** @throws IoError ETIMEDOUT when the disk does not answer */
  async #answer<T>(action: string, answer: Promise<T>): Promise<T> {
    let timer: Timer | null = null;
    let isAnswered = false;
    const silence = new Promise<never>((_, reject) => {
      const wait = (): void => {
        timer = this.#io.clock.after(answerMsMax, () => {
          this.#isStuck().then((isStuck) => {
            if (isAnswered) return;
            if (isStuck) reject(this.#silent(action));
            else wait();
          }, reject);
        });
      };
      wait();
    });
    try {
      return await Promise.race([answer, silence]);
    } finally {
      isAnswered = true;
      (timer as Timer | null)?.cancel();
    }
  }

  /**
   * Whether what is waited for is at the disk, and not in the queue before it: what was asked
   * later, of another disk, came back; or for a whole wait nothing at all did. A process that was
   * stopped for a while has the answer by then.
   */
  async #isStuck(): Promise<boolean> {
    const { clock, disk } = this.#io;
    const countBefore = disk.answerCount;
    let isBack = false;
    const other = disk.identity('/').then(() => {
      isBack = true;
    });
    await Promise.race([other, clock.sleep(answerMsMax)]);
    return isBack || disk.answerCount === countBefore;
  }

  #silent(action: string): IoError {
    this.#isSilent = true;
    const message = `cannot ${action}: the disk did not answer for ${answerMsMax / 1000} s`;
    return new IoError('ETIMEDOUT', `${message} (ETIMEDOUT)`);
  }

  #onAbsent(error: Error): void {
    if (this.#isOver) return;
    this.stop();
    this.#options.onAbsent(error);
  }
}

function lost(what: string): IoError {
  return new IoError('ENOENT', `${what} (ENOENT)`);
}
