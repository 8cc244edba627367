// Whether a log directory can be used: the one place where it is found to be lost, by whoever was
// refused something in it or by the proof that runs beside (directory-presence.ts). A single folder
// that is gone costs the whole directory, as in Kafka: who took it away is not known, nor what else
// he took, and a partition that is served from files without names is lost at the next stop.
//
// Invariant: `onFailure` is called once; a directory that has failed stays so until the next start.

import type { DiskLock, Io, IoError } from '../../io/index.ts';
import type { LogResources } from '../files/log-resources.ts';
import { isLoss } from '../files/shortage.ts';
import { DirectoryPresence } from './directory-presence.ts';

export interface HealthOptions {
  readonly path: string;
  readonly lock: DiskLock;
  readonly resources: LogResources;
  readonly onFailure: (error: Error) => void;
}

export class DirectoryHealth {
  readonly #io: Io;
  readonly #options: HealthOptions;
  #presence: DirectoryPresence | null = null;
  #hasFailed = false;

  constructor(io: Io, options: HealthOptions) {
    this.#io = io;
    this.#options = options;
  }

  get hasFailed(): boolean {
    return this.#hasFailed;
  }

  /** The disk does not answer: what it is asked for may never come. */
  get isSilent(): boolean {
    return this.#presence?.isSilent ?? false;
  }

  /** Proves from now on that names lead to files, and sees when a shortage is over. */
  watch(): void {
    const { path, lock, resources } = this.#options;
    this.#presence ??= new DirectoryPresence(this.#io, {
      path,
      lock,
      files: resources.files,
      onAbsent: (error) => this.fail(error),
      onRound: () => resources.shortages.review(path),
    });
  }

  stop(): void {
    this.#presence?.stop();
  }

  /** Something that the directory must be able to do was refused. */
  onRefused(error: unknown): void {
    const { path, resources } = this.#options;
    if (isLoss(error)) this.fail(error as IoError);
    else resources.shortages.onRefused(path, error);
  }

  fail(error: Error): void {
    if (this.#hasFailed) return;
    this.#hasFailed = true;
    this.#options.onFailure(error);
  }
}
