// What a client of a program stands on: the real Io, quiet but for warnings; and whether the
// process stays for it.
//
// Invariant: with keepAlive false an idle client holds nobody: its timers and connections do not
// keep the process, while whatever a program waits for (a call, records on their way) does.

import { createNodeIo, type Io, keepProcess } from '../io/index.ts';

export function clientIo({ keepAlive = true }: { readonly keepAlive?: boolean } = {}): Io {
  return createNodeIo({ logLevel: 'warn', keepAlive });
}

/** What a program waits for now; the process stays until there is nothing left. */
export class Work {
  readonly #isNeeded: boolean;
  readonly #names = new Set<string>();
  #calls = 0;
  #ended = false;
  #release: (() => void) | null = null;

  /** `keepAlive` true: timers and connections keep the process anyway. */
  constructor(keepAlive: boolean) {
    this.#isNeeded = !keepAlive;
  }

  async during<T>(call: () => Promise<T>): Promise<T> {
    if (!this.#isNeeded) return call();
    this.#calls++;
    this.#update();
    try {
      return await call();
    } finally {
      this.#calls--;
      this.#update();
    }
  }

  /** Whether there is something of this name under way; may be said again. */
  set(name: string, isThere: boolean): void {
    if (!this.#isNeeded || this.#names.has(name) === isThere) return;
    if (isThere) this.#names.add(name);
    else this.#names.delete(name);
    this.#update();
  }

  end(): void {
    this.#release?.();
    this.#release = null;
    this.#ended = true;
  }

  #update(): void {
    if (this.#ended) return;
    const isBusy = this.#calls > 0 || this.#names.size > 0;
    if (isBusy) this.#release ??= keepProcess();
    else {
      this.#release?.();
      this.#release = null;
    }
  }
}
