// What the owner of an etcd should know, in one line each: that it is open to everybody, that
// nobody compacts it, that its space is used up and which commands help, and that it has space
// again.
//
// Invariant: nothing is compacted, disarmed or changed here: an etcd is its owner's, and others
// may keep their keys in it.

import type { Io, Timer } from '../../../io/index.ts';
import { KafkaError } from '../../../protocol/index.ts';
import { warnOfOpenStore } from '../keyed/access-lines.ts';
import type { EtcdAddress } from './etcd-address.ts';
import type { EtcdClient } from './etcd-client.ts';
import { EtcdError, spaceRemedy } from './etcd-error.ts';
import type { EtcdKeys } from './etcd-keys.ts';

/** Where so many revisions can still be read, nobody compacts. */
const revisionsMax = 50_000;
const lookMs = 3_600_000;

export class EtcdUpkeep {
  readonly #io: Io;
  readonly #client: EtcdClient;
  readonly #keys: EtcdKeys;
  #timer: Timer | null = null;
  #isFull = false;
  #isClosed = false;

  constructor(io: Io, client: EtcdClient, keys: EtcdKeys) {
    this.#io = io;
    this.#client = client;
    this.#keys = keys;
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
      await this.#lookAtRevisions();
    } catch (error) {
      // It is looked at again; who may not ask for that says nothing of it.
      if (!(error instanceof KafkaError)) throw error;
    }
    if (!this.#isClosed) this.#timer = this.#io.clock.after(lookMs, () => void this.#look());
  }

  async #lookAtRevisions(): Promise<void> {
    const key = this.#keys.key('identity');
    const { header } = await this.#client.ask('/v3/kv/range', { key, count_only: true });
    const newest = Number((header as { revision?: string } | undefined)?.revision ?? 0);
    if (newest <= revisionsMax) return;
    const revision = `${newest - revisionsMax}`;
    try {
      await this.#client.ask('/v3/kv/range', { key, count_only: true, revision });
    } catch (error) {
      if (error instanceof EtcdError && error.message.includes('has been compacted')) return;
      throw error;
    }
    const remedy = 'start its members with --auto-compaction-retention=1h';
    const what = `nobody compacts the etcd at ${this.#client.shown}`;
    const danger = 'it keeps every revision until its space is used up and no metadata changes';
    this.#io.log.warn(`${what}: ${danger}; ${remedy}`, { revision: newest });
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
