// The handshakes of one encrypted listener. The public-key operation of a handshake takes a
// millisecond or two of the one thread that serves everybody, so handshakes are bounded: how many
// may be unfinished, on the listener and of one address, and how fast they may begin.
//
// Invariants: a handshake begins when the whole ClientHello is there and its turn has come, never
// two within `1 / perSecondMax`; addresses take turns, so that one that floods delays itself; at
// most `begunPerIpMax` of an address are in the middle, however they are timed; whoever takes
// longer than `timeoutMs` is closed. A failed handshake keeps its place for `failureDelayMs`.
// Whoever has lost its place is kept elsewhere for a while (condemned.ts).

import {
  type Connection,
  type Io,
  IoError,
  type RateLimitedLog,
  type SecuredConnection,
  type ServerTls,
  type Timer,
} from '../io/index.ts';
import { clientHelloState } from './client-hello.ts';

export interface TlsGateLimits {
  /** ssl.handshake.timeout.ms. Default 10 s. */
  readonly timeoutMs: number;
  /** ssl.handshakes.unfinished.max. Default 1000. */
  readonly unfinishedMax: number;
  /** ssl.handshakes.unfinished.per.ip.max. Default 100. */
  readonly unfinishedPerIpMax: number;
  /** ssl.handshakes.per.second.max. Default 250. */
  readonly perSecondMax: number;
  /** ssl.handshakes.per.second.per.ip.max. Default 50. */
  readonly perSecondPerIpMax: number;
  /** connection.failed.authentication.delay.ms. Default 100. */
  readonly failureDelayMs: number;
}

export const defaultTlsGateLimits: TlsGateLimits = {
  timeoutMs: 10_000,
  unfinishedMax: 1000,
  unfinishedPerIpMax: 100,
  perSecondMax: 250,
  perSecondPerIpMax: 50,
  failureDelayMs: 100,
};

/** How an encrypted listener makes its connections; asked anew for each. */
export interface TlsListener {
  tls(): ServerTls;
  limits(): TlsGateLimits;
}

export interface TlsGateOptions {
  readonly listenerName: string;
  readonly listener: TlsListener;
  readonly log: RateLimitedLog;
  /** Closes, after a while, a connection that has lost its place. */
  readonly condemn: (raw: Connection) => void;
}

const nothing = Buffer.alloc(0);

/** In the middle of a handshake at a time: more would be one long turn if all went on at once. */
const begunPerIpMax = 8;
/** That an address may begin at once after it was quiet: a client opens several connections. */
const burstPerIp = 20;

interface Waiting {
  readonly raw: Connection;
  readonly onEnd: (secured: SecuredConnection | null) => void;
  readonly timer: Timer;
  readonly deadlineMs: number;
  received: Buffer;
  state: 'reading' | 'ready' | 'begun' | 'over';
}

/** What is known of one address while it has handshakes, or had some a moment ago. */
interface Address {
  unfinished: number;
  begun: number;
  readonly ready: Waiting[];
  /** When all that it may begin at once is there again: the bucket of tokens as one number. */
  fullAtMs: number;
}

export class TlsGate {
  readonly #io: Io;
  readonly #options: TlsGateOptions;
  readonly #all = new Set<Waiting>();
  /** In the order of their next turn. */
  readonly #addresses = new Map<string, Address>();
  #nextBeginMs = 0;
  #timer: Timer | null = null;
  #failedCount = 0;

  constructor(io: Io, options: TlsGateOptions) {
    this.#io = io;
    this.#options = options;
  }

  get unfinishedCount(): number {
    return this.#all.size;
  }

  /** Of which something is remembered. */
  get addressCount(): number {
    return this.#addresses.size;
  }

  /** Handshakes that came to nothing. */
  get failedCount(): number {
    return this.#failedCount;
  }

  /**
   * Takes over a connection that was accepted; null if it may try. Otherwise the reason why not,
   * and the caller keeps it. `onEnd` is called once, with null when there will be no connection.
   */
  take(raw: Connection, onEnd: (secured: SecuredConnection | null) => void): string | null {
    const { timeoutMs, unfinishedMax, unfinishedPerIpMax } = this.#options.listener.limits();
    const address = this.#addressOf(raw.remoteHost);
    if (address.unfinished >= unfinishedPerIpMax) {
      return `ssl.handshakes.unfinished.per.ip.max is ${unfinishedPerIpMax}`;
    }
    if (this.#all.size >= unfinishedMax && !this.#dropOldest()) {
      return `ssl.handshakes.unfinished.max is ${unfinishedMax}`;
    }
    const { clock } = this.#io;
    const waiting: Waiting = {
      raw,
      onEnd,
      timer: clock.after(timeoutMs, () => this.#fail(waiting, `it took ${timeoutMs} ms`)),
      deadlineMs: clock.monotonic() + timeoutMs,
      received: nothing,
      state: 'reading',
    };
    this.#all.add(waiting);
    address.unfinished++;
    raw.onData = (chunk) => this.#onData(waiting, chunk);
    raw.onClose = () => this.#fail(waiting, 'it has gone');
    return null;
  }

  close(): void {
    this.#timer?.cancel();
    for (const waiting of [...this.#all]) {
      waiting.raw.destroy();
      this.#end(waiting, null);
    }
  }

  #addressOf(ip: string): Address {
    let address = this.#addresses.get(ip);
    if (address === undefined) {
      if (this.#addresses.size >= 2 * this.#all.size + 1000) this.#forgetRested();
      address = { unfinished: 0, begun: 0, ready: [], fullAtMs: 0 };
      this.#addresses.set(ip, address);
    }
    return address;
  }

  /** Whoever has said nothing for the longest time gives way to who comes. */
  #dropOldest(): boolean {
    for (const waiting of this.#all) {
      if (waiting.state !== 'reading') continue;
      this.#noteFailure(waiting, 'others came while it said nothing');
      this.#end(waiting, null);
      this.#options.condemn(waiting.raw);
      return true;
    }
    return false;
  }

  #onData(waiting: Waiting, chunk: Buffer): void {
    if (waiting.state !== 'reading') return;
    waiting.received =
      waiting.received.length === 0 ? chunk : Buffer.concat([waiting.received, chunk]);
    const state = clientHelloState(waiting.received);
    if (state === 'part') return;
    waiting.raw.pause();
    if (state !== 'whole') {
      this.#fail(waiting, state.problem);
      return;
    }
    waiting.state = 'ready';
    this.#addressOf(waiting.raw.remoteHost).ready.push(waiting);
    this.#pump();
  }

  /** Begins what may begin now, and comes back when more may. */
  #pump(): void {
    if (this.#timer !== null) return;
    const nowMs = this.#io.clock.monotonic();
    const { perSecondMax } = this.#options.listener.limits();
    if (nowMs < this.#nextBeginMs) {
      if (this.#hasReady()) this.#wakeAfter(this.#nextBeginMs - nowMs);
      return;
    }
    const next = this.#nextAddress(nowMs);
    if (typeof next === 'number') {
      if (next > 0) this.#wakeAfter(next);
      return;
    }
    const [ip, address] = next;
    // Its next turn comes after those of the others.
    this.#addresses.delete(ip);
    this.#addresses.set(ip, address);
    this.#nextBeginMs = nowMs + 1000 / perSecondMax;
    void this.#begin(address.ready.shift() as Waiting, address);
    if (this.#hasReady()) this.#wakeAfter(1000 / perSecondMax);
  }

  #hasReady(): boolean {
    for (const { ready, begun } of this.#addresses.values()) {
      if (ready.length > 0 && begun < begunPerIpMax) return true;
    }
    return false;
  }

  /** Whose turn it is; otherwise in how many ms to ask again, 0 for not before something ends. */
  #nextAddress(nowMs: number): [string, Address] | number {
    const stepMs = 1000 / this.#options.listener.limits().perSecondPerIpMax;
    let waitMs = Number.POSITIVE_INFINITY;
    for (const [ip, address] of this.#addresses) {
      if (address.ready.length === 0 || address.begun >= begunPerIpMax) continue;
      const fullAtMs = Math.max(address.fullAtMs, nowMs) + stepMs;
      const lateMs = fullAtMs - nowMs - burstPerIp * stepMs;
      if (lateMs <= 0) {
        address.fullAtMs = fullAtMs;
        return [ip, address];
      }
      waitMs = Math.min(waitMs, lateMs);
    }
    return waitMs === Number.POSITIVE_INFINITY ? 0 : waitMs;
  }

  #wakeAfter(delayMs: number): void {
    this.#timer = this.#io.clock.after(delayMs, () => {
      this.#timer = null;
      this.#pump();
    });
  }

  async #begin(waiting: Waiting, address: Address): Promise<void> {
    waiting.state = 'begun';
    waiting.timer.cancel();
    address.begun++;
    const leftMs = Math.max(1, waiting.deadlineMs - this.#io.clock.monotonic());
    let secured: SecuredConnection | null = null;
    try {
      const tls = this.#options.listener.tls();
      secured = await tls.accept(waiting.raw, waiting.received, leftMs);
    } catch (error) {
      if (!(error instanceof IoError)) throw error;
      this.#fail(waiting, error.message);
    }
    address.begun--;
    // Meanwhile it may have been given up.
    const isWanted = (waiting.state as string) === 'begun';
    if (secured !== null && isWanted) this.#end(waiting, secured);
    else secured?.connection.destroy();
    this.#pump();
  }

  #fail(waiting: Waiting, reason: string): void {
    if (waiting.state === 'over') return;
    const wasReading = waiting.state !== 'begun';
    this.#noteFailure(waiting, reason);
    const close = (): void => {
      if (wasReading) waiting.raw.destroy();
      this.#end(waiting, null);
    };
    const { failureDelayMs } = this.#options.listener.limits();
    if (failureDelayMs === 0) close();
    else this.#io.clock.after(failureDelayMs, close);
  }

  #noteFailure(waiting: Waiting, reason: string): void {
    const { remoteHost } = waiting.raw;
    const { listenerName, log } = this.#options;
    this.#failedCount++;
    log.warn('TLS handshake failed', { listener: listenerName, remoteHost, reason });
    waiting.timer.cancel();
    waiting.state = 'over';
    waiting.raw.onClose = () => {};
    const { ready } = this.#addressOf(remoteHost);
    const at = ready.indexOf(waiting);
    if (at >= 0) ready.splice(at, 1);
  }

  #end(waiting: Waiting, secured: SecuredConnection | null): void {
    if (!this.#all.delete(waiting)) return;
    waiting.timer.cancel();
    waiting.state = 'over';
    const address = this.#addressOf(waiting.raw.remoteHost);
    address.unfinished--;
    waiting.onEnd(secured);
  }

  #forgetRested(): void {
    const nowMs = this.#io.clock.monotonic();
    for (const [ip, { unfinished, fullAtMs }] of this.#addresses) {
      if (unfinished === 0 && fullAtMs <= nowMs) this.#addresses.delete(ip);
    }
  }
}
