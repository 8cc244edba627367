// The client of a shared store. It connects by itself, again and again, under one session; what is
// an intention (to stand for election, to follow the log) goes on with each connection, what is a
// question fails with the connection it was asked on.
//
// Invariants: an append whose connection broke is UnknownOutcomeError, ends the term and is never
// sent again; only the server ends a session: silence on this side proves nothing, and safety does
// not rest on it (epochs do).

import type { Uuid } from '../../../base/uuid.ts';
import type { Io, Log } from '../../../io/index.ts';
import { decodeStruct, KafkaError } from '../../../protocol/index.ts';
import { hasBatch } from '../../batch-fingerprint.ts';
import {
  type AppendOptions,
  type BatchFingerprint,
  type BrokerProcess,
  type BrokerSession,
  type Candidate,
  type ClusterStore,
  type Election,
  type StoreBatch,
  type StoreBroker,
  StoreRolledBackError,
  type StoreSnapshot,
  type StoreWatcher,
  type Subscription,
  UnknownOutcomeError,
} from '../../cluster-store.ts';
import { type Interruption, LogWatches } from '../../log-watches.ts';
import { slicesOf } from '../local/snapshot-files.ts';
import { Candidacies } from './candidacies.ts';
import { type ClientLink, LinkLostError, StoreAwayError } from './client-link.ts';
import * as messages from './messages.ts';
import { Registrations } from './registrations.ts';
import { type ConnectorOptions, StoreConnector, type Welcome } from './store-connector.ts';

export type SharedStoreOptions = ConnectorOptions;

const goesOn = { isEnd: false, isWhole: false };
const isGivenUp = { records: [], isEnd: true, isWhole: false };
const isWhole = { records: [], isEnd: true, isWhole: true };

type OnBrokers = (alive: ReadonlyMap<number, StoreBroker>) => void;

export class SharedStore implements ClusterStore {
  readonly #log: Log;
  readonly #connector: StoreConnector;
  readonly #candidacies = new Candidacies();
  readonly #registrations: Registrations;
  readonly #watches = new LogWatches(this, interruptionBy, (error) => this.#watches.fail(error));
  readonly #brokerWatchers = new Set<OnBrokers>();
  #alive: ReadonlyMap<number, StoreBroker> = new Map();
  #aliveText = '[]';
  #clusterId = '';
  #historyId: Uuid = '';
  #endOffset = 0;
  #bytesSinceSnapshot = 0;
  #isClosed = false;

  private constructor(io: Io, options: SharedStoreOptions) {
    this.#log = io.log;
    this.#connector = new StoreConnector(io, options, {
      onAttached: (link, welcome, isSame) => this.#onAttached(link, welcome, isSame),
      onDetached: () => {
        this.#watches.suspend();
        this.#candidacies.detach();
        this.#registrations.detach();
      },
      onNews: (frame) => this.#onNews(frame),
      onPong: ({ bytesSinceSnapshot }) => {
        this.#bytesSinceSnapshot = bytesSinceSnapshot;
      },
    });
    this.#registrations = new Registrations(() => this.#connector.connected());
  }

  /**
   * Resolves when the server has answered.
   * @throws KafkaError NETWORK_EXCEPTION when it does not within 30 s: one line that says why
   */
  static async open(io: Io, options: SharedStoreOptions): Promise<SharedStore> {
    const store = new SharedStore({ ...io, log: io.log.child('store') }, options);
    store.#connector.start();
    try {
      await store.#connector.query(messages.ping, {});
    } catch (error) {
      await store.close();
      throw error;
    }
    return store;
  }

  get clusterId(): string {
    return this.#clusterId;
  }

  get historyId(): Uuid {
    return this.#historyId;
  }

  get endOffset(): number {
    return this.#endOffset;
  }

  get viewAgeMs(): number {
    return this.#connector.viewAgeMs;
  }

  /** The store counts only the time in which it ran itself. */
  get steadyMs(): number {
    return Number.POSITIVE_INFINITY;
  }

  /** It goes on trying for as long as the process lives. */
  get isFailed(): boolean {
    return false;
  }

  get bytesSinceSnapshot(): number {
    return this.#bytesSinceSnapshot;
  }

  #onAttached(link: ClientLink, welcome: Welcome, isSameSession: boolean): void {
    const { historyId, endOffset } = welcome;
    const applied = this.#endOffset;
    const isFirst = this.#historyId === '';
    const isRolledBack = !isFirst && (historyId !== this.#historyId || endOffset < applied);
    this.#clusterId = welcome.clusterId;
    this.#historyId = historyId;
    this.#endOffset = endOffset;
    this.#bytesSinceSnapshot = welcome.bytesSinceSnapshot;
    if (isRolledBack) {
      const kind = endOffset < applied ? 'shorter' : 'replaced';
      this.#watches.fail(new StoreRolledBackError({ kind, applied, endOffset, historyId }));
    }
    if (!isFirst && !isSameSession) {
      const why = `the session with the cluster store at ${this.#connector.address} has ended`;
      this.#registrations.onSessionEnded(why);
      this.#candidacies.onSessionEnded(why);
    }
    this.#registrations.attach(link);
    this.#candidacies.attach(link);
    this.#onAlive(welcome.alive);
    // A session goes on with the process of the store: the log is what it was.
    this.#watches.resume(!isFirst && !isSameSession);
  }

  #onNews({ kind, body }: messages.Frame): void {
    const { newsKinds } = messages;
    if (kind === newsKinds.batch) {
      const { bytesSinceSnapshot, ...batch } = decodeStruct(messages.batchNews, 0, body);
      this.#endOffset = batch.endOffset;
      this.#bytesSinceSnapshot = bytesSinceSnapshot;
      this.#watches.offer(batch);
    } else if (kind === newsKinds.alive) {
      this.#onAlive(decodeStruct(messages.aliveNews, 0, body).alive);
    } else if (kind === newsKinds.lostTerm || kind === newsKinds.lostRegistration) {
      const lost = decodeStruct(messages.lostNews, 0, body);
      const error = messages.errorIn(lost);
      if (kind === newsKinds.lostTerm) this.#candidacies.onLost(lost.id, error);
      else this.#registrations.onLost(lost.id, error);
    }
    // News of a kind that is not known is for newer clients.
  }

  #onAlive(alive: readonly StoreBroker[]): void {
    const text = JSON.stringify(alive);
    if (text === this.#aliveText) return;
    this.#aliveText = text;
    this.#alive = new Map(alive.map((broker) => [broker.nodeId, broker]));
    for (const onChange of [...this.#brokerWatchers]) onChange(this.#alive);
  }

  async append(records: readonly Buffer[], options: AppendOptions): Promise<void> {
    const { controllerEpoch } = options;
    this.#candidacies.assertTerm(controllerEpoch);
    const link = this.#connector.linkNow();
    try {
      await link.call(messages.append, { ...options, records: [...records] });
    } catch (error) {
      if (error instanceof LinkLostError) {
        this.#candidacies.endTerm(controllerEpoch);
        this.#log.debug('nobody knows what became of an append: the term is over');
        throw new UnknownOutcomeError(error.message);
      }
      this.#maybeEndTerm(controllerEpoch, error);
      throw error;
    }
  }

  async confirm(controllerEpoch: number): Promise<void> {
    this.#candidacies.assertTerm(controllerEpoch);
    try {
      await this.#connector.linkNow().call(messages.confirm, { controllerEpoch });
    } catch (error) {
      this.#maybeEndTerm(controllerEpoch, error);
      throw error;
    }
  }

  #maybeEndTerm(epoch: number, error: unknown): void {
    const isOver = error instanceof KafkaError && error.errorName === 'NOT_CONTROLLER';
    if (isOver) this.#candidacies.endTerm(epoch);
  }

  async *read(from: number): AsyncGenerator<StoreBatch, void, undefined> {
    const end = this.#endOffset;
    const historyId = this.#historyId;
    for (let at = from; at < end; ) {
      const { batches } = await this.#connector.query(messages.read, { from: at });
      if (historyId !== this.#historyId) throw new LinkLostError('the store is another one now');
      if (batches.length === 0) return;
      for (const batch of batches) {
        if (batch.endOffset > end) return;
        yield batch;
        at = batch.endOffset;
      }
    }
  }

  hasBatch(fingerprint: BatchFingerprint): Promise<boolean | null> {
    return hasBatch(this, fingerprint);
  }

  async newestSnapshot(): Promise<StoreSnapshot | null> {
    const opened = await this.#connector.query(messages.openSnapshot, {});
    const { snapshotId, ...snapshot } = opened;
    if (snapshotId === -1) return null;
    return { ...snapshot, pieces: this.#piecesOf(snapshotId) };
  }

  /** They end with the connection on which the snapshot was opened. */
  async *#piecesOf(snapshotId: number): AsyncGenerator<readonly Buffer[], void, undefined> {
    const link = this.#connector.linkNow();
    for (;;) {
      const { records, isEnd } = await link.call(messages.readPiece, { snapshotId });
      if (isEnd) return;
      yield records;
    }
  }

  async watch(from: number, watcher: StoreWatcher): Promise<Subscription> {
    // All that is committed before this answer is news that came before it.
    await this.#connector.query(messages.ping, {});
    return await this.#watches.add(from, watcher);
  }

  async saveSnapshot(snapshot: StoreSnapshot, controllerEpoch: number): Promise<void> {
    this.#candidacies.assertTerm(controllerEpoch);
    const link = this.#connector.linkNow();
    const { pieces, ...head } = snapshot;
    await link.call(messages.saveSnapshot, { ...head, savingEpoch: controllerEpoch });
    try {
      for await (const piece of pieces) {
        for (const records of slicesOf(piece)) {
          await link.call(messages.savePiece, { records: [...records], ...goesOn });
        }
      }
    } catch (error) {
      if (!link.isLost) await link.call(messages.savePiece, { ...isGivenUp }).catch(ifLost);
      throw error;
    }
    await link.call(messages.savePiece, { ...isWhole });
  }

  elect(candidate: Candidate): Election {
    return this.#candidacies.elect(candidate);
  }

  register(broker: StoreBroker, onLost: (error: Error) => void): Promise<BrokerSession> {
    return this.#registrations.register(broker, onLost);
  }

  /** Not asked again later: by then it may have come back. */
  async expel({ nodeId, incarnationId }: BrokerProcess): Promise<void> {
    await this.#connector.linkNow().call(messages.expel, { nodeId, incarnationId });
  }

  watchBrokers(onChange: OnBrokers): Subscription {
    this.#brokerWatchers.add(onChange);
    onChange(this.#alive);
    return { close: () => this.#brokerWatchers.delete(onChange) };
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#brokerWatchers.clear();
    this.#watches.close();
    this.#registrations.close();
    this.#candidacies.close();
    await this.#connector.close();
  }
}

/** What went wrong before is what the caller hears of. */
function ifLost(error: unknown): void {
  if (!(error instanceof LinkLostError)) throw error;
}

function interruptionBy(error: unknown): Interruption {
  if (error instanceof StoreAwayError) return 'away';
  return error instanceof LinkLostError ? 'again' : null;
}
