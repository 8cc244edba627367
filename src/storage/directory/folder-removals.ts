// The folders of deleted logs: renamed to `…-delete` at once, removed file.delete.delay.ms later,
// for readers that still hold their files. What is left when the broker ends is removed by the next
// start, by its name.

import type { Io, Timer } from '../../io/index.ts';
import { deleteFolderName, folderName, type PartitionFolder } from './partition-folder.ts';

/** How soon a removal that was refused is tried again. */
const retryMs = 60_000;

export class FolderRemovals {
  readonly #io: Io;
  readonly #directory: string;
  readonly #timers = new Set<Timer>();
  #isCancelled = false;

  constructor(io: Io, directory: string) {
    this.#io = io;
    this.#directory = directory;
  }

  /** The caller makes the new name durable. @throws IoError */
  begin({ topic, partition }: PartitionFolder, delayMs: number): void {
    const { disk, random } = this.#io;
    const target = `${this.#directory}/${deleteFolderName(topic, partition, random.bytes(16))}`;
    disk.rename(`${this.#directory}/${folderName(topic, partition)}`, target);
    this.#removeLater(target, delayMs);
  }

  cancel(): void {
    this.#isCancelled = true;
    for (const timer of this.#timers) timer.cancel();
  }

  #removeLater(path: string, delayMs: number): void {
    if (this.#isCancelled) return;
    const { clock, disk, log } = this.#io;
    const timer = clock.after(delayMs, () => {
      this.#timers.delete(timer);
      disk.remove(path).catch((error: Error) => {
        log.warn('a deleted log cannot be removed yet', { path, error });
        this.#removeLater(path, retryMs);
      });
    });
    this.#timers.add(timer);
  }
}
