// The elections in which this client stands, and the terms it won. A candidacy is an intention: it
// is said again after each reconnection, under the same id, until the server knows; so is that it
// is over.
//
// Invariants: a term whose outcome became unknown, or whose session ended, is over here at once,
// before anything else is asked; what is over is given back in the store before this client stands
// again, because both travel in order.

import { Deferred } from '../../../base/deferred.ts';
import { KafkaError } from '../../../protocol/index.ts';
import type { Candidate, ControllerTerm, Election } from '../../cluster-store.ts';
import { type ClientLink, LinkLostError } from './client-link.ts';
import * as messages from './messages.ts';

interface Candidacy {
  readonly id: number;
  readonly candidate: Candidate;
  readonly won: Deferred<ControllerTerm>;
  /** Of the term; null while it stands. */
  epoch: number | null;
  /** The term is over although the candidate has not resigned. */
  isOver: boolean;
}

export class Candidacies {
  readonly #open = new Map<number, Candidacy>();
  /** Over here, and perhaps not in the store. */
  readonly #unreleased = new Set<number>();
  #link: ClientLink | null = null;
  #nextId = 1;

  elect(candidate: Candidate): Election {
    const candidacy: Candidacy = {
      id: this.#nextId++,
      candidate,
      won: new Deferred(),
      epoch: null,
      isOver: false,
    };
    const term = candidacy.won.promise;
    // Whoever withdraws need not wait for it.
    term.catch(() => {});
    this.#open.set(candidacy.id, candidacy);
    this.#stand(candidacy);
    const withdraw = async (): Promise<void> => {
      candidacy.won.reject(new KafkaError('NOT_CONTROLLER', 'the candidate withdrew'));
      await this.#giveUp(candidacy);
    };
    return { term, withdraw };
  }

  /** @throws KafkaError NOT_CONTROLLER */
  assertTerm(epoch: number): void {
    if (this.#holderOf(epoch) !== undefined) return;
    throw new KafkaError('NOT_CONTROLLER', `controller epoch ${epoch} is over, or was never ours`);
  }

  #holderOf(epoch: number): Candidacy | undefined {
    return [...this.#open.values()].find((each) => each.epoch === epoch && !each.isOver);
  }

  /** Nobody knows what became of an append, or the store says that the term is over. */
  endTerm(epoch: number): void {
    const holder = this.#holderOf(epoch);
    if (holder === undefined) return;
    holder.isOver = true;
    void this.#release(holder.id);
  }

  async #giveUp({ id, isOver }: Candidacy): Promise<void> {
    if (this.#open.delete(id) && !isOver) await this.#release(id);
  }

  /** Never rejects: what cannot be said now is said after the next reconnection. */
  async #release(id: number): Promise<void> {
    this.#unreleased.add(id);
    if (this.#link === null) return;
    try {
      await this.#link.call(messages.release, { electionId: id });
      this.#unreleased.delete(id);
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error;
    }
  }

  /** The session goes on on another connection. */
  attach(link: ClientLink): void {
    this.#link = link;
    for (const id of [...this.#unreleased]) void this.#release(id);
    for (const candidacy of this.#open.values()) if (!candidacy.isOver) this.#stand(candidacy);
  }

  detach(): void {
    this.#link = null;
  }

  /** Another session begins: terms are over; who has not won yet stands in the new one. */
  onSessionEnded(why: string): void {
    this.#unreleased.clear();
    const terms = [...this.#open.values()].filter(({ epoch }) => epoch !== null);
    for (const { id } of terms) this.#open.delete(id);
    for (const { candidate } of terms) candidate.onLost(new KafkaError('NOT_CONTROLLER', why));
  }

  /** The store ended the candidacy. */
  onLost(id: number, error: KafkaError): void {
    const candidacy = this.#open.get(id);
    if (candidacy === undefined) return;
    this.#open.delete(id);
    if (candidacy.epoch === null) candidacy.won.reject(error);
    else candidacy.candidate.onLost(error);
  }

  #stand(candidacy: Candidacy): void {
    if (this.#link === null) return;
    const { id, candidate } = candidacy;
    this.#link.call(messages.elect, { electionId: id, nodeId: candidate.nodeId }).then(
      (term) => this.#onWon(candidacy, term),
      (error: Error) => {
        // On the next connection it is asked again.
        if (error instanceof LinkLostError) return;
        this.#open.delete(id);
        candidacy.won.reject(error);
      },
    );
  }

  #onWon(candidacy: Candidacy, { epoch, endOffset }: Pick<ControllerTerm, 'epoch' | 'endOffset'>) {
    // It withdrew while the answer was on its way: the store hears of that next.
    if (!this.#open.has(candidacy.id)) return;
    candidacy.epoch = epoch;
    const resign = (): Promise<void> => this.#giveUp(candidacy);
    candidacy.won.resolve({ epoch, endOffset, resign });
  }

  close(): void {
    const error = new KafkaError('NOT_CONTROLLER', 'the metadata store is closed');
    for (const { won } of this.#open.values()) won.reject(error);
    this.#open.clear();
    this.#unreleased.clear();
    this.#link = null;
  }
}
