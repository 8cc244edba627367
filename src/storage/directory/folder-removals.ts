// The folders of deleted logs: renamed to `…-delete` at once, removed file.delete.delay.ms later,
// for readers that still hold their files. What is left when the broker ends is removed by the next
// start, by its name.

import type { Io, Timer } from '../../io/index.ts';
import { deleteFolderName, folderName, type PartitionFolder } from './partition-folder.ts';

export class FolderRemovals {
  readonly #io: Io;
  readonly #directory: string;
  readonly #timers = new Set<Timer>();

  constructor(io: Io, directory: string) {
    this.#io = io;
    this.#directory = directory;
  }

  /** The caller makes the new name durable. @throws IoError */
  begin({ topic, partition }: PartitionFolder, delayMs: number): void {
    const { clock, disk, log, random } = this.#io;
    const target = `${this.#directory}/${deleteFolderName(topic, partition, random.bytes(16))}`;
    disk.rename(`${this.#directory}/${folderName(topic, partition)}`, target);
    const timer = clock.after(delayMs, () => {
      this.#timers.delete(timer);
      disk.remove(target).catch((error: Error) => {
        log.warn('a deleted log cannot be removed yet', { path: target, error });
      });
    });
    this.#timers.add(timer);
  }

  cancel(): void {
    for (const timer of this.#timers) timer.cancel();
  }
}
