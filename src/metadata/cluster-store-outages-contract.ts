// What every engine must keep that several processes reach over a network: requests and answers are
// lost, sessions are taken for dead, news does not arrive, and the store is put back to an older
// state. Called by tests only; the harness says how to bring these about.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Io } from '../io/index.ts';
import { type ClusterStore, StoreRolledBackError, UnknownOutcomeError } from './cluster-store.ts';
import {
  aliveIn,
  broker,
  bytes,
  candidate,
  elected,
  follow,
  notLost,
  type StoreContract,
  type StoreHarness,
} from './cluster-store-contract.ts';

export type StoreRequest = 'append' | 'confirm' | 'elect' | 'register' | 'saveSnapshot';

/**
 * `request`: it never arrives; `answer`: it is applied and nobody hears of it; `late`: it seems
 * lost and arrives when everybody has gone on.
 */
export type Loss = 'request' | 'answer' | 'late';

export interface StoreOutages {
  /** Of the next request of this kind that the store sends. */
  lose(store: ClusterStore, request: StoreRequest, loss: Loss): void;
  deliverLate(store: ClusterStore): Promise<void>;
  /** Nothing passes between this store and the engine until `heal`. */
  cut(store: ClusterStore): void;
  heal(store: ClusterStore): Promise<void>;
  /** The engine takes the node for dead: its session ends, and its term. */
  expire(nodeId: number): Promise<void>;
  /** An older copy of the engine's data takes its place. */
  rollBack(): Promise<void>;
}

export interface OutageHarness extends StoreHarness {
  /** Each call connects another process with the same cluster. */
  open(io: Io): Promise<ClusterStore>;
  outages(io: Io): StoreOutages;
}

/** As long as an engine may take to notice what changed. */
const noticeMs = 60_000;

interface At {
  readonly io: Io;
  readonly outages: StoreOutages;
  /** Two processes. */
  readonly store: ClusterStore;
  readonly other: ClusterStore;
  readonly noticed: () => Promise<void>;
}

type Contract = (title: string, body: (at: At) => Promise<void>) => void;

export function outageContracts(): StoreContract<OutageHarness>[] {
  const contracts: StoreContract<OutageHarness>[] = [];
  const contract: Contract = (title, body) => {
    const run = (harness: OutageHarness): Promise<void> =>
      harness.run(async (io) => {
        const [store, other] = [await harness.open(io), await harness.open(io)];
        const noticed = (): Promise<void> => io.clock.sleep(noticeMs);
        await body({ io, outages: harness.outages(io), store, other, noticed });
        await store.close();
        await other.close();
      });
    contracts.push({ title, run });
  };
  lostAppends(contract);
  lostTerms(contract);
  lostSessions(contract);
  endedSessions(contract);
  expulsions(contract);
  watches(contract);
  views(contract);
  return contracts;
}

export function clusterStoreOutagesContract(name: string, harness: OutageHarness): void {
  describe(`cluster store contract, with outages: ${name}`, () => {
    for (const { title, run } of outageContracts()) test(title, () => run(harness));
  });
}

function lostAppends(contract: Contract): void {
  for (const loss of ['request', 'answer', 'late'] as const) {
    const what = loss === 'late' ? 'that arrives late' : `whose ${loss} is lost`;
    contract(`an append ${what} has an unknown outcome, and the next term tells`, async (at) => {
      const { store, other, outages } = at;
      const first = await elected(store);
      await first.append('a');
      outages.lose(store, 'append', loss);
      await assert.rejects(first.append('b'), UnknownOutcomeError);
      await assert.rejects(first.append('c'), { errorName: 'NOT_CONTROLLER' });
      await assert.rejects(store.confirm(first.epoch), { errorName: 'NOT_CONTROLLER' });
      const next = await elected(store);
      assert.ok(next.epoch > first.epoch);
      const wasApplied = loss === 'answer';
      const expected = wasApplied ? ['a', 'b'] : ['a'];
      assert.deepEqual((await follow(store)).texts, expected, 'the log tells');
      await outages.deliverLate(store);
      await next.append('d');
      assert.deepEqual((await follow(store)).texts, [...expected, 'd']);
      assert.deepEqual((await follow(other)).texts, [...expected, 'd']);
    });
  }

  contract('of appends under way when the link breaks, a beginning is there', async (at) => {
    const { store, outages, noticed } = at;
    const { epoch } = await store.elect(candidate(1)).term;
    const end = store.endOffset;
    const texts = ['a', 'b', 'c', 'd'];
    const appends = texts.map((text, index) => {
      if (index === 2) outages.cut(store);
      return store.append(bytes(text), { expectedEnd: end + index, controllerEpoch: epoch });
    });
    const outcomes = await Promise.allSettled(appends);
    await outages.heal(store);
    await noticed();
    await store.elect(candidate(1)).term;
    const there = (await follow(store)).texts;
    assert.deepEqual(there, texts.slice(0, there.length));
    for (const [index, { status }] of outcomes.entries()) {
      if (status === 'fulfilled') assert.ok(index < there.length, 'what was acknowledged is there');
    }
  });
}

function lostTerms(contract: Contract): void {
  for (const loss of ['request', 'answer', 'late'] as const) {
    contract(`an election is won although a message is lost: ${loss}`, async (at) => {
      const { store, other, outages } = at;
      outages.lose(store, 'elect', loss);
      const { epoch, append } = await elected(store);
      await append('a');
      const waiting = other.elect(candidate(2));
      await outages.deliverLate(store);
      await store.confirm(epoch);
      await append('b');
      await outages.expire(1);
      const second = await waiting.term;
      assert.ok(second.epoch > epoch);
      assert.deepEqual((await follow(other)).texts, ['a', 'b']);
    });
  }

  contract('a confirmation whose answer is lost is none', async ({ store, outages }) => {
    const { epoch } = await elected(store);
    outages.lose(store, 'confirm', 'answer');
    await assert.rejects(store.confirm(epoch));
    outages.cut(store);
    await assert.rejects(store.confirm(epoch));
    await outages.heal(store);
  });

  contract('a controller taken for dead is told, and does nothing any more', async (at) => {
    const { store, other, outages, noticed } = at;
    const lost: Error[] = [];
    const first = await store.elect({ nodeId: 1, onLost: (error) => lost.push(error) }).term;
    outages.cut(store);
    await outages.expire(1);
    const second = await elected(other, 2);
    await second.append('a');
    const late = store.append(bytes('x'), {
      expectedEnd: store.endOffset,
      controllerEpoch: first.epoch,
    });
    await assert.rejects(late);
    await outages.heal(store);
    await noticed();
    assert.equal(lost.length, 1);
    await assert.rejects(store.confirm(first.epoch), { errorName: 'NOT_CONTROLLER' });
    const pieces = [bytes('x')];
    const snapshot = { endOffset: store.endOffset, controllerEpoch: 1, timestampMs: 1, pieces };
    await assert.rejects(store.saveSnapshot(snapshot, first.epoch), {
      errorName: 'NOT_CONTROLLER',
    });
    assert.deepEqual((await follow(store)).texts, ['a']);
  });

  contract('an election is withdrawn from a store that cannot be reached', async (at) => {
    const { store, other, outages, noticed } = at;
    const first = await store.elect(candidate(1)).term;
    const waiting = other.elect(candidate(2));
    outages.cut(other);
    void waiting.withdraw();
    await assert.rejects(waiting.term, { errorName: 'NOT_CONTROLLER' });
    await outages.heal(other);
    await outages.expire(2);
    await noticed();
    await first.resign();
    const { epoch } = await other.elect(candidate(3)).term;
    await other.confirm(epoch);
  });
}

function lostSessions(contract: Contract): void {
  for (const loss of ['request', 'answer', 'late'] as const) {
    contract(`a registration is asked for again when a message is lost: ${loss}`, async (at) => {
      const { store, other, outages } = at;
      outages.lose(store, 'register', loss);
      await assert.rejects(store.register(broker(1), notLost));
      const session = await store.register(broker(1), notLost);
      await outages.deliverLate(store);
      assert.deepEqual([...aliveIn(other).keys()], [1]);
      const stranger = { ...broker(1, 1, 'elsewhere'), incarnationId: 'other' };
      await assert.rejects(other.register(stranger, notLost), {
        errorName: 'DUPLICATE_BROKER_REGISTRATION',
      });
      await session.close();
    });
  }
}

function endedSessions(contract: Contract): void {
  contract('a process taken for dead is told, seen as dead, and comes back', async (at) => {
    const { store, other, outages, noticed } = at;
    const lost: Error[] = [];
    const seen: number[][] = [];
    const session = await store.register(broker(1), (error) => lost.push(error));
    await noticed();
    other.watchBrokers((alive) => seen.push([...alive.keys()]));
    await outages.expire(1);
    await noticed();
    assert.equal(lost.length, 1);
    const again = await store.register(broker(1), notLost);
    await session.close();
    await noticed();
    assert.deepEqual(seen, [[1], [], [1]]);
    await again.close();
  });

  contract('a process that was cut off hears that its session ended', async (at) => {
    const { store, other, outages, noticed } = at;
    const lost: Error[] = [];
    await store.register(broker(1), (error) => lost.push(error));
    outages.cut(store);
    await outages.expire(1);
    const successor = { ...broker(1, 1, 'elsewhere'), incarnationId: 'other' };
    await other.register(successor, notLost);
    await outages.heal(store);
    await noticed();
    assert.equal(lost.length, 1);
    await assert.rejects(store.register(broker(1), notLost), {
      errorName: 'DUPLICATE_BROKER_REGISTRATION',
    });
  });

  contract('after an outage watchers of brokers hear who is alive now', async (at) => {
    const { store, other, outages, noticed } = at;
    const lost: Error[] = [];
    await other.register(broker(1), (error) => lost.push(error));
    await noticed();
    let alive: number[] = [];
    store.watchBrokers((brokers) => {
      alive = [...brokers.keys()];
    });
    assert.deepEqual(alive, [1]);
    outages.cut(store);
    await outages.expire(1);
    assert.equal(lost.length, 1);
    await other.register(broker(2), notLost);
    await noticed();
    assert.deepEqual(alive, [1], 'nothing is known');
    await outages.heal(store);
    await noticed();
    assert.deepEqual(alive, [2]);
  });
}

function expulsions(contract: Contract): void {
  contract('an expelled process that was cut off hears of it and comes back', async (at) => {
    const { store, other, outages, noticed } = at;
    const lost: string[] = [];
    const first = await store.elect({ nodeId: 1, onLost: () => lost.push('term') }).term;
    await store.register(broker(1), () => lost.push('session'));
    outages.cut(store);
    await other.expel(broker(1));
    const second = await other.elect(candidate(2)).term;
    assert.ok(second.epoch > first.epoch);
    await outages.heal(store);
    await noticed();
    assert.deepEqual(lost.sort(), ['session', 'term']);
    await store.register(broker(1), notLost);
    await other.confirm(second.epoch);
  });
}

function watches(contract: Contract): void {
  contract('a watch goes on where it was after an outage', async (at) => {
    const { store, other, outages, noticed } = at;
    const seen = await follow(other);
    const { append } = await elected(store);
    await append('a');
    await noticed();
    outages.cut(other);
    await append('b');
    await append('c');
    await noticed();
    assert.deepEqual(seen.texts, ['a']);
    await outages.heal(other);
    await append('d');
    await noticed();
    assert.deepEqual(seen.texts, ['a', 'b', 'c', 'd']);
    assert.deepEqual([seen.snapshots.length, seen.errors], [0, []]);
    assert.equal(new Set(seen.batches.map(({ baseOffset }) => baseOffset)).size, 5, 'each once');
  });

  contract('a watch whose place is gone goes on with the snapshot', async (at) => {
    const { store, other, outages, noticed } = at;
    const seen = await follow(other);
    const { append, snapshot } = await elected(store);
    await append('a');
    await noticed();
    outages.cut(other);
    const texts = ['a'];
    // Until the log no longer reaches back to where the other one is.
    for (let round = 0; round < 6; round++) {
      for (let i = 0; i < 20; i++) {
        const text = `${round}.${i}${'.'.repeat(100)}`;
        await append(text);
        texts.push(text);
      }
      await snapshot([...texts]);
    }
    await assert.rejects(
      async () => {
        for await (const _ of store.read(1)) assert.fail('it is there');
      },
      { errorName: 'OFFSET_OUT_OF_RANGE' },
    );
    await append('last');
    await outages.heal(other);
    await append('and more');
    await noticed();
    assert.deepEqual(seen.texts, [...texts, 'last', 'and more']);
    assert.deepEqual([seen.snapshots.length, seen.errors], [1, []]);
  });
}

function views(contract: Contract): void {
  contract('a view grows old while the engine is out of reach', async (at) => {
    const { store, outages, noticed } = at;
    outages.cut(store);
    await noticed();
    const ageMs = store.viewAgeMs;
    assert.ok(ageMs >= noticeMs - 10_000, `${ageMs}`);
    await noticed();
    assert.ok(store.viewAgeMs >= ageMs + noticeMs - 10_000, `${store.viewAgeMs}`);
    await outages.heal(store);
    await noticed();
    assert.ok(store.viewAgeMs < 10_000, `${store.viewAgeMs}`);
  });

  contract('whoever read more than the store has hears that it was put back', async (at) => {
    const { store, outages, noticed } = at;
    const { append } = await elected(store);
    await append('a');
    const seen = await follow(store);
    const { historyId, endOffset } = store;
    await outages.rollBack();
    await noticed();
    const [error] = seen.errors;
    assert.ok(error instanceof StoreRolledBackError, `${error}`);
    assert.ok(error.message.includes(`${endOffset}`), error.message);
    assert.deepEqual(seen.texts, ['a'], 'nothing of it is taken back or read again');
    const isVisible = store.historyId !== historyId || store.endOffset < endOffset;
    assert.ok(isVisible, 'the store says that it is another one');
  });
}
