// What every engine of the cluster store must keep, as one suite: an engine's test calls it with a
// harness that opens stores on one cluster. It is called by tests only.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Io } from '../io/index.ts';
import type { ClusterStore, StoreBatch, StoreSnapshot } from './cluster-store.ts';

export interface StoreHarness {
  /** Runs one test in a fresh world in which time costs nothing. */
  run(body: (io: Io) => Promise<void>): Promise<void>;
  /** A store on the cluster of this world. Opening after `close` finds what was committed. */
  open(io: Io): Promise<ClusterStore>;
}

interface Seen {
  readonly snapshots: StoreSnapshot[];
  readonly batches: StoreBatch[];
  readonly texts: string[];
}

/** Follows the store and checks on the way that there is no gap. */
async function follow(store: ClusterStore, from = 0): Promise<Seen> {
  const seen: Seen = { snapshots: [], batches: [], texts: [] };
  let next = from;
  await store.watch(from, {
    onSnapshot: (snapshot) => {
      seen.snapshots.push(snapshot);
      seen.texts.splice(0, seen.texts.length, ...snapshot.records.map(String));
      next = snapshot.endOffset;
    },
    onBatch: (batch) => {
      if (seen.batches.length > 0 || seen.snapshots.length > 0 || from === 0) {
        assert.equal(batch.baseOffset, next, 'batches are dense');
      }
      assert.ok(batch.endOffset > batch.baseOffset);
      assert.ok(batch.endOffset <= store.endOffset, 'only what is committed is seen');
      seen.batches.push(batch);
      seen.texts.push(...batch.records.map(String));
      next = batch.endOffset;
    },
    onError: (error) => {
      throw error;
    },
  });
  return seen;
}

const candidate = (nodeId: number) => ({ nodeId, onLost: () => {} });

function bytes(...texts: string[]): Buffer[] {
  return texts.map((text) => Buffer.from(text));
}

type Contract = (title: string, body: (store: ClusterStore, io: Io) => Promise<void>) => void;

export function clusterStoreContract(name: string, harness: StoreHarness): void {
  const contract: Contract = (title, body) => {
    test(title, () =>
      harness.run(async (io) => {
        const store = await harness.open(io);
        await body(store, io);
        await store.close();
      }),
    );
  };
  describe(`cluster store contract: ${name}`, () => {
    appends(contract);
    elections(contract);
    followers(contract);
    lives(contract, harness);
  });
}

function appends(contract: Contract): void {
  contract('what is appended is read back in order, batch by batch', async (store) => {
    const { epoch } = await store.elect(candidate(1));
    const first = store.endOffset;
    await store.append(bytes('a', 'b'), { expectedEnd: first, controllerEpoch: epoch });
    await store.append(bytes('c'), { expectedEnd: first + 2, controllerEpoch: epoch });
    assert.equal(store.endOffset, first + 3);
    const read: StoreBatch[] = [];
    for await (const batch of store.read(first)) read.push(batch);
    assert.deepEqual(
      read.map((batch) => [batch.baseOffset, batch.endOffset, batch.records.map(String)]),
      [
        [first, first + 2, ['a', 'b']],
        [first + 2, first + 3, ['c']],
      ],
    );
    for (const batch of read) assert.equal(batch.controllerEpoch, epoch);
  });

  contract('an append that expects another end is refused and adds nothing', async (store) => {
    const { epoch } = await store.elect(candidate(1));
    const end = store.endOffset;
    for (const expectedEnd of [end + 1, end - 1]) {
      await assert.rejects(store.append(bytes('x'), { expectedEnd, controllerEpoch: epoch }), {
        errorName: 'INVALID_REQUEST',
      });
    }
    assert.equal(store.endOffset, end);
    const append = { expectedEnd: end, controllerEpoch: epoch };
    const outcomes = await Promise.allSettled([
      store.append(bytes('one'), append),
      store.append(bytes('two'), append),
    ]);
    assert.deepEqual(outcomes.map(({ status }) => status).sort(), ['fulfilled', 'rejected']);
    assert.equal(store.endOffset, end + 1);
  });

  contract('appends may follow each other without waiting', async (store) => {
    const { epoch } = await store.elect(candidate(1));
    const seen = await follow(store);
    const first = store.endOffset;
    const appends = ['a', 'b', 'c', 'd'].map((text, index) =>
      store.append(bytes(text), { expectedEnd: first + index, controllerEpoch: epoch }),
    );
    await Promise.all(appends);
    assert.deepEqual(seen.texts, ['a', 'b', 'c', 'd']);
  });
}

function elections(contract: Contract): void {
  contract('a later controller fences the earlier one', async (store) => {
    const first = await store.elect(candidate(1));
    const end = first.endOffset;
    await store.append(bytes('a'), { expectedEnd: end, controllerEpoch: first.epoch });
    let isSecond = false;
    const electing = store.elect(candidate(2)).then((term) => {
      isSecond = true;
      return term;
    });
    await store.append(bytes('b'), { expectedEnd: end + 1, controllerEpoch: first.epoch });
    assert.equal(isSecond, false, 'one controller at a time');
    await first.resign();
    const second = await electing;
    assert.ok(second.epoch > first.epoch);
    assert.equal(second.endOffset, store.endOffset);
    const options = { expectedEnd: store.endOffset, controllerEpoch: first.epoch };
    await assert.rejects(store.append(bytes('x'), options), { errorName: 'NOT_CONTROLLER' });
    await store.append(bytes('c'), { ...options, controllerEpoch: second.epoch });
    const seen = await follow(store);
    assert.deepEqual(seen.texts, ['a', 'b', 'c']);
    assert.deepEqual(
      seen.batches.filter((batch) => batch.controllerId !== -1).map((each) => each.controllerId),
      [1, 2],
    );
  });

  contract('nobody appends without being elected', async (store) => {
    const options = { expectedEnd: store.endOffset, controllerEpoch: 0 };
    await assert.rejects(store.append(bytes('x'), options), { errorName: 'NOT_CONTROLLER' });
  });
}

function followers(contract: Contract): void {
  contract(
    'a watcher has each batch before its append resolves, and none after closing',
    async (store) => {
      const { epoch } = await store.elect(candidate(1));
      const seen: string[] = [];
      const subscription = await store.watch(store.endOffset, {
        onSnapshot: () => assert.fail('there is none'),
        onBatch: (batch) => seen.push(...batch.records.map(String)),
        onError: (error) => assert.fail(error),
      });
      const append = (text: string): Promise<void> =>
        store.append(bytes(text), { expectedEnd: store.endOffset, controllerEpoch: epoch });
      for (const text of ['a', 'b']) {
        await append(text);
        assert.equal(seen.at(-1), text);
      }
      subscription.close();
      await append('c');
      assert.deepEqual(seen, ['a', 'b']);
    },
  );

  contract('a watcher that joins during appends misses nothing', async (store) => {
    const { epoch } = await store.elect(candidate(1));
    const texts = Array.from({ length: 40 }, (_, index) => `r${index}`);
    const watching: Promise<Seen>[] = [];
    for (const text of texts) {
      watching.push(follow(store));
      await store.append(bytes(text), { expectedEnd: store.endOffset, controllerEpoch: epoch });
    }
    for (const seen of await Promise.all(watching)) assert.deepEqual(seen.texts, texts);
  });

  contract('a reader starts from the newest snapshot and goes on behind it', async (store) => {
    const { epoch } = await store.elect(candidate(1));
    const append = (text: string): Promise<void> =>
      store.append(bytes(text), { expectedEnd: store.endOffset, controllerEpoch: epoch });
    assert.equal(await store.newestSnapshot(), null);
    await append('a');
    await append('b');
    const endOffset = store.endOffset;
    await store.saveSnapshot({
      endOffset,
      controllerEpoch: epoch,
      timestampMs: 5,
      records: bytes('ab'),
    });
    await append('c');
    assert.equal((await store.newestSnapshot())?.endOffset, endOffset);
    assert.deepEqual((await follow(store)).texts, ['ab', 'c']);
    const behind = await follow(store, endOffset);
    assert.deepEqual([behind.snapshots.length, behind.texts], [0, ['c']]);
  });
}

function lives(contract: Contract, harness: StoreHarness): void {
  test('everything committed is there after a new start, and epochs go on growing', () =>
    harness.run(async (io) => {
      let epochBefore = 0;
      const texts: string[] = [];
      for (let life = 0; life < 4; life++) {
        const store = await harness.open(io);
        assert.deepEqual((await follow(store)).texts, texts);
        const { epoch } = await store.elect(candidate(1));
        assert.ok(epoch > epochBefore);
        epochBefore = epoch;
        const options = { expectedEnd: store.endOffset, controllerEpoch: epoch };
        await store.append(bytes(`life ${life}`), options);
        texts.push(`life ${life}`);
        await store.close();
      }
    }));

  contract('sessions of brokers are seen as they begin and end', async (store) => {
    const alive: number[][] = [];
    store.watchBrokers((brokers) => alive.push([...brokers.keys()].sort()));
    const broker = (nodeId: number) =>
      store.register({ nodeId, incarnationId: `i${nodeId}`, endpoints: [], rack: null });
    const first = await broker(1);
    const second = await broker(2);
    await first.close();
    await first.close();
    await second.close();
    assert.deepEqual(alive, [[], [1], [1, 2], [2], []]);
  });
}
