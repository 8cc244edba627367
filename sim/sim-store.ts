// The metadata store that the brokers of a cluster share: a host, and on it one process after the
// other that runs the real server over a local store.
//
// Invariant: there is at most one process of the store at a time.

import { assert } from '../src/base/assert.ts';
import { SharedStoreServer } from '../src/metadata/engines/shared/index.ts';
import type { Host } from './host.ts';
import { MetadataCounts } from './metadata-counts.ts';
import type { ModelKind } from './modelled-store.ts';
import type { Reached } from './reached.ts';
import type { SimProcess } from './sim-process.ts';
import type { StoreHosts } from './store-hosts.ts';

export const storePort = 9090;

export interface SimStoreOptions {
  /** Default: the shared store. The others have no further options. */
  readonly kind?: 'shared' | ModelKind;
  /** Of its log: with small ones what snapshots replace goes soon. */
  readonly segmentBytesMax?: number;
}

export class SimStore implements StoreHosts {
  readonly host: Host;
  readonly address = `shared://store:${storePort}`;
  readonly #options: SimStoreOptions;
  readonly counts: MetadataCounts;
  #process: SimProcess | null = null;

  constructor(host: Host, reached: Reached, options: SimStoreOptions = {}) {
    this.host = host;
    this.#options = options;
    this.counts = new MetadataCounts(reached);
  }

  get hosts(): readonly Host[] {
    return [this.host];
  }

  get isUp(): boolean {
    return this.#process?.isAlive ?? false;
  }

  start(): void {
    assert(!this.isUp, 'a store is started when it is down');
    const { world } = this.host;
    const { segmentBytesMax } = this.#options;
    this.#process = this.host.start(async (io, process) => {
      const onFailure = (error: Error): void => {
        if (process.isAlive) world.fail(error);
      };
      const { store } = await SharedStoreServer.open(io, {
        directory: '/store',
        host: '0.0.0.0',
        port: storePort,
        onFailure,
        ...(segmentBytesMax === undefined ? {} : { segmentBytesMax }),
      });
      await store.watch(store.endOffset, {
        onSnapshot: async () => {},
        onBatch: (batch) => this.counts.onBatch(batch),
        onError: onFailure,
      });
      process.note('serves');
    });
  }

  kill(): void {
    this.#process?.kill();
  }

  hold(forMs: number): void {
    if (this.isUp) this.#process?.freeze(forMs);
  }
}
