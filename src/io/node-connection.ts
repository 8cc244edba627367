// A real socket, plain or encrypted, as a connection. Invariants: several chunks leave as one
// writev, onClose is called exactly once and after it nothing else is called. What opens or accepts
// the socket sets its options (socketOptions): to accept one should cost few calls of the system.

import type { Socket } from 'node:net';
import type { Connection } from './io.ts';
import { ioError } from './node-error.ts';

export const socketOptions = { noDelay: true, keepAlive: true, keepAliveInitialDelay: 60_000 };

export class NodeConnection implements Connection {
  readonly remoteHost: string;
  readonly remotePort: number;
  onData: (chunk: Buffer) => void = ignore;
  onDrain: () => void = ignore;
  onClose: (error: Error | null) => void = ignore;
  readonly #socket: Socket;
  #error: Error | null = null;
  #ended = false;
  readonly #hearData = (chunk: Buffer): void => {
    if (!this.#ended) this.onData(chunk);
  };
  readonly #hearDrain = (): void => {
    if (!this.#ended) this.onDrain();
  };
  readonly #hearError = (error: Error): void => {
    this.#error = ioError(`talk to ${this.remoteHost}:${this.remotePort}`, error);
  };
  readonly #hearClose = (): void => {
    this.#ended = true;
    this.onClose(this.#error);
  };

  constructor(socket: Socket) {
    this.#socket = socket;
    // The address is gone once the peer is: keep it for messages.
    this.remoteHost = withoutMapping(socket.remoteAddress ?? '');
    this.remotePort = socket.remotePort ?? 0;
    socket.on('data', this.#hearData);
    socket.on('drain', this.#hearDrain);
    socket.on('error', this.#hearError);
    socket.on('close', this.#hearClose);
  }

  /** Hands the socket over to what encrypts it; this connection hears of it no more. */
  release(): Socket {
    const socket = this.#socket;
    socket.off('data', this.#hearData);
    socket.off('drain', this.#hearDrain);
    socket.off('error', this.#hearError);
    socket.off('close', this.#hearClose);
    this.#ended = true;
    return socket;
  }

  /** Empty once the connection is gone. */
  get localHost(): string {
    return withoutMapping(this.#socket.localAddress ?? '');
  }

  get localPort(): number {
    return this.#socket.localPort ?? 0;
  }

  /** From now on a process does not stay for this connection. */
  unref(): void {
    this.#socket.unref();
  }

  get bufferedBytes(): number {
    return this.#socket.writableLength;
  }

  write(chunks: readonly Buffer[]): boolean {
    const socket = this.#socket;
    if (this.#ended || socket.destroyed || socket.writableEnded) return false;
    if (chunks.length === 1) return socket.write(chunks[0] as Buffer);
    let hasRoom = !socket.writableNeedDrain;
    socket.cork();
    for (const chunk of chunks) hasRoom = socket.write(chunk);
    socket.uncork();
    return hasRoom;
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#socket.end();
    // Read on, and drop it: a paused socket would never notice that the peer closed as well.
    this.#socket.resume();
  }

  destroy(): void {
    this.#ended = true;
    this.#socket.destroy();
  }
}

function ignore(): void {}

/** `::ffff:127.0.0.1` is how a dual-stack listener reports an IPv4 peer. */
function withoutMapping(address: string): string {
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address;
}
