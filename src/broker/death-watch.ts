// Notices early that a broker has died, where that can be proven: the system of a process that was
// killed closes its sockets. When the connection to a broker has ended and every listener of it
// refuses a connection, twice, it is dead, whatever its session says: the controller, which watches
// all others, fences it; the others watch the controller and have the store expel it, so that one
// of them is elected. What times out, or fails in another way, proves nothing: the session decides.
//
// Invariant: only a broker that was proven to refuse under the registration that is fenced, or
// expelled, is; should it live all the same, that costs an election, and it undoes it itself, by
// its next heartbeat or its next session.

import { type Io, IoError, type Log, ofOutages, RateLimitedLog } from '../io/index.ts';
import type {
  BrokerRegistration,
  ClusterStore,
  Metadata,
  MetadataImage,
  Subscription,
} from '../metadata/index.ts';
import type { ClientConnection } from '../network/index.ts';
import { KafkaError } from '../protocol/index.ts';

export interface DeathWatchOptions {
  readonly nodeId: number;
  readonly metadata: Pick<Metadata, 'subscribe' | 'fenceDead'>;
  readonly store: Pick<ClusterStore, 'expel'>;
  /** Rejects with an IoError or a KafkaError. */
  readonly connect: (nodeId: number) => Promise<Pick<ClientConnection, 'close'> & Closing>;
  readonly onBug: (error: Error) => void;
}

interface Closing {
  readonly isClosed: boolean;
  onClose: (error: Error) => void;
}

/** Both refusals are within 500 ms. */
const betweenRefusalsMs = 150;
const connectMsMax = 150;
const electionMs = 50;
const restMs = 500;

export class DeathWatch {
  readonly #io: Io;
  readonly #log: Log;
  readonly #options: DeathWatchOptions;
  readonly #watched = new Map<number, Watched>();
  #isController = false;
  readonly #images: Subscription;

  constructor(io: Io, options: DeathWatchOptions) {
    this.#io = io;
    this.#log = io.log.child('death-watch');
    this.#options = options;
    this.#images = options.metadata.subscribe((image) => this.#onImage(image));
  }

  close(): void {
    this.#images.close();
    for (const watched of this.#watched.values()) watched.end();
    this.#watched.clear();
  }

  #onImage(image: MetadataImage): void {
    this.#isController = image.controllerId === this.#options.nodeId;
    const others = new Map(this.#othersIn(image).map((broker) => [broker.id, broker]));
    for (const [id, watched] of this.#watched) {
      if (others.get(id)?.epoch === watched.broker.epoch) continue;
      watched.end();
      this.#watched.delete(id);
    }
    for (const broker of others.values()) {
      if (this.#watched.has(broker.id)) continue;
      const watched = new Watched(broker, new RateLimitedLog(this.#io.clock, this.#log, ofOutages));
      this.#watched.set(broker.id, watched);
      this.#watch(watched).catch(this.#options.onBug);
    }
  }

  /** Those who are for this broker to watch. */
  #othersIn(image: MetadataImage): BrokerRegistration[] {
    const { nodeId } = this.#options;
    if (this.#isController) return [...image.aliveBrokers()].filter(({ id }) => id !== nodeId);
    const controller = image.brokers.get(image.controllerId);
    return controller === undefined ? [] : [controller];
  }

  async #watch(watched: Watched): Promise<void> {
    while (!watched.isOver) {
      await this.#whileConnected(watched);
      if (watched.isOver) return;
      if (await this.#isProvenDead(watched)) await this.#onProvenDead(watched);
      await this.#io.clock.sleep(restMs);
    }
  }

  /** Resolves when there is no connection, or none any more. */
  async #whileConnected(watched: Watched): Promise<void> {
    try {
      const connection = await this.#options.connect(watched.broker.id);
      if (watched.isOver || connection.isClosed) {
        connection.close();
        return;
      }
      await new Promise<void>((resolve) => {
        connection.onClose = () => resolve();
        watched.onEnd = () => connection.close();
      });
    } catch (error) {
      if (!(error instanceof IoError) && !(error instanceof KafkaError)) throw error;
    }
  }

  async #isProvenDead(watched: Watched): Promise<boolean> {
    if (!(await this.#areAllRefused(watched))) return false;
    await this.#io.clock.sleep(betweenRefusalsMs);
    return !watched.isOver && (await this.#areAllRefused(watched)) && !watched.isOver;
  }

  async #areAllRefused({ broker: { listeners } }: Watched): Promise<boolean> {
    const refused = await Promise.all(listeners.map((each) => this.#isRefused(each)));
    return refused.length > 0 && refused.every(Boolean);
  }

  async #isRefused({ host, port }: BrokerRegistration['listeners'][number]): Promise<boolean> {
    try {
      const { network } = this.#io;
      (await network.connect({ host, port, timeoutMs: connectMsMax })).destroy();
      return false;
    } catch (error) {
      if (!(error instanceof IoError)) throw error;
      return error.code === 'ECONNREFUSED';
    }
  }

  async #onProvenDead(watched: Watched): Promise<void> {
    const { id, epoch, incarnationId } = watched.broker;
    const { metadata, store } = this.#options;
    if (!watched.isSaid) {
      this.#log.warn(`broker ${id} refuses connections on every listener: it is dead`);
      watched.isSaid = true;
    }
    try {
      if (!this.#isController) {
        await store.expel({ nodeId: id, incarnationId });
        // Should this broker be elected in its place, the proof is still good.
        await this.#io.clock.sleep(electionMs);
      }
      if (this.#isController && !watched.isOver) await metadata.fenceDead(id, epoch);
    } catch (error) {
      if (!(error instanceof IoError) && !(error instanceof KafkaError)) throw error;
      // Whoever controls now, or this broker a moment later, finds the same.
      watched.outages.warn(`broker ${id} could not be fenced`, { because: error.message });
    }
  }
}

/** One registration of another broker. */
class Watched {
  readonly broker: BrokerRegistration;
  isOver = false;
  /** That the broker is dead was logged. */
  isSaid = false;
  /** Of one broker: what is said of others does not hold back its lines. */
  readonly outages: RateLimitedLog;
  onEnd: () => void = () => {};

  constructor(broker: BrokerRegistration, outages: RateLimitedLog) {
    this.outages = outages;
    this.broker = broker;
  }

  end(): void {
    this.isOver = true;
    this.onEnd();
  }
}
