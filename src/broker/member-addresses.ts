// The addresses under which a member of a cluster is known to others: what could not lead anybody
// to this broker is refused before anything is registered, in one line with the key that says it.

import type { Endpoint, MetadataImage } from '../metadata/index.ts';
import { BrokerError } from './broker-error.ts';

export interface AddressesOptions {
  readonly nodeId: number;
  readonly image: MetadataImage;
  /** Of cluster.store; empty where it names none. */
  readonly storeHosts: readonly string[];
}

const key = 'advertised.listeners';

/** @throws BrokerError */
export function assertAddresses(endpoints: readonly Endpoint[], options: AddressesOptions): void {
  const { nodeId, image, storeHosts } = options;
  const farStore = storeHosts.find((host) => !isLoopback(host));
  const others = [...image.aliveBrokers()].filter(({ id }) => id !== nodeId);
  for (const { name, host, port } of endpoints) {
    const address = `${name}://${host}:${port}`;
    if (isWildcard(host)) {
      refuse(`${address} leads nobody to this broker: give a name or an address in ${key}`);
    }
    const same = others.find(({ listeners }) => {
      return listeners.some((other) => other.host === host && other.port === port);
    });
    if (same !== undefined) {
      const which = `broker ${same.id}, which is alive, has announced`;
      refuse(`${which} ${host}:${port}: correct ${key} of one of them`);
    }
    if (!isLoopback(host)) continue;
    const far = others.flatMap(({ id, listeners }) => {
      return listeners.filter((each) => !isLoopback(each.host)).map((each) => ({ id, ...each }));
    })[0];
    const elsewhere =
      farStore !== undefined
        ? `the store is at ${farStore}`
        : far && `broker ${far.id} is at ${far.host}`;
    if (elsewhere === undefined) continue;
    refuse(`${address} is for this machine only, and ${elsewhere}: give another in ${key}`);
  }
}

function refuse(why: string): never {
  throw new BrokerError(`cannot start: ${why}`);
}

function isWildcard(host: string): boolean {
  return ['', '0.0.0.0', '::', '[::]'].includes(host);
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host === '[::1]' || /^127\./.test(host);
}
