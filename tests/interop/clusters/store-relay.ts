// Between one broker and its real store: everything is passed on, and the changes are counted that
// write a batch in pieces. At the one that is waited for the relay stands still, so that the broker
// can be killed there, between two of them, without a hook in the product.
//
// Invariant: a request is passed on as a whole or not at all; what stands still is never passed on.

import { connect, createServer, type Server, type Socket } from 'node:net';
import type { StoreKind } from './store-members.ts';

export interface StoreChange {
  /** From 1 on, since it was told to wait. */
  readonly number: number;
  readonly bytes: number;
  /** A piece, or what makes all of them visible. */
  readonly isPiece: boolean;
}

/** Whether the store has the change by then, or only its answer is held back. */
export type HeldPart = 'request' | 'answer';

interface Waiting {
  readonly isAwaited: (change: StoreChange) => boolean;
  readonly part: HeldPart;
  readonly onHeld: (change: StoreChange) => void;
  count: number;
}

interface Request {
  readonly bytes: number;
  readonly isChange: boolean;
}

export class StoreRelay {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #firstRequest: (held: Buffer, isFirst: boolean) => Request | null;
  /** As the brokers' files have it. */
  #target = { host: '127.0.0.1', port: 0 };
  #waiting: Waiting | null = null;
  #isStill = false;

  private constructor(kind: StoreKind) {
    this.#firstRequest = kind === 'etcd' ? httpRequest : zooKeeperFrame;
    this.#server = createServer((socket) => this.#onConnection(socket));
  }

  static async start(kind: StoreKind): Promise<StoreRelay> {
    const relay = new StoreRelay(kind);
    await new Promise<void>((resolve) => relay.#server.listen(0, '127.0.0.1', resolve));
    return relay;
  }

  /** The configuration of a broker, with the relay where the store was. */
  before(config: Readonly<Record<string, string>>): Record<string, string> {
    const { port } = this.#server.address() as { port: number };
    return Object.fromEntries(
      Object.entries(config).map(([key, value]) => {
        const [, host = '', theirs] = /([\d.]+):(\d+)/.exec(value) ?? [];
        this.#target = { host, port: Number(theirs) };
        return [key, value.replace(/[\d.]+:\d+/, `127.0.0.1:${port}`)];
      }),
    );
  }

  /** Stands still at that change and resolves when it does; null: it was called off before. */
  standStillAt(
    isAwaited: (change: StoreChange) => boolean,
    part: HeldPart,
  ): { readonly held: Promise<StoreChange | null>; callOff(): void } {
    let callOff = (): void => {};
    const held = new Promise<StoreChange | null>((resolve) => {
      this.#waiting = { isAwaited, part, onHeld: resolve, count: 0 };
      callOff = () => {
        this.#waiting = null;
        resolve(null);
      };
    });
    return { held, callOff };
  }

  /** What stood still is dropped, and whoever comes now is served. */
  goOn(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#isStill = false;
    this.#waiting = null;
  }

  close(): void {
    this.goOn();
    this.#server.close();
  }

  #onConnection(broker: Socket): void {
    const store = connect(this.#target);
    let held: Buffer = Buffer.alloc(0);
    let isFirst = true;
    let onAnswer: (() => void) | null = null;
    broker.on('data', (chunk: Buffer) => {
      held = Buffer.concat([held, chunk]);
      for (;;) {
        const request = this.#firstRequest(held, isFirst);
        if (this.#isStill || request === null || held.length < request.bytes) return;
        isFirst = false;
        const change = request.isChange ? this.#awaited(held.subarray(0, request.bytes)) : null;
        if (change?.waiting.part === 'request') return this.#hold(change);
        store.write(held.subarray(0, request.bytes));
        held = held.subarray(request.bytes);
        if (change !== null) onAnswer = () => this.#hold(change);
      }
    });
    store.on('data', (chunk) => {
      if (this.#isStill) return;
      if (onAnswer === null) broker.write(chunk);
      else onAnswer();
    });
    for (const [socket, other] of [
      [broker, store],
      [store, broker],
    ] as const) {
      this.#sockets.add(socket);
      socket.on('error', () => {});
      socket.once('close', () => {
        this.#sockets.delete(socket);
        other.destroy();
      });
    }
  }

  #awaited(request: Buffer): { change: StoreChange; waiting: Waiting } | null {
    const waiting = this.#waiting;
    const isPiece = names(request, 'piece');
    const isWritten = isPiece || (names(request, 'folders') && names(request, 'log/0'));
    if (waiting === null || !isWritten) return null;
    waiting.count += 1;
    const change = { number: waiting.count, bytes: request.length, isPiece };
    return waiting.isAwaited(change) ? { change, waiting } : null;
  }

  #hold({ change, waiting }: { change: StoreChange; waiting: Waiting }): void {
    this.#isStill = true;
    waiting.onHeld(change);
  }
}

/** A key that begins so; in JSON keys are in Base64, of which three bytes are four letters. */
function names(request: Buffer, key: string): boolean {
  const path = `/tried/${key}`;
  const whole = path.slice(0, path.length - (path.length % 3));
  return request.includes(path) || request.includes(Buffer.from(whole).toString('base64'));
}

const headEnd = '\r\n\r\n';

/** Of etcd's gateway. */
function httpRequest(held: Buffer): Request | null {
  const end = held.indexOf(headEnd);
  if (end < 0) return null;
  const head = held.toString('latin1', 0, end);
  const bodyBytes = Number(/^content-length: (\d+)/im.exec(head)?.[1] ?? 0);
  const isChange = head.startsWith('POST /v3/kv/txn ');
  return { bytes: end + headEnd.length + bodyBytes, isChange };
}

const multi = 14;

/** Size, number, kind; the first one, which begins a session, has no kind. */
function zooKeeperFrame(held: Buffer, isFirst: boolean): Request | null {
  if (held.length < 12) return null;
  return { bytes: 4 + held.readInt32BE(0), isChange: !isFirst && held.readInt32BE(8) === multi };
}
