// What kept servers of the ensemble from being used: who waits for the first one that can is told
// when none will, and an operator is told once of each that is wrong while others serve.
//
// Invariant: a start ends when a server can be used, when what is wrong is wrong at all of them, or
// when its time is over, each with one line; a server that is only away ends no start.

import { Deferred } from '../../../base/deferred.ts';
import type { Io } from '../../../io/index.ts';
import { KafkaError } from '../../../protocol/index.ts';
import { LinkLostError, NotZooKeeperError } from './zookeeper-link.ts';

export class Failures {
  readonly #io: Io;
  /** null: the start is over. */
  #opened: Deferred<void> | null = new Deferred();
  /** Of each server since one could be used last. */
  #ofRound: Error[] = [];
  #last: Error | null = null;
  readonly #said = new Set<string>();

  constructor(io: Io) {
    this.#io = io;
    // Whoever closes a store that has not opened does not wait for it.
    this.#opened?.promise.catch(() => {});
  }

  /** @throws KafkaError, one line */
  async attached(address: string, timeoutMs: number): Promise<void> {
    const opened = this.#opened as Deferred<void>;
    const timer = this.#io.clock.after(timeoutMs, () => {
      const why = this.#last === null ? '' : ` (${this.#last.message})`;
      const what = `no ZooKeeper at ${address} within ${timeoutMs} ms`;
      opened.reject(new KafkaError('NETWORK_EXCEPTION', `${what}${why}`));
    });
    try {
      await opened.promise;
    } finally {
      timer.cancel();
      this.#opened = null;
    }
  }

  onAttached(): void {
    this.#opened?.resolve();
    for (const error of this.#ofRound.filter(isWrong)) this.#say(error.message);
    this.#ofRound = [];
  }

  onFailure(error: Error, isLastOfRound: boolean): void {
    this.#ofRound.push(error);
    if (this.#opened === null && isWrong(error)) this.#say(error.message);
    // Every server would say the same.
    const isWrongEverywhere = isWrong(error) && !isOfServer(error);
    const isNoServerRight = isLastOfRound && this.#ofRound.every(isWrong);
    if (isWrongEverywhere || isNoServerRight) this.#opened?.reject(error);
    if (isLastOfRound) this.#ofRound = [];
    this.#last = error;
  }

  #say(message: string): void {
    if (this.#said.has(message)) return;
    this.#said.add(message);
    this.#io.log.warn(message);
  }
}

/** It does not go away by itself. */
function isWrong(error: Error): boolean {
  return error instanceof KafkaError && !(error instanceof LinkLostError);
}

/** Another one may well be a ZooKeeper. */
function isOfServer(error: Error): boolean {
  return error instanceof NotZooKeeperError;
}
