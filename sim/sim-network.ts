// The Network of one simulated process: listening and connecting. The streams themselves are in
// sim-connection.ts.

import {
  type Connection,
  type ConnectOptions,
  type HttpAnswer,
  type HttpRequest,
  IoError,
  type Listener,
  type Network,
} from '../src/io/io.ts';
import { SimConnection } from './sim-connection.ts';
import { simHttp } from './sim-http.ts';
import type { BoundPort, EnclosingHost, EnclosingProcess } from './surroundings.ts';

/** What Linux waits before it gives up on a host that does not answer. */
const connectMsMax = 127_000;
const retryMs = 1_000;

interface Address {
  readonly host: string;
  readonly port: number;
}

export class SimListener implements Listener, BoundPort {
  readonly host: string;
  readonly port: number;
  readonly network: SimNetwork;
  readonly onConnection: (connection: Connection) => void;

  constructor(
    network: SimNetwork,
    address: Address,
    onConnection: (connection: Connection) => void,
  ) {
    this.network = network;
    this.host = address.host;
    this.port = address.port;
    this.onConnection = onConnection;
  }

  async close(): Promise<void> {
    this.network.stopListening(this);
  }
}

export class SimNetwork implements Network {
  readonly process: EnclosingProcess;
  readonly #listeners = new Set<SimListener>();
  readonly #connections = new Set<SimConnection>();
  #operationCount = 0;
  #interruption: { readonly at: number; readonly action: () => void } | null = null;

  constructor(process: EnclosingProcess) {
    this.process = process;
  }

  http(request: HttpRequest): Promise<HttpAnswer> {
    return simHttp(this, request);
  }

  async hostName(): Promise<string> {
    return this.process.host.name;
  }

  /** How often the process has sent something, or was handed what had arrived. */
  get operationCount(): number {
    return this.#operationCount;
  }

  /** Calls the action just before the count-th of these from now on, 0 being the next. */
  atOperation(count: number, action: () => void): void {
    this.#interruption = { at: this.#operationCount + count, action };
  }

  /** To be called before each of them, while the process is alive. */
  onOperation(): void {
    const interruption = this.#interruption;
    if (this.#operationCount++ !== interruption?.at) return;
    this.#interruption = null;
    interruption.action();
  }

  async listen(
    options: Address,
    onConnection: (connection: Connection) => void,
  ): Promise<Listener> {
    const { process } = this;
    const internet = process.world.network;
    await process.pause(0);
    const action = `cannot listen on ${options.host}:${options.port}`;
    const host = internet.bindAddress(process.host, options.host);
    if (host === null) {
      throw new IoError('EADDRNOTAVAIL', `${action}: address not available (EADDRNOTAVAIL)`);
    }
    const port = options.port === 0 ? internet.nextPort() : options.port;
    const listener = new SimListener(this, { host, port }, onConnection);
    if (!internet.addListener(process.host, listener)) {
      throw new IoError('EADDRINUSE', `${action}: address already in use (EADDRINUSE)`);
    }
    this.#listeners.add(listener);
    process.note(`net listens on ${host}:${port}`);
    return listener;
  }

  stopListening(listener: SimListener): void {
    this.#listeners.delete(listener);
    this.process.world.network.removeListener(this.process.host, listener);
  }

  async connect(options: ConnectOptions): Promise<Connection> {
    const { process } = this;
    const internet = process.world.network;
    const action = `cannot connect to ${options.host}:${options.port}`;
    if (options.tls !== undefined) {
      throw new IoError('EPROTO', `${action}: nothing is encrypted in this world (EPROTO)`);
    }
    const target = internet.resolve(process.host, options.host);
    if (target === null) {
      await process.pause(internet.delayMs(process.host, process.host));
      throw new IoError('ENOTFOUND', `${action}: no such host (ENOTFOUND)`);
    }
    const attempt = new Handshake(this, target, options.port);
    const timeoutMs = Math.min(options.timeoutMs ?? connectMsMax, connectMsMax);
    const outcome = await new Promise<SimConnection | 'refused' | 'timeout'>((resolve) => {
      const timer = process.after(timeoutMs, () => {
        attempt.giveUp();
        resolve('timeout');
      });
      attempt.start((result) => {
        timer.cancel();
        resolve(result);
      });
    });
    if (outcome === 'refused') {
      throw new IoError('ECONNREFUSED', `${action}: connection refused (ECONNREFUSED)`);
    }
    if (outcome === 'timeout') {
      throw new IoError('ETIMEDOUT', `${action}: no answer within ${timeoutMs} ms (ETIMEDOUT)`);
    }
    return outcome;
  }

  add(connection: SimConnection): void {
    this.#connections.add(connection);
    this.process.world.network.add(connection);
  }

  remove(connection: SimConnection): void {
    this.#connections.delete(connection);
  }

  onKill(): void {
    this.onVanish();
    for (const connection of this.#connections) connection.onKill();
  }

  onVanish(): void {
    for (const listener of this.#listeners) this.stopListening(listener);
  }
}

/** SYN, and what comes back. */
class Handshake {
  readonly #source: SimNetwork;
  readonly #target: { readonly host: EnclosingHost; readonly address: string };
  readonly #port: number;
  #isGivenUp = false;

  constructor(source: SimNetwork, target: { host: EnclosingHost; address: string }, port: number) {
    this.#source = source;
    this.#target = target;
    this.#port = port;
  }

  giveUp(): void {
    this.#isGivenUp = true;
  }

  start(onOutcome: (outcome: SimConnection | 'refused') => void): void {
    if (this.#isGivenUp) return;
    const source = this.#source.process;
    const { host } = this.#target;
    const internet = source.world.network;
    const isReachable =
      host.isUp && internet.isOpen(source.host, host) && internet.isOpen(host, source.host);
    if (!isReachable) {
      source.after(retryMs, () => this.start(onOutcome));
      return;
    }
    const there = internet.delayMs(source.host, host);
    source.world.loop.schedule(there, () => this.#onSyn(onOutcome));
  }

  #onSyn(onOutcome: (outcome: SimConnection | 'refused') => void): void {
    const source = this.#source.process;
    const { host, address } = this.#target;
    const internet = source.world.network;
    if (!source.isAlive) return;
    if (!host.isUp) {
      source.after(retryMs, () => this.start(onOutcome));
      return;
    }
    const back = internet.delayMs(host, source.host);
    const listener = internet.findListener(host, address, this.#port);
    if (listener === null) {
      source.after(back, () => onOutcome('refused'));
      return;
    }
    const near = { host: address === '127.0.0.1' ? address : source.host.address, port: 0 };
    near.port = internet.nextPort();
    const far = { host: address, port: this.#port };
    const client = new SimConnection(this.#source, near, far);
    const server = new SimConnection(listener.network, far, near);
    client.pair(server);
    source.note(`net connects ${client.label}`);
    // The server's first bytes travel behind the answer to the SYN.
    server.holdUntil(source.world.timeMs + back);
    source.after(back, () => {
      if (this.#isGivenUp) client.destroy();
      else if (client.isClosed) onOutcome('refused');
      else onOutcome(client);
    });
    const { process } = listener.network;
    if (process.isFrozen) process.after(0, () => listener.onConnection(server));
    else listener.onConnection(server);
  }
}
