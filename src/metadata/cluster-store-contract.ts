// What every engine of the cluster store must keep, as one suite: an engine's test calls it with a
// harness that opens stores on one cluster. It is called by tests only. What engines must keep that
// are reached over a network is in cluster-store-outages-contract.ts.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Io } from '../io/index.ts';
import { asFingerprint, fingerprintOf } from './batch-fingerprint.ts';
import {
  type ClusterStore,
  type StoreBatch,
  type StoreBroker,
  StoreRolledBackError,
  type StoreSnapshot,
} from './cluster-store.ts';

export interface StoreHarness {
  /** Runs one test in a fresh world in which time costs nothing. */
  run(body: (io: Io) => Promise<void>): Promise<void>;
  /** A store on the cluster of this world. Opening after `close` finds what was committed. */
  open(io: Io): Promise<ClusterStore>;
}

export interface StoreContract<Harness extends StoreHarness = StoreHarness> {
  readonly title: string;
  readonly run: (harness: Harness) => Promise<void>;
}

export interface Seen {
  readonly snapshots: { readonly endOffset: number; readonly pieceCount: number }[];
  readonly batches: StoreBatch[];
  readonly texts: string[];
  readonly errors: Error[];
}

/** Follows the store and checks on the way that there is no gap. */
export async function follow(store: ClusterStore, from = 0): Promise<Seen> {
  const seen: Seen = { snapshots: [], batches: [], texts: [], errors: [] };
  let next = from;
  await store.watch(from, {
    onSnapshot: async ({ endOffset, pieces }) => {
      const texts: string[] = [];
      let pieceCount = 0;
      for await (const piece of pieces) {
        pieceCount += 1;
        for (const record of piece) texts.push(String(record));
      }
      seen.snapshots.push({ endOffset, pieceCount });
      seen.texts.splice(0);
      for (const text of texts) seen.texts.push(text);
      next = endOffset;
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
    onError: (error) => seen.errors.push(error),
  });
  return seen;
}

export const candidate = (nodeId: number) => ({ nodeId, onLost: () => {} });

export function bytes(...texts: string[]): Buffer[] {
  return texts.map((text) => Buffer.from(text));
}

export function broker(nodeId: number, life = 1, directory = `d${nodeId}`): StoreBroker {
  const incarnationId = `i${nodeId}.${life}`;
  return { nodeId, incarnationId, directoryIds: [directory], endpoints: [], rack: null };
}

/** An elected controller's hand on the log. */
export async function elected(store: ClusterStore, nodeId = 1) {
  const { epoch } = await store.elect(candidate(nodeId)).term;
  const append = (...texts: string[]): Promise<void> =>
    store.append(bytes(...texts), { expectedEnd: store.endOffset, controllerEpoch: epoch });
  const snapshot = (...pieces: string[][]): Promise<void> =>
    store.saveSnapshot(snapshotAt(store, pieces), epoch);
  return { epoch, append, snapshot };
}

function snapshotAt(store: ClusterStore, pieces: string[][]): StoreSnapshot {
  const { endOffset } = store;
  const content = { timestampMs: 5, pieces: pieces.map((piece) => bytes(...piece)) };
  return { endOffset, controllerEpoch: 1, ...content };
}

type Contract = (title: string, body: (store: ClusterStore, io: Io) => Promise<void>) => void;

/** In the order in which they are worth reading. */
export function storeContracts(): StoreContract[] {
  const contracts: StoreContract[] = [];
  const contract: Contract = (title, body) => {
    const run = (harness: StoreHarness): Promise<void> =>
      harness.run(async (io) => {
        const store = await harness.open(io);
        await body(store, io);
        await store.close();
      });
    contracts.push({ title, run });
  };
  appends(contract);
  elections(contract);
  followers(contract);
  fingerprints(contract);
  snapshots(contract);
  sessions(contract);
  expulsions(contract);
  contracts.push(lives);
  return contracts;
}

export function clusterStoreContract(name: string, harness: StoreHarness): void {
  describe(`cluster store contract: ${name}`, () => {
    for (const { title, run } of storeContracts()) test(title, () => run(harness));
  });
}

function appends(contract: Contract): void {
  contract('what is appended is read back in order, batch by batch', async (store) => {
    const { epoch } = await store.elect(candidate(1)).term;
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
    const { epoch } = await store.elect(candidate(1)).term;
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
    const { epoch } = await store.elect(candidate(1)).term;
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
    const first = await store.elect(candidate(1)).term;
    const end = first.endOffset;
    await store.append(bytes('a'), { expectedEnd: end, controllerEpoch: first.epoch });
    let isSecond = false;
    const electing = store.elect(candidate(2)).term.then((term) => {
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

  contract('a controller is confirmed until another one is elected', async (store) => {
    const first = await store.elect(candidate(1)).term;
    await store.confirm(first.epoch);
    await assert.rejects(store.confirm(first.epoch + 1), { errorName: 'NOT_CONTROLLER' });
    await first.resign();
    await assert.rejects(store.confirm(first.epoch), { errorName: 'NOT_CONTROLLER' });
    const second = await store.elect(candidate(2)).term;
    await assert.rejects(store.confirm(first.epoch), { errorName: 'NOT_CONTROLLER' });
    await store.confirm(second.epoch);
  });

  contract('a candidate that withdraws is not elected, and holds nobody up', async (store) => {
    const first = await store.elect(candidate(1)).term;
    const withdrawn = store.elect(candidate(2));
    const next = store.elect(candidate(3));
    await withdrawn.withdraw();
    await assert.rejects(withdrawn.term, { errorName: 'NOT_CONTROLLER' });
    await first.resign();
    const { epoch } = await next.term;
    await store.confirm(epoch);
  });

  contract('a withdrawal that meets the election ends the term', async (store) => {
    const early = store.elect(candidate(1));
    await early.withdraw();
    const late = store.elect(candidate(2));
    const { epoch } = await late.term;
    await late.withdraw();
    const { epoch: third } = await store.elect(candidate(3)).term;
    const options = { expectedEnd: store.endOffset, controllerEpoch: epoch };
    await assert.rejects(store.append(bytes('x'), options), { errorName: 'NOT_CONTROLLER' });
    await store.append(bytes('a'), { ...options, controllerEpoch: third });
    const won = await early.term.catch(() => null);
    if (won !== null) assert.ok(won.epoch < epoch);
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
      const { epoch } = await store.elect(candidate(1)).term;
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
    const { epoch } = await store.elect(candidate(1)).term;
    const texts = Array.from({ length: 40 }, (_, index) => `r${index}`);
    const watching: Promise<Seen>[] = [];
    for (const text of texts) {
      watching.push(follow(store));
      await store.append(bytes(text), { expectedEnd: store.endOffset, controllerEpoch: epoch });
    }
    for (const seen of await Promise.all(watching)) assert.deepEqual(seen.texts, texts);
  });

  contract('a watch from beyond the end says that the store was put back', async (store) => {
    const { append } = await elected(store);
    await append('a');
    await assert.rejects(follow(store, store.endOffset + 1), (error: Error) => {
      assert.ok(error instanceof StoreRolledBackError);
      const { endOffset, historyId } = store;
      assert.ok(error.message.includes(historyId) && error.message.includes(`${endOffset}`));
      return true;
    });
    assert.deepEqual((await follow(store, store.endOffset)).texts, []);
  });

  contract('what an engine at work knows is the newest', async (store, io) => {
    assert.equal(store.viewAgeMs, 0);
    assert.equal(store.historyId.length, 22);
    await io.clock.sleep(60_000);
    assert.ok(store.viewAgeMs < 10_000, `${store.viewAgeMs}`);
  });
}

function fingerprints(contract: Contract): void {
  contract(
    'a batch is told from others alike by who appended it and who reads it',
    async (store) => {
      const seen = await follow(store);
      const { append } = await elected(store);
      await append('a', 'b');
      await append('c');
      const read: StoreBatch[] = [];
      for await (const batch of store.read(0)) read.push(batch);
      assert.equal(read.length, 3);
      assert.deepEqual(read.map(fingerprintOf), seen.batches.map(fingerprintOf));
      assert.equal(new Set(read.map(fingerprintOf)).size, 3);
      for (const batch of read)
        assert.equal(asFingerprint(fingerprintOf(batch)), fingerprintOf(batch));
      const last = read.at(-1) as StoreBatch;
      if (store.hasBatch === undefined) return;
      assert.equal(await store.hasBatch(fingerprintOf(last)), true);
      const other = { ...last, timestampMs: last.timestampMs + 1 };
      assert.equal(await store.hasBatch(fingerprintOf(other)), false);
    },
  );
}

function snapshots(contract: Contract): void {
  contract('a reader starts from the newest snapshot and goes on behind it', async (store) => {
    const { append, snapshot } = await elected(store);
    assert.equal(await store.newestSnapshot(), null);
    await append('a');
    await append('b');
    const { endOffset } = store;
    await snapshot(['ab']);
    await append('c');
    const newest = await store.newestSnapshot();
    assert.deepEqual([newest?.endOffset, newest?.timestampMs], [endOffset, 5]);
    assert.deepEqual((await follow(store)).texts, ['ab', 'c']);
    const behind = await follow(store, endOffset);
    assert.deepEqual([behind.snapshots.length, behind.texts], [0, ['c']]);
  });

  contract('a large snapshot comes and goes in pieces', async (store) => {
    const { append, snapshot } = await elected(store);
    await append('a');
    const texts = Array.from({ length: 10_000 }, (_, index) => `record ${index}`);
    await snapshot(texts.slice(0, 1), texts.slice(1, 5000), [], texts.slice(5000));
    const seen = await follow(store);
    assert.deepEqual(seen.texts, texts);
    assert.ok((seen.snapshots[0]?.pieceCount ?? 0) > 3, 'no piece is most of it');
  });

  contract('a snapshot whose pieces end too early is none', async (store) => {
    const { epoch, append } = await elected(store);
    await append('a');
    const pieces = (function* () {
      yield bytes('half');
      throw new Error('planted');
    })();
    const { endOffset } = store;
    const half = { endOffset, controllerEpoch: epoch, timestampMs: 1, pieces };
    await assert.rejects(store.saveSnapshot(half, epoch), { message: 'planted' });
    assert.equal(await store.newestSnapshot(), null);
    assert.deepEqual((await follow(store)).texts, ['a']);
  });

  contract('only the newest controller saves snapshots', async (store) => {
    const first = await store.elect(candidate(1)).term;
    const options = { expectedEnd: store.endOffset, controllerEpoch: first.epoch };
    await store.append(bytes('a'), options);
    const save = (epoch: number) => store.saveSnapshot(snapshotAt(store, [['A']]), epoch);
    await assert.rejects(save(first.epoch + 1), { errorName: 'NOT_CONTROLLER' });
    await first.resign();
    await assert.rejects(save(first.epoch), { errorName: 'NOT_CONTROLLER' });
    const second = await store.elect(candidate(2)).term;
    await assert.rejects(save(first.epoch), { errorName: 'NOT_CONTROLLER' });
    assert.equal(await store.newestSnapshot(), null);
    await save(second.epoch);
    assert.deepEqual((await follow(store)).texts, ['A']);
  });
}

function sessions(contract: Contract): void {
  contract('sessions of brokers are seen as they begin and end', async (store) => {
    const alive: number[][] = [];
    store.watchBrokers((brokers) => alive.push([...brokers.keys()].sort()));
    const first = await store.register(broker(1), notLost);
    const second = await store.register(broker(2), notLost);
    await first.close();
    await first.close();
    await second.close();
    assert.deepEqual(alive, [[], [1], [1, 2], [2], []]);
  });

  contract('a node id that a living process holds is refused to another one', async (store) => {
    const session = await store.register(broker(1), notLost);
    const stranger = broker(1, 1, 'elsewhere');
    const other = { ...stranger, incarnationId: 'other' };
    await assert.rejects(store.register(other, notLost), {
      errorName: 'DUPLICATE_BROKER_REGISTRATION',
      message: /broker 1 /,
    });
    const nowhere = { ...other, directoryIds: [] };
    await assert.rejects(store.register(nowhere, notLost), {
      errorName: 'DUPLICATE_BROKER_REGISTRATION',
    });
    assert.equal(aliveIn(store).get(1)?.incarnationId, 'i1.1');
    await session.close();
    await store.register(other, notLost);
    assert.equal(aliveIn(store).get(1)?.incarnationId, 'other');
  });

  contract('a new life on the same directories ends the session of the last one', async (store) => {
    const lost: Error[] = [];
    const old = await store.register(broker(1, 1), (error) => lost.push(error));
    const session = await store.register(broker(1, 2), notLost);
    assert.deepEqual(
      lost.map((error) => (error as Error & { errorName?: string }).errorName),
      ['DUPLICATE_BROKER_REGISTRATION'],
    );
    await old.close();
    assert.equal(aliveIn(store).get(1)?.incarnationId, 'i1.2', 'what is over ends nothing');
    await session.close();
    assert.equal(aliveIn(store).size, 0);
  });

  contract('a process that registers again keeps its session', async (store) => {
    await store.register(broker(1), notLost);
    const again = await store.register(broker(1), notLost);
    assert.deepEqual([...aliveIn(store).keys()], [1]);
    await again.close();
    assert.equal(aliveIn(store).size, 0);
  });
}

function expulsions(contract: Contract): void {
  contract('a process that is expelled loses its session and its term at once', async (store) => {
    const lost: string[] = [];
    const first = await store.elect({ nodeId: 1, onLost: () => lost.push('term') }).term;
    const session = await store.register(broker(1), () => lost.push('session'));
    const waiting = store.elect(candidate(2));
    await store.expel(broker(1));
    const second = await waiting.term;
    assert.deepEqual(lost.sort(), ['session', 'term']);
    assert.equal(aliveIn(store).size, 0);
    assert.ok(second.epoch > first.epoch);
    await assert.rejects(store.confirm(first.epoch), { errorName: 'NOT_CONTROLLER' });
    await store.confirm(second.epoch);
    await store.register(broker(1), notLost);
    await session.close();
    assert.deepEqual([...aliveIn(store).keys()], [1], 'it may come back');
  });

  contract('only the process that is named is expelled', async (store) => {
    const { epoch } = await store.elect(candidate(1)).term;
    await store.register(broker(1, 2), notLost);
    await store.register(broker(2), notLost);
    await store.expel(broker(1, 1));
    await store.expel(broker(3));
    assert.deepEqual([...aliveIn(store).keys()], [1, 2]);
    await store.confirm(epoch);
  });
}

export function notLost(error: Error): void {
  assert.fail(`a session was lost: ${error.message}`);
}

export function aliveIn(store: ClusterStore): ReadonlyMap<number, StoreBroker> {
  let alive: ReadonlyMap<number, StoreBroker> = new Map();
  store
    .watchBrokers((brokers) => {
      alive = brokers;
    })
    .close();
  return alive;
}

const lives: StoreContract = {
  title: 'everything committed is there after a new start, and epochs go on growing',
  run: (harness) =>
    harness.run(async (io) => {
      let epochBefore = 0;
      const texts: string[] = [];
      const histories = new Set<string>();
      for (let life = 0; life < 4; life++) {
        const store = await harness.open(io);
        histories.add(store.historyId);
        assert.deepEqual((await follow(store)).texts, texts);
        const { epoch, append } = await elected(store);
        assert.ok(epoch > epochBefore);
        epochBefore = epoch;
        await append(`life ${life}`);
        texts.push(`life ${life}`);
        await store.close();
      }
      assert.equal(histories.size, 1, 'it is one history');
    }),
};
