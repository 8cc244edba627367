// Keeps this process connected with the server of a shared store: connects, says hello under the
// same session, asks again and again whether the server is there, and begins anew when it is not.
//
// Invariants: the server hears of a living client several times within the session's time-out; a
// connection is given up only when questions on it went unanswered while this process ran; how old
// the view is is counted from the last question that was answered, stopped process or not.

import { Deferred } from '../../../base/deferred.ts';
import { type Io, IoError, type Timer } from '../../../io/index.ts';
import { KafkaError } from '../../../protocol/index.ts';
import { ClientLink, LinkLostError, StoreAwayError } from './client-link.ts';
import * as messages from './messages.ts';

export interface ConnectorOptions {
  readonly host: string;
  readonly port: number;
  readonly sessionTimeoutMs: number;
  /** The cluster that is meant; null: whichever the store is of. */
  readonly clusterId: string | null;
}

export type Welcome = messages.AnswerOf<typeof messages.hello>;

export interface ConnectorEvents {
  /** In the turn of the welcome; news follow. */
  onAttached(link: ClientLink, welcome: Welcome, isSameSession: boolean): void;
  onDetached(): void;
  onNews(frame: messages.Frame): void;
  onPong(pong: messages.AnswerOf<typeof messages.ping>): void;
}

/** A session hears of its client so often within its time-out. */
const pingsPerSession = 6;
const unheardPingsMax = 4;
const retryMsMin = 50;
const retryMsMax = 1_000;
/** A question waits so long for a connection. */
const awayMsMax = 30_000;
/** An older view is told of. */
const oldViewMs = 10_000;

export class StoreConnector {
  readonly #io: Io;
  readonly #options: ConnectorOptions;
  readonly #events: ConnectorEvents;
  readonly #pingMs: number;
  #link: ClientLink | null = null;
  #attached = new Deferred<ClientLink>();
  #sessionId = '';
  #clusterId: string | null;
  /** When what was last answered was asked. */
  #freshMs: number;
  #unheardPings = 0;
  #pingTimer: Timer | null = null;
  #retryMs = retryMsMin;
  #retryTimer: Timer | null = null;
  /** Why there is no connection, once it has been told; null: there is one. */
  #awayBecause: string | null = null;
  #isOldTold = false;
  #isClosed = false;

  constructor(io: Io, options: ConnectorOptions, events: ConnectorEvents) {
    this.#io = io;
    this.#options = options;
    this.#events = events;
    this.#clusterId = options.clusterId;
    this.#freshMs = io.clock.monotonic();
    this.#pingMs = Math.max(50, options.sessionTimeoutMs / pingsPerSession);
    this.#attached.promise.catch(() => {});
  }

  start(): void {
    void this.#connect();
    this.#schedulePing();
  }

  get address(): string {
    return `${this.#options.host}:${this.#options.port}`;
  }

  /** 0: it is known to be the newest, but for what is on its way. */
  get viewAgeMs(): number {
    const ageMs = this.#io.clock.monotonic() - this.#freshMs;
    return this.#link !== null && ageMs <= this.#pingMs * 2 ? 0 : ageMs;
  }

  /** @throws LinkLostError */
  linkNow(): ClientLink {
    if (this.#link !== null) return this.#link;
    throw new LinkLostError(`the cluster store at ${this.address} is away: nothing was asked`);
  }

  /** Of what may be asked twice: waits for a connection, and asks again on the next one. */
  async query<C extends messages.Call>(
    call: C,
    request: messages.RequestTo<C>,
  ): Promise<messages.AnswerOf<C>> {
    for (;;) {
      const link = await this.connected();
      try {
        return await link.call(call, request);
      } catch (error) {
        if (!(error instanceof LinkLostError) || this.#isClosed) throw error;
      }
    }
  }

  /** @throws StoreAwayError when there is none for long */
  async connected(): Promise<ClientLink> {
    if (this.#link !== null) return this.#link;
    let timer: Timer | null = null;
    const away = new Promise<never>((_, reject) => {
      timer = this.#io.clock.after(awayMsMax, () => reject(this.#awayError()));
    });
    try {
      return await Promise.race([this.#attached.promise, away]);
    } finally {
      (timer as Timer | null)?.cancel();
    }
  }

  #awayError(): StoreAwayError {
    const because = this.#awayBecause === null ? '' : ` (${this.#awayBecause})`;
    const remedy = 'start what keeps it (partita start --brokers), or correct cluster.store';
    return new StoreAwayError(`the cluster store at ${this.address} is away${because}: ${remedy}`);
  }

  async #connect(): Promise<void> {
    const { host, port, sessionTimeoutMs } = this.#options;
    const timeoutMs = Math.max(1_000, sessionTimeoutMs / 2);
    try {
      let link: ClientLink | null = null;
      link = await ClientLink.open(
        this.#io,
        { host, port, timeoutMs },
        {
          onNews: (frame) => this.#events.onNews(frame),
          onLost: (error) => this.#onLost(link, error),
        },
      );
      if (this.#isClosed) link.lose('this store is closed');
      else this.#sayHello(link, timeoutMs);
    } catch (error) {
      if (!(error instanceof IoError)) throw error;
      this.#onAway(error.message);
    }
  }

  #sayHello(link: ClientLink, timeoutMs: number): void {
    const askedMs = this.#io.clock.monotonic();
    const silence = this.#io.clock.after(timeoutMs, () => link.lose('it does not say hello'));
    link.ask(
      messages.hello,
      {
        mark: messages.MARK,
        layoutVersion: messages.LAYOUT_VERSION,
        sessionId: this.#sessionId,
        sessionTimeoutMs: this.#options.sessionTimeoutMs,
        clusterId: this.#clusterId,
      },
      (welcome) => {
        silence.cancel();
        this.#freshMs = askedMs;
        this.#onWelcome(link, welcome);
      },
      (error) => {
        silence.cancel();
        const isRefused = !(error instanceof LinkLostError);
        // Whoever has a session goes on trying: it may be another's server on the port for a while.
        if (isRefused && this.#sessionId === '') this.#attached.reject(this.#refusal(error));
        link.lose(error.message);
      },
    );
  }

  #refusal({ message }: Error): KafkaError {
    const why = `the cluster store at ${this.address} refuses this process: ${message}`;
    return new KafkaError('INCONSISTENT_CLUSTER_ID', why);
  }

  #onWelcome(link: ClientLink, welcome: Welcome): void {
    const isSameSession = welcome.sessionId === this.#sessionId;
    this.#sessionId = welcome.sessionId;
    this.#clusterId = welcome.clusterId;
    this.#link = link;
    this.#unheardPings = 0;
    this.#retryMs = retryMsMin;
    if (this.#awayBecause !== null) {
      this.#io.log.warn(`the cluster store at ${this.address} is back`);
      this.#awayBecause = null;
    }
    this.#isOldTold = false;
    this.#events.onAttached(link, welcome, isSameSession);
    this.#attached.resolve(link);
  }

  #onLost(link: ClientLink | null, error: Error): void {
    if (this.#link === link && link !== null) {
      this.#link = null;
      this.#attached = new Deferred();
      this.#attached.promise.catch(() => {});
      this.#events.onDetached();
    }
    this.#onAway(error.message);
  }

  #onAway(because: string): void {
    if (this.#isClosed) return;
    if (this.#awayBecause === null) {
      this.#io.log.warn(`the cluster store at ${this.address} is away and is tried again`, {
        because,
      });
    }
    this.#awayBecause = because;
    const retryMs = this.#retryMs * (0.5 + this.#io.random.float());
    this.#retryMs = Math.min(this.#retryMs * 2, retryMsMax);
    this.#retryTimer = this.#io.clock.after(retryMs, () => void this.#connect());
  }

  #schedulePing(): void {
    this.#pingTimer = this.#io.clock.after(this.#pingMs, () => {
      this.#schedulePing();
      this.#ping();
    });
  }

  #ping(): void {
    this.#tellOldView();
    const link = this.#link;
    if (link === null) return;
    // Ticks are counted and not time: one that comes late is one.
    this.#unheardPings = link.hasHeard ? 0 : this.#unheardPings + 1;
    if (this.#unheardPings >= unheardPingsMax) {
      link.lose('it does not answer');
      return;
    }
    link.hasHeard = false;
    const askedMs = this.#io.clock.monotonic();
    const onAnswer = (pong: messages.AnswerOf<typeof messages.ping>): void => {
      this.#freshMs = askedMs;
      this.#events.onPong(pong);
    };
    link.ask(messages.ping, {}, onAnswer, (error) => {
      if (!(error instanceof KafkaError)) throw error;
    });
  }

  #tellOldView(): void {
    const ageMs = this.viewAgeMs;
    if (ageMs < oldViewMs || this.#isOldTold || this.#sessionId === '') return;
    this.#isOldTold = true;
    const what = `the metadata here are ${Math.round(ageMs / 1000)} s old`;
    const why = `the cluster store at ${this.address} does not answer`;
    this.#io.log.warn(`${what}: ${why}; what this broker leads goes on`, {
      because: this.#awayBecause ?? 'no answer came',
    });
  }

  /** Says goodbye, if somebody is there to hear it. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#pingTimer?.cancel();
    this.#retryTimer?.cancel();
    const link = this.#link;
    this.#attached.reject(new KafkaError('NOT_CONTROLLER', 'the metadata store is closed'));
    if (link === null) return;
    const timer = this.#io.clock.after(1_000, () => link.lose('it does not say goodbye'));
    try {
      await link.call(messages.goodbye, {});
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error;
    }
    timer.cancel();
    this.#link = null;
    link.lose('this store is closed');
  }
}
