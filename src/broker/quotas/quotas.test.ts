// Measures, limits and rests over a clock that the test moves.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Deferred } from '../../base/deferred.ts';
import { Prng } from '../../base/prng.ts';
import { itemError, MutationLimit, type MutationResult } from '../../metadata/index.ts';
import { KafkaError } from '../../protocol/index.ts';
import { Quotas, type RequestCharge } from './index.ts';
import { SampledRate } from './sampled-rate.ts';
import { Sensors } from './sensors.ts';
import { TokenBucket } from './token-bucket.ts';

const window = { samples: 11, sampleMs: 1000 };

class Bench {
  nowMs = 5000;
  readonly quotas = new Quotas({ window, mutationWindow: window, now: () => this.nowMs });

  set(...quotas: [Record<string, string | null>, Record<string, number>][]): this {
    this.quotas.configure(
      quotas.map(([entity, values]) => ({ entity, values: new Map(Object.entries(values)) })),
    );
    return this;
  }

  begin(): Changes {
    return new Changes(this.quotas.begin('u', 'c') as RequestCharge);
  }

  produce(bytes: number, user = 'u', clientId: string | null = 'c'): number {
    const charge = this.quotas.begin(user, clientId);
    return charge?.settle({ producedBytes: bytes, isAnswered: true }) ?? 0;
  }
}

/** One request that changes topics, and a controller that decides it as the real one does. */
class Changes {
  readonly #charge: RequestCharge;

  constructor(charge: RequestCharge) {
    this.#charge = charge;
  }

  change(isStrict: boolean, ...partitionsByTopic: number[]): Promise<string[]> {
    return this.changeWhen(null, isStrict, ...partitionsByTopic);
  }

  async changeWhen(
    decided: Promise<void> | null,
    isStrict: boolean,
    ...partitionsByTopic: number[]
  ): Promise<string[]> {
    const results = await this.#charge.changeTopics(isStrict, async (limits) => {
      const limit = new MutationLimit(limits);
      const results = partitionsByTopic.map((partitionMutations): MutationResult => {
        try {
          limit.take(partitionMutations);
          return { error: null, partitionMutations };
        } catch (error) {
          return { error: itemError(error), partitionMutations: 0 };
        }
      });
      await decided;
      return results;
    });
    return results.map(({ error }) => (error === null ? 'done' : 'refused'));
  }

  restMs(): number {
    return this.#charge.settle({ producedBytes: 0, isAnswered: true });
  }
}

const rate = (bytes: number) => ({ producer_byte_rate: bytes });

describe('the sampled rate', () => {
  test('spreads a first burst over all samples but the last', () => {
    const sampled = new SampledRate(window);
    sampled.record(10_000, 0);
    assert.equal(sampled.perSecond(0), 1000);
    assert.equal(sampled.perSecond(500), 10_000 / 10.5);
  });

  test('rests for the excess times the window', () => {
    const sampled = new SampledRate(window);
    sampled.record(20_000, 0);
    assert.equal(sampled.throttleMs(1000, 0), 10_000);
    assert.equal(sampled.throttleMs(1000, 10_500), 9500, 'the window grows by what has passed');
    assert.equal(sampled.throttleMs(2000, 0), 0);
  });

  test('forgets what lies before the window', () => {
    const sampled = new SampledRate(window);
    sampled.record(1e9, 0);
    assert.ok(sampled.perSecond(10_999) > 0);
    assert.equal(sampled.perSecond(11_000), 0);
    sampled.record(10_000, 11_000);
    assert.equal(sampled.perSecond(11_000), 1000);
  });

  test('keeps a steady stream at its own rate, whatever the samples', () => {
    const sampled = new SampledRate(window);
    for (let ms = 0; ms < 60_000; ms += 100) sampled.record(50, ms);
    assert.ok(Math.abs(sampled.perSecond(59_900) - 500) < 10);
  });
});

describe('a quota of bytes', () => {
  test('costs nothing while nobody has one', () => {
    const bench = new Bench();
    assert.equal(bench.quotas.begin('u', 'c'), null);
    bench.set([{ ip: null }, { connection_creation_rate: 1 }]);
    assert.equal(bench.quotas.begin('u', 'c'), null);
    assert.notEqual(bench.set([{ user: null }, rate(1)]).quotas.begin('u', 'c'), null);
    assert.equal(bench.set().quotas.begin('u', 'c'), null);
  });

  test('holds a client that goes on for ever to its rate', () => {
    const bench = new Bench().set([{ 'client-id': 'c' }, rate(10_000)]);
    let sent = 0;
    const beganMs = bench.nowMs;
    while (bench.nowMs - beganMs < 120_000) {
      sent += 5000;
      bench.nowMs += bench.produce(5000) + 1;
    }
    const perSecond = (sent * 1000) / (bench.nowMs - beganMs);
    assert.ok(perSecond > 9500 && perSecond < 11_500, `${perSecond} bytes a second`);
  });

  test('of eight levels takes the first that is set, in the order of Kafka', () => {
    const levels: Record<string, string | null>[] = [
      { user: 'u', 'client-id': 'c' },
      { user: 'u', 'client-id': null },
      { user: 'u' },
      { user: null, 'client-id': 'c' },
      { user: null, 'client-id': null },
      { user: null },
      { 'client-id': 'c' },
      { 'client-id': null },
    ];
    for (let first = 0; first < levels.length; first++) {
      const bench = new Bench();
      bench.set(
        ...levels.slice(first).map((entity, i): [typeof entity, Record<string, number>] => {
          return [entity, rate(1000 * 2 ** i)];
        }),
      );
      // 20 000 bytes at 1000 a second: ten seconds of a window of ten are too much.
      assert.equal(bench.produce(20_000), 10_000, JSON.stringify(levels[first]));
    }
  });

  test('is shared by the clients of a user, and by the users of a client id', () => {
    const bench = new Bench().set([{ user: null }, rate(1000)]);
    assert.equal(bench.produce(10_000, 'u', 'c1'), 0);
    assert.equal(bench.produce(10_000, 'other', 'c1'), 0);
    assert.equal(bench.produce(10_000, 'u', 'c2'), 10_000);
    bench.set([{ 'client-id': null }, rate(1000)]);
    assert.equal(bench.produce(10_000, 'u', 'c1'), 0);
    assert.equal(bench.produce(10_000, 'u', 'c2'), 0);
    assert.equal(bench.produce(10_000, 'other', 'c2'), 10_000);
    bench.set([{ user: null, 'client-id': null }, rate(1000)]);
    assert.equal(bench.produce(10_000, 'u', 'c1'), 0);
    assert.equal(bench.produce(10_000, 'u', 'c2'), 0);
    assert.equal(bench.produce(10_000, 'u', null), 0);
  });

  test('holds anew when it is changed, against what was measured before', () => {
    const bench = new Bench().set([{ user: 'u' }, rate(1000)]);
    assert.equal(bench.produce(10_000), 0);
    bench.set([{ user: 'u' }, rate(500)]);
    assert.ok(bench.produce(1) >= 10_000);
    bench.set([{ user: 'u' }, rate(100_000)]);
    assert.equal(bench.produce(1), 0);
  });

  test('a sensor that nobody used for an hour is dropped', () => {
    const sensors = new Sensors(() => ({}));
    for (let i = 0; i < 100; i++) sensors.get(`k${i}`, 0);
    sensors.get('alive', 3_000_000);
    assert.equal(sensors.count, 101);
    sensors.get('alive', 3_700_000);
    assert.equal(sensors.count, 1);
  });
});

test('a fetch beyond its quota is told to rest and costs nothing', () => {
  const bench = new Bench().set([{ user: null }, { consumer_byte_rate: 1000 }]);
  const fetch = (bytes: number): number => {
    const charge = bench.quotas.begin('u', 'c');
    charge?.maybeThrottleFetch(bytes);
    return charge?.settle({ producedBytes: 0, isAnswered: true }) ?? 0;
  };
  assert.equal(bench.quotas.begin('u', 'c')?.fetchBytesMax(), 10_000);
  assert.equal(fetch(10_000), 0);
  const restMs = fetch(10_000);
  assert.equal(restMs, 10_000);
  assert.equal(fetch(10_000), restMs, 'what was not sent is not counted');
  bench.nowMs += restMs + 1000;
  assert.equal(fetch(10_000), 0);
});

test('handler time counts in percent of one core, and a rest is one sample at most', () => {
  const bench = new Bench().set([{ user: null }, { request_percentage: 1 }]);
  const request = (busyMs: number, waitedMs: number): number => {
    const charge = bench.quotas.begin('u', 'c');
    bench.nowMs += busyMs;
    charge?.onWait();
    bench.nowMs += waitedMs;
    return charge?.settle({ producedBytes: 0, isAnswered: true }) ?? 0;
  };
  assert.equal(request(50, 5000), 0, 'waiting is free');
  assert.equal(request(50, 0), 0, 'a hundred ms of ten seconds are one percent');
  assert.ok(request(60, 0) > 0);
  assert.equal(request(5000, 0), 1000);
});

describe('changes of topics', () => {
  const quota: [Record<string, string | null>, Record<string, number>] = [
    { user: null },
    { controller_mutation_rate: 1 },
  ];

  test('are refused in strict versions while the bucket is below zero', async () => {
    const bench = new Bench().set(quota);
    const first = bench.begin();
    assert.deepEqual(await first.change(true, 20), ['done']);
    assert.equal(first.restMs(), 0);
    const second = bench.begin();
    assert.deepEqual(await second.change(true, 1), ['refused']);
    assert.equal(second.restMs(), 9000);
    bench.nowMs += 9000;
    assert.deepEqual(await bench.begin().change(true, 1), ['done']);
  });

  test('are done in older versions, whose clients rest afterwards', async () => {
    const bench = new Bench().set(quota);
    const charge = bench.begin();
    assert.deepEqual(await charge.change(false, 20), ['done']);
    bench.nowMs += 1000;
    assert.equal(charge.restMs(), 8000);
  });

  test('of one request are refused from the one on that finds the bucket below zero', async () => {
    const bench = new Bench().set(quota);
    const charge = bench.begin();
    assert.deepEqual(await charge.change(true, 4, 8, 1, 0), ['done', 'done', 'refused', 'refused']);
    assert.equal(charge.restMs(), 1000);
  });

  test('that are asked for at once are decided one request after the other', async () => {
    const bench = new Bench().set(quota);
    const [first, second, third] = [bench.begin(), bench.begin(), bench.begin()];
    const decided = new Deferred<void>();
    const changes = [
      first.changeWhen(decided.promise, true, 20),
      second.change(true, 1),
      third.change(false, 5),
    ];
    bench.nowMs += 500;
    decided.resolve();
    assert.deepEqual(await Promise.all(changes), [['done'], ['refused'], ['done']]);
    assert.equal(second.restMs(), 8500, 'what the first one did was charged when it asked');
    assert.equal(third.restMs(), 13_500);
  });

  test('that fail as a whole are charged nothing and hold nobody up', async () => {
    const bench = new Bench().set(quota);
    const failing = bench
      .begin()
      .changeWhen(Promise.reject(new KafkaError('NOT_CONTROLLER')), true, 20);
    const next = bench.begin().change(true, 10);
    await assert.rejects(failing, { errorName: 'NOT_CONTROLLER' });
    assert.deepEqual(await next, ['done']);
  });

  test('get what they would if the bucket were asked before each topic', async () => {
    const random = new Prng('mutations');
    const bench = new Bench().set(quota);
    const bucket = new TokenBucket(window, 1, 0);
    for (let request = 0; request < 2000; request++) {
      bench.nowMs += random.chance(0.5) ? random.int(3000) : random.float();
      const { nowMs } = bench;
      const isStrict = random.chance(0.8);
      const topics = Array.from({ length: 1 + random.int(4) }, () => 1 + random.int(4));
      let restMs = 0;
      const expected = topics.map((partitions) => {
        const throttleMs = bucket.throttleMs(1, nowMs);
        if (isStrict && throttleMs > 0) {
          restMs = throttleMs;
          return 'refused';
        }
        bucket.withdraw(partitions, 1, nowMs);
        if (!isStrict) restMs = bucket.throttleMs(1, nowMs);
        return 'done';
      });
      const charge = bench.begin();
      assert.deepEqual(await charge.change(isStrict, ...topics), expected);
      assert.equal(charge.restMs(), restMs);
    }
  });
});

test('connections: the broker lets them wait, an address is closed out', () => {
  const bench = new Bench().set(
    [{ ip: '10.0.0.1' }, { connection_creation_rate: 1 }],
    [{ ip: null }, { connection_creation_rate: 100 }],
  );
  const { connections } = bench.quotas;
  for (let i = 0; i < 10; i++) assert.equal(connections.refusalDelayMs('10.0.0.1'), 0);
  assert.equal(connections.refusalDelayMs('10.0.0.1'), 1000);
  assert.equal(connections.refusalDelayMs('10.0.0.2'), 0);
  bench.set([{ ip: '10.0.0.1' }, { connection_creation_rate: 2 }]);
  for (let i = 0; i < 10; i++) assert.equal(connections.refusalDelayMs('10.0.0.1'), 0);
  assert.equal(connections.refusalDelayMs('10.0.0.1'), 500, 'the refused one did not count');
  bench.nowMs += 11_000;
  assert.equal(connections.refusalDelayMs('10.0.0.1'), 0);
  assert.equal(connections.acceptDelayMs('PLAINTEXT'), 0);
  connections.configureBroker(1, new Map());
  for (let i = 0; i < 10; i++) assert.equal(connections.acceptDelayMs('PLAINTEXT'), 0);
  assert.equal(connections.acceptDelayMs('PLAINTEXT'), 1000);
  connections.configureBroker(2 ** 31 - 1, new Map([['INTERNAL', 1]]));
  for (let i = 0; i < 20; i++) assert.equal(connections.acceptDelayMs('PLAINTEXT'), 0);
  for (let i = 0; i < 10; i++) assert.equal(connections.acceptDelayMs('INTERNAL'), 0);
  assert.equal(connections.acceptDelayMs('INTERNAL'), 1000, 'a listener has its own pace');
});
