// What a real etcd or ZooKeeper holds that no broker can use: a start ends with one line that names
// the key and what helps, and leaves the store as it is.

import assert from 'node:assert/strict';
import type { Io } from '../../src/io/index.ts';
import { elected, follow } from '../../src/metadata/cluster-store-contract.ts';
import { KeyedStore, type KeyStore } from '../../src/metadata/engines/keyed/index.ts';

/** @param open another process at the same prefix */
export async function assertRefusesGarbage(io: Io, open: () => Promise<KeyStore>): Promise<void> {
  const options = { clusterId: null, mayCreate: true, sessionTimeoutMs: 3_000 };
  const start = async (): Promise<KeyedStore> => KeyedStore.open(io, await open(), options);
  const first = await start();
  await (await elected(first)).append('a');
  await first.close();
  const keys = await open();
  const replace = async (key: string, becomes: Buffer): Promise<Buffer> => {
    const { value, version } = (await keys.get(key)) ?? assert.fail(`${key} is there`);
    assert.notEqual(await keys.commit([{ key, was: version, becomes }]), null);
    return value;
  };
  const layout = { layout: 99, cluster: 'of a later release' };
  const lines: Readonly<Record<string, [value: Buffer, line: RegExp]>> = {
    end: [
      Buffer.from([0, 255, 7]),
      /^the key end holds 3 bytes that are no JSON: Partita did not write it; correct [^\n]+$/,
    ],
    identity: [
      Buffer.from(JSON.stringify(layout)),
      /^the cluster store \S+ has layout 99, and this broker knows layout 1: upgrade this broker$/,
    ],
  };
  for (const [key, [value, message]] of Object.entries(lines)) {
    const was = await replace(key, value);
    await assert.rejects(start(), { message });
    assert.deepEqual(await replace(key, was), value, `${key} was left as it was found`);
  }
  const again = await start();
  assert.deepEqual((await follow(again)).texts, ['a']);
  await again.close();
  await keys.close();
}
