// The metadata store that the brokers of a cluster share: a host, and on it one process after the
// other that runs the real server over a local store.
//
// Invariant: there is at most one process of the store at a time.

import { assert } from '../src/base/assert.ts';
import { SharedStoreServer } from '../src/metadata/engines/shared/index.ts';
import type { Host } from './host.ts';
import type { SimProcess } from './sim-process.ts';

export const storePort = 9090;

export class SimStore {
  readonly host: Host;
  #process: SimProcess | null = null;

  constructor(host: Host) {
    this.host = host;
  }

  get isUp(): boolean {
    return this.#process?.isAlive ?? false;
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
      const options = { directory: '/store', host: '0.0.0.0', port: storePort, onFailure };
      await SharedStoreServer.open(io, options);
      process.note('serves');
    });
  }

  /** kill -9 */
  kill(): void {
    this.#process?.kill();
  }
}
