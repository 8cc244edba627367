// The server of a shared store: it has a local store in a folder of its own and offers it over a
// socket. It leads nothing and decides nothing: who is the controller, and what is appended, is the
// clients' business.
//
// Invariants: one process at a time has the folder; a session lives as long as its client is heard
// of, by the time in which this process ran (session-clock.ts), whatever becomes of sockets; a
// batch is sent to every client in the turn in which it was committed, before its append is
// answered.

import { uuidFromBytes } from '../../../base/uuid.ts';
import type { Connection, Io, Listener } from '../../../io/index.ts';
import { LogDirectory, LogResources } from '../../../storage/index.ts';
import type { BrokerProcess, StoreBatch, StoreBroker } from '../../cluster-store.ts';
import { LocalStore } from '../local/local-store.ts';
import * as messages from './messages.ts';
import { type Hello, type LinkOwner, ServerLink } from './server-link.ts';
import { ServerSession } from './server-session.ts';
import { SessionClock } from './session-clock.ts';

export interface SharedStoreServerOptions {
  readonly host: string;
  /** 0: any that is free. */
  readonly port: number;
  /** Of the store alone; made if it is not there. */
  readonly directory: string;
  /** Of a store that is new; default: a random one. Refused when the store has another. */
  readonly clusterId?: string | null;
  readonly segmentBytesMax?: number;
  /** See LocalStoreOptions. */
  readonly mayLose?: boolean;
  /** The disk failed or a bug was found: the process should end, the next start recovers. */
  readonly onFailure?: (error: Error) => void;
}

/** Of the store's folder; brokers begin at 1. */
const storeNodeId = 0;
const linksMax = 1000;
/** What a client may ask for. */
const sessionTimeoutMsMin = 1_000;
const sessionTimeoutMsMax = 3_600_000;

export class SharedStoreServer implements LinkOwner {
  readonly store: LocalStore;
  readonly #io: Io;
  readonly #directory: LogDirectory;
  readonly #links = new Set<ServerLink>();
  #sessionNumber = 0;
  readonly #sessions = new Map<string, ServerSession>();
  readonly #clock: SessionClock;
  readonly #onFailure: (error: Error) => void;
  #listener!: Listener;
  #alive: StoreBroker[] = [];
  #controllerId = -1;
  #isClosed = false;

  private constructor(
    io: Io,
    store: LocalStore,
    { directory, onFailure }: { directory: LogDirectory; onFailure: (error: Error) => void },
  ) {
    this.#io = io;
    this.store = store;
    this.#directory = directory;
    this.#onFailure = onFailure;
    this.#clock = new SessionClock(io, (nowMs) => this.#endSilentSessions(nowMs));
  }

  /**
   * @throws LogDirectoryError or KafkaError KAFKA_STORAGE_ERROR for the folder, IoError for the
   * port: one line each
   */
  static async open(io: Io, options: SharedStoreServerOptions): Promise<SharedStoreServer> {
    const storeIo: Io = { ...io, log: io.log.child('store') };
    const onFailure = options.onFailure ?? (() => {});
    const resources = new LogResources(io, { tailCacheBytesMax: 1024 * 1024 });
    const directory = await LogDirectory.open(storeIo, {
      path: options.directory,
      nodeId: storeNodeId,
      clusterId: options.clusterId ?? null,
      clusterIdAt: null,
      resources,
      onFailure: (_, error) => onFailure(error),
    });
    try {
      const store = await LocalStore.open(storeIo, {
        directory: options.directory,
        clusterId: directory.meta.clusterId,
        resources,
        ...(options.segmentBytesMax === undefined
          ? {}
          : { segmentBytesMax: options.segmentBytesMax }),
        wasCleanShutdown: directory.wasCleanShutdown,
        mayLose: options.mayLose ?? false,
        onFailure,
      });
      const server = new SharedStoreServer(storeIo, store, { directory, onFailure });
      await server.#start(options);
      return server;
    } catch (error) {
      await directory.close();
      throw error;
    }
  }

  async #start({ host, port }: SharedStoreServerOptions): Promise<void> {
    try {
      await this.store.watch(this.store.endOffset, {
        onSnapshot: async () => {},
        onBatch: (batch) => this.#onBatch(batch),
        onError: (error) => this.#onFailure(error),
      });
      this.store.watchBrokers((alive) => this.#onAlive([...alive.values()]));
      const onConnection = (connection: Connection): void => this.#onConnection(connection);
      this.#listener = await this.#io.network.listen({ host, port }, onConnection);
    } catch (error) {
      this.#clock.close();
      await this.store.close();
      throw error;
    }
    this.#directory.health.watch();
  }

  /** Who began the newest term; -1: nobody since the server began. */
  get controllerId(): number {
    return this.#controllerId;
  }

  get clusterId(): string {
    return this.store.clusterId;
  }

  get port(): number {
    return this.#listener.port;
  }

  #onConnection(connection: Connection): void {
    if (this.#links.size >= linksMax) {
      connection.destroy();
      return;
    }
    this.#links.add(new ServerLink(this.#io, connection, this));
  }

  sessionFor({ sessionId, sessionTimeoutMs }: Hello): ServerSession {
    const timeoutMs = Math.min(
      Math.max(sessionTimeoutMs, sessionTimeoutMsMin),
      sessionTimeoutMsMax,
    );
    const known = this.#sessions.get(sessionId);
    if (known !== undefined) {
      known.timeoutMs = timeoutMs;
      return known;
    }
    const id = uuidFromBytes(this.#io.random.bytes(16), 0);
    const number = this.#sessionNumber++;
    const heardMs = this.#clock.now();
    const session = new ServerSession(this.store, { id, number, timeoutMs, heardMs });
    this.#sessions.set(id, session);
    return session;
  }

  welcome({ id }: ServerSession): messages.AnswerOf<typeof messages.hello> {
    const { clusterId, historyId, endOffset, bytesSinceSnapshot } = this.store;
    const alive = this.#alive.map(asMessage);
    return { sessionId: id, clusterId, historyId, endOffset, bytesSinceSnapshot, alive };
  }

  onHeard(session: ServerSession): void {
    session.heardMs = this.#clock.now();
  }

  async onGoodbye(session: ServerSession): Promise<void> {
    await this.#end(session, null);
  }

  async expel(process: BrokerProcess): Promise<void> {
    for (const session of [...this.#sessions.values()]) await session.expel(process);
  }

  #endSilentSessions(nowMs: number): void {
    for (const session of [...this.#sessions.values()]) {
      const silentMs = nowMs - session.heardMs;
      if (silentMs < session.timeoutMs) continue;
      void this.#end(session, `its client was silent for ${Math.round(silentMs)} ms`);
    }
  }

  /** @param why null: its client said goodbye, and is answered */
  async #end(session: ServerSession, why: string | null): Promise<void> {
    this.#sessions.delete(session.id);
    try {
      await session.end(why);
    } catch (error) {
      this.#onFailure(error as Error);
    }
  }

  onClosed(link: ServerLink): void {
    this.#links.delete(link);
  }

  onBug(error: Error): void {
    this.#onFailure(error);
  }

  #onBatch(batch: StoreBatch): void {
    if (batch.controllerId >= 0) this.#controllerId = batch.controllerId;
    const { bytesSinceSnapshot } = this.store;
    this.#broadcast(
      messages.encodeFrame(messages.newsKinds.batch, 0, [
        messages.batchNews,
        { ...batch, bytesSinceSnapshot },
      ]),
    );
  }

  #onAlive(alive: StoreBroker[]): void {
    this.#alive = alive;
    this.#broadcast(
      messages.encodeFrame(messages.newsKinds.alive, 0, [
        messages.aliveNews,
        { alive: alive.map(asMessage) },
      ]),
    );
  }

  #broadcast(frame: readonly Buffer[]): void {
    for (const link of [...this.#links]) if (link.isWelcomed) link.send(frame);
  }

  /** Leaves the mark of a clean stop. Clients go on as if the store were away. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#clock.close();
    await this.#listener.close();
    for (const link of [...this.#links]) link.close('the store stops');
    await this.store.close();
    await this.#directory.close();
  }
}

function asMessage({ directoryIds, endpoints, ...broker }: StoreBroker) {
  return { ...broker, directoryIds: [...directoryIds], endpoints: [...endpoints] };
}
