// One connection that a client opened to us: frames in, answers out.
//
// Invariants: answers leave in the order of their requests, whatever order they are given in.
// What a peer can make us hold is bounded: no further request is taken while `requestsInFlightMax`
// requests or `bytesInFlightMax` request bytes are unanswered, or while more than `outputBytesMax`
// bytes of answers wait for a peer that does not read; what it sends meanwhile stays in its socket.

import type { Connection, Io, Timer, TlsPeer } from '../io/index.ts';
import { FrameError } from './frame-error.ts';
import { FrameReader } from './frame-reader.ts';

export interface ServerConnectionOptions {
  readonly listenerName: string;
  /** What the handshake has found. Default null: the connection is plain. */
  readonly peer?: TlsPeer | null;
  /** socket.request.max.bytes. Default 100 MiB. */
  readonly requestBytesMax?: number;
  /** connections.max.idle.ms. Default 10 minutes; a negative value means for ever. */
  readonly idleMsMax?: number;
  /** Requests taken and not yet answered. Default 16. */
  readonly requestsInFlightMax?: number;
  /** Bytes of requests taken and not yet answered. Default 16 MiB; one request always fits. */
  readonly bytesInFlightMax?: number;
  /** Bytes of answers that the peer has not read. Default 4 MiB. */
  readonly outputBytesMax?: number;
}

/** Of a header without a client id. */
const requestBytesMin = 8;

/** Requests taken from one connection before the others have their turn. */
const requestsPerTurnMax = 64;

/** Why a connection ended, as `onClose` gets it; null when the peer simply closed. */
export type CloseReason = Error | null;

/** The place of one answer in the order of answers. Use it exactly once; later uses do nothing. */
export class Exchange {
  readonly #settle: (exchange: Exchange) => void;
  readonly requestBytes: number;
  /** undefined while the answer is open; null for a request that has none. */
  chunks: readonly Buffer[] | null | undefined = undefined;

  constructor(requestBytes: number, settle: (exchange: Exchange) => void) {
    this.requestBytes = requestBytes;
    this.#settle = settle;
  }

  /** Answers with a whole frame (its size bytes included); the chunks must not change any more. */
  respond(chunks: readonly Buffer[]): void {
    if (this.chunks !== undefined) return;
    this.chunks = chunks;
    this.#settle(this);
  }

  /** Says that this request has no answer (produce with acks=0). */
  skip(): void {
    if (this.chunks !== undefined) return;
    this.chunks = null;
    this.#settle(this);
  }
}

export class ServerConnection {
  /** Unique in the life of the server, and readable: peer, listener, number. */
  readonly id: string;
  /** Later connections to the server have higher ones. */
  readonly number: number;
  readonly listenerName: string;
  /** null: the connection is plain. */
  readonly peer: TlsPeer | null;
  /** The address at which the client reached us. */
  readonly localHost: string;
  readonly localPort: number;
  readonly remoteHost: string;
  readonly remotePort: number;
  /**
   * Called for every request, in order. `frame` is a slice of what was received (without size
   * bytes) and belongs to the receiver. It must not throw: what a peer can cause is answered, or
   * ends in `close(error)`.
   */
  onFrame: (frame: Buffer, exchange: Exchange) => void = () => {};
  /** Called once, when the connection is gone; open exchanges may still be used, to no effect. */
  onClose: (reason: CloseReason) => void = () => {};
  /** For the server that counts connections; apart, because `onClose` may be set anew later. */
  onGone: () => void = () => {};
  /** The bytes of answers that wait for this peer to read became so many more, or fewer. */
  onUnread: (change: number) => void = () => {};

  /** For who minds what this peer has us hold: called when bytes have come. null: nobody does. */
  onReceived: (() => void) | null = null;

  readonly #io: Io;
  readonly #connection: Connection;
  readonly #reader: FrameReader;
  readonly #frameBytesMax: number;
  readonly #limits: { requests: number; bytes: number; output: number; idleMs: number };
  /** Exchanges in request order from `#first` on; those before it have been written. */
  #exchanges: Exchange[] = [];
  #first = 0;
  #bytesInFlight = 0;
  #muted = 0;
  #paused = false;
  #pumping = false;
  /** Requests taken since others last had a turn. */
  #taken = 0;
  /** What was received is gone on with in the next turn. */
  #isContinuing = false;
  #draining = false;
  #closed = false;
  /** `close` was asked for: what was received and not taken is dropped. */
  #isCut = false;
  #closeReason: CloseReason = null;
  #lastActiveMs: number;
  #idleTimer: Timer | null = null;
  /** Answers whose turn has come; they leave together at the end of the turn. */
  #sending: Buffer[] = [];
  /** Bytes of answers that are given and not sent: those whose turn has not come count too. */
  #answerBytes = 0;
  #sendScheduled = false;
  /** As the server was told last; 0 while the peer keeps up. */
  #unreadBytes = 0;

  constructor(io: Io, connection: Connection, number: number, options: ServerConnectionOptions) {
    this.#io = io;
    this.#connection = connection;
    this.number = number;
    this.listenerName = options.listenerName;
    this.peer = options.peer ?? null;
    this.localHost = connection.localHost;
    this.localPort = connection.localPort;
    this.remoteHost = connection.remoteHost;
    this.remotePort = connection.remotePort;
    this.id = `${this.remoteHost}:${this.remotePort}-${this.listenerName}-${number}`;
    this.#frameBytesMax = options.requestBytesMax ?? 100 * 1024 * 1024;
    this.#reader = new FrameReader({
      frameBytesMin: requestBytesMin,
      frameBytesMax: this.#frameBytesMax,
    });
    this.#limits = {
      requests: options.requestsInFlightMax ?? 16,
      bytes: options.bytesInFlightMax ?? 16 * 1024 * 1024,
      output: options.outputBytesMax ?? 4 * 1024 * 1024,
      idleMs: options.idleMsMax ?? 600_000,
    };
    this.#lastActiveMs = io.clock.monotonic();
    connection.onData = (chunk) => this.#onData(chunk);
    connection.onDrain = () => this.#onDrain();
    connection.onClose = (error) => this.#onClose(error);
    if (this.#limits.idleMs >= 0) this.#watchIdleness(this.#limits.idleMs);
  }

  /** Requests taken and not yet answered. */
  get requestsInFlight(): number {
    return this.#exchanges.length - this.#first;
  }

  /** Bytes of requests taken and not yet answered. */
  get bytesInFlight(): number {
    return this.#bytesInFlight;
  }

  /** Bytes that have come, of requests that are not whole, not taken or not answered. */
  get heldBytes(): number {
    return this.#reader.bufferedBytes + this.#bytesInFlight;
  }

  /** Bytes of answers that the peer has not taken. */
  get bufferedBytes(): number {
    return this.#connection.bufferedBytes;
  }

  /** It has ended, or is about to: nothing more is taken. */
  get isClosed(): boolean {
    return this.#closed || this.#isCut;
  }

  /** What the next frames may have, in bytes; null: as the options say. */
  limitFrames(limits: { readonly min: number; readonly max: number } | null): void {
    this.#reader.limit(limits ?? { min: requestBytesMin, max: this.#frameBytesMax });
  }

  /** Takes no further requests until `unmute`; nests (quotas and others mute independently). */
  mute(): void {
    this.#muted++;
  }

  unmute(): void {
    this.#muted--;
    this.#pump();
  }

  /** Closes at once. `reason` is what `onClose` gets. */
  close(reason: CloseReason = null): void {
    if (this.#closed || this.#isCut) return;
    this.#isCut = true;
    this.#closeReason = reason;
    this.#connection.destroy();
  }

  /** Takes no further requests, sends the answers of those taken, then closes. */
  drain(): void {
    this.#draining = true;
    this.#maybeFinishDraining();
  }

  #onData(chunk: Buffer): void {
    this.#lastActiveMs = this.#io.clock.monotonic();
    this.#reader.feed(chunk);
    this.#pump();
    this.onReceived?.();
  }

  #onDrain(): void {
    this.#lastActiveMs = this.#io.clock.monotonic();
    this.#noteUnread(0);
    this.#pump();
  }

  #mayTake(): boolean {
    return (
      !this.#closed &&
      !this.#isCut &&
      !this.#draining &&
      this.#muted === 0 &&
      this.requestsInFlight < this.#limits.requests &&
      this.#bytesInFlight < this.#limits.bytes &&
      this.#connection.bufferedBytes + this.#answerBytes < this.#limits.output
    );
  }

  /** Takes requests as long as the limits allow, then stops or restarts the reading. */
  #pump(): void {
    if (this.#pumping || this.#isContinuing || this.#closed) return;
    this.#pumping = true;
    while (this.#mayTake() && this.#taken < requestsPerTurnMax) {
      const frame = this.#nextFrame();
      if (frame === null) break;
      this.#taken++;
      const exchange = new Exchange(frame.length, (settled) => this.#onSettled(settled));
      this.#exchanges.push(exchange);
      this.#bytesInFlight += frame.length;
      this.onFrame(frame, exchange);
    }
    this.#pumping = false;
    if (this.#taken >= requestsPerTurnMax) this.#leaveTurn();
    this.#setPaused(this.#isContinuing || !this.#mayTake());
  }

  /** Answers settle in microtasks, and each takes further requests: nobody else would be served. */
  #leaveTurn(): void {
    this.#isContinuing = true;
    this.#io.clock.nextTurn(() => {
      this.#isContinuing = false;
      this.#taken = 0;
      this.#pump();
    });
  }

  #nextFrame(): Buffer | null {
    try {
      return this.#reader.next();
    } catch (error) {
      if (!(error instanceof FrameError)) throw error;
      this.close(error);
      return null;
    }
  }

  #setPaused(paused: boolean): void {
    if (this.isClosed || paused === this.#paused) return;
    this.#paused = paused;
    if (paused) this.#connection.pause();
    else this.#connection.resume();
  }

  #onSettled(exchange: Exchange): void {
    if (this.#closed) return;
    this.#bytesInFlight -= exchange.requestBytes;
    for (const { length } of exchange.chunks ?? []) this.#answerBytes += length;
    this.#release();
    if (this.#sendScheduled) return;
    this.#sendScheduled = true;
    queueMicrotask(() => {
      this.#sendScheduled = false;
      this.#send();
      this.#pump();
      this.#maybeFinishDraining();
    });
  }

  /** Moves the answers whose turn has come to the output. */
  #release(): void {
    const exchanges = this.#exchanges;
    let first = this.#first;
    for (; first < exchanges.length; first++) {
      const chunks = (exchanges[first] as Exchange).chunks;
      if (chunks === undefined) break;
      if (chunks === null) continue;
      for (const chunk of chunks) this.#sending.push(chunk);
    }
    this.#first = first;
    if (first === exchanges.length) {
      this.#exchanges = [];
      this.#first = 0;
    } else if (first > 64) {
      this.#exchanges = exchanges.slice(first);
      this.#first = 0;
    }
  }

  #send(): void {
    if (this.#sending.length === 0 || this.#closed) return;
    const chunks = this.#sending;
    this.#sending = [];
    for (const { length } of chunks) this.#answerBytes -= length;
    this.#lastActiveMs = this.#io.clock.monotonic();
    const hasRoom = this.#connection.write(chunks);
    this.#noteUnread(hasRoom ? 0 : this.#connection.bufferedBytes);
  }

  #noteUnread(bytes: number): void {
    const change = bytes - this.#unreadBytes;
    if (change === 0) return;
    this.#unreadBytes = bytes;
    this.onUnread(change);
  }

  #maybeFinishDraining(): void {
    if (!this.#draining || this.#closed || this.requestsInFlight > 0) return;
    this.#send();
    this.#connection.end();
  }

  /** One timer per connection, set anew only when it fires: activity costs a clock reading. */
  #watchIdleness(delayMs: number): void {
    this.#idleTimer = this.#io.clock.after(delayMs, () => {
      const idleMs = this.#io.clock.monotonic() - this.#lastActiveMs;
      const leftMs = this.#limits.idleMs - idleMs;
      if (this.requestsInFlight > 0) this.#watchIdleness(Math.max(this.#limits.idleMs, 1));
      else if (leftMs > 0) this.#watchIdleness(leftMs);
      else this.close(new Error(`idle for ${Math.round(idleMs)} ms (connections.max.idle.ms)`));
    });
  }

  #onClose(error: Error | null): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#idleTimer?.cancel();
    this.#exchanges = [];
    this.#first = 0;
    this.#bytesInFlight = 0;
    this.#sending = [];
    this.#noteUnread(0);
    this.onGone();
    this.onClose(this.#closeReason ?? error);
  }
}
