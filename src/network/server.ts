// Accepts connections on any number of listeners and keeps their count. A connection beyond the
// limits (max.connections, max.connections.per.ip and its overrides) is closed before a byte of it
// is read. Closing is in two steps: listeners first, then connections once their answers are out.

import { Deferred } from '../base/deferred.ts';
import type { Connection, Io, Listener, Log } from '../io/index.ts';
import { ServerConnection, type ServerConnectionOptions } from './server-connection.ts';

export interface ServerOptions extends Omit<ServerConnectionOptions, 'listenerName'> {
  /** max.connections. Default unlimited. */
  readonly connectionsMax?: number;
  /** max.connections.per.ip. Default unlimited. */
  readonly connectionsPerIpMax?: number;
  /** max.connections.per.ip.overrides, by address. */
  readonly connectionsPerIpOverrides?: ReadonlyMap<string, number>;
}

export interface ListenerAddress {
  readonly name: string;
  /** Empty or 0.0.0.0 for all interfaces. */
  readonly host: string;
  /** 0 picks a free one. */
  readonly port: number;
}

export class Server {
  readonly #io: Io;
  readonly #log: Log;
  readonly #options: ServerOptions;
  readonly #onConnection: (connection: ServerConnection) => void;
  readonly #listeners: Listener[] = [];
  readonly #connections = new Set<ServerConnection>();
  readonly #countByIp = new Map<string, number>();
  #connectionNumber = 0;
  #refusedCount = 0;
  #isRefusing = false;
  #closing = false;
  #allClosed: Deferred<void> | null = null;

  /** `onConnection` must set the handlers of the connection before it returns. */
  constructor(io: Io, options: ServerOptions, onConnection: (c: ServerConnection) => void) {
    this.#io = io;
    this.#log = io.log.child('network');
    this.#options = options;
    this.#onConnection = onConnection;
  }

  get connectionCount(): number {
    return this.#connections.size;
  }

  /** Connections that were closed because of a limit. */
  get refusedCount(): number {
    return this.#refusedCount;
  }

  get connections(): Iterable<ServerConnection> {
    return this.#connections;
  }

  connectionCountOf(ip: string): number {
    return this.#countByIp.get(ip) ?? 0;
  }

  /** Rejects with an IoError (`EADDRINUSE` …). Returns the address with the port that was bound. */
  async listen(address: ListenerAddress): Promise<ListenerAddress> {
    const listener = await this.#io.network.listen(
      { host: address.host, port: address.port },
      (connection) => this.#onAccept(address.name, connection),
    );
    if (this.#closing) await listener.close();
    else this.#listeners.push(listener);
    return { name: address.name, host: listener.host, port: listener.port };
  }

  /** Stops accepting. Connections stay. */
  async closeListeners(): Promise<void> {
    this.#closing = true;
    await Promise.all(this.#listeners.splice(0).map((listener) => listener.close()));
  }

  /**
   * Stops accepting, lets every connection send the answers of the requests it has taken, and
   * closes it; after `drainMs` (default 5 s) what is left is cut.
   */
  async close(options: { readonly drainMs?: number } = {}): Promise<void> {
    await this.closeListeners();
    if (this.#connections.size === 0) return;
    this.#allClosed ??= new Deferred();
    const timer = this.#io.clock.after(options.drainMs ?? 5000, () => {
      for (const connection of [...this.#connections]) connection.close();
    });
    for (const connection of [...this.#connections]) connection.drain();
    await this.#allClosed.promise;
    timer.cancel();
  }

  #onAccept(listenerName: string, raw: Connection): void {
    const ip = raw.remoteHost;
    const refusal = this.#refusal(ip);
    if (refusal !== null) {
      this.#refuse(raw, refusal);
      return;
    }
    this.#isRefusing = false;
    const connection = new ServerConnection(this.#io, raw, this.#connectionNumber++, {
      ...this.#options,
      listenerName,
    });
    this.#connections.add(connection);
    this.#countByIp.set(ip, this.connectionCountOf(ip) + 1);
    this.#onConnection(connection);
    const onClose = connection.onClose;
    connection.onClose = (reason) => {
      this.#forget(connection);
      onClose(reason);
    };
  }

  #refusal(ip: string): string | null {
    if (this.#closing) return 'the server is closing';
    const { connectionsMax, connectionsPerIpMax, connectionsPerIpOverrides } = this.#options;
    if (this.#connections.size >= (connectionsMax ?? Number.POSITIVE_INFINITY)) {
      return `max.connections is ${connectionsMax}`;
    }
    const perIp = connectionsPerIpOverrides?.get(ip) ?? connectionsPerIpMax;
    if (this.connectionCountOf(ip) < (perIp ?? Number.POSITIVE_INFINITY)) return null;
    return `max.connections.per.ip is ${perIp}`;
  }

  /** Said once until a connection is accepted again: a flood must not become a flood of lines. */
  #refuse(raw: Connection, reason: string): void {
    this.#refusedCount++;
    if (!this.#isRefusing && !this.#closing) {
      this.#log.warn('connection refused', { remoteHost: raw.remoteHost, reason });
    }
    this.#isRefusing = true;
    raw.destroy();
  }

  #forget(connection: ServerConnection): void {
    if (!this.#connections.delete(connection)) return;
    const ip = connection.remoteHost;
    const count = this.connectionCountOf(ip) - 1;
    if (count > 0) this.#countByIp.set(ip, count);
    else this.#countByIp.delete(ip);
    if (this.#connections.size === 0) this.#allClosed?.resolve();
  }
}
