// One end of a simulated TCP connection. Bytes pass four places in order: the writer's queue (as
// long as the window is full), the wire, the reader's system (as long as it is paused), onData.
//
// Invariants: bytes arrive in order and unchanged, in pieces that have nothing to do with the
// writes; onClose is called once, last; a process that died is called no more.

import { assert } from '../src/base/assert.ts';
import { type Connection, IoError } from '../src/io/io.ts';
import type { EnclosingProcess, Sockets } from './surroundings.ts';
import { fingerprint } from './trace.ts';

/** `write` asks to wait above this, as Node's streams do. */
const queuedBytesMax = 64 * 1024;
/** A writer whose bytes are not acknowledged for so long gives up (Linux: ~15 min). */
const unansweredMsMax = 900_000;
const pieceDelayMs = 0.05;

type Segment = { readonly kind: 'bytes'; readonly bytes: Buffer } | { readonly kind: 'end' };

export class SimConnection implements Connection {
  readonly localHost: string;
  readonly localPort: number;
  readonly remoteHost: string;
  readonly remotePort: number;
  onData: (chunk: Buffer) => void = ignore;
  onDrain: () => void = ignore;
  onClose: (error: Error | null) => void = ignore;
  readonly process: EnclosingProcess;
  readonly label: string;
  readonly #network: Sockets;
  #peer: SimConnection | null = null;
  /** Written, but not yet taken by the system. */
  #queue: Buffer[] = [];
  #queuedBytes = 0;
  #needsDrain = false;
  /** On the wire towards the peer, in order. */
  #wire: Segment[] = [];
  #wireFreeAtMs = 0;
  /** Taken by the system, but not yet by the peer's program; limited by the window. */
  #unackedBytes = 0;
  #lastProgressMs = 0;
  /** Credits for the peer that a cut holds back. */
  #owedCreditBytes = 0;
  /** Arrived, but not yet given to onData. */
  #received: Buffer[] = [];
  #isPaused = false;
  #isDelivering = false;
  #isEnding = false;
  #isEndSent = false;
  #isEndReceived = false;
  /** Nothing is sent or delivered any more. */
  #isClosed = false;
  #isAbandoned = false;

  constructor(
    network: Sockets,
    local: { host: string; port: number },
    remote: { host: string; port: number },
  ) {
    this.#network = network;
    this.process = network.process;
    this.localHost = local.host;
    this.localPort = local.port;
    this.remoteHost = remote.host;
    this.remotePort = remote.port;
    this.label = `${this.process.name}:${local.port}>${remote.host}:${remote.port}`;
    network.add(this);
  }

  get peer(): SimConnection {
    assert(this.#peer !== null, 'a connection has two ends');
    return this.#peer;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  get bufferedBytes(): number {
    return this.#queuedBytes;
  }

  pair(peer: SimConnection): void {
    this.#peer = peer;
    peer.#peer = this;
  }

  /** Nothing leaves this end before that moment. */
  holdUntil(timeMs: number): void {
    this.#wireFreeAtMs = timeMs;
  }

  write(chunks: readonly Buffer[]): boolean {
    if (this.#isClosed || this.#isEnding || !this.process.isAlive) return false;
    this.#network.onOperation();
    if (!this.process.isAlive) return false;
    for (const chunk of chunks) {
      if (chunk.length === 0) continue;
      this.#queue.push(chunk);
      this.#queuedBytes += chunk.length;
    }
    this.#pump();
    this.#needsDrain ||= this.#queuedBytes >= queuedBytesMax;
    return !this.#needsDrain;
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#deliverSoon(0);
  }

  end(): void {
    if (this.#isClosed || this.#isEnding || !this.process.isAlive) return;
    this.#isEnding = true;
    this.#isPaused = false;
    this.#deliverSoon(0);
    this.#pump();
  }

  destroy(): void {
    if (this.#isClosed || !this.process.isAlive) return;
    const isReset = this.#sayGoodbye();
    this.process.note(`net destroys ${this.label}${isReset ? ' by reset' : ''}`);
    this.#close(null);
  }

  /** The process was killed: its system closes the connection. */
  onKill(): void {
    if (this.#isClosed) return;
    this.#sayGoodbye();
    this.#isClosed = true;
    this.#dispose();
  }

  /** The host is up again after a power cut: it answers the peer's next segment with a reset. */
  onBoot(): void {
    this.#isAbandoned = true;
    if (this.peer.#unackedBytes > 0 || this.peer.#isEndSent) this.#resetPeer();
  }

  onHeal(): void {
    this.#acknowledge(0);
    this.#pump();
    this.#transmit();
  }

  /** Closes this end and the other one with an error each. */
  onReset(reason: string): void {
    this.#onAborted('ECONNRESET', reason);
    this.peer.#onAborted('ECONNRESET', reason);
  }

  #onAborted(code: string, reason: string): void {
    if (this.#isClosed || !this.process.isAlive) return;
    const peer = `${this.remoteHost}:${this.remotePort}`;
    this.#received = [];
    this.#close(new IoError(code, `cannot talk to ${peer}: ${reason} (${code})`));
  }

  /** An orderly end behind what is on the wire, or a reset. Tells which. */
  #sayGoodbye(): boolean {
    const { faults, network } = this.process.world;
    const chance = faults.network.closeByResetChance;
    const isReset = this.#received.length > 0 || (chance > 0 && network.prng.chance(chance));
    this.#queue = [];
    this.#queuedBytes = 0;
    if (isReset) this.#resetPeer();
    else this.#send({ kind: 'end' });
    return isReset;
  }

  #resetPeer(): void {
    const { loop, network } = this.process.world;
    const [source, target] = [this.process.host, this.peer.process.host];
    if (!network.isOpen(source, target)) return;
    const delayMs = network.delayMs(source, target);
    // Not before the answer to the SYN (see holdUntil).
    loop.schedule(Math.max(delayMs, this.#wireFreeAtMs - loop.timeMs), () => {
      this.peer.#onAborted('ECONNRESET', 'connection reset by peer');
    });
  }

  #close(error: Error | null): void {
    this.#isClosed = true;
    this.#dispose();
    this.process.after(0, () => {
      this.process.note(`net closed ${this.label}${error === null ? '' : `: ${error.message}`}`);
      this.onClose(error);
    });
  }

  #dispose(): void {
    this.#network.remove(this);
    this.#queue = [];
    this.#queuedBytes = 0;
    // The ends are kept in the list of connections as long as either has something to say.
    if (this.peer.#isClosed) {
      this.process.world.network.remove(this);
      this.process.world.network.remove(this.peer);
    }
  }

  /** Moves bytes from the queue to the wire as far as the window allows. */
  #pump(): void {
    if (this.#isClosed) return;
    const room = this.process.world.faults.network.windowBytes - this.#unackedBytes;
    if (this.#queuedBytes > 0 && room > 0) this.#send({ kind: 'bytes', bytes: this.#take(room) });
    if (this.#queuedBytes > 0) return;
    if (this.#needsDrain) {
      this.#needsDrain = false;
      this.process.after(0, () => {
        if (!this.#isClosed && !this.#isEnding) this.onDrain();
      });
    }
    if (this.#isEnding && !this.#isEndSent) {
      this.#isEndSent = true;
      this.#send({ kind: 'end' });
      this.#maybeFinish();
    }
  }

  /** A copy: the two processes must not share memory. */
  #take(bytesMax: number): Buffer {
    if (this.#queuedBytes <= bytesMax) {
      const all = Buffer.concat(this.#queue);
      this.#queue = [];
      this.#queuedBytes = 0;
      return all;
    }
    const part = Buffer.concat(this.#queue, this.#queuedBytes).subarray(0, bytesMax);
    let left = bytesMax;
    while (left > 0) {
      const first = this.#queue[0] as Buffer;
      if (first.length <= left) this.#queue.shift();
      else this.#queue[0] = first.subarray(left);
      left -= Math.min(first.length, left);
    }
    this.#queuedBytes -= bytesMax;
    return part;
  }

  #send(segment: Segment): void {
    const sizeBytes = segment.kind === 'bytes' ? segment.bytes.length : 0;
    if (this.#unackedBytes === 0) this.#lastProgressMs = this.process.world.timeMs;
    this.#unackedBytes += sizeBytes;
    this.#wire.push(segment);
    const { loop, network } = this.process.world;
    const delayMs = network.delayMs(this.process.host, this.peer.process.host);
    const transferMs = network.transferMs(this.process.host, sizeBytes);
    const arrivalMs = Math.max(loop.timeMs + delayMs, this.#wireFreeAtMs) + transferMs;
    this.#wireFreeAtMs = arrivalMs;
    loop.schedule(arrivalMs - loop.timeMs, () => this.#transmit(1));
  }

  #isPathOpen(): boolean {
    const { network } = this.process.world;
    return network.isOpen(this.process.host, this.peer.process.host);
  }

  /** The next segments reach the other side, unless a cut keeps them on this one. */
  #transmit(count = this.#wire.length): void {
    if (!this.#isPathOpen()) {
      this.#watchForSilence();
      return;
    }
    for (let i = 0; i < count; i++) {
      const segment = this.#wire.shift();
      if (segment !== undefined) this.peer.#onSegment(segment);
    }
  }

  #watchForSilence(): void {
    const seenMs = this.#lastProgressMs;
    this.process.after(unansweredMsMax, () => {
      if (this.#unackedBytes === 0 || this.#lastProgressMs !== seenMs) return;
      this.#onAborted('ETIMEDOUT', 'the peer does not answer');
    });
  }

  #onSegment(segment: Segment): void {
    const { faults, network } = this.process.world;
    if (!this.process.host.isUp) {
      this.peer.#watchForSilence();
      return;
    }
    if (this.#isClosed || !this.process.isAlive || this.#isAbandoned) {
      this.#resetPeer();
      return;
    }
    if (segment.kind === 'end') {
      this.#isEndReceived = true;
    } else {
      const { resetChance } = faults.network;
      if (resetChance > 0 && network.prng.chance(resetChance)) {
        this.onReset('the connection was reset');
        return;
      }
      this.#received.push(segment.bytes);
    }
    if (this.process.isFrozen) this.#deliverSoon(0);
    else if (!this.#isDelivering) this.#deliver();
  }

  #deliverSoon(delayMs: number): void {
    if (this.#isDelivering) return;
    this.#isDelivering = true;
    this.process.after(delayMs, () => {
      this.#isDelivering = false;
      this.#deliver();
    });
  }

  #deliver(): void {
    if (this.#isClosed || this.#isPaused) return;
    if (this.#received.length > 0) this.#deliverPiece();
    if (this.#received.length > 0) {
      this.#deliverSoon(pieceDelayMs);
    } else if (this.#isEndReceived && !this.#isClosed && !this.#isPaused) {
      this.#isEnding = true;
      this.#pump();
      this.#maybeFinish();
    }
  }

  #deliverPiece(): void {
    const { faults, network } = this.process.world;
    const all =
      this.#received.length === 1 ? (this.#received[0] as Buffer) : Buffer.concat(this.#received);
    const { chunkChance } = faults.network;
    const isPart = chunkChance > 0 && all.length > 1 && network.prng.chance(chunkChance);
    const piece = isPart ? all.subarray(0, 1 + network.prng.int(all.length - 1)) : all;
    this.#received = isPart ? [all.subarray(piece.length)] : [];
    this.process.note(`net ${this.label} gets ${piece.length} ${fingerprint(piece)}`);
    this.#acknowledge(piece.length);
    // After `end` the program wants to hear nothing but the close.
    if (this.#isEnding) return;
    this.#network.onOperation();
    if (this.process.isAlive) this.onData(piece);
  }

  /** Tells the peer that its bytes were taken, so that it may send more. */
  #acknowledge(sizeBytes: number): void {
    this.#owedCreditBytes += sizeBytes;
    const { network, timeMs } = this.process.world;
    if (!network.isOpen(this.process.host, this.peer.process.host)) return;
    const credit = this.#owedCreditBytes;
    if (credit === 0) return;
    this.#owedCreditBytes = 0;
    this.peer.#unackedBytes -= credit;
    this.peer.#lastProgressMs = timeMs;
    this.peer.#pump();
  }

  #maybeFinish(): void {
    if (this.#isEndReceived && this.#isEndSent && !this.#isClosed) this.#close(null);
  }
}

function ignore(): void {}
