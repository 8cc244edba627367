// The cluster store over keys with versions and sessions, as etcd and ZooKeeper offer them
// (key-store.ts). What is subtle about such a store is here and beside this file, once for both.
//
// Invariants: safety rests on compared versions alone, never on a session, a lease or a clock;
// watches are hints to look, and the store is looked at regularly besides, so a watch that says
// nothing costs time and loses nothing; a change without an answer is never sent again; an append
// of that kind ends the term.

import { assert } from '../../../base/assert.ts';
import { uuidFromBytes } from '../../../base/uuid.ts';
import type { Io } from '../../../io/index.ts';
import { KafkaError } from '../../../protocol/index.ts';
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
import { Elections, type Term } from './elections.ts';
import { type IdentityOptions, openIdentity, readIdentity } from './identity.ts';
import { type KeyStore, StoreAwayError, UnknownChangeError } from './key-store.ts';
import { KeyedLog } from './keyed-log.ts';
import { KeyedSnapshots } from './keyed-snapshots.ts';
import { type EndValue, forms, type Identity, keys } from './layout.ts';
import { LivingBrokers } from './living-brokers.ts';
import { PiecesGoneError } from './piece-folders.ts';
import { StoreView } from './store-view.ts';
import { answered, isUnanswered } from './unanswered.ts';

export interface KeyedStoreOptions extends IdentityOptions {
  readonly sessionTimeoutMs: number;
  /** A bug was found: the process must not go on. Default: it is thrown where nobody catches it. */
  readonly onBug?: (error: Error) => void;
}

type OnBrokers = (alive: ReadonlyMap<number, StoreBroker>) => void;

export class KeyedStore implements ClusterStore {
  readonly #io: Io;
  readonly #store: KeyStore;
  readonly #onBug: (error: Error) => void;
  readonly #view: StoreView;
  readonly #log: KeyedLog;
  readonly #snapshots: KeyedSnapshots;
  readonly #elections: Elections;
  readonly #brokers: LivingBrokers;
  readonly #watches = new LogWatches(this, interruptionBy, (error) => this.#giveUp(error));
  #identity: Identity = { layout: 0, clusterId: '', historyId: '' };
  #lastAppend: Promise<unknown> = Promise.resolve();
  #lookingAtEnd: Promise<void> | null = null;
  #mustSweep = false;
  #isSweeping = false;
  /** With each the store may have been put back before it. */
  #connections = 0;
  /** So many were there when it was last held against what was read. */
  #comparedConnections = 0;
  #isRolledBack = false;
  #isClosed = false;

  private constructor(io: Io, store: KeyStore, options: KeyedStoreOptions) {
    this.#io = io;
    this.#store = store;
    this.#onBug = options.onBug ?? rethrow;
    const process = uuidFromBytes(io.random.bytes(16), 0);
    this.#log = new KeyedLog(store, (batch) => this.#watches.offer(batch));
    this.#snapshots = new KeyedSnapshots(store, this.#log);
    this.#brokers = new LivingBrokers(store, {
      process,
      onUnreadable: (error) => this.#view.sayRefusal(error),
    });
    this.#elections = new Elections(io, {
      store,
      log: this.#log,
      process,
      events: { onElected: () => this.#onElected(), onBug: this.#onBug },
    });
    this.#view = new StoreView(io, store, {
      sessionTimeoutMs: options.sessionTimeoutMs,
      look: () => this.#look(),
      onConnected: () => {
        this.#connections += 1;
      },
      onSessionEnded: (session, why) => this.#onSessionEnded(session, why),
      onBug: this.#onBug,
    });
  }

  /**
   * Resolves when the store has answered. The key store is closed with this one, and when it fails.
   * @throws KafkaError, one line: it cannot be reached within 30 s, or is not what is meant
   */
  static async open(io: Io, store: KeyStore, options: KeyedStoreOptions): Promise<KeyedStore> {
    const storeIo: Io = { ...io, log: io.log.child('store') };
    const keyed = new KeyedStore(storeIo, store, options);
    try {
      await keyed.#open(options);
    } catch (error) {
      await keyed.close();
      throw error;
    }
    return keyed;
  }

  async #open(options: IdentityOptions): Promise<void> {
    await this.#answered(async () => {
      this.#identity = await openIdentity(this.#io, this.#store, options);
      await this.#lookAtEnd();
      await this.#brokers.refresh();
      await this.#log.newestSnapshot();
    });
    this.#store.watch(keys.end, 'value', () => this.#hint(() => this.#lookAtEnd()));
    this.#store.watch(keys.brokers, 'folder', () => this.#hint(() => this.#brokers.refresh()));
    this.#view.start();
  }

  /** Of what may be asked twice: asks until there is an answer, or the store is away for long. */
  async #answered<T>(ask: () => Promise<T>): Promise<T> {
    try {
      return await answered(this.#io.clock, ask, () => this.#isClosed);
    } catch (error) {
      throw isUnanswered(error) && !this.#isClosed ? this.#awayError(error) : error;
    }
  }

  #awayError({ message }: KafkaError): StoreAwayError {
    const remedy = 'start it, or correct cluster.store';
    return new StoreAwayError(
      `the cluster store ${this.#store.address} is away (${message}): ${remedy}`,
    );
  }

  get clusterId(): string {
    return this.#identity.clusterId;
  }

  get historyId(): string {
    return this.#identity.historyId;
  }

  get followedHistories(): readonly string[] {
    return this.#identity.follows ?? [];
  }

  get endOffset(): number {
    return this.#log.endOffset;
  }

  get viewAgeMs(): number {
    return this.#view.ageMs;
  }

  get steadyMs(): number {
    return this.#view.steadyMs;
  }

  get isFailed(): boolean {
    return this.#isRolledBack;
  }

  get bytesSinceSnapshot(): number {
    return this.#log.bytesSinceSnapshot;
  }

  /** What may have changed is looked at; if that fails, the regular look does it. */
  #hint(look: () => Promise<void>): void {
    if (this.#isClosed) return;
    look().catch((error: unknown) => {
      if (!(error instanceof KafkaError)) this.#onBug(error as Error);
    });
  }

  /** At everything that may have changed. Whoever throws has not seen the newest. */
  async #look(): Promise<void> {
    await this.#lookAtEnd();
    await this.#brokers.refresh();
    await this.#elections.look();
    if (this.#mustSweep) this.#hint(() => this.#sweep());
  }

  /** Each caller learns of an end that was read after the call. */
  async #lookAtEnd(): Promise<void> {
    if (this.#lookingAtEnd !== null) await this.#lookingAtEnd.catch(() => {});
    this.#lookingAtEnd ??= this.#readEnd().finally(() => {
      this.#lookingAtEnd = null;
    });
    await this.#lookingAtEnd;
  }

  async #readEnd(): Promise<void> {
    const known = this.#log.endOffset;
    const entry = await this.#store.get(keys.end);
    const end = entry === null ? null : forms.end.decode(keys.end, entry.value);
    const connections = this.#connections;
    const mustCompare = connections > this.#comparedConnections;
    const identity = mustCompare ? await readIdentity(this.#store) : this.#identity;
    // The end may be that of an append of this process whose answer is on its way: its batch is to
    // be handed to the watchers before the append resolves, and by nobody twice.
    await this.#lastAppend;
    if (this.#isRolledBack || this.#isClosed) return;
    const isAnother = identity?.historyId !== this.historyId;
    if (end === null || end.endOffset < known || isAnother) await this.#onRolledBack(end);
    // Appends of this process may have been faster.
    else if (end.endOffset > this.#log.endOffset) this.#log.onEnd(end);
    this.#comparedConnections = connections;
    this.#watches.resume(mustCompare);
  }

  async #onRolledBack(end: EndValue | null): Promise<void> {
    const applied = this.#log.endOffset;
    const before = this.historyId;
    const identity = await readIdentity(this.#store);
    this.#identity = identity ?? { ...this.#identity, historyId: '' };
    this.#log.onEnd(end ?? { endOffset: 0, controllerEpoch: 0, bytes: 0 });
    const { endOffset, historyId } = this;
    const isReplaced = historyId !== before && endOffset >= applied;
    const kind = identity === null ? 'emptied' : isReplaced ? 'replaced' : 'shorter';
    this.#giveUp(new StoreRolledBackError({ kind, applied, endOffset, historyId }));
  }

  /** The store is not the one that was read: nothing is done with it any more. */
  #giveUp(error: StoreRolledBackError): void {
    if (this.#isRolledBack || this.#isClosed) return;
    this.#isRolledBack = true;
    this.#io.log.error(error.message);
    this.#onSessionEnded(this.#store.sessionNumber, error.message);
    this.#elections.close();
    this.#watches.fail(error);
  }

  #onSessionEnded(session: number, why: string): void {
    this.#brokers.onSessionEnded(session, why);
    this.#elections.onSessionEnded(session, why);
  }

  #onElected(): void {
    this.#watches.resume();
    this.#mustSweep = true;
    this.#hint(() => this.#sweep());
  }

  /** Not on the way of anything: what is left is swept with the next look. */
  async #sweep(): Promise<void> {
    const { term } = this.#elections;
    if (term === null || this.#isSweeping) return;
    this.#isSweeping = true;
    this.#mustSweep = false;
    try {
      await this.#snapshots.sweep(term);
    } catch (error) {
      this.#mustSweep = true;
      throw error;
    } finally {
      this.#isSweeping = false;
    }
  }

  /** One after the other: each compares the version of the end that the one before made. */
  append(records: readonly Buffer[], options: AppendOptions): Promise<void> {
    const appended = this.#lastAppend.then(() => this.#append(records, options));
    this.#lastAppend = appended.catch(() => {});
    return appended;
  }

  async #append(records: readonly Buffer[], options: AppendOptions): Promise<void> {
    const term = this.#elections.termOf(options.controllerEpoch);
    const { endOffset } = this.#log;
    if (options.expectedEnd !== endOffset) {
      const expected = `not at ${options.expectedEnd} as the append expects`;
      throw new KafkaError('INVALID_REQUEST', `the metadata log ends at ${endOffset}, ${expected}`);
    }
    assert(records.length > 0, 'a batch has records');
    const timestampMs = this.#io.clock.now();
    try {
      await this.#inTerm(term, () => this.#log.append(term, records, timestampMs));
    } catch (error) {
      if (!(error instanceof UnknownChangeError)) throw error;
      this.#elections.endTerm(term.epoch);
      this.#io.log.debug('nobody knows what became of an append: the term is over');
      throw new UnknownOutcomeError(error.message);
    }
  }

  async #inTerm(term: Term, change: () => Promise<void>): Promise<void> {
    try {
      await change();
    } catch (error) {
      const isOver = error instanceof KafkaError && error.errorName === 'NOT_CONTROLLER';
      if (isOver) this.#elections.onRefused(term.epoch);
      throw error;
    }
  }

  confirm(controllerEpoch: number): Promise<void> {
    return this.#elections.confirm(controllerEpoch);
  }

  read(from: number): AsyncGenerator<StoreBatch, void, undefined> {
    return this.#log.read(from);
  }

  hasBatch(fingerprint: BatchFingerprint): Promise<boolean | null> {
    return this.#answered(() => hasBatch(this, fingerprint));
  }

  /** The end that is known here may be older than it: whoever goes on behind it has to know. */
  async newestSnapshot(): Promise<StoreSnapshot | null> {
    const snapshot = await this.#snapshots.newest();
    if (snapshot !== null && snapshot.endOffset > this.endOffset) await this.#lookAtEnd();
    return snapshot;
  }

  async watch(from: number, watcher: StoreWatcher): Promise<Subscription> {
    await this.#answered(() => this.#lookAtEnd());
    return await this.#watches.add(from, watcher, (begin) => this.#answered(begin));
  }

  async saveSnapshot(snapshot: StoreSnapshot, controllerEpoch: number): Promise<void> {
    const term = this.#elections.termOf(controllerEpoch);
    assert(snapshot.endOffset <= this.#log.endOffset, 'a snapshot holds committed records only');
    await this.#inTerm(term, () => this.#snapshots.save(snapshot, term, term.nodeId));
    this.#mustSweep = true;
    this.#hint(() => this.#sweep());
  }

  elect(candidate: Candidate): Election {
    return this.#elections.elect(candidate);
  }

  register(broker: StoreBroker, onLost: (error: Error) => void): Promise<BrokerSession> {
    return this.#brokers.register(broker, onLost);
  }

  /** Not asked again later: by then it may have come back. */
  async expel(process: BrokerProcess): Promise<void> {
    await this.#brokers.expel(process);
    await this.#elections.look();
  }

  watchBrokers(onChange: OnBrokers): Subscription {
    return this.#brokers.watch(onChange);
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#view.close();
    this.#watches.close();
    this.#brokers.close();
    this.#elections.close();
    await this.#store.close();
  }
}

/** What a reader of the log met. */
function interruptionBy(error: unknown): Interruption {
  if (error instanceof PiecesGoneError) return 'again';
  return isUnanswered(error) ? 'away' : null;
}

function rethrow(error: Error): void {
  queueMicrotask(() => {
    throw error;
  });
}
