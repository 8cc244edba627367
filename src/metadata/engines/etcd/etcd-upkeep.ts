// What the owner of an etcd should know, in one line each: that it is open to everybody, that
// nobody compacts it, that its space is used up and which commands help, and that it has space
// again. With `etcd.compaction=auto` this broker compacts it.
//
// Invariant: an etcd is its owner's, and others may keep their keys in it: nothing is compacted
// unless the owner asked for it, nothing that is younger than the time between two looks, and
// nothing is ever disarmed here.

import type { Io, Timer } from '../../../io/index.ts';
import { KafkaError } from '../../../protocol/index.ts';
import { warnOfOpenStore } from '../keyed/access-lines.ts';
import type { EtcdAddress } from './etcd-address.ts';
import { type EtcdClient, refusal } from './etcd-client.ts';
import { EtcdError, spaceRemedy } from './etcd-error.ts';
import type { EtcdKeys } from './etcd-keys.ts';

/** Where so many revisions can still be read, nobody compacts. */
const revisionsMax = 50_000;
const lookMs = 3_600_000;
/** What is older than two looks with etcd.compaction=auto is compacted. */
const compactMs = 300_000;

/** Who compacts: whoever owns the etcd, or each broker. */
export type EtcdCompaction = 'none' | 'auto';

export class EtcdUpkeep {
  readonly #io: Io;
  readonly #client: EtcdClient;
  readonly #keys: EtcdKeys;
  readonly #compaction: EtcdCompaction;
  /** The newest at the last look; null: there was none. */
  #revisionBefore: number | null = null;
  #refusedBecause = '';
  #timer: Timer | null = null;
  #isFull = false;
  #isClosed = false;

  constructor(
    io: Io,
    client: EtcdClient,
    { keys, compaction }: { keys: EtcdKeys; compaction: EtcdCompaction },
  ) {
    this.#io = io;
    this.#client = client;
    this.#keys = keys;
    this.#compaction = compaction;
  }

  /** Whoever got in without a user and without a certificate is one of everybody. */
  start({ endpoints }: EtcdAddress): void {
    const hasCertificate = endpoints.some(({ tls }) => tls?.identity != null);
    if (this.#client.isOpen && !hasCertificate) {
      const remedy = 'demand a user (etcdctl auth enable, cluster.store.username) or certificates';
      warnOfOpenStore(this.#io.log, { system: 'etcd', address: this.#client.shown, remedy });
    }
    void this.#look();
  }

  async #look(): Promise<void> {
    try {
      await this.#lookAtAll();
    } catch (error) {
      // It is looked at again; who may not ask for that says nothing of it.
      if (!(error instanceof KafkaError)) throw error;
    }
    if (this.#isClosed) return;
    const pauseMs = this.#compaction === 'auto' ? compactMs : lookMs;
    this.#timer = this.#io.clock.after(pauseMs, () => void this.#look());
  }

  async #lookAtAll(): Promise<void> {
    const key = this.#keys.key('identity');
    const { header } = await this.#client.ask('/v3/kv/range', { key, count_only: true });
    const newest = Number((header as { revision?: string } | undefined)?.revision ?? 0);
    const before = this.#revisionBefore;
    this.#revisionBefore = newest;
    if (this.#compaction === 'auto') await this.#compact(before ?? 0);
    else if (newest > revisionsMax && (await this.#has(newest - revisionsMax))) {
      await this.#tellGrowth(newest);
    }
  }

  /** Others may have been faster, and the etcd may compact by itself. */
  async #compact(revision: number): Promise<void> {
    if (revision <= 0 || !(await this.#has(revision))) return;
    try {
      await this.#client.ask('/v3/kv/compaction', { revision: `${revision}` });
    } catch (error) {
      if (!(error instanceof EtcdError) || isCompacted(error)) throw error;
      const { message } = refusal(this.#client.shown, error);
      if (message === this.#refusedBecause) return;
      this.#refusedBecause = message;
      this.#io.log.warn('etcd.compaction=auto does not compact', { because: message });
    }
  }

  /** Whether the revision can still be read. */
  async #has(revision: number): Promise<boolean> {
    const key = this.#keys.key('identity');
    try {
      await this.#client.ask('/v3/kv/range', { key, count_only: true, revision: `${revision}` });
      return true;
    } catch (error) {
      if (error instanceof EtcdError && isCompacted(error)) return false;
      throw error;
    }
  }

  async #tellGrowth(revision: number): Promise<void> {
    const { dbSize } = await this.#client.ask('/v3/maintenance/status', {});
    const remedy = 'start its members with --auto-compaction-retention=1h, or etcd.compaction=auto';
    const what = `nobody compacts the etcd at ${this.#client.shown}`;
    const danger = 'it keeps every revision until its space is used up and no metadata changes';
    const sizeBytes = Number(dbSize ?? 0);
    this.#io.log.warn(`${what}: ${danger}; ${remedy}`, { revision, sizeBytes });
  }

  /** A change was made, or refused. */
  onChange(error: EtcdError | null): void {
    const isFull = error === null ? false : error.kind === 'space' || this.#isFull;
    if (isFull === this.#isFull) return;
    this.#isFull = isFull;
    const what = `the etcd at ${this.#client.shown}`;
    if (isFull) {
      const now = 'what this broker leads goes on, and no metadata change until there is room';
      this.#io.log.error(`${what} has no space (NOSPACE alarm): ${now}: ${spaceRemedy}`);
    } else {
      this.#io.log.info(`${what} has space again`);
    }
  }

  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
  }
}

function isCompacted({ message }: EtcdError): boolean {
  return message.includes('has been compacted');
}
