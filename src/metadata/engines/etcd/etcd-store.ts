// A key store over etcd. The version of a key is its `mod_revision`, which is of the whole etcd and
// never comes back; a change is one transaction that compares them; a session is a lease.
//
// Invariants: changes are sent in the order of the calls, one at a time, and each only once; reads
// are linearizable; what the port calls a folder is whatever lies between `folder/` and `folder0`.

import type { Io } from '../../../io/index.ts';
import type { KafkaError } from '../../../protocol/index.ts';
import {
  type KeyEntry,
  type KeyListing,
  type KeyStep,
  type KeyStore,
  type KeyWatch,
  type NamedEntry,
  type SessionEvent,
  StoreAwayError,
  UnknownChangeError,
} from '../keyed/key-store.ts';
import { keys } from '../keyed/layout.ts';
import type { EtcdAddress } from './etcd-address.ts';
import { EtcdClient, type Json, refusal } from './etcd-client.ts';
import { EtcdError, WrongStoreError } from './etcd-error.ts';
import { EtcdKeys, type StoredEntry } from './etcd-keys.ts';
import { assertApart } from './etcd-prefix.ts';
import { EtcdSession } from './etcd-session.ts';
import { type EtcdCompaction, EtcdUpkeep } from './etcd-upkeep.ts';
import { EtcdWatcher } from './etcd-watcher.ts';
import { HttpError } from './http-answer-reader.ts';

export interface EtcdStoreOptions {
  readonly address: EtcdAddress;
  readonly sessionTimeoutMs: number;
  /** Default 30 s. */
  readonly openTimeoutMs?: number;
  /** etcd.compaction; default: none. */
  readonly compaction?: EtcdCompaction;
}

/** `--max-request-bytes` is 1.5 MiB unless somebody changed it; keys and the frame need some. */
const changeBytesMax = 1_572_864 - 65_536;
/** `--max-txn-ops` */
export const operationsMax = 128;
const openMsMax = 30_000;
const openLookMs = 5;
/** Entries that are asked for at once: fewer when they turn out to be large. */
const pageEntriesMax = 1_024;
const pageEntriesFirst = 32;
const pageBytesAim = 1024 * 1024;

export class EtcdStore implements KeyStore {
  readonly changeBytesMax = changeBytesMax;
  readonly #client: EtcdClient;
  readonly #keys: EtcdKeys;
  readonly #session: EtcdSession;
  readonly #watcher: EtcdWatcher;
  readonly #upkeep: EtcdUpkeep;
  #lastCommit: Promise<unknown> = Promise.resolve();
  #pageEntries = pageEntriesFirst;
  #isClosed = false;
  onSession: (event: SessionEvent) => void = () => {};

  private constructor(io: Io, options: EtcdStoreOptions) {
    const { address, sessionTimeoutMs, compaction = 'none' } = options;
    // Two members may be silent before the third is asked, within one session.
    const timeoutMs = Math.max(500, Math.min(Math.round(sessionTimeoutMs / 3), 5_000));
    this.#client = new EtcdClient(io, address, timeoutMs);
    this.#keys = new EtcdKeys(address.prefix);
    this.#watcher = new EtcdWatcher(io, this.#client, this.#keys);
    this.#upkeep = new EtcdUpkeep(io, this.#client, { keys: this.#keys, compaction });
    this.#client.onMoved = () => this.#watcher.restart();
    this.#session = new EtcdSession(io, this.#client, sessionTimeoutMs, (event) => {
      io.clock.nextTurn(() => {
        if (!this.#isClosed) this.onSession(event);
      });
    });
  }

  /**
   * Resolves in the first session.
   * @throws KafkaError one line, when it cannot be reached in time, or refuses us
   */
  static async open(io: Io, options: EtcdStoreOptions): Promise<EtcdStore> {
    const store = new EtcdStore(io, options);
    const until = io.clock.monotonic() + (options.openTimeoutMs ?? openMsMax);
    store.#session.start();
    while (store.sessionNumber === 0) {
      const { failure } = store.#session;
      // Without space no session begins: whoever starts waits, and his owner knows for what.
      if (failure instanceof EtcdError) store.#upkeep.onChange(failure);
      if (failure !== null && (!isAwaited(failure) || io.clock.monotonic() > until)) {
        await store.close();
        throw failure instanceof EtcdError ? refusal(store.address, failure) : unmended(failure);
      }
      await io.clock.sleep(openLookMs);
    }
    try {
      // etcd grants leases to everybody: what is asked of a user shows with the first key.
      const hasBegun = (await store.get(keys.identity)) !== null;
      await assertApart(store.#client, options.address, hasBegun);
    } catch (error) {
      await store.close();
      throw error instanceof EtcdError ? refusal(store.address, error) : error;
    }
    store.#upkeep.start(options.address);
    return store;
  }

  get address(): string {
    return this.#client.shown;
  }

  get sessionNumber(): number {
    return this.#session.number;
  }

  async get(key: string): Promise<KeyEntry | null> {
    const [entry] = (await this.#range({ key: this.#keys.key(key) })).entries;
    return entry === undefined ? null : { value: entry.value, version: entry.modRevision };
  }

  async list(folder: string, from = ''): Promise<KeyListing> {
    const entries: NamedEntry[] = [];
    for (let next = from; ; ) {
      const page = await this.#page(folder, next);
      for (const { key, value, modRevision } of page.entries) {
        const name = key.slice(folder.length + 1);
        if (name.includes('/')) {
          // Of a folder below only the way past it is of interest.
          next = `${name.slice(0, name.indexOf('/'))}0`;
        } else {
          entries.push({ name, value, version: modRevision });
          next = `${name}\0`;
        }
      }
      if (entries.length > 0 || !page.hasMore) return { entries, isWhole: !page.hasMore };
    }
  }

  /** Some of what lies below the folder, not too many bytes of it. */
  async #page(folder: string, from: string): Promise<RangeAnswer> {
    for (;;) {
      const limit = this.#pageEntries;
      try {
        const page = await this.#range({ ...this.#keys.below(folder, from), limit });
        let sizeBytes = 0;
        for (const { key, value } of page.entries) sizeBytes += key.length + value.length;
        if (sizeBytes > pageBytesAim) this.#pageEntries = Math.max(1, Math.floor(limit / 2));
        else if (page.hasMore) this.#pageEntries = Math.min(pageEntriesMax, limit * 2);
        return page;
      } catch (error) {
        // Each member was asked in vain: perhaps for too much.
        if (!(error instanceof StoreAwayError) || limit === 1) throw error;
        this.#pageEntries = Math.max(1, Math.floor(limit / 8));
        if (!error.message.includes('too large')) throw error;
      }
    }
  }

  async #range(request: Json): Promise<RangeAnswer> {
    const answer = await this.#ask('/v3/kv/range', request);
    const { kvs = [], more } = answer;
    if (!Array.isArray(kvs)) throw this.#nonsense(new HttpError('a range without entries'));
    try {
      return { entries: kvs.map((entry) => this.#keys.parse(entry)), hasMore: more === true };
    } catch (error) {
      if (!(error instanceof HttpError)) throw error;
      throw this.#nonsense(error);
    }
  }

  commit(change: readonly KeyStep[]): Promise<readonly string[] | null> {
    const before = this.#lastCommit;
    const run = async (): Promise<readonly string[] | null> => {
      await before;
      return await this.#send(change);
    };
    const done = run();
    // Whoever asked is told of a failure; the next one only waits.
    this.#lastCommit = done.catch(() => {});
    return done;
  }

  async #send(change: readonly KeyStep[]): Promise<readonly string[] | null> {
    const success: Json[] = [];
    const leases = new Set<string>();
    for (const step of change) {
      const request = this.#request(step, leases);
      if (request !== null) success.push(request);
    }
    const compare = change.map(({ key, was }) => ({
      target: 'MOD',
      result: 'EQUAL',
      key: this.#keys.key(key),
      // A key that is not there has revision 0.
      mod_revision: was ?? '0',
    }));
    try {
      const answer = await this.#client.askOnce('/v3/kv/txn', { compare, success });
      if (change.some(({ becomes }) => becomes != null)) this.#upkeep.onChange(null);
      return answer.succeeded === true ? this.#versions(change, answer) : null;
    } catch (error) {
      if (!(error instanceof EtcdError)) throw error;
      this.#upkeep.onChange(error);
      if (error.kind !== 'lease') throw refusal(this.address, error);
      for (const lease of leases) this.#session.onLeaseGone(lease);
      throw new StoreAwayError('the session at etcd is over');
    }
  }

  /** All that a change puts is of the revision that the answer names. */
  #versions(change: readonly KeyStep[], { header }: Json): readonly string[] {
    const { revision } = (header ?? {}) as { revision?: unknown };
    if (typeof revision !== 'string') {
      throw new UnknownChangeError(`${this.address}: an answer without a revision`);
    }
    return change.map(({ was, becomes }) => (becomes === undefined ? (was as string) : revision));
  }

  #request({ key, becomes, session }: KeyStep, leases: Set<string>): Json | null {
    const name = this.#keys.key(key);
    if (becomes === undefined) return null;
    if (becomes === null) return { request_delete_range: { key: name } };
    const put = { key: name, value: becomes.toString('base64') };
    if (session === undefined) return { request_put: put };
    const lease = this.#session.leaseOf(session);
    if (lease === null) throw new StoreAwayError('the session at etcd is another one by now');
    leases.add(lease);
    return { request_put: { ...put, lease } };
  }

  async remove(folder: string, names?: readonly string[]): Promise<void> {
    if (names === undefined) {
      await this.#ask('/v3/kv/deleterange', { ...this.#keys.below(folder) });
      return;
    }
    for (let start = 0; start < names.length; start += operationsMax) {
      const some = new Set(names.slice(start, start + operationsMax));
      const success = [...some].map((name) => ({
        request_delete_range: { key: this.#keys.key(`${folder}/${name}`) },
      }));
      await this.#ask('/v3/kv/txn', { success });
    }
  }

  async #ask(path: string, body: Json): Promise<Json> {
    try {
      return await this.#client.ask(path, body);
    } catch (error) {
      throw error instanceof EtcdError ? refusal(this.address, error) : error;
    }
  }

  #nonsense(error: HttpError): StoreAwayError {
    return new StoreAwayError(`the cluster store at ${this.address}: ${error.message}`);
  }

  watch(key: string, kind: 'value' | 'folder', onChange: () => void): KeyWatch {
    return this.#watcher.watch(key, kind, onChange);
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#watcher.close();
    this.#upkeep.close();
    await this.#session.close();
    this.#client.close();
  }
}

interface RangeAnswer {
  readonly entries: readonly StoredEntry[];
  /** Of the range there is more than was asked for at once. */
  readonly hasMore: boolean;
}

/** What goes away by itself, so that a start waits for it. */
function isAwaited(error: KafkaError): boolean {
  if (error instanceof EtcdError) return error.kind === 'elsewhere' || error.kind === 'space';
  return error instanceof StoreAwayError && !(error instanceof WrongStoreError);
}

/** Whoever starts says what is to be done, unless the line says it already. */
function unmended(error: KafkaError): KafkaError {
  if (error instanceof WrongStoreError) return error;
  return new StoreAwayError(`${error.message}: start it, or correct cluster.store`);
}
