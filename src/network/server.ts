// Accepts connections on any number of listeners and keeps their count. A connection beyond the
// limit of its address (max.connections.per.ip and its overrides) is closed before a byte of it is
// read; one beyond max.connections, of the broker or of its listener, or that comes too fast, waits
// unread as in Kafka. On an encrypted listener nobody is heard before the handshake (tls-gate.ts);
// who is in the middle of it counts as a connection. The limits may change at any time. Closing is
// in two steps: listeners first, then connections once their answers are out.

import { Deferred } from '../base/deferred.ts';
import {
  type Connection,
  type Io,
  type IoError,
  type Listener,
  type Log,
  RateLimitedLog,
  type TlsPeer,
} from '../io/index.ts';
import { AcceptQueue } from './accept-queue.ts';
import { Condemned } from './condemned.ts';
import { ServerConnection, type ServerConnectionOptions } from './server-connection.ts';
import { TlsGate, type TlsListener } from './tls-gate.ts';

/** How fast connections may come; it counts each one that it is asked about. */
export interface ConnectionPace {
  /** How long the next connection of the listener must wait, in ms; 0: it is accepted now. */
  acceptDelayMs(listenerName: string): number;
  /** 0: the address may connect. Otherwise after how many ms this connection is to be closed. */
  refusalDelayMs(ip: string): number;
}

export interface ConnectionLimits {
  /** max.connections. Default unlimited. */
  readonly connectionsMax?: number;
  /** listener.name.NAME.max.connections, by the listener's name. Default unlimited. */
  readonly connectionsByListenerMax?: ReadonlyMap<string, number>;
  /** max.connections.per.ip. Default unlimited. */
  readonly connectionsPerIpMax?: number;
  /** max.connections.per.ip.overrides, by address. */
  readonly connectionsPerIpOverrides?: ReadonlyMap<string, number>;
}

export interface ServerOptions
  extends Omit<ServerConnectionOptions, 'listenerName' | 'peer'>,
    ConnectionLimits {
  /** Default: as fast as they come. */
  readonly pace?: ConnectionPace;
  /** Sockets, whatever state they are in: what the system's limit leaves. Default unlimited. */
  readonly socketsMax?: number;
  /** What socketsMax follows from, and what can be done about it. */
  readonly socketsMaxReason?: string;
  /** How many sockets there are now: called when it changed. */
  readonly onSocketCount?: (count: number) => void;
  /** Connections that wait because of a limit; the others are closed. Default 512. */
  readonly waitingMax?: number;
}

export interface ListenerAddress {
  readonly name: string;
  /** Empty or 0.0.0.0 for all interfaces. */
  readonly host: string;
  /** 0 picks a free one. */
  readonly port: number;
}

const unlimited = Number.POSITIVE_INFINITY;

/** Whoever finds no place among the handshakes, or loses it, comes again no sooner than this. */
const noPlaceCloseMs = 1000;

export class Server {
  readonly #io: Io;
  readonly #log: Log;
  #options: ServerOptions;
  /** By the listener's name. */
  readonly #waiting = new Map<string, AcceptQueue>();
  /** Of addresses that connect too fast, and those without a place among the handshakes. */
  readonly #condemned: Condemned;
  readonly #onConnection: (connection: ServerConnection) => void;
  readonly #listeners: Listener[] = [];
  readonly #connections = new Set<ServerConnection>();
  /** Of encrypted listeners, by name. */
  readonly #gates = new Map<string, TlsGate>();
  /** Connections whose handshake is under way. */
  #handshakeCount = 0;
  readonly #countByListener = new Map<string, number>();
  readonly #countByIp = new Map<string, number>();
  #connectionNumber = 0;
  #unreadBytes = 0;
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
    this.#condemned = new Condemned(io.clock);
  }

  #queueOf(listenerName: string): AcceptQueue {
    return new AcceptQueue(this.#io.clock, {
      waitingMax: this.#options.waitingMax ?? 512,
      delayMs: () => this.#options.pace?.acceptDelayMs(listenerName) ?? 0,
      hasSlot: () => this.#hasSlot(listenerName),
      admit: (raw) => this.#admit(listenerName, raw),
    });
  }

  #hasSlot(listenerName: string): boolean {
    const { connectionsMax, connectionsByListenerMax } = this.#options;
    if (this.connectionCount >= (connectionsMax ?? unlimited)) return false;
    const most = connectionsByListenerMax?.get(listenerName) ?? unlimited;
    return (this.#countByListener.get(listenerName) ?? 0) < most;
  }

  /** Connections that are there stay, even beyond lower limits. */
  configure(limits: ConnectionLimits): void {
    this.#options = { ...this.#options, ...limits };
    this.#pumpWaiting();
  }

  /** Those in the middle of a handshake count, too. */
  get connectionCount(): number {
    return this.#connections.size + this.#handshakeCount;
  }

  /** Handshakes that came to nothing, over all listeners. */
  get failedHandshakeCount(): number {
    let count = 0;
    for (const { failedCount } of this.#gates.values()) count += failedCount;
    return count;
  }

  /** Bytes of answers that wait for peers to read them, over all connections. */
  get unreadBytes(): number {
    return this.#unreadBytes;
  }

  /** Connections that were closed because of a limit. */
  get refusedCount(): number {
    return this.#refusedCount;
  }

  /** Connections that wait unread until a limit allows them. */
  get waitingCount(): number {
    let count = 0;
    for (const queue of this.#waiting.values()) count += queue.count;
    return count;
  }

  get connections(): Iterable<ServerConnection> {
    return this.#connections;
  }

  connectionCountOf(ip: string): number {
    return this.#countByIp.get(ip) ?? 0;
  }

  /**
   * With `tls` connections are encrypted. Rejects with an IoError (`EADDRINUSE` …). Returns the
   * address with the port that was bound.
   */
  async listen(address: ListenerAddress, tls?: TlsListener): Promise<ListenerAddress> {
    if (tls !== undefined) {
      const log = new RateLimitedLog(this.#io.clock, this.#log);
      const condemn = (raw: Connection): void => this.#condemned.hold(raw, noPlaceCloseMs);
      const options = { listenerName: address.name, listener: tls, log, condemn };
      this.#gates.set(address.name, new TlsGate(this.#io, options));
    }
    const queue = this.#queueOf(address.name);
    this.#waiting.set(address.name, queue);
    const listener = await this.#io.network.listen(
      { host: address.host, port: address.port },
      (connection) => this.#onAccept(queue, connection),
      (error) => this.#onAcceptError(error),
    );
    if (this.#closing) await listener.close();
    else this.#listeners.push(listener);
    return { name: address.name, host: listener.host, port: listener.port };
  }

  /** Stops accepting. Connections stay. */
  async closeListeners(): Promise<void> {
    this.#closing = true;
    for (const queue of this.#waiting.values()) queue.close();
    this.#condemned.closeAll();
    for (const gate of this.#gates.values()) gate.close();
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

  #onAccept(queue: AcceptQueue, raw: Connection): void {
    if (this.#closing) this.#refuse(raw, 'the server is closing');
    else if (!this.#hasSocket()) this.#refuse(raw, this.#options.socketsMaxReason ?? 'too many');
    else if (!queue.offer(raw)) this.#refuse(raw, `${queue.count} connections wait already`);
  }

  /** Whoever wanted to connect tries again, or gives up; those who are connected go on. */
  #onAcceptError(error: IoError): void {
    this.#refusedCount++;
    if (!this.#isRefusing) this.#log.warn('connection refused', { reason: error.message });
    this.#isRefusing = true;
  }

  /** Those that will be closed anyway give way. */
  #hasSocket(): boolean {
    const most = this.#options.socketsMax ?? unlimited;
    return this.#socketCount < most || this.#condemned.dropOldest();
  }

  get #socketCount(): number {
    return this.connectionCount + this.waitingCount + this.#condemned.count;
  }

  /** What became free is for any listener; the one that listens longest is asked first. */
  #pumpWaiting(): void {
    for (const queue of this.#waiting.values()) queue.pump();
  }

  #admit(listenerName: string, raw: Connection): void {
    const ip = raw.remoteHost;
    const closeAfterMs = this.#options.pace?.refusalDelayMs(ip) ?? 0;
    if (closeAfterMs > 0) {
      // A client that connects again at once would gain from a close.
      this.#refusedCount++;
      this.#condemned.hold(raw, closeAfterMs);
      return;
    }
    const refusal = this.#refusal(ip);
    if (refusal !== null) {
      this.#refuse(raw, refusal);
      return;
    }
    const gate = this.#gates.get(listenerName);
    if (gate === undefined) this.#open(listenerName, raw, null);
    else this.#secure(gate, listenerName, raw);
  }

  #secure(gate: TlsGate, listenerName: string, raw: Connection): void {
    const ip = raw.remoteHost;
    const refusal = gate.take(raw, (secured) => {
      this.#handshakeCount--;
      this.#vacate(listenerName, ip);
      if (secured === null) this.#pumpWaiting();
      else if (this.#closing) secured.connection.destroy();
      else {
        this.#open(listenerName, secured.connection, secured.peer);
        secured.connection.resume();
      }
    });
    if (refusal !== null) {
      this.#noteRefusal(raw, refusal);
      this.#condemned.hold(raw, noPlaceCloseMs);
      return;
    }
    this.#handshakeCount++;
    this.#occupy(listenerName, ip);
  }

  #open(listenerName: string, raw: Connection, peer: TlsPeer | null): void {
    this.#isRefusing = false;
    const connection = new ServerConnection(this.#io, raw, this.#connectionNumber++, {
      ...this.#options,
      listenerName,
      peer,
    });
    this.#connections.add(connection);
    this.#occupy(listenerName, raw.remoteHost);
    connection.onGone = () => this.#forget(connection);
    connection.onUnread = (change) => {
      this.#unreadBytes += change;
    };
    this.#onConnection(connection);
  }

  /** Counts a connection of the listener and the address. */
  #occupy(listenerName: string, ip: string): void {
    this.#countByListener.set(listenerName, (this.#countByListener.get(listenerName) ?? 0) + 1);
    this.#countByIp.set(ip, this.connectionCountOf(ip) + 1);
    this.#options.onSocketCount?.(this.#socketCount);
  }

  #vacate(listenerName: string, ip: string): void {
    this.#options.onSocketCount?.(this.#socketCount);
    const count = this.connectionCountOf(ip) - 1;
    if (count > 0) this.#countByIp.set(ip, count);
    else this.#countByIp.delete(ip);
    this.#countByListener.set(listenerName, (this.#countByListener.get(listenerName) ?? 1) - 1);
  }

  #refusal(ip: string): string | null {
    const { connectionsPerIpMax, connectionsPerIpOverrides } = this.#options;
    const perIp = connectionsPerIpOverrides?.get(ip) ?? connectionsPerIpMax;
    if (this.connectionCountOf(ip) < (perIp ?? unlimited)) return null;
    return `max.connections.per.ip is ${perIp}`;
  }

  #refuse(raw: Connection, reason: string): void {
    this.#noteRefusal(raw, reason);
    raw.destroy();
  }

  /** Said once until a connection is accepted again: a flood must not become a flood of lines. */
  #noteRefusal(raw: Connection, reason: string): void {
    this.#refusedCount++;
    if (!this.#isRefusing && !this.#closing) {
      this.#log.warn('connection refused', { remoteHost: raw.remoteHost, reason });
    }
    this.#isRefusing = true;
  }

  #forget(connection: ServerConnection): void {
    if (!this.#connections.delete(connection)) return;
    this.#vacate(connection.listenerName, connection.remoteHost);
    this.#pumpWaiting();
    if (this.#connections.size === 0) this.#allClosed?.resolve();
  }
}
