// A cluster store as several processes have it who reach it over a network: an engine in the middle
// and, for each process, a link that loses requests, answers and news when the test says so.

import { Deferred } from '../../../src/base/deferred.ts';
import type { Uuid } from '../../../src/base/uuid.ts';
import type { Io } from '../../../src/io/index.ts';
import {
  type AppendOptions,
  type BrokerProcess,
  type BrokerSession,
  type Candidate,
  type ClusterStore,
  type ControllerTerm,
  type Election,
  type StoreBatch,
  type StoreBroker,
  type StoreSnapshot,
  type StoreWatcher,
  type Subscription,
  UnknownOutcomeError,
} from '../../../src/metadata/cluster-store.ts';
import { aliveIn } from '../../../src/metadata/cluster-store-contract.ts';
import type {
  Loss,
  StoreOutages,
  StoreRequest,
} from '../../../src/metadata/cluster-store-outages-contract.ts';
import { LocalStore } from '../../../src/metadata/engines/local/local-store.ts';
import { LogFollower } from '../../../src/metadata/log-follower.ts';
import { KafkaError } from '../../../src/protocol/index.ts';
import { LogResources } from '../../../src/storage/index.ts';

const retryMs = 50;

export class LostMessage extends KafkaError {
  constructor(what: string) {
    super('NETWORK_EXCEPTION', `the ${what} was lost between this process and the store`);
  }
}

export interface Standing {
  readonly candidate: Candidate;
  isWithdrawn: boolean;
  attempts: number;
}

interface Member {
  readonly link: RemoteStore;
  end(): Promise<void>;
  onLost(error: Error): void;
}

/** The engine in the middle: a local store, and who holds what in it. */
export class StoreServer implements StoreOutages {
  readonly #io: Io;
  readonly #links = new Set<RemoteStore>();
  /** Elections and sessions, by `<kind> <node id>`. */
  readonly members = new Map<string, Member>();
  local: LocalStore;

  private constructor(io: Io, local: LocalStore) {
    this.#io = io;
    this.local = local;
  }

  static async open(io: Io): Promise<StoreServer> {
    return new StoreServer(io, await openLocal(io, '/data'));
  }

  async connect(makeStore = (io: Io, server: StoreServer) => new RemoteStore(io, server)) {
    const store = makeStore(this.#io, this);
    this.#links.add(store);
    await store.attach();
    return store;
  }

  lose(store: ClusterStore, request: StoreRequest, loss: Loss): void {
    (store as RemoteStore).losses.set(request, loss);
  }

  async deliverLate(store: ClusterStore): Promise<void> {
    const late = (store as RemoteStore).late.splice(0);
    for (const request of late) await request().catch(() => {});
  }

  cut(store: ClusterStore): void {
    (store as RemoteStore).cut();
  }

  async heal(store: ClusterStore): Promise<void> {
    await (store as RemoteStore).heal();
  }

  async expire(nodeId: number): Promise<void> {
    for (const kind of ['election', 'session']) {
      const member = this.members.get(`${kind} ${nodeId}`);
      this.members.delete(`${kind} ${nodeId}`);
      await member?.end();
      const error = new KafkaError('NETWORK_EXCEPTION', `the store takes node ${nodeId} for dead`);
      member?.link.tell(() => member.onLost(error));
    }
  }

  async rollBack(): Promise<void> {
    this.local = await openLocal(this.#io, '/older');
    for (const link of this.#links) await link.attach();
  }
}

function openLocal(io: Io, directory: string): Promise<LocalStore> {
  const resources = new LogResources(io);
  const options = { directory, clusterId: 'c', resources, segmentBytesMax: 2000 };
  return LocalStore.open(io, options);
}

/** What one process has of it. */
export class RemoteStore implements ClusterStore {
  readonly losses = new Map<StoreRequest, Loss>();
  readonly late: (() => Promise<unknown>)[] = [];
  readonly server: StoreServer;
  readonly followers = new Set<LogFollower>();
  readonly io: Io;
  readonly #brokerWatchers = new Set<(alive: ReadonlyMap<number, StoreBroker>) => void>();
  readonly #untold: (() => void)[] = [];
  readonly #endedEpochs = new Set<number>();
  #news: Subscription[] = [];
  #alive: ReadonlyMap<number, StoreBroker> = new Map();
  #endOffset = 0;
  #historyId: Uuid = '';
  #cutMs: number | null = null;

  constructor(io: Io, server: StoreServer) {
    this.io = io;
    this.server = server;
  }

  get clusterId(): string {
    return this.server.local.clusterId;
  }

  get historyId(): Uuid {
    return this.#historyId;
  }

  get endOffset(): number {
    return this.#endOffset;
  }

  get viewAgeMs(): number {
    return this.#cutMs === null ? 0 : this.io.clock.monotonic() - this.#cutMs;
  }

  get steadyMs(): number {
    return Number.POSITIVE_INFINITY;
  }

  get isFailed(): boolean {
    return this.server.local.isFailed;
  }

  get bytesSinceSnapshot(): number {
    return this.server.local.bytesSinceSnapshot;
  }

  get isCut(): boolean {
    return this.#cutMs !== null;
  }

  cut(): void {
    this.#cutMs ??= this.io.clock.monotonic();
  }

  async heal(): Promise<void> {
    this.#cutMs = null;
    for (const tell of this.#untold.splice(0)) tell();
    await this.attach();
  }

  /** The engine says something; what it says while the link is cut arrives afterwards. */
  tell(news: () => void): void {
    if (this.isCut) this.#untold.push(news);
    else news();
  }

  /** Follows the engine, from wherever it is now; whoever watches goes on. */
  async attach(): Promise<void> {
    const { local } = this.server;
    for (const subscription of this.#news.splice(0)) subscription.close();
    this.#endOffset = local.endOffset;
    this.#historyId = local.historyId;
    this.#news.push(
      await local.watch(local.endOffset, {
        onSnapshot: async () => {},
        onBatch: (batch) => this.onNews(batch),
        onError: () => {},
      }),
      local.watchBrokers((alive) => this.#onBrokers(alive)),
    );
    for (const follower of [...this.followers]) await this.#resume(follower);
  }

  async #resume(follower: LogFollower): Promise<void> {
    try {
      await follower.resume();
    } catch (error) {
      // The next `heal` resumes it.
      if (!(error instanceof LostMessage)) follower.fail(error as Error);
    }
  }

  onNews(batch: StoreBatch): void {
    if (this.isCut) return;
    this.#endOffset = batch.endOffset;
    for (const follower of [...this.followers]) follower.offer(batch);
  }

  #onBrokers(alive: ReadonlyMap<number, StoreBroker>): void {
    if (this.isCut) return;
    this.#alive = alive;
    for (const onChange of [...this.#brokerWatchers]) onChange(alive);
  }

  async call<T>(request: StoreRequest | 'read', run: () => Promise<T>): Promise<T> {
    const loss = request === 'read' ? undefined : this.losses.get(request);
    if (request !== 'read') this.losses.delete(request);
    if (loss === 'late') this.late.push(run);
    if (this.isCut || loss === 'request' || loss === 'late') throw new LostMessage(request);
    const [outcome] = await Promise.allSettled([run()]);
    if (this.isCut || loss === 'answer') throw new LostMessage(`answer to ${request}`);
    if (outcome.status === 'rejected') throw outcome.reason;
    return outcome.value;
  }

  async append(records: readonly Buffer[], options: AppendOptions): Promise<void> {
    this.#assertTerm(options.controllerEpoch);
    try {
      await this.call('append', () => this.server.local.append(records, options));
    } catch (error) {
      if (!(error instanceof LostMessage)) throw error;
      this.onUnknown(options.controllerEpoch);
      throw new UnknownOutcomeError(error.message);
    }
  }

  onUnknown(controllerEpoch: number): void {
    this.#endedEpochs.add(controllerEpoch);
  }

  async confirm(controllerEpoch: number): Promise<void> {
    this.#assertTerm(controllerEpoch);
    await this.call('confirm', () => this.server.local.confirm(controllerEpoch));
  }

  #assertTerm(epoch: number): void {
    if (!this.#endedEpochs.has(epoch)) return;
    throw new KafkaError('NOT_CONTROLLER', `controller epoch ${epoch} ended with a lost answer`);
  }

  async *read(from: number): AsyncGenerator<StoreBatch, void, undefined> {
    const end = this.#endOffset;
    for await (const batch of this.server.local.read(from)) {
      if (this.isCut) throw new LostMessage('read');
      if (batch.endOffset > end) return;
      yield batch;
    }
  }

  newestSnapshot(): Promise<StoreSnapshot | null> {
    return this.call('read', () => this.server.local.newestSnapshot());
  }

  async watch(from: number, watcher: StoreWatcher): Promise<Subscription> {
    const follower = new LogFollower(this, from, watcher);
    this.followers.add(follower);
    await follower.start();
    return follower;
  }

  saveSnapshot(snapshot: StoreSnapshot, controllerEpoch: number): Promise<void> {
    return this.call('saveSnapshot', () =>
      this.server.local.saveSnapshot(snapshot, controllerEpoch),
    );
  }

  elect(candidate: Candidate): Election {
    const withdrawn = new Deferred<never>();
    const standing: Standing = { candidate, isWithdrawn: false, attempts: 0 };
    const term = Promise.race([this.#stand(standing), withdrawn.promise]);
    term.catch(() => {});
    const withdraw = async (): Promise<void> => {
      standing.isWithdrawn = true;
      withdrawn.reject(new KafkaError('NOT_CONTROLLER', 'the candidate withdrew'));
      if (!this.isCut) await this.leave(`election ${candidate.nodeId}`);
    };
    return { term, withdraw };
  }

  async #stand(standing: Standing): Promise<ControllerTerm> {
    const key = `election ${standing.candidate.nodeId}`;
    for (;;) {
      standing.attempts += 1;
      const attempt = standing.attempts;
      try {
        const term = await this.call('elect', () => this.standOnce(standing, attempt));
        const member = this.server.members.get(key);
        const resign = async (): Promise<void> => {
          this.#endedEpochs.add(term.epoch);
          const isHeld = this.server.members.get(key) === member;
          if (isHeld) await this.call('read', () => this.leave(key));
        };
        return { ...term, resign };
      } catch (error) {
        if (!(error instanceof LostMessage) || standing.isWithdrawn) throw error;
        await this.io.clock.sleep(retryMs);
      }
    }
  }

  /** What an attempt left behind whose answer was lost is given up first. */
  async standOnce(standing: Standing, attempt: number): Promise<ControllerTerm> {
    const { candidate } = standing;
    const key = `election ${candidate.nodeId}`;
    if (attempt !== standing.attempts) throw new KafkaError('NOT_CONTROLLER', 'it came late');
    await this.leave(key);
    if (standing.isWithdrawn) throw new KafkaError('NOT_CONTROLLER', 'it was withdrawn');
    const election = this.server.local.elect(candidate);
    this.server.members.set(key, {
      link: this,
      end: () => election.withdraw(),
      onLost: (error) => candidate.onLost(error),
    });
    return await election.term;
  }

  async leave(key: string): Promise<void> {
    const member = this.server.members.get(key);
    this.server.members.delete(key);
    await member?.end();
  }

  register(broker: StoreBroker, onLost: (error: Error) => void): Promise<BrokerSession> {
    return this.call('register', async () => {
      const lost = (error: Error): void => this.tell(() => onLost(error));
      const session = await this.server.local.register(broker, lost);
      const end = () => session.close();
      this.server.members.set(`session ${broker.nodeId}`, { link: this, end, onLost });
      return { close: () => this.call('read', end) };
    });
  }

  expel({ nodeId, incarnationId }: BrokerProcess): Promise<void> {
    return this.call('read', async () => {
      const holder = aliveIn(this.server.local).get(nodeId);
      if (holder?.incarnationId === incarnationId) await this.server.expire(nodeId);
    });
  }

  watchBrokers(onChange: (alive: ReadonlyMap<number, StoreBroker>) => void): Subscription {
    this.#brokerWatchers.add(onChange);
    onChange(this.#alive);
    return { close: () => this.#brokerWatchers.delete(onChange) };
  }

  async close(): Promise<void> {
    for (const subscription of this.#news.splice(0)) subscription.close();
    for (const follower of this.followers) follower.close();
    for (const [key, member] of [...this.server.members]) {
      if (member.link !== this) continue;
      this.server.members.delete(key);
      await member.end();
    }
  }
}
