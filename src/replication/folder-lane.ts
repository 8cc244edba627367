// The queue of one log directory: a few works on its folders at a time, the others in their order.
//
// Invariant: nobody waits for a directory that has failed, neither for his turn nor for an answer
// that a dead disk may never give.

import { KafkaError } from '../protocol/index.ts';

export class FolderLane {
  readonly #parallelMax: number;
  readonly #waiting: (() => void)[] = [];
  readonly #underWay = new Set<(error: Error) => void>();
  #hasFailed = false;

  /** @param parallelMax enough to keep the disk busy, few enough to stay small */
  constructor(parallelMax: number) {
    this.#parallelMax = parallelMax;
  }

  /** @throws KafkaError KAFKA_STORAGE_ERROR if the directory fails before the work is done */
  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#underWay.size >= this.#parallelMax && !this.#hasFailed) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    return await new Promise<T>((resolve, reject) => {
      if (this.#hasFailed) {
        reject(failure());
        return;
      }
      this.#underWay.add(reject);
      const leave = (): void => {
        this.#underWay.delete(reject);
        this.#waiting.shift()?.();
      };
      work().then(resolve, reject).finally(leave);
    });
  }

  onDirectoryFailure(): void {
    this.#hasFailed = true;
    for (const resolve of this.#waiting.splice(0)) resolve();
    for (const reject of this.#underWay) reject(failure());
  }
}

function failure(): KafkaError {
  return new KafkaError('KAFKA_STORAGE_ERROR', 'the log directory has failed');
}
