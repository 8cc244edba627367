// The elections in which this process stands, and the term that it won. The key `controller` goes
// with the session of whoever controls; `epoch` is put by each election and fences (fence.ts).
//
// Invariants: one change makes a controller: nobody had the key, the epoch, the end and the first
// batch of the term are as read a moment before; one question to the store is asked at a time, and
// what is over here is given back as soon as the key is seen, so an election whose answer was lost,
// or that arrives late, holds nobody up; a term ends here at once when its session ends, when an
// append has no known outcome, and when another election is seen.

import { Deferred } from '../../../base/deferred.ts';
import { uuidFromBytes } from '../../../base/uuid.ts';
import type { Io, Timer } from '../../../io/index.ts';
import { KafkaError } from '../../../protocol/index.ts';
import {
  type Candidate,
  type ControllerTerm,
  type Election,
  expelledError,
  rolledBackRemedy,
  StoreContentError,
} from '../../cluster-store.ts';
import { type Fence, termOverError } from './fence.ts';
import type { KeyEntry, KeyStore } from './key-store.ts';
import type { KeyedLog } from './keyed-log.ts';
import { type ControllerValue, type EpochValue, forms, keys } from './layout.ts';
import { isUnanswered } from './unanswered.ts';

/** After a question without an answer, unless there is news before. */
const retryMs = 300;

interface Candidacy {
  readonly candidate: Candidate;
  readonly won: Deferred<ControllerTerm>;
}

export interface Term extends Fence {
  readonly nodeId: number;
  readonly attempt: string;
  readonly session: number;
  readonly candidacy: Candidacy;
}

export interface ElectionEvents {
  /** Before the candidate hears of it: the log has the term's first batch. */
  onElected(): void;
  onBug(error: Error): void;
}

export class Elections {
  readonly #io: Io;
  readonly #store: KeyStore;
  readonly #log: KeyedLog;
  readonly #process: string;
  readonly #events: ElectionEvents;
  readonly #standing: Candidacy[] = [];
  #term: Term | null = null;
  /** Something of this process may be in the store. */
  #hasStood = false;
  #isBusy: Promise<void> | null = null;
  #mustLook = false;
  #retryTimer: Timer | null = null;
  #refusedBecause = '';
  #isClosed = false;

  constructor(
    io: Io,
    parts: { store: KeyStore; log: KeyedLog; process: string; events: ElectionEvents },
  ) {
    this.#io = io;
    this.#store = parts.store;
    this.#log = parts.log;
    this.#process = parts.process;
    this.#events = parts.events;
  }

  elect(candidate: Candidate): Election {
    const candidacy: Candidacy = { candidate, won: new Deferred() };
    const term = candidacy.won.promise;
    // Whoever withdraws need not wait for it.
    term.catch(() => {});
    if (this.#isClosed) candidacy.won.reject(closedError());
    else {
      if (!this.#hasStood) this.#store.watch(keys.controller, 'value', () => void this.look());
      this.#hasStood = true;
      this.#standing.push(candidacy);
      void this.look();
    }
    const withdraw = async (): Promise<void> => {
      candidacy.won.reject(new KafkaError('NOT_CONTROLLER', 'the candidate withdrew'));
      await this.#giveUp(candidacy);
    };
    return { term, withdraw };
  }

  async #giveUp(candidacy: Candidacy): Promise<void> {
    const index = this.#standing.indexOf(candidacy);
    if (index !== -1) this.#standing.splice(index, 1);
    if (this.#term?.candidacy !== candidacy) return;
    this.#term = null;
    await this.look();
  }

  /** @throws KafkaError NOT_CONTROLLER */
  termOf(epoch: number): Term {
    if (this.#term?.epoch === epoch) return this.#term;
    throw termOverError(epoch);
  }

  get term(): Term | null {
    return this.#term;
  }

  /** Nobody knows what became of an append: whoever asked for it knows that the term is over. */
  endTerm(epoch: number): void {
    if (this.#term?.epoch !== epoch) return;
    this.#term = null;
    void this.look();
  }

  /** The term has ended otherwise. */
  #lose(error: KafkaError): void {
    const term = this.#term;
    if (term === null) return;
    this.#term = null;
    term.candidacy.candidate.onLost(error);
  }

  /** The session with its ephemeral keys is over. */
  onSessionEnded(session: number, why: string): void {
    if (this.#term !== null && this.#term.session <= session) {
      this.#lose(new KafkaError('NOT_CONTROLLER', why));
    }
  }

  /** @throws KafkaError NOT_CONTROLLER, and as the store does */
  async confirm(epoch: number): Promise<void> {
    const term = this.termOf(epoch);
    const newest = await this.#newestEpoch();
    if (newest.value.attempt !== term.attempt) {
      this.onRefused(epoch);
      throw termOverError(epoch);
    }
    this.termOf(epoch);
  }

  /** The store refused a change of this term: another controller was elected. */
  onRefused(epoch: number): void {
    if (this.#term?.epoch !== epoch) return;
    this.#lose(termOverError(epoch));
    void this.look();
  }

  async #newestEpoch(): Promise<{ value: EpochValue; version: string }> {
    const entry = await this.#store.get(keys.epoch);
    if (entry === null) throw missing(keys.epoch);
    return { value: forms.epoch.decode(keys.epoch, entry.value), version: entry.version };
  }

  /** Resolves when what is to be done now was done, or has to wait. */
  look(): Promise<void> {
    if (!this.#hasStood || this.#isClosed) return Promise.resolve();
    this.#mustLook = true;
    this.#isBusy ??= this.#lookUntilDone().finally(() => {
      this.#isBusy = null;
    });
    return this.#isBusy;
  }

  async #lookUntilDone(): Promise<void> {
    this.#retryTimer?.cancel();
    while (this.#mustLook && !this.#isClosed) {
      this.#mustLook = false;
      try {
        await this.#round();
      } catch (error) {
        if (!(error instanceof KafkaError)) {
          this.#events.onBug(error as Error);
          return;
        }
        this.#sayRefusal(error);
        this.#mustLook = false;
        this.#retryTimer = this.#io.clock.after(retryMs, () => void this.look());
      }
    }
  }

  /** A store that is away is told of by whoever asks it regularly. */
  #sayRefusal(error: KafkaError): void {
    const { message } = error;
    if (isUnanswered(error) || message === this.#refusedBecause) return;
    this.#refusedBecause = message;
    this.#io.log.error('the cluster store lets nobody be elected here; it is tried again', {
      because: message,
    });
  }

  async #round(): Promise<void> {
    const holder = await this.#store.get(keys.controller);
    const newest = await this.#newestEpoch();
    const held = holder === null ? null : forms.controller.decode(keys.controller, holder.value);
    this.#checkTerm(held, newest.value);
    if (held !== null && held.process === this.#process) {
      if (held.attempt !== this.#term?.attempt)
        await this.#release(holder as KeyEntry, newest.version);
    } else if (held === null && this.#term === null) {
      const candidacy = this.#standing[0];
      if (candidacy !== undefined) await this.#stand(candidacy, newest);
    }
  }

  #checkTerm(held: ControllerValue | null, { attempt, epoch }: EpochValue): void {
    const term = this.#term;
    if (term === null) return;
    if (attempt !== term.attempt) {
      const why = `another controller was elected, with epoch ${epoch}`;
      this.#lose(new KafkaError('NOT_CONTROLLER', why));
    } else if (held?.attempt !== term.attempt) this.#lose(expelledError(term.nodeId));
  }

  /** With the epoch compared: a version of the key alone may be that of another's. */
  async #release({ version }: KeyEntry, epochVersion: string): Promise<void> {
    await this.#store.commit([
      { key: keys.epoch, was: epochVersion },
      { key: keys.controller, was: version, becomes: null },
    ]);
    this.#mustLook = true;
  }

  async #stand(
    candidacy: Candidacy,
    newest: { value: EpochValue; version: string },
  ): Promise<void> {
    const session = this.#store.sessionNumber;
    const endEntry = await this.#store.get(keys.end);
    if (endEntry === null) throw missing(keys.end);
    const end = {
      value: forms.end.decode(keys.end, endEntry.value),
      version: endEntry.version,
    };
    // It was put back, which the regular look finds: nothing is written into it.
    if (end.value.endOffset < this.#log.endOffset) return;
    await this.#log.newestSnapshot();
    const { nodeId } = candidacy.candidate;
    const attempt = uuidFromBytes(this.#io.random.bytes(16), 0);
    const epoch = newest.value.epoch + 1;
    const term = { epoch, controllerId: nodeId };
    const holder: ControllerValue = { nodeId, process: this.#process, epoch, attempt };
    const batch = this.#log.firstBatch(term, this.#io.clock.now(), end.value);
    const { steps, next } = this.#log.stepsFor(batch, end);
    const versions = await this.#store.commit([
      { key: keys.epoch, was: newest.version, becomes: forms.epoch.encode({ ...term, attempt }) },
      { key: keys.controller, was: null, becomes: forms.controller.encode(holder), session },
      ...steps,
    ]);
    this.#mustLook = true;
    if (versions === null || !this.#standing.includes(candidacy)) return;
    // Whoever heard of more than the term's first batch has heard of a newer controller.
    if (this.#store.sessionNumber !== session || this.#log.endOffset > next.endOffset) return;
    this.#standing.splice(this.#standing.indexOf(candidacy), 1);
    this.#term = { epoch, version: versions[0] as string, nodeId, attempt, session, candidacy };
    this.#log.onElected(next, versions[2] as string);
    this.#events.onElected();
    const resign = (): Promise<void> => this.#giveUp(candidacy);
    candidacy.won.resolve({ epoch, endOffset: next.endOffset, resign });
  }

  close(): void {
    this.#isClosed = true;
    this.#retryTimer?.cancel();
    this.#term = null;
    for (const { won } of this.#standing.splice(0)) won.reject(closedError());
  }
}

function missing(key: string): KafkaError {
  const what = `the key ${key} is gone: the store was emptied, or is another one`;
  return new StoreContentError(`${what}; ${rolledBackRemedy}`);
}

function closedError(): KafkaError {
  return new KafkaError('NOT_CONTROLLER', 'the metadata store is closed');
}
