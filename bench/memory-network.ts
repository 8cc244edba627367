// A network inside the process: what is left of a request's cost when there is no socket. What a
// client writes is copied into chunks of 64 KiB, as a socket's reads would do, and arrives in the
// next turn of the event loop; what the server writes arrives as it is.

import { type Connection, IoError, type Listener, type Network } from '../src/io/index.ts';

const chunkBytes = 64 * 1024;

export function memoryNetwork(): Network {
  const listeners = new Map<number, (connection: Connection) => void>();
  return {
    listen: async ({ host, port }, onConnection): Promise<Listener> => {
      listeners.set(port, onConnection);
      return { host, port, close: async () => void listeners.delete(port) };
    },
    connect: async ({ host, port }) => {
      const onConnection = listeners.get(port);
      if (onConnection === undefined) {
        throw new IoError('ECONNREFUSED', `cannot connect to ${host}:${port} (ECONNREFUSED)`);
      }
      const client = new MemoryConnection(port);
      const server = new MemoryConnection(port);
      client.peer = server;
      server.peer = client;
      client.isCopied = true;
      onConnection(server);
      return client;
    },
    hostName: async () => 'localhost',
    http: ({ url }) => Promise.reject(new Error(`${url}: nobody is asked by HTTP here`)),
  };
}

class MemoryConnection implements Connection {
  readonly localHost = '127.0.0.1';
  readonly localPort: number;
  readonly remoteHost = '127.0.0.1';
  readonly remotePort = 1;
  onData: (chunk: Buffer) => void = () => {};
  onDrain: () => void = () => {};
  onClose: (error: Error | null) => void = () => {};
  peer: MemoryConnection | null = null;
  isCopied = false;
  #inbox: Buffer[] = [];
  #isDue = false;
  #isPaused = false;
  #isClosed = false;

  constructor(port: number) {
    this.localPort = port;
  }

  get bufferedBytes(): number {
    return 0;
  }

  write(chunks: readonly Buffer[]): boolean {
    if (this.#isClosed || this.peer === null) return false;
    this.peer.#receive(this.isCopied ? copied(chunks) : chunks);
    return true;
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    this.#deliverSoon();
  }

  end(): void {
    this.destroy();
  }

  destroy(): void {
    const { peer } = this;
    this.#close();
    if (peer !== null) peer.#close();
  }

  #close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    setImmediate(() => this.onClose(null));
  }

  #receive(chunks: readonly Buffer[]): void {
    this.#inbox.push(...chunks);
    this.#deliverSoon();
  }

  #deliverSoon(): void {
    if (this.#isDue || this.#inbox.length === 0) return;
    this.#isDue = true;
    setImmediate(() => {
      this.#isDue = false;
      while (this.#inbox.length > 0 && !this.#isPaused && !this.#isClosed) {
        this.onData(this.#inbox.shift() as Buffer);
      }
    });
  }
}

function copied(chunks: readonly Buffer[]): Buffer[] {
  const sizeBytes = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  const copies: Buffer[] = [];
  let room: Buffer = Buffer.alloc(0);
  let left = sizeBytes;
  for (const chunk of chunks) {
    for (let from = 0; from < chunk.length; ) {
      if (room.length === 0) {
        room = Buffer.allocUnsafeSlow(Math.min(left, chunkBytes));
        copies.push(room);
        left -= room.length;
      }
      const count = chunk.copy(room, 0, from);
      room = room.subarray(count);
      from += count;
    }
  }
  return copies;
}
