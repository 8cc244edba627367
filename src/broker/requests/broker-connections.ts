// Connections of this broker to others, by node id: to where the newest image has the broker on the
// listener between brokers. Names are resolved anew at each connection.
//
// Invariant: a connection that is handed out leads to the broker that was meant, of this cluster:
// an address that leads to another one is no connection.

import { type Io, IoError } from '../../io/index.ts';
import type { MetadataImage } from '../../metadata/index.ts';
import { ClientConnection, type ConnectionSecurity } from '../../network/index.ts';
import { KafkaError } from '../../protocol/index.ts';

export interface BrokerConnectionsOptions {
  readonly nodeId: number;
  readonly clusterId: string;
  /** inter.broker.listener.name, or that of security.inter.broker.protocol. */
  readonly listenerName: string;
  /** Of that listener; absent: it is plain. */
  readonly security?: ConnectionSecurity | undefined;
  /** The newest of the cluster. */
  readonly image: () => MetadataImage;
  /** How long an answer is waited for; the connection ends with the first that is late. */
  readonly requestTimeoutMs: () => number;
  /** The first attempt has `first`, and each that fails doubles it for the next, up to `max`. */
  readonly setupTimeoutMs: () => { readonly first: number; readonly max: number };
}

interface Held {
  /** The life of the broker that the connection was made to. */
  readonly incarnationId: string;
  readonly connection: Promise<ClientConnection>;
  isGone: boolean;
}

export class BrokerConnections {
  readonly #io: Io;
  readonly #options: BrokerConnectionsOptions;
  /** Those that are shared, by node id and use. */
  readonly #held = new Map<string, Held>();
  readonly #open = new Set<ClientConnection>();
  /** Attempts that failed since the last connection to the broker. */
  readonly #failures = new Map<number, number>();
  #isClosed = false;

  constructor(io: Io, options: BrokerConnectionsOptions) {
    this.#io = io;
    this.#options = options;
  }

  /** A connection of the caller's own. @throws IoError: nothing was sent */
  async connect(nodeId: number): Promise<ClientConnection> {
    const { host, port } = this.#addressOf(nodeId);
    const requestTimeoutMs = this.#options.requestTimeoutMs();
    try {
      const connection = await ClientConnection.connect(this.#io, {
        ...{ host, port, requestTimeoutMs },
        clientId: `broker-${this.#options.nodeId}`,
        connectTimeoutMs: Math.min(requestTimeoutMs, this.#setupTimeoutMs(nodeId)),
        expected: { clusterId: this.#options.clusterId, nodeId },
        security: this.#options.security,
      });
      this.#failures.delete(nodeId);
      for (const each of this.#open) if (each.isClosed) this.#open.delete(each);
      this.#open.add(connection);
      if (this.#isClosed) connection.close();
      return connection;
    } catch (error) {
      this.#failures.set(nodeId, (this.#failures.get(nodeId) ?? 0) + 1);
      if (!(error instanceof KafkaError)) throw error;
      const isOther = error.errorName === 'REBOOTSTRAP_REQUIRED';
      const why = isOther
        ? `${host}:${port} is not broker ${nodeId} of this cluster`
        : error.message;
      throw new IoError('ECONNREFUSED', `no connection to broker ${nodeId}: ${why}`);
    }
  }

  #setupTimeoutMs(nodeId: number): number {
    const { first, max } = this.#options.setupTimeoutMs();
    return Math.min(first * 2 ** (this.#failures.get(nodeId) ?? 0), Math.max(first, max));
  }

  /**
   * The connection that all requests of one use share: answers come in the order of requests, so
   * what may take long has another one than what must not wait.
   *
   * @throws IoError: nothing was sent
   */
  shared(nodeId: number, use: string): Promise<ClientConnection> {
    const key = `${nodeId} ${use}`;
    const incarnationId = this.#options.image().brokers.get(nodeId)?.incarnationId ?? '';
    const before = this.#held.get(key);
    if (before !== undefined) {
      if (!before.isGone && before.incarnationId === incarnationId) return before.connection;
      this.#held.delete(key);
      // Of a life that is over: who waits there waits for nothing.
      before.connection.then(
        (old) => old.close(),
        () => {},
      );
    }
    const held: Held = { incarnationId, connection: this.connect(nodeId), isGone: false };
    this.#held.set(key, held);
    const forget = (): void => {
      held.isGone = true;
    };
    held.connection.then((connection) => {
      connection.onClose = () => {
        this.#open.delete(connection);
        forget();
      };
      if (connection.isClosed) forget();
    }, forget);
    return held.connection;
  }

  /** What waits for answers fails; nothing is connected any more. */
  close(): void {
    this.#isClosed = true;
    this.#held.clear();
    for (const connection of this.#open) connection.close();
    this.#open.clear();
  }

  #addressOf(nodeId: number): { host: string; port: number } {
    const { listenerName } = this.#options;
    if (this.#isClosed) throw new IoError('ECANCELED', 'this broker is stopping');
    const broker = this.#options.image().brokers.get(nodeId);
    const endpoint = broker?.listeners.find(({ name }) => name === listenerName);
    if (endpoint !== undefined) return endpoint;
    const what = broker === undefined ? 'is not registered' : `has no listener ${listenerName}`;
    throw new IoError('EHOSTUNREACH', `no connection to broker ${nodeId}: it ${what}`);
  }
}
