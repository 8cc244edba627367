// The promise (questions): what the cluster has acknowledged is known to whoever answers a question
// that was asked afterwards, whichever broker is asked. A topic that was created cannot be created
// again, and nobody says that it could.

import { assert } from '../../src/base/assert.ts';
import { ErrorCode } from '../../src/protocol/index.ts';

export class KnownTopics {
  readonly #names: string[] = [];

  /** The cluster says that it is there; nobody ever deletes it. */
  onCreated(name: string): void {
    this.#names.push(name);
  }

  /** To be asked about; null: there is none. */
  get newest(): string | null {
    return this.#names.at(-1) ?? null;
  }

  /** @param errorCode the answer to whether the topic, which was there before, could be created */
  onAnswer(asked: string, name: string, errorCode: number): void {
    const isDenied = errorCode === ErrorCode.NONE;
    assert(!isDenied, `${asked} would create ${name}, which was there when it was asked`);
  }
}
