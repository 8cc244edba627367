// A store of which an older copy was put back, and which has gone on from there: whoever read the
// other branch finds it, however long this one is by now.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { simulate } from '../../../../sim/index.ts';
import { type KeySystem, MemoryKeyStore } from '../../../../tests/doubles/metadata/key-stores.ts';
import { KeyedStoreWorld } from '../../../../tests/doubles/metadata/keyed-stores.ts';
import { readBatchHeader, setMaxTimestamp } from '../../../protocol/index.ts';
import { fingerprintOf, hasBatch } from '../../batch-fingerprint.ts';
import {
  type BatchFingerprint,
  type ClusterStore,
  StoreRolledBackError,
} from '../../cluster-store.ts';
import { bytes, elected, follow, type Seen } from '../../cluster-store-contract.ts';
import { assertKnownStore } from '../../open-store.ts';
import { readLog } from './keyed-snapshots.ts';

type Data = KeySystem['data'];

const noticeMs = 20_000;

/** Two that part behind the same beginning: what was read, and what was put back and has grown. */
interface Branches {
  readonly world: KeyedStoreWorld;
  readonly older: Data;
  readonly read: Data;
  readonly grown: Data;
}

async function write(world: KeyedStoreWorld, ...texts: string[]): Promise<Data> {
  const store = await world.connect();
  const { append } = await elected(store);
  for (const text of texts) await append(text);
  await store.close();
  return new Map(world.system.data);
}

function withBranches(body: (branches: Branches) => Promise<void>): Promise<void> {
  return simulate(async (io) => {
    const world = new KeyedStoreWorld(io);
    const older = await write(world, 'a', 'b');
    const read = await write(world, 'c');
    world.system.data = new Map(older);
    const grown = await write(world, 'x', 'y', 'z');
    world.system.data = new Map(read);
    await body({ world, older, read, grown });
  });
}

function fingerprints({ batches }: Seen): BatchFingerprint[] {
  return batches.map(fingerprintOf);
}

/** What a directory notes of a broker that had read all of it. */
function noteOf({ clusterId, historyId, endOffset }: ClusterStore, metadataBatch: string | null) {
  return { path: '/data', clusterId, historyId, metadataOffset: endOffset - 1, metadataBatch };
}

/** One line that names what is wrong and what helps. */
function assertTells(error: Error | undefined, what: RegExp): void {
  assert.ok(error instanceof StoreRolledBackError, `${error}`);
  assert.match(error.message, what);
  assert.match(
    error.message,
    /^[^\n]*; bring the store back as it was;[^\n]*cluster recover[^\n]*$/,
  );
}

const isRefusal =
  /^\/data was used with other records up to metadata offset 4 than .*put back.*cluster recover/;
const isBranched = /has other records before offset 5 than .* put back .* gone on from there/;

describe('a store that was put back and has grown since', () => {
  test('is refused by a broker whose directories note the other branch', () =>
    withBranches(async ({ world, older, grown }) => {
      const before = await world.connect();
      const seen = await follow(before);
      const note = noteOf(before, fingerprints(seen).at(-1) as string);
      await assertKnownStore(before, [note]);
      await before.close();
      world.system.data = new Map(grown);
      const store = await world.connect();
      assert.ok(store.endOffset > note.metadataOffset + 1, 'its end alone tells nothing');
      await assert.rejects(assertKnownStore(store, [note]), {
        errorName: 'INCONSISTENT_CLUSTER_ID',
        message: isRefusal,
      });
      await assertKnownStore(store, [{ ...note, metadataBatch: null }]);
      const looked = await readLog(new MemoryKeyStore(world.system));
      assert.equal(
        await hasBatch(looked, note.metadataBatch as string),
        false,
        'recover sees it, too',
      );
      const common = fingerprints(seen)[2] as string;
      await assertKnownStore(store, [{ ...note, metadataOffset: 2, metadataBatch: common }]);
      await store.close();
      world.system.data = new Map(older);
      const shorter = await world.connect();
      await assert.rejects(assertKnownStore(shorter, [note]), /the store ends at offset 3/);
      await shorter.close();
    }));

  test('ends what a broker does that lives, and was cut off meanwhile', () =>
    withBranches(async ({ world, grown }) => {
      const store = await world.connect();
      const seen = await follow(store);
      assert.deepEqual(seen.texts, ['a', 'b', 'c']);
      world.cut(store);
      await world.io.clock.sleep(noticeMs);
      world.system.data = new Map(grown);
      await world.heal(store);
      await world.io.clock.sleep(noticeMs);
      assertTells(seen.errors[0], isBranched);
      assert.deepEqual([seen.texts, store.isFailed], [['a', 'b', 'c'], true]);
      await store.close();
    }));

  test('ends what a broker does that lives, although it was never seen to be away', () =>
    withBranches(async ({ world, grown }) => {
      const store = await world.connect();
      const seen = await follow(store);
      const lost: Error[] = [];
      const { epoch } = await store.elect({ nodeId: 1, onLost: (error) => lost.push(error) }).term;
      await world.io.clock.sleep(100);
      assert.deepEqual(seen.texts, ['a', 'b', 'c']);
      world.system.data = new Map(grown);
      await world.io.clock.sleep(noticeMs);
      assertTells(seen.errors[0], /has other records before offset 6 than/);
      assert.deepEqual([seen.texts, store.isFailed, lost.length], [['a', 'b', 'c'], true, 1]);
      const options = { expectedEnd: store.endOffset, controllerEpoch: epoch };
      await assert.rejects(store.append(bytes('d'), options), { errorName: 'NOT_CONTROLLER' });
      assert.deepEqual(
        [...world.system.data.keys()].sort(),
        [...grown.keys()].sort(),
        'nothing was written',
      );
      await store.close();
    }));

  test('is found when it has grown to the very same end', () =>
    withBranches(async ({ world, older, read }) => {
      const store = await world.connect();
      const seen = await follow(store);
      world.cut(store);
      await world.io.clock.sleep(noticeMs);
      world.system.data = new Map(older);
      const same = await write(world, 'x');
      assert.equal(String(same.get('end')?.value), String(read.get('end')?.value));
      await world.heal(store);
      await world.io.clock.sleep(noticeMs);
      assertTells(seen.errors[0], isBranched);
      await store.close();
    }));

  test('is not written into by a candidate who has read more', () =>
    withBranches(async ({ world, older }) => {
      const store = await world.connect();
      const seen = await follow(store);
      world.system.data = new Map(older);
      store.elect({ nodeId: 1, onLost: () => {} }).term.catch(() => {});
      await world.io.clock.sleep(noticeMs);
      assertTells(seen.errors[0], /ends at offset 3, but 5 was read before/);
      assert.deepEqual(world.system.data, older);
      await store.close();
    }));

  test('is told from one with another history', () =>
    withBranches(async ({ world, grown }) => {
      const store = await world.connect();
      const seen = await follow(store);
      world.cut(store);
      await world.io.clock.sleep(noticeMs);
      world.system.data.clear();
      await write(world, 'a', 'b', 'c', 'd', 'e', 'f');
      assert.ok(world.system.data.size >= grown.size);
      await world.heal(store);
      await world.io.clock.sleep(noticeMs);
      assertTells(seen.errors[0], /is not the one that was read up to 5: the store is another/);
      assert.deepEqual(seen.texts, ['a', 'b', 'c']);
      await store.close();
    }));
});

describe('the fingerprint of a batch', () => {
  test('goes on in the snapshot that takes its place, and nothing is said of what is older', () =>
    simulate(async (io) => {
      const world = new KeyedStoreWorld(io);
      const store = await world.connect();
      const seen = await follow(store);
      const { epoch, append } = await elected(store);
      const snapshot = async (): Promise<void> => {
        const { endOffset } = store;
        const content = { timestampMs: 5, pieces: [bytes('abc')] };
        const lastBatch = fingerprints(seen).at(-1) as string;
        const taken = { endOffset, controllerEpoch: epoch, lastBatch, ...content };
        await store.saveSnapshot(taken, epoch);
      };
      await append('a');
      await append('b');
      await snapshot();
      await append('c');
      await snapshot();
      await io.clock.sleep(noticeMs);
      const [, , b, c] = fingerprints(seen) as [string, string, string, string];
      assert.equal((await store.newestSnapshot())?.lastBatch, c);
      assert.deepEqual([await store.hasBatch(b), await store.hasBatch(c)], [null, true]);
      // A reader that begins with the snapshot finds the other branch by it.
      const late = await world.connect();
      const begun = await follow(late);
      assert.deepEqual([begun.texts, begun.batches.length], [['abc'], 0]);
      await store.close();
      const [key = ''] = [...world.system.data.keys()]
        .filter((each) => each.startsWith('log/'))
        .slice(-1);
      const stored = world.system.data.get(key) ?? assert.fail('it is there');
      const other = await write(world, 'd');
      const changed = Buffer.from(stored.value);
      const header = readBatchHeader(changed, 0);
      setMaxTimestamp(changed, header, header.maxTimestamp + 1);
      other.set(key, { ...stored, value: changed });
      world.system.data = other;
      await io.clock.sleep(noticeMs);
      assertTells(begun.errors[0], /has other records before offset 4 than/);
      await late.close();
    }));
});
