// Elections within one process: the first candidate holds the term until it resigns, the others
// wait their turn or withdraw.

import { Deferred } from '../../../base/deferred.ts';
import type { Candidate } from '../../cluster-store.ts';

export class LocalElection {
  #holder: Candidate | null = null;
  #queue: { candidate: Candidate; turn: Deferred<void> }[] = [];
  #closedWith: Error | null = null;

  get isHeld(): boolean {
    return this.#holder !== null;
  }

  async wait(candidate: Candidate): Promise<void> {
    if (this.#closedWith !== null) throw this.#closedWith;
    if (this.#holder === null) {
      this.#holder = candidate;
      return;
    }
    const turn = new Deferred<void>();
    this.#queue.push({ candidate, turn });
    await turn.promise;
  }

  /** Whether it waits or holds the term, it no longer does. */
  withdraw(candidate: Candidate, error: Error): void {
    const waiting = this.#queue.find((each) => each.candidate === candidate);
    this.#queue = this.#queue.filter((each) => each !== waiting);
    waiting?.turn.reject(error);
    this.release(candidate);
  }

  /** -1: nobody. */
  get holderId(): number {
    return this.#holder?.nodeId ?? -1;
  }

  isHeldBy(candidate: Candidate): boolean {
    return this.#holder === candidate;
  }

  release(candidate: Candidate): void {
    if (this.#holder !== candidate) return;
    const next = this.#queue.shift();
    this.#holder = next?.candidate ?? null;
    next?.turn.resolve();
  }

  /** The holder's term ends against its will. */
  endTerm(error: Error): void {
    const holder = this.#holder;
    if (holder === null) return;
    this.release(holder);
    holder.onLost(error);
  }

  close(error: Error): void {
    this.#closedWith = error;
    const waiting = this.#queue;
    this.#queue = [];
    for (const { turn } of waiting) turn.reject(error);
    this.endTerm(error);
  }
}
