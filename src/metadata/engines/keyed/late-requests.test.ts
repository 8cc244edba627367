// What arrives late, what is never told, and what the store refuses: nothing of it harms whoever
// came after, and everything is noticed in time.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { simulate } from '../../../../sim/index.ts';
import { KeyedStoreWorld } from '../../../../tests/doubles/metadata/keyed-stores.ts';
import { KafkaError } from '../../../protocol/index.ts';
import {
  aliveIn,
  broker,
  bytes,
  candidate,
  elected,
  follow,
  notLost,
} from '../../cluster-store-contract.ts';
import type { KeyStep } from './key-store.ts';

const lookMs = 9_000 / 6;
const lookedMs = 5_000;

function inWorld(body: (world: KeyedStoreWorld) => Promise<void>): Promise<void> {
  return simulate((io) => body(new KeyedStoreWorld(io)));
}

const deletes =
  (deleted: string) =>
  (change: string | readonly KeyStep[]): boolean =>
    typeof change !== 'string' &&
    change.some(({ key, becomes }) => key === deleted && becomes === null);

describe('a request that arrives late', () => {
  test('to end a registration does not end the next one', async () => {
    await inWorld(async (world) => {
      const [store, other] = [await world.connect(), await world.connect()];
      const first = await store.register(broker(1), notLost);
      const keys = world.keysOf(store);
      keys.lose(deletes('brokers/1'), 'late');
      await first.close();
      await world.io.clock.sleep(lookedMs);
      assert.deepEqual([...aliveIn(other).keys()], [], 'it was given back all the same');
      await store.register(broker(1), notLost);
      await keys.deliverLate();
      await world.io.clock.sleep(lookedMs);
      assert.deepEqual([...aliveIn(other).keys()], [1]);
      await store.close();
      await other.close();
    });
  });

  test('to expel a life does not expel the next one of the same process', async () => {
    await inWorld(async (world) => {
      const [store, other] = [await world.connect(), await world.connect()];
      const keys = world.keysOf(other);
      const first = await store.register(broker(1), notLost);
      keys.lose(deletes('brokers/1'), 'late');
      await assert.rejects(other.expel(broker(1)));
      await first.close();
      await store.register(broker(1), notLost);
      await keys.deliverLate();
      await world.io.clock.sleep(lookedMs);
      assert.deepEqual([...aliveIn(other).keys()], [1]);
      await store.close();
      await other.close();
    });
  });

  test('to register is given back when nobody stands for it', async () => {
    await inWorld(async (world) => {
      const [store, other] = [await world.connect(), await world.connect()];
      world.lose(store, 'register', 'late');
      await assert.rejects(store.register(broker(1), notLost));
      await world.deliverLate(store);
      await world.io.clock.sleep(lookedMs);
      assert.deepEqual([...aliveIn(other).keys()], []);
      assert.deepEqual(world.system.names('brokers'), []);
      await store.close();
      await other.close();
    });
  });

  test('to resign does not end the next term', async () => {
    await inWorld(async (world) => {
      const [store, other] = [await world.connect(), await world.connect()];
      const keys = world.keysOf(store);
      const lost: Error[] = [];
      const first = await store.elect(candidate(1)).term;
      keys.lose(deletes('controller'), 'late');
      await first.resign();
      const onLost = (error: Error) => lost.push(error);
      const second = await other.elect({ nodeId: 2, onLost }).term;
      await keys.deliverLate();
      await world.io.clock.sleep(lookedMs);
      await other.confirm(second.epoch);
      assert.deepEqual([lost, world.system.get('controller') !== null], [[], true]);
      await store.close();
      await other.close();
    });
  });

  test('to be elected holds nobody up when nobody stands any more', async () => {
    await inWorld(async (world) => {
      const [store, other] = [await world.connect(), await world.connect()];
      const keys = world.keysOf(store);
      world.lose(store, 'elect', 'late');
      const election = store.elect(candidate(1));
      await world.io.clock.sleep(100);
      await election.withdraw();
      await keys.deliverLate();
      const { term } = other.elect(candidate(2));
      await Promise.race([term, world.io.clock.sleep(lookedMs)]);
      await other.confirm((await term).epoch);
      await store.close();
      await other.close();
    });
  });
});

describe('an answer that is slower than the news', () => {
  const appends = (change: string | readonly KeyStep[]): boolean =>
    typeof change !== 'string' && change.some(({ key }) => key.startsWith('log/'));

  test('to an append finds its batch handed on once, and before it resolves', async () => {
    await inWorld(async (world) => {
      const [store, other] = [await world.connect(), await world.connect()];
      const { append } = await elected(store);
      const [seen, seenByOther] = [await follow(store), await follow(other)];
      world.keysOf(store).slowDown(appends, 4_000);
      const appended = append('a').then(() => assert.deepEqual(seen.texts, ['a']));
      await world.io.clock.sleep(3_000);
      assert.deepEqual(seenByOther.texts, ['a'], 'it is in the store');
      await appended;
      await append('b');
      assert.deepEqual([seen.texts, seen.errors], [['a', 'b'], []]);
      await store.close();
      await other.close();
    });
  });

  test('to a look at the end that appends overtook is no sign that the store was put back', () =>
    inWorld(async (world) => {
      const store = await world.connect();
      const { append } = await elected(store);
      const seen = await follow(store);
      world.keysOf(store).slowDown((request) => request === 'end', 4_000);
      await world.io.clock.sleep(lookMs + 100);
      await append('a');
      const { endOffset } = store;
      await world.io.clock.sleep(2_000);
      const appended = append('b');
      await world.io.clock.sleep(5_000);
      await appended;
      assert.deepEqual([store.isFailed, store.endOffset], [false, endOffset + 1]);
      assert.deepEqual([seen.texts, seen.errors], [['a', 'b'], []]);
      await store.close();
    }));

  test('to a look at the end that a snapshot overtook is no sign that it was put back', () =>
    inWorld(async (world) => {
      const [store, other] = [await world.connect(), await world.connect()];
      const { append, snapshot } = await elected(store);
      await append('a');
      world.keysOf(other).isDeaf = true;
      world.keysOf(other).slowDown((request) => request === 'end', 1_000);
      const following = follow(other);
      await world.io.clock.sleep(100);
      await append('b');
      await snapshot(['A', 'B']);
      const seen = await following;
      await append('c');
      await world.io.clock.sleep(2 * lookMs);
      assert.deepEqual([seen.texts.at(-1), seen.errors, other.isFailed], ['c', [], false]);
      await store.close();
      await other.close();
    }));

  test('to an append of a term that is over does not take readers back', async () => {
    await inWorld(async (world) => {
      const [store, other] = [await world.connect(), await world.connect()];
      const first = await elected(store);
      const seen = await follow(store);
      world.keysOf(store).slowDown(appends, 10_000);
      const appended = first.append('a');
      await world.io.clock.sleep(100);
      world.system.endSession(world.keysOf(store).session);
      const second = await elected(other, 2);
      await second.append('b');
      await world.io.clock.sleep(20_000);
      await appended;
      assert.deepEqual([seen.texts, seen.errors], [['a', 'b'], []]);
      assert.equal(store.endOffset, other.endOffset);
      await store.close();
      await other.close();
    });
  });

  test('to an election that is over by then makes no controller', async () => {
    await inWorld(async (world) => {
      const [store, other] = [await world.connect(), await world.connect()];
      const seen = await follow(store);
      world.keysOf(store).slowDown(appends, 10_000);
      const lost: Error[] = [];
      const election = store.elect({ nodeId: 1, onLost: (error) => lost.push(error) });
      await world.io.clock.sleep(100);
      world.system.endSession(world.keysOf(store).session);
      const second = await elected(other, 2);
      await second.append('b');
      const won = await Promise.race([election.term, world.io.clock.sleep(20_000)]);
      assert.ok(won === undefined || lost.length === 1);
      assert.deepEqual([seen.texts, seen.errors], [['b'], []]);
      assert.equal(store.endOffset, other.endOffset);
      await second.append('c');
      await store.close();
      await other.close();
    });
  });
});

describe('a controller that does not know that it is deposed', () => {
  test('appends nothing, saves nothing, and answers no question', async () => {
    await inWorld(async (world) => {
      const [store, other] = [await world.connect(), await world.connect()];
      const lost: Error[] = [];
      const onLost = (error: Error) => lost.push(error);
      const { epoch } = await store.elect({ nodeId: 1, onLost }).term;
      const options = { expectedEnd: store.endOffset, controllerEpoch: epoch };
      await store.append(bytes('a'), options);
      const { endOffset } = store;
      await world.io.clock.sleep(50);
      world.keysOf(store).isDeaf = true;
      world.system.endSession(world.keysOf(store).session);
      const second = await elected(other, 2);
      assert.equal(lost.length, 0, 'nobody has told it');
      const large = bytes(...Array.from({ length: 30 }, (_, index) => `${index}`.padEnd(300)));
      const snapshot = { endOffset, controllerEpoch: epoch, timestampMs: 1, pieces: [large] };
      const asked = [
        store.saveSnapshot(snapshot, epoch),
        store.append(large, { expectedEnd: endOffset, controllerEpoch: epoch }),
        store.confirm(epoch),
      ];
      for (const each of await Promise.allSettled(asked)) {
        assert.equal(each.status, 'rejected');
        assert.equal((each.reason as KafkaError).errorName, 'NOT_CONTROLLER');
      }
      assert.equal(lost.length, 1);
      assert.deepEqual(world.system.names('folders'), [], 'not a piece was written');
      await second.append('b');
      assert.deepEqual((await follow(store)).texts, ['a', 'b']);
      await store.close();
      await other.close();
    });
  });

  test('names no snapshot whose pieces it wrote before', async () => {
    await inWorld(async (world) => {
      const [store, other] = [await world.connect(), await world.connect()];
      const { epoch, append } = await elected(store);
      await append('a');
      const { endOffset } = store;
      world.keysOf(store).isDeaf = true;
      const pieces = (async function* () {
        yield bytes('A');
        world.system.endSession(world.keysOf(store).session);
        await other.elect(candidate(2)).term;
      })();
      const snapshot = { endOffset, controllerEpoch: epoch, timestampMs: 1, pieces };
      await assert.rejects(store.saveSnapshot(snapshot, epoch), { errorName: 'NOT_CONTROLLER' });
      assert.equal(await other.newestSnapshot(), null);
      await store.close();
      await other.close();
    });
  });
});

describe('a controller that does not know that it is deposed, and has nothing to save', () => {
  test('is told so', async () => {
    await inWorld(async (world) => {
      const [store, other] = [await world.connect(), await world.connect()];
      const { epoch, append, snapshot } = await elected(store);
      await append('a');
      const { endOffset } = store;
      await snapshot(['A']);
      world.keysOf(store).isDeaf = true;
      world.system.endSession(world.keysOf(store).session);
      await other.elect(candidate(2)).term;
      const same = { endOffset, controllerEpoch: epoch, timestampMs: 1, pieces: [bytes('A')] };
      await assert.rejects(store.saveSnapshot(same, epoch), { errorName: 'NOT_CONTROLLER' });
      await store.close();
      await other.close();
    });
  });
});

describe('a store that does not answer for a moment', () => {
  test('is asked again by whoever begins to follow the log', async () => {
    await inWorld(async (world) => {
      const store = await world.connect();
      await (await elected(store)).append('a');
      for (const lost of ['end', 'snapshot', 'log/00000000']) {
        world.keysOf(store).lose((request) => request === lost, 'answer');
        assert.deepEqual((await follow(store)).texts, ['a'], lost);
      }
      await store.close();
    });
  });
});

describe('a store that tells nothing', () => {
  test('is looked at: news come with the next look', async () => {
    await inWorld(async (world) => {
      const [store, other] = [await world.connect(), await world.connect()];
      for (const each of [store, other]) world.keysOf(each).isDeaf = true;
      const seen = await follow(other);
      const alive: number[][] = [];
      other.watchBrokers((brokers) => alive.push([...brokers.keys()]));
      const lost: string[] = [];
      const first = await store.elect({ nodeId: 1, onLost: () => lost.push('term') }).term;
      await store.register(broker(1), () => lost.push('session'));
      const waiting = other.elect(candidate(2));
      const options = { expectedEnd: store.endOffset, controllerEpoch: first.epoch };
      await store.append(bytes('a'), options);
      await world.io.clock.sleep(2 * lookMs);
      assert.deepEqual([seen.texts, alive], [['a'], [[], [1]]]);
      await other.expel(broker(1));
      await world.io.clock.sleep(2 * lookMs);
      const second = await waiting.term;
      assert.ok(second.epoch > first.epoch);
      assert.deepEqual([lost.sort(), alive.at(-1)], [['session', 'term'], []]);
      await store.close();
      await other.close();
    });
  });

  test('does not keep a new controller from the newest end', async () => {
    await inWorld(async (world) => {
      const [store, other] = [await world.connect(), await world.connect()];
      world.keysOf(other).isDeaf = true;
      const first = await elected(store);
      for (const text of ['a', 'b', 'c']) await first.append(text);
      const { endOffset } = store;
      await store.close();
      const term = await other.elect(candidate(2)).term;
      assert.deepEqual([term.endOffset, other.endOffset], [endOffset + 1, endOffset + 1]);
      assert.deepEqual((await follow(other)).texts, ['a', 'b', 'c']);
      await other.close();
    });
  });
});

describe('a session that ends proves nothing about its process', () => {
  test('when the store was away for most of a session before', async () => {
    await inWorld(async (world) => {
      const store = await world.connect();
      await world.io.clock.sleep(20_000);
      assert.equal(store.steadyMs, Number.POSITIVE_INFINITY);
      world.cut(store);
      await world.io.clock.sleep(3_000);
      await world.heal(store);
      await world.io.clock.sleep(lookedMs);
      assert.equal(store.steadyMs, Number.POSITIVE_INFINITY, 'nobody was silent for long');
      world.cut(store);
      await world.io.clock.sleep(8_000);
      assert.equal(store.steadyMs, 0);
      await world.heal(store);
      await world.io.clock.sleep(lookedMs);
      assert.ok(store.steadyMs > 0 && store.steadyMs <= lookedMs + 1_000, `${store.steadyMs}`);
      await store.close();
    });
  });

  test('when the session of this process has ended, too', async () => {
    await inWorld(async (world) => {
      const store = await world.connect();
      await store.register(broker(1), () => {});
      await world.io.clock.sleep(20_000);
      await world.expire(1);
      await world.io.clock.sleep(lookedMs);
      assert.ok(store.steadyMs < 20_000, `${store.steadyMs}`);
      await store.close();
    });
  });
});

describe('a store that has no space', () => {
  const refusal = new KafkaError('KAFKA_STORAGE_ERROR', 'planted: no space');

  test('refuses an append, and the term goes on when there is space again', async () => {
    await inWorld(async (world) => {
      const store = await world.connect();
      const { append } = await elected(store);
      world.system.refusal = refusal;
      await assert.rejects(append('a'), { errorName: 'KAFKA_STORAGE_ERROR' });
      await world.io.clock.sleep(60_000);
      assert.equal(store.viewAgeMs, 0, 'it is read all the same');
      world.system.refusal = null;
      await append('b');
      assert.deepEqual((await follow(store)).texts, ['b']);
      await store.close();
    });
  });

  test('has a controller, and brokers, as soon as there is space again', async () => {
    await inWorld(async (world) => {
      const store = await world.connect();
      world.system.refusal = refusal;
      const { term } = store.elect(candidate(1));
      await assert.rejects(store.register(broker(1), notLost), { message: /no space/ });
      await world.io.clock.sleep(60_000);
      world.system.refusal = null;
      const { epoch } = await term;
      await store.confirm(epoch);
      await store.register(broker(1), notLost);
      await store.close();
    });
  });
});

describe('the folder of brokers', () => {
  test('is read to its end where it is longer than one answer', async () => {
    await inWorld(async (world) => {
      const [store, other] = [await world.connect(), await world.connect()];
      const ids = Array.from({ length: 40 }, (_, index) => index + 1);
      for (const id of ids) await store.register(broker(id), notLost);
      await world.io.clock.sleep(lookedMs);
      assert.deepEqual([...aliveIn(other).keys()], ids);
      await store.close();
      await other.close();
    });
  });

  test('may hold what somebody else wrote: it counts for nothing', async () => {
    await inWorld(async (world) => {
      const store = await world.connect();
      for (const [name, text] of [
        ['7', '{"version":5,"host":"a"}'],
        ['x', 'garbage'],
      ]) {
        const value = Buffer.from(text as string);
        world.system.data.set(`brokers/${name}`, { value, version: 0, session: null });
      }
      await store.register(broker(1), notLost);
      await world.io.clock.sleep(lookedMs);
      assert.deepEqual([...aliveIn(store).keys()], [1]);
      assert.equal(store.viewAgeMs, 0);
      await store.close();
    });
  });
});

test('a reader that the store leaves while it begins goes on where it was', async () => {
  await inWorld(async (world) => {
    const [store, other] = [await world.connect(), await world.connect()];
    const { append } = await elected(store);
    const many = Array.from({ length: 5_000 }, (_, index) => `${index}`);
    await append(...many);
    await append('last');
    await world.io.clock.sleep(lookedMs);
    // The first folder of the log is there, the next one is asked for in vain.
    let asked = 0;
    const isNext = (request: string | readonly KeyStep[]): boolean =>
      typeof request === 'string' && request.startsWith('log/') && ++asked === 2;
    world.keysOf(other).lose(isNext, 'answer');
    const seen = await follow(other);
    assert.equal(asked, 2, 'it was interrupted');
    assert.deepEqual(seen.texts, [...many, 'last']);
    await store.close();
    await other.close();
  });
});
