// (n) Several processes keep one metadata log in a store. Everybody sees the same batch at the same
// offset, and each batch once; epochs grow; what was acknowledged is where it was acknowledged, and
// what was refused is nowhere; a snapshot has everything before its end, and nothing else; nobody
// confirms that he controls after a newer controller was elected.

import { assert } from '../../src/base/assert.ts';
import type { StoreBatch } from '../../src/metadata/index.ts';

interface SeenBatch {
  readonly endOffset: number;
  readonly epoch: number;
  readonly names: readonly string[];
}

export class MetadataLogs {
  /** By base offset. */
  readonly #seen = new Map<number, SeenBatch>();
  readonly #offsets = new Map<string, number>();
  readonly #acknowledged = new Map<string, number>();
  readonly #refused = new Set<string>();
  #newestEpoch = 0;

  get acknowledgedCount(): number {
    return this.#acknowledged.size;
  }

  /** Of all who were elected so far, as far as anybody knows. */
  get newestEpoch(): number {
    return this.#newestEpoch;
  }

  /** Somebody was shown it. */
  onBatch({ baseOffset, endOffset, controllerEpoch }: StoreBatch, names: readonly string[]): void {
    const before = this.#seen.get(baseOffset);
    const here = `at offset ${baseOffset}`;
    if (before === undefined) {
      this.#seen.set(baseOffset, { endOffset, epoch: controllerEpoch, names });
      this.#assertEpochs();
    } else {
      const isSame = before.endOffset === endOffset && before.epoch === controllerEpoch;
      const seen = `${names} of epoch ${controllerEpoch}`;
      const is = isSame && `${before.names}` === `${names}`;
      assert(is, `two logs: ${here} are ${before.names} of epoch ${before.epoch}, and ${seen}`);
    }
    this.onElected(controllerEpoch);
    for (const name of names) {
      const offset = this.#offsets.get(name) ?? baseOffset;
      assert(offset === baseOffset, `${name} is in the log twice, at ${offset} and ${here}`);
      assert(!this.#refused.has(name), `${name} was refused, and is in the log ${here}`);
      this.#offsets.set(name, offset);
    }
  }

  #assertEpochs(): void {
    let before = 0;
    for (const [offset, { epoch }] of this.#inOrder()) {
      assert(epoch >= before, `epoch ${epoch} at offset ${offset} comes after ${before}`);
      before = epoch;
    }
  }

  #inOrder(): [number, SeenBatch][] {
    return [...this.#seen].sort(([one], [other]) => one - other);
  }

  onElected(epoch: number): void {
    this.#newestEpoch = Math.max(this.#newestEpoch, epoch);
  }

  onSnapshot(endOffset: number, names: readonly string[]): void {
    const expected = this.#inOrder()
      .filter(([offset]) => offset < endOffset)
      .flatMap((each) => each[1].names);
    const is = `${names}` === `${expected}`;
    assert(is, `the snapshot of offset ${endOffset} has ${names}, where the log has ${expected}`);
  }

  /** @param baseOffset where it is said to be */
  onAcknowledged(names: readonly string[], baseOffset: number): void {
    for (const name of names) this.#acknowledged.set(name, baseOffset);
  }

  onRefused(names: readonly string[]): void {
    for (const name of names) {
      const offset = this.#offsets.get(name);
      assert(offset === undefined, `${name} was refused, and is in the log at offset ${offset}`);
      this.#refused.add(name);
    }
  }

  /** @param newestEpoch when somebody asked whether his is the newest */
  assertConfirmed(epoch: number, newestEpoch: number): void {
    const since = `${newestEpoch} was elected before it asked`;
    assert(epoch >= newestEpoch, `who controls in epoch ${epoch} is told so, and ${since}`);
  }

  /** When everybody has read up to there. */
  assertWhole(endOffset: number): void {
    for (const [name, offset] of this.#acknowledged) {
      const found = this.#offsets.get(name);
      const is = found === offset || offset >= endOffset;
      assert(is, `${name} was acknowledged at offset ${offset} and is lost (found: ${found})`);
    }
  }
}
