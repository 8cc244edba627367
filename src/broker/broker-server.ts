// The server of a broker: its listeners, and how many connections they may have, as configured and
// as the system's descriptors allow.
//
// Invariant: ports are bound early, so that one that is taken is found before logs are recovered;
// connections that come before there is somebody to serve them wait unread.

import type { BrokerConfig, Listener } from '../config/index.ts';
import type { Io } from '../io/index.ts';
import {
  type ConnectionLimits,
  Server,
  type ServerConnection,
  type ServerOptions,
} from '../network/index.ts';
import type { LogResources } from '../storage/index.ts';
import { BrokerError } from './broker-error.ts';
import type { Client } from './client.ts';
import type { DescriptorBudget } from './descriptor-budget.ts';
import type { ListenerTls } from './listener-tls.ts';
import { timerMsMax } from './log-config.ts';
import type { Quotas } from './quotas/index.ts';

export interface BrokerServerOptions {
  readonly descriptors: DescriptorBudget;
  /** Files that are open give way to connections. */
  readonly resources: LogResources;
  readonly quotas: Quotas;
}

export interface BoundListener {
  readonly name: string;
  readonly protocol: string;
  readonly host: string;
  readonly port: number;
}

type Serve = (connection: ServerConnection) => void;

export class BrokerServer {
  readonly #config: BrokerConfig;
  readonly #options: BrokerServerOptions;
  readonly #server: Server;
  readonly #listeners: BoundListener[] = [];
  readonly #early: ServerConnection[] = [];
  /** Of encrypted listeners, by name. */
  readonly #tls = new Map<string, ListenerTls>();
  #serve: Serve = (connection) => {
    connection.mute();
    this.#early.push(connection);
  };

  private constructor(io: Io, config: BrokerConfig, options: BrokerServerOptions) {
    this.#config = config;
    this.#options = options;
    this.#server = new Server(io, this.#serverOptions(), (connection) => this.#serve(connection));
  }

  /** Binds every listener. @throws BrokerError for one that cannot be; then none is bound */
  static async open(
    io: Io,
    config: BrokerConfig,
    options: BrokerServerOptions,
  ): Promise<BrokerServer> {
    const opened = new BrokerServer(io, config, options);
    for (const listener of config.listeners) {
      try {
        if (listener.protocol.endsWith('SSL')) await opened.#readKeys(io, listener);
        const bound = await opened.#server.listen(listener, opened.#tls.get(listener.name));
        const host = listener.host || bound.host;
        opened.#listeners.push({ ...listener, host, port: bound.port });
      } catch (error) {
        await opened.abandon();
        throw BrokerError.ofListener(listener, error);
      }
    }
    return opened;
  }

  /** In the order of the configuration, with the ports that were bound. */
  get listeners(): readonly BoundListener[] {
    return this.#listeners;
  }

  /** Bytes of answers that wait for clients to read them. */
  get unreadBytes(): number {
    return this.#server.unreadBytes;
  }

  /** Takes the limits of connections from a newer configuration. */
  configure(config: BrokerConfig): void {
    this.#server.configure(this.#connectionLimits(config));
    for (const tls of this.#tls.values()) void tls.reconfigure(config);
  }

  /** Whether the keys that a changed configuration names could be used. @throws ConfigError */
  async check(config: BrokerConfig): Promise<void> {
    for (const tls of this.#tls.values()) await tls.check(config);
  }

  /** Says who a client is by the certificate that it has shown, where SASL does not say more. */
  identify(client: Client): void {
    const { connection } = client;
    const tls = this.#tls.get(connection.listenerName);
    const { protocol } = this.#config.listeners.find(
      ({ name }) => name === connection.listenerName,
    ) ?? { protocol: null };
    if (tls === undefined || connection.peer === null || protocol !== 'SSL') return;
    const principal = tls.principalOf(connection.peer);
    if (principal !== null) client.principal = principal;
    else {
      const key = 'ssl.principal.mapping.rules';
      connection.close(new Error(`no rule of ${key} applies to the name in its certificate`));
    }
  }

  /** From now on connections are served; those that waited come first. */
  serve(serve: Serve): void {
    this.#serve = serve;
    for (const connection of this.#early.splice(0)) {
      // It has told its end already, and would not tell it again to whoever counts.
      if (connection.isClosed) continue;
      serve(connection);
      connection.unmute();
    }
  }

  /** Connections that are there stay. */
  async closeListeners(): Promise<void> {
    for (const tls of this.#tls.values()) tls.close();
    await this.#server.closeListeners();
  }

  /** Answers what was asked, then closes. */
  async close(options: { readonly drainMs?: number } = {}): Promise<void> {
    await this.#server.close(options);
  }

  /** Closes at once. */
  async abandon(): Promise<void> {
    for (const tls of this.#tls.values()) tls.close();
    await this.#server.close({ drainMs: 0 });
  }

  async #readKeys(io: Io, listener: Listener): Promise<void> {
    const { ListenerTls } = await import('./listener-tls.ts');
    this.#tls.set(listener.name, await ListenerTls.open(io, this.#config, listener));
  }

  #serverOptions(): ServerOptions {
    const config = this.#config;
    const { descriptors, resources, quotas } = this.#options;
    return {
      requestBytesMax: config.get('socket.request.max.bytes'),
      idleMsMax: Math.min(config.get('connections.max.idle.ms'), timerMsMax),
      ...this.#connectionLimits(config),
      pace: quotas.connections,
      socketsMax: descriptors.socketsMax,
      socketsMaxReason:
        `the process may have ${descriptors.descriptorsMax} files and connections open: ` +
        'raise the limit (ulimit -n)',
      onSocketCount: (count) => resources.files.limitTo(descriptors.filesBeside(count)),
    };
  }

  #connectionLimits(config: BrokerConfig): ConnectionLimits {
    const own = (key: 'max.connections' | 'max.connection.creation.rate'): Map<string, number> => {
      const set = this.#config.listeners
        .map(({ name }) => name)
        .filter((name) => config.isSet(`listener.name.${name.toLowerCase()}.${key}`));
      return new Map(set.map((name) => [name, config.getForListener(name, key)]));
    };
    const rateMax = config.get('max.connection.creation.rate');
    const rates = own('max.connection.creation.rate');
    this.#options.quotas.connections.configureBroker(rateMax, rates);
    return {
      connectionsMax: config.get('max.connections'),
      connectionsByListenerMax: own('max.connections'),
      connectionsPerIpMax: config.get('max.connections.per.ip'),
      connectionsPerIpOverrides: config.connectionsPerIpOverrides,
    };
  }
}
