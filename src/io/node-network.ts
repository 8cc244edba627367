// Real sockets, plain or encrypted. Invariants: every connection has TCP_NODELAY (a small answer
// must not wait for an acknowledgement), several chunks leave as one writev, onClose is called
// exactly once and after it nothing else is called.

import {
  type AddressInfo,
  connect as connectSocket,
  createServer,
  isIP,
  type Socket,
} from 'node:net';
import type { ConnectionOptions } from 'node:tls';
import {
  type Connection,
  type ConnectOptions,
  type ConnectTls,
  IoError,
  type Listener,
  type Network,
} from './io.ts';
import { ioError } from './node-error.ts';

const keepAliveDelayMs = 60_000;

export const nodeNetwork: Network = { listen, connect, hostName };

/** Only members of a cluster ask, so that no other process loads the module. */
async function hostName(): Promise<string> {
  return (await import('node:os')).hostname();
}

function listen(
  { host, port }: { host: string; port: number },
  onConnection: (connection: Connection) => void,
  onAcceptError: (error: IoError) => void = ignore,
): Promise<Listener> {
  const server = createServer({ noDelay: true, keepAlive: true }, (socket) => {
    onConnection(new NodeConnection(socket));
  });
  return new Promise((resolve, reject) => {
    const onError = (error: Error): void => reject(ioError(`listen on ${host}:${port}`, error));
    server.once('error', onError);
    server.listen({ host, port, backlog: 511 }, () => {
      server.off('error', onError);
      // Without a listener an accept that fails would end the process.
      server.on('error', (error) => onAcceptError(ioError(`accept on ${host}:${port}`, error)));
      const address = server.address() as AddressInfo;
      resolve({
        host: address.address,
        port: address.port,
        close: async () => {
          // Node's callback would wait for the open connections; the port is free at once.
          server.close();
        },
      });
    });
  });
}

async function connect(options: ConnectOptions): Promise<Connection> {
  const { host, port, tls } = options;
  if (tls === undefined) {
    const socket = connectSocket({ host, port, noDelay: true, keepAlive: true });
    return await connected(socket, 'connect', options);
  }
  // Most brokers have no such connection.
  const { connect: connectTlsSocket } = await import('node:tls');
  try {
    const socket = connectTlsSocket({ host, port, ...tlsOptions(tls) });
    socket.setNoDelay(true);
    return await connected(socket, 'secureConnect', options);
  } catch (error) {
    if (error instanceof IoError) throw error;
    // A certificate or key that cannot be read.
    throw ioError(`connect to ${host}:${port}`, error);
  }
}

/** Unless `verify` says otherwise nothing is sent before the other side has proven who it is. */
function tlsOptions({ ca, identity, keyPassword, serverName, versions, verify }: ConnectTls) {
  const ordered = versions?.toSorted() ?? [];
  return {
    // An address is no name that could be asked for (RFC 6066).
    ...(isIP(serverName) === 0 ? { servername: serverName } : {}),
    ...(ca === null ? {} : { ca }),
    ...(identity === null ? {} : { cert: identity.certificate, key: identity.key }),
    ...(keyPassword === undefined ? {} : { passphrase: keyPassword }),
    ...(ordered.length === 0 ? {} : { minVersion: ordered[0], maxVersion: ordered.at(-1) }),
    rejectUnauthorized: verify !== 'none',
    ...(verify === 'name' ? {} : { checkServerIdentity: () => undefined }),
  } satisfies ConnectionOptions;
}

function connected(
  socket: Socket,
  event: 'connect' | 'secureConnect',
  { host, port, timeoutMs }: ConnectOptions,
): Promise<Connection> {
  return new Promise((resolve, reject) => {
    const fail = (error: Error): void => {
      clearTimeout(timer);
      socket.destroy();
      reject(error);
    };
    const onError = (error: Error): void => fail(ioError(`connect to ${host}:${port}`, error));
    const timer =
      timeoutMs === undefined
        ? undefined
        : setTimeout(() => {
            const message = `cannot connect to ${host}:${port}: no answer within ${timeoutMs} ms`;
            fail(new IoError('ETIMEDOUT', `${message} (ETIMEDOUT)`));
          }, timeoutMs);
    socket.once('error', onError);
    socket.once(event, () => {
      clearTimeout(timer);
      socket.off('error', onError);
      resolve(new NodeConnection(socket));
    });
  });
}

class NodeConnection implements Connection {
  readonly localHost: string;
  readonly localPort: number;
  readonly remoteHost: string;
  readonly remotePort: number;
  onData: (chunk: Buffer) => void = ignore;
  onDrain: () => void = ignore;
  onClose: (error: Error | null) => void = ignore;
  readonly #socket: Socket;
  #error: Error | null = null;
  #ended = false;

  constructor(socket: Socket) {
    this.#socket = socket;
    // The addresses are gone once the peer is: keep them for messages.
    this.localHost = withoutMapping(socket.localAddress ?? '');
    this.localPort = socket.localPort ?? 0;
    this.remoteHost = withoutMapping(socket.remoteAddress ?? '');
    this.remotePort = socket.remotePort ?? 0;
    socket.setKeepAlive(true, keepAliveDelayMs);
    socket.on('data', (chunk: Buffer) => {
      if (!this.#ended) this.onData(chunk);
    });
    socket.on('drain', () => {
      if (!this.#ended) this.onDrain();
    });
    socket.on('error', (error) => {
      this.#error = ioError(`talk to ${this.remoteHost}:${this.remotePort}`, error);
    });
    socket.once('close', () => {
      this.#ended = true;
      this.onClose(this.#error);
    });
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
