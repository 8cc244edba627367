// The server of a broker: its listeners, and how many connections they may have, as configured and
// as the system's descriptors allow.
//
// Invariant: ports are bound early, so that one that is taken is found before logs are recovered;
// connections that come before there is somebody to serve them wait unread.

import type { BrokerConfig } from '../config/index.ts';
import type { Io } from '../io/index.ts';
import {
  type ConnectionLimits,
  Server,
  type ServerConnection,
  type ServerOptions,
} from '../network/index.ts';
import type { LogResources } from '../storage/index.ts';
import { BrokerError } from './broker-error.ts';
import type { DescriptorBudget } from './descriptor-budget.ts';
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
        const bound = await opened.#server.listen(listener);
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
  }

  /** From now on connections are served; those that waited come first. */
  serve(serve: Serve): void {
    this.#serve = serve;
    for (const connection of this.#early.splice(0)) {
      serve(connection);
      connection.unmute();
    }
  }

  /** Connections that are there stay. */
  async closeListeners(): Promise<void> {
    await this.#server.closeListeners();
  }

  /** Answers what was asked, then closes. */
  async close(options: { readonly drainMs?: number } = {}): Promise<void> {
    await this.#server.close(options);
  }

  /** Closes at once. */
  async abandon(): Promise<void> {
    await this.#server.close({ drainMs: 0 });
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
