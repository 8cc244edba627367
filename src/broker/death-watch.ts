// The controller notices early that a broker has died, where that can be proven: the system of a
// process that was killed closes its sockets. When the connection to a broker has ended and every
// listener of it refuses a connection, twice, the broker is fenced, whatever its session says. What
// times out, or fails in another way, proves nothing: the session decides then.
//
// Invariant: only a broker that was proven to refuse under the registration that is fenced is
// fenced; should it live all the same, it costs an election, and its next heartbeat undoes it.

import { type Io, IoError, type Log } from '../io/index.ts';
import type {
  BrokerRegistration,
  Metadata,
  MetadataImage,
  Subscription,
} from '../metadata/index.ts';
import type { ClientConnection } from '../network/index.ts';
import { KafkaError } from '../protocol/index.ts';

export interface DeathWatchOptions {
  readonly nodeId: number;
  readonly metadata: Pick<Metadata, 'image' | 'subscribe' | 'fenceDead'>;
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
const restMs = 500;

export class DeathWatch {
  readonly #io: Io;
  readonly #log: Log;
  readonly #options: DeathWatchOptions;
  /** While this broker controls, who is watched. */
  readonly #watched = new Map<number, Watched>();
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
    const { nodeId } = this.#options;
    const isController = image.controllerId === nodeId;
    for (const [id, watched] of this.#watched) {
      if (isController && image.isAlive(id) && image.brokers.get(id)?.epoch === watched.epoch) {
        continue;
      }
      watched.end();
      this.#watched.delete(id);
    }
    if (!isController) return;
    for (const broker of image.aliveBrokers()) {
      if (broker.id === nodeId || this.#watched.has(broker.id)) continue;
      const watched = new Watched(broker);
      this.#watched.set(broker.id, watched);
      this.#watch(watched).catch(this.#options.onBug);
    }
  }

  async #watch(watched: Watched): Promise<void> {
    const { id, epoch } = watched;
    while (!watched.isOver) {
      await this.#whileConnected(watched);
      if (watched.isOver) return;
      if (await this.#isProvenDead(watched)) {
        this.#log.warn(`broker ${id} refuses connections on every listener: it is fenced`);
        await this.#fence(id, epoch);
      }
      await this.#io.clock.sleep(restMs);
    }
  }

  /** Resolves when there is no connection, or none any more. */
  async #whileConnected(watched: Watched): Promise<void> {
    try {
      const connection = await this.#options.connect(watched.id);
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

  async #areAllRefused({ listeners }: Watched): Promise<boolean> {
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

  async #fence(id: number, epoch: number): Promise<void> {
    try {
      await this.#options.metadata.fenceDead(id, epoch);
    } catch (error) {
      if (!(error instanceof IoError) && !(error instanceof KafkaError)) throw error;
      // Whoever controls now, or this broker a moment later, finds the same.
      this.#log.warn(`broker ${id} could not be fenced`, { because: error.message });
    }
  }
}

/** One registration of another broker. */
class Watched {
  readonly id: number;
  readonly epoch: number;
  readonly listeners: BrokerRegistration['listeners'];
  isOver = false;
  onEnd: () => void = () => {};

  constructor({ id, epoch, listeners }: BrokerRegistration) {
    this.id = id;
    this.epoch = epoch;
    this.listeners = listeners;
  }

  end(): void {
    this.isOver = true;
    this.onEnd();
  }
}
