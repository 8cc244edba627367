// The metadata store that the brokers of a cluster share: a host, and on it one process after the
// other that runs the real server over a local store.
//
// Invariant: there is at most one process of the store at a time.

import { assert } from '../src/base/assert.ts';
import { SharedStoreServer } from '../src/metadata/engines/shared/index.ts';
import type { Host } from './host.ts';
import { MetadataCounts } from './metadata-counts.ts';
import type { Reached } from './reached.ts';
import type { SimProcess } from './sim-process.ts';

export const storePort = 9090;

export interface SimStoreOptions {
  /** Of its log: with small ones what snapshots replace goes soon. */
  readonly segmentBytesMax?: number;
}

export class SimStore {
  readonly host: Host;
  readonly #options: SimStoreOptions;
  readonly #counts: MetadataCounts;
  #process: SimProcess | null = null;

  constructor(host: Host, reached: Reached, options: SimStoreOptions = {}) {
    this.host = host;
    this.#options = options;
    this.#counts = new MetadataCounts(reached);
  }

  get isUp(): boolean {
    return this.#process?.isAlive ?? false;
  }

  /** The brokers that lead a partition of one of the topics, by what was committed last. */
  leadersOf(topics: readonly string[]): Set<number> {
    return this.#counts.leadersOf(topics);
  }

  /** The process that runs, if any. */
  get process(): SimProcess | null {
    return this.isUp ? this.#process : null;
  }

  /** Switches the host on if the power is off. */
  start(): void {
    assert(!this.isUp, 'a store is started when it is down');
    const { world } = this.host;
    this.#process = this.host.start(async (io, process) => {
      const onFailure = (error: Error): void => {
        if (process.isAlive) world.fail(error);
      };
      const { store } = await SharedStoreServer.open(io, {
        directory: '/store',
        host: '0.0.0.0',
        port: storePort,
        onFailure,
        ...this.#options,
      });
      await store.watch(store.endOffset, {
        onSnapshot: async () => {},
        onBatch: (batch) => this.#counts.onBatch(batch),
        onError: onFailure,
      });
      process.note('serves');
    });
  }

  /** kill -9 */
  kill(): void {
    this.#process?.kill();
  }
}
