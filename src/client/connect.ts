// Several clients of one cluster that share what they know of it and, where that is safe, their
// connections: `connect(options)`.
//
// Invariant: producers and admin clients share one connection per broker. A consumer has its own,
// since a fetch that waits for records would hold up whatever is behind it; so has every
// coordinator (coordinator-requests.ts). The shared ones live until `close`.

import type { Io } from '../io/index.ts';
import { Admin, type AdminOptions } from './admin/index.ts';
import { BrokerConnections } from './broker-connections.ts';
import { clientIo } from './client-io.ts';
import { type ClientOptions, clientRules, resolveClientOptions } from './client-options.ts';
import { Consumer, type ConsumerOptions } from './consumer/index.ts';
import { closedError } from './errors.ts';
import { withoutJavaNames } from './java-names.ts';
import { MetadataCache } from './metadata-cache.ts';
import { NetworkMeter } from './metrics/index.ts';
import { assertOptions } from './option-checks.ts';
import { Producer, type ProducerOptions } from './producer/index.ts';
import type { SharedParts } from './shared-parts.ts';
import type { TopicTable, Untyped } from './topics.ts';

interface Closing {
  close(): Promise<void>;
}

/** Options of one client beyond those that all have; connection options are `connect`'s. */
export type OwnOptions<Options> = Omit<Options, keyof ClientOptions> & {
  readonly clientId?: string;
};

/**
 * Clients that share metadata and connections.
 *
 *     const kafka = connect({ bootstrapServers: 'localhost:9092' });
 *     const producer = kafka.producer();
 *     const consumer = kafka.consumer({ groupId: 'billing' });
 *     …
 *     await kafka.close();
 */
export class Connection {
  readonly #io: Io;
  readonly #options: ClientOptions;
  readonly #connections: BrokerConnections;
  readonly #shared: SharedParts;
  readonly #clients = new Set<Closing>();
  #closed = false;

  /** Made by `connect`. Throws a ClientConfigError for options that make no sense. */
  constructor(given: ClientOptions, io: Io = clientIo(given)) {
    this.#io = io;
    this.#options = withoutJavaNames(given, {}, io);
    assertOptions(this.#options, clientRules);
    const meter = new NetworkMeter();
    this.#connections = new BrokerConnections(io, resolveClientOptions(this.#options), meter);
    this.#shared = { cache: new MetadataCache(), connections: this.#connections, meter };
  }

  /** A producer with the options of the connection and these of its own. */
  producer<Topics extends TopicTable = Untyped>(
    options: OwnOptions<ProducerOptions<Topics>> = {} as OwnOptions<ProducerOptions<Topics>>,
  ): Producer<Topics> {
    const all = { ...this.#options, ...options } as ProducerOptions<Topics>;
    return this.#kept(new Producer<Topics>(all, this.#io, this.#shared));
  }

  /** A consumer with the options of the connection and these of its own. */
  consumer<Topics extends TopicTable = Untyped>(
    options: OwnOptions<ConsumerOptions<Topics>> = {} as OwnOptions<ConsumerOptions<Topics>>,
  ): Consumer<Topics> {
    const all = { ...this.#options, ...options } as ConsumerOptions<Topics>;
    return this.#kept(new Consumer<Topics>(all, this.#io, { cache: this.#shared.cache }));
  }

  /** An admin client with the options of the connection. */
  admin(options: OwnOptions<AdminOptions> = {}): Admin {
    return this.#kept(new Admin({ ...this.#options, ...options }, this.#io, this.#shared));
  }

  /**
   * Closes all clients, consumers first, so that what they have produced of what they read still
   * goes out; then the connections. Rejects with the first error of a client.
   */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    const clients = [...this.#clients];
    const isFirst = (client: Closing): boolean => client instanceof Consumer;
    const closing = async (some: readonly Closing[]): Promise<PromiseSettledResult<void>[]> =>
      Promise.allSettled(some.map((client) => client.close()));
    const ends = [
      ...(await closing(clients.filter(isFirst))),
      ...(await closing(clients.filter((client) => !isFirst(client)))),
    ];
    this.#connections.close();
    for (const end of ends) if (end.status === 'rejected') throw end.reason;
  }

  /** For `await using`: closes. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #kept<Client extends Closing>(client: Client): Client {
    this.#clients.add(client);
    if (!this.#closed) return client;
    void client.close();
    throw closedError('client');
  }
}

/**
 * Clients of one cluster that share what they can. @throws ClientConfigError for options that make
 * no sense
 */
export function connect(options: ClientOptions, io?: Io): Connection {
  return new Connection(options, io);
}
