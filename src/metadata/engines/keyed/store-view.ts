// How this process stands with the store: whether it answers, when everything was last looked at,
// and so how old is what is known here. Watches only make a look happen earlier.
//
// Invariants: everything is looked at several times within the session's time-out; how old the view
// is is counted from when the last look began that was answered whole; what an outage may have done
// to the sessions of living processes is remembered; a store that is away, or an old view, is told
// of once.

import type { Io, Timer } from '../../../io/index.ts';
import { KafkaError } from '../../../protocol/index.ts';
import type { KeyStore, SessionEvent } from './key-store.ts';
import { isUnanswered } from './unanswered.ts';

const looksPerSession = 6;
const lookMsMin = 50;
/** Of a session: within the rest of it everybody says at least once that he lives. */
const gapShare = 2 / 3;
/** Different refusals that are remembered. */
const refusalsMax = 100;
/** An older view is told of. */
const oldViewMs = 10_000;

export interface StoreViewOptions {
  readonly sessionTimeoutMs: number;
  readonly look: () => Promise<void>;
  /** After an outage, or with another session: the store may be another one by now. */
  readonly onConnected: () => void;
  /** Of this number, and of those before. */
  readonly onSessionEnded: (session: number, why: string) => void;
  readonly onBug: (error: Error) => void;
}

export class StoreView {
  readonly #io: Io;
  readonly #store: KeyStore;
  readonly #options: StoreViewOptions;
  readonly #lookMs: number;
  #timer: Timer | null = null;
  #freshMs: number;
  #steadyFromMs = Number.NEGATIVE_INFINITY;
  #isLooking = false;
  #mustLook = false;
  #session: number;
  /** Why it is away; null: it is not. */
  #awayBecause: string | null = null;
  /** What the store has said that is no answer. */
  readonly #refusals = new Set<string>();
  #isOldTold = false;
  #isClosed = false;

  constructor(io: Io, store: KeyStore, options: StoreViewOptions) {
    this.#io = io;
    this.#store = store;
    this.#options = options;
    this.#lookMs = Math.max(lookMsMin, options.sessionTimeoutMs / looksPerSession);
    this.#freshMs = io.clock.monotonic();
    this.#session = store.sessionNumber;
    store.onSession = (event) => this.#onSession(event);
  }

  /** Everything was looked at a moment ago. */
  start(): void {
    this.#freshMs = this.#io.clock.monotonic();
    this.#schedule();
  }

  /** 0: it is known to be the newest, but for what is on its way. */
  get ageMs(): number {
    const ageMs = this.#io.clock.monotonic() - this.#freshMs;
    return this.#awayBecause === null && ageMs <= this.#lookMs * 2 ? 0 : ageMs;
  }

  /** See ClusterStore. */
  get steadyMs(): number {
    const nowMs = this.#io.clock.monotonic();
    return this.#isGap(nowMs) ? 0 : nowMs - this.#steadyFromMs;
  }

  /** Nothing was heard for so long that sessions may have ended meanwhile. */
  #isGap(nowMs: number): boolean {
    return nowMs - this.#freshMs > this.#options.sessionTimeoutMs * gapShare;
  }

  #onSession(event: SessionEvent): void {
    if (this.#isClosed) return;
    const { address } = this.#store;
    if (event.kind === 'away') {
      if (this.#awayBecause === null) {
        const { because } = event;
        this.#io.log.warn(`the cluster store at ${address} is away and is tried again`, {
          because,
        });
      }
      this.#awayBecause = event.because;
    } else if (event.kind === 'ended') this.#end(event.because);
    else {
      if (event.sessionNumber !== this.#session) this.#end('another one has begun');
      this.#session = event.sessionNumber;
      if (this.#awayBecause !== null) this.#io.log.warn(`the cluster store at ${address} is back`);
      this.#awayBecause = null;
      this.#options.onConnected();
      void this.#look();
    }
  }

  #end(because: string): void {
    this.#steadyFromMs = this.#io.clock.monotonic();
    const why = `the session with the cluster store at ${this.#store.address} has ended`;
    this.#options.onSessionEnded(this.#session, `${why} (${because})`);
  }

  #schedule(): void {
    this.#timer = this.#io.clock.after(this.#lookMs, () => {
      this.#schedule();
      this.#tellOldView();
      void this.#look();
    });
  }

  async #look(): Promise<void> {
    if (this.#timer === null) return;
    this.#mustLook = true;
    if (this.#isLooking) return;
    this.#isLooking = true;
    while (this.#mustLook && !this.#isClosed) {
      this.#mustLook = false;
      const beganMs = this.#io.clock.monotonic();
      try {
        await this.#options.look();
        const nowMs = this.#io.clock.monotonic();
        if (this.#isGap(nowMs)) this.#steadyFromMs = nowMs;
        this.#freshMs = beganMs;
        this.#isOldTold = false;
      } catch (error) {
        if (!(error instanceof KafkaError)) this.#options.onBug(error as Error);
        else if (!isUnanswered(error)) this.sayRefusal(error);
      }
    }
    this.#isLooking = false;
  }

  /** The store says something that is no answer, each time: once is enough, of each. */
  sayRefusal({ message }: KafkaError): void {
    if (this.#refusals.has(message)) return;
    if (this.#refusals.size >= refusalsMax) this.#refusals.clear();
    this.#refusals.add(message);
    this.#io.log.error(`the cluster store at ${this.#store.address} cannot be read`, {
      because: message,
    });
  }

  #tellOldView(): void {
    const { ageMs } = this;
    if (ageMs < oldViewMs || this.#isOldTold) return;
    this.#isOldTold = true;
    const what = `the metadata here are ${Math.round(ageMs / 1000)} s old`;
    const why = `the cluster store at ${this.#store.address} does not answer`;
    this.#io.log.warn(`${what}: ${why}; what this broker leads goes on`, {
      because: this.#awayBecause ?? 'no answer came',
    });
  }

  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
  }
}
