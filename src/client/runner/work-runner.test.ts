// The work runner of a consumer: order, commits, attempts, dead letters, revocations, its end.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type SimProcess, simulate } from '../../../sim/index.ts';
import {
  ScriptedCluster,
  type ScriptedPartition,
} from '../../../tests/doubles/client/scripted-cluster.ts';
import { ScriptedGroups } from '../../../tests/doubles/client/scripted-groups.ts';
import type { Io } from '../../io/index.ts';
import { ErrorCode, encodeBatch } from '../../protocol/index.ts';
import { Consumer, type ConsumerOptions, type ConsumerRecord } from '../consumer/index.ts';
// Loaded late by the consumer; a simulated world must not wait for that.
import '../producer/index.ts';
import { PoisonRecordError, type RunOptions, WorkAbortedError } from './index.ts';

interface Scene {
  readonly io: Io;
  readonly process: SimProcess;
  readonly cluster: ScriptedCluster;
  readonly groups: ScriptedGroups;
  /** Two of the topic `t`: keys a to d in turn, ten records each. */
  readonly partitions: readonly ScriptedPartition[];
  create(options?: Partial<ConsumerOptions>, io?: Io): Consumer;
}

function scene(play: (scene: Scene) => Promise<void>): Promise<void> {
  return simulate(async (io, process) => {
    const cluster = await ScriptedCluster.start(io, 2);
    const groups = new ScriptedGroups(io, cluster);
    const partitions = cluster.addTopic('t', [1, 2]);
    for (const partition of partitions) {
      const records = Array.from({ length: 10 }, (_, i) => {
        const headers = i === 0 ? [{ key: 'h', value: Buffer.from('1') }] : [];
        return { key: Buffer.from('abcd'[i % 4] as string), value: null, timestamp: 7000, headers };
      });
      partition.append(encodeBatch({ records }));
    }
    const { bootstrapServers } = cluster;
    const create = (options: Partial<ConsumerOptions> = {}, own = io): Consumer => {
      const common = { bootstrapServers, groupId: 'g', autoOffsetReset: 'earliest' } as const;
      const consumer = new Consumer({ ...common, ...options }, own);
      consumer.subscribe(['t']);
      return consumer;
    };
    await play({ io, process, cluster, groups, partitions, create });
  });
}

const nameOf = ({ partition, offset }: { partition: number; offset: number }): string =>
  `${partition}:${offset}`;

/** Runs until so many records are handled, then stops. */
async function runFor(
  consumer: Consumer,
  count: number,
  handler: RunOptions<ConsumerRecord>['handler'],
  options: Partial<RunOptions<ConsumerRecord>> = {},
): Promise<void> {
  let handled = 0;
  await consumer.run({
    ...options,
    handler: async (record, context) => {
      await handler(record, context);
      if (++handled === count) void consumer.stop();
    },
  });
}

test('every record is handled, what is done is committed, and the group is left', () =>
  scene(async ({ create, groups }) => {
    const consumer = create();
    const seen: string[] = [];
    await runFor(consumer, 20, (record) => seen.push(nameOf(record)));
    assert.equal(new Set(seen).size, 20);
    assert.deepEqual(groups.committed(), { '0 t': 10, '1 t': 10 });
    assert.equal(groups.group.state, 'empty');
    await consumer.close();
  }));

for (const ordering of ['key', 'partition', 'none'] as const) {
  test(`ordering ${ordering}: what is in order waits for what is before, the rest does not`, () =>
    scene(async ({ create, io }) => {
      const consumer = create();
      const began: string[] = [];
      const ended: string[] = [];
      await runFor(
        consumer,
        20,
        async (record) => {
          began.push(`${nameOf(record)}:${record.key}`);
          await io.clock.sleep(record.offset === 0 ? 5000 : 10);
          ended.push(`${nameOf(record)}:${record.key}`);
        },
        { ordering, concurrency: 50 },
      );
      const ofZero = began.filter((name) => name.startsWith('0:'));
      const key = (name: string): string => name.split(':')[2] as string;
      const last = ended
        .slice(-2)
        .map((name) => name.slice(0, 3))
        .sort();
      if (ordering === 'none') assert.deepEqual(last, ['0:0', '1:0']);
      if (ordering === 'partition') {
        assert.deepEqual(
          ofZero.map((name) => Number(name.split(':')[1])),
          [...Array(10).keys()],
        );
      }
      if (ordering === 'key') {
        assert.deepEqual(last, ['0:8', '1:8'], 'the last ones of key a');
        for (const each of 'abcd') {
          const offsets = ofZero.filter((name) => key(name) === each);
          assert.deepEqual(offsets, [...offsets].sort());
        }
      }
      await consumer.close();
    }));
}

test('what is done beyond a record that takes an hour is not done again by the next member', () =>
  scene(async ({ create, process, io, groups }) => {
    const first = process.host.start();
    let doneCount = 0;
    const run = create({ maxPollIntervalMs: 60_000 }, first.io).run({
      handler: async ({ offset }) => {
        await first.io.clock.sleep(offset === 2 ? 3_600_000 : 10);
        doneCount++;
      },
    });
    run.catch(assert.ifError);
    await io.clock.sleep(120_000);
    assert.equal(groups.group.state, 'stable', 'it is a member although a handler is at work');
    assert.deepEqual(groups.committed(), { '0 t': 2, '1 t': 2 });
    assert.equal(doneCount, 16, 'all but those of key c');
    first.kill();
    const second = create();
    const again: string[] = [];
    await runFor(second, 4, (record) => again.push(nameOf(record)));
    assert.deepEqual(again.sort(), ['0:2', '0:6', '1:2', '1:6']);
    assert.deepEqual(groups.committed(), { '0 t': 10, '1 t': 10 });
    await second.close();
  }));

test('a record that fails is tried again after growing pauses, and only its key waits', () =>
  scene(async ({ create, io }) => {
    const consumer = create();
    const attempts: [number, number][] = [];
    const others: number[] = [];
    await runFor(
      consumer,
      20,
      ({ partition, offset, key }, { attempt }) => {
        const nowMs = io.clock.monotonic();
        if (partition === 1 || String(key) !== 'a') others.push(nowMs);
        if (partition !== 0 || offset !== 0) return;
        attempts.push([attempt, nowMs]);
        if (attempt < 3) throw new Error('not yet');
      },
      { retry: { attempts: 3, backoffMs: 1000 } },
    );
    const [first, second, third] = attempts.map(([, atMs]) => atMs) as [number, number, number];
    assert.deepEqual(
      attempts.map(([attempt]) => attempt),
      [1, 2, 3],
    );
    assert.ok(second - first >= 1000 && third - second >= 2000);
    assert.ok(others.every((atMs) => atMs < second));
    await consumer.close();
  }));

test('a record that nobody can handle ends the run, and nothing from it on is committed', () =>
  scene(async ({ create, groups }) => {
    const consumer = create();
    const cause = new RangeError('no such article');
    const run = consumer.run({
      ordering: 'partition',
      handler: ({ partition, offset }) => {
        if (partition === 0 && offset === 4) throw cause;
      },
    });
    await assert.rejects(run, (error) => {
      assert.ok(error instanceof PoisonRecordError);
      assert.match(error.message, /failed 3 times with the record at offset 4 of t-0: no such art/);
      assert.match(error.hint, /set onPoison/);
      assert.deepEqual([error.topic, error.partition, error.offset], ['t', 0, 4]);
      assert.equal(error.cause, cause);
      return true;
    });
    assert.equal(groups.committed()['0 t'], 4);
    assert.equal(groups.group.state, 'empty', 'it has left');
    await consumer.close();
  }));

test('what is not worth another attempt gets none, and a skipped record counts as done', () =>
  scene(async ({ create, groups }) => {
    const consumer = create();
    let attempts = 0;
    let handled = 0;
    await consumer.run({
      onPoison: 'skip',
      handler: ({ partition, offset }) => {
        if (partition === 1 && offset === 9) {
          attempts++;
          throw Object.assign(new Error('wrong'), { retriable: false });
        }
        if (++handled === 19) setImmediate(() => void consumer.stop());
      },
    });
    assert.equal(attempts, 1);
    assert.deepEqual(groups.committed(), { '0 t': 10, '1 t': 10 });
    await consumer.close();
  }));

test('a record goes through the retry topics when it is due, then to the dead letters', () =>
  scene(async ({ create, cluster, groups, io }) => {
    const names = ['t-retry-5s', 't-retry-1m', 't-dead'];
    const [, , dead] = names.map((name) => cluster.addTopic(name, [1])[0]) as ScriptedPartition[];
    const consumer = create();
    const seen: string[] = [];
    const beganMs = io.clock.monotonic();
    const run = consumer.run({
      onPoison: { topic: 't-dead' },
      retry: { attempts: 2, backoffMs: 1, topics: ['5s', '1m'] },
      handler: (record, { attempt }) => {
        if (record.partition !== 0 || record.offset !== 0) return;
        const seconds = Math.floor((io.clock.monotonic() - beganMs) / 1000);
        const { topic, headers } = record;
        seen.push([attempt, topic, String(record.key), headers.length, seconds].join(' '));
        throw new RangeError('no such article');
      },
    });
    for (let i = 0; i < 600 && dead?.batches.length === 0; i++) await io.clock.sleep(500);
    await consumer.stop();
    await run;
    const [start, later, last] = [0, 2, 4].map((i) => Number(seen[i]?.split(' ')[4])) as number[];
    assert.deepEqual(
      seen.map((each) => each.replace(/ \d+$/, '')),
      [1, 2, 3, 4, 5, 6].map((attempt) => `${attempt} t a 1`),
      'of the topic it comes from, with its own headers alone',
    );
    assert.ok((later ?? 0) - (start ?? 0) >= 5 && (last ?? 0) - (later ?? 0) >= 60);
    const texts = Object.fromEntries(
      (dead?.records()[0]?.headers ?? []).map(({ key, value }) => [key, String(value)]),
    );
    assert.equal(texts.h, '1');
    assert.equal(texts['__partita.errors.topic'], 't');
    assert.equal(texts['__partita.errors.attempts'], '6');
    const { '0 t': offset, '0 t-retry-5s': five, '0 t-retry-1m': one } = groups.committed();
    assert.deepEqual([offset, five, one], [10, 1, 1]);
    await consumer.close();
  }));

test('a dead letter that cannot be written ends the run, and its offset is not committed', () =>
  scene(async ({ create, groups }) => {
    const consumer = create({ requestTimeoutMs: 1000 });
    const run = consumer.run({
      onPoison: { topic: 'no such topic!' },
      retry: { attempts: 1 },
      handler: ({ partition, offset }) => {
        if (partition === 0 && offset === 9) throw new Error('poison');
      },
    });
    await assert.rejects(run, /could not be sent to no such topic!: .*its offset is not committed/);
    assert.deepEqual(groups.committed(), { '0 t': 9, '1 t': 10 });
    await consumer.close();
  }));

test('a handler that takes too long gets its signal, and fails if it does not heed it', () =>
  scene(async ({ create, io }) => {
    const consumer = create();
    let attempts = 0;
    const reasons: unknown[] = [];
    const run = consumer.run({
      handlerTimeoutMs: 1000,
      drainMs: 500,
      retry: { attempts: 2, backoffMs: 1 },
      handler: ({ partition, offset }, { signal }) => {
        if (partition !== 0 || offset !== 0) return;
        attempts++;
        signal.addEventListener('abort', () => reasons.push(signal.reason.reason));
        return new Promise(() => {});
      },
    });
    await assert.rejects(run, /at offset 0 of t-0: the handler has not ended within 1000 ms/);
    assert.equal(attempts, 2);
    assert.deepEqual(reasons, ['timeout', 'timeout']);
    assert.ok(io.clock.monotonic() > 0);
    await consumer.close();
  }));

test('at a revocation handlers may end for drainMs; what ends later is not committed', () =>
  scene(async ({ create, groups, process, io }) => {
    const first = create({ clientId: 'first' });
    const aborted: string[] = [];
    const ended: string[] = [];
    const run = first.run({
      drainMs: 3000,
      ordering: 'partition',
      handler: async (record, { signal }) => {
        if (record.offset !== 5) return;
        signal.addEventListener('abort', () => aborted.push(signal.reason.reason));
        await io.clock.sleep(record.partition === 0 ? 2000 : 20_000);
        ended.push(nameOf(record));
      },
    });
    for (let i = 0; i < 100 && groups.committed()['0 t'] !== 5; i++) await io.clock.sleep(100);
    const other = process.host.start();
    const second = create({ clientId: 'second' }, other.io);
    const seen: string[] = [];
    const others = second.run({
      ordering: 'partition',
      handler: (each) => seen.push(nameOf(each)),
    });
    await io.clock.sleep(60_000);
    assert.deepEqual(aborted, ['revoked'], 'the one of partition 1, which took longer');
    assert.ok(ended.includes('0:5') && !seen.includes('0:5'), 'it was given the time to end');
    assert.ok(seen.includes('1:5') || ended.filter((name) => name === '1:5').length > 1);
    await Promise.all([first.stop(), second.stop(), run, others]);
    assert.deepEqual(groups.committed(), { '0 t': 10, '1 t': 10 });
    await first.close();
    await second.close();
  }));

test('at a loss the signal fires at once, and nothing is committed any more', () =>
  scene(async ({ create, groups, io }) => {
    const consumer = create();
    const reasons: string[] = [];
    let isFirst = true;
    const run = consumer.run({
      handler: async ({ offset, partition }, { signal }) => {
        if (!isFirst || partition !== 0 || offset !== 9) return;
        isFirst = false;
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
        reasons.push(signal.reason instanceof WorkAbortedError ? signal.reason.reason : '');
      },
    });
    await io.clock.sleep(3000);
    assert.equal(groups.committed()['0 t'], 9);
    groups.remove(consumer.groupMetadata().memberId);
    await io.clock.sleep(20_000);
    assert.deepEqual(reasons, ['lost']);
    assert.equal(groups.committed()['0 t'], 10, 'as a member again it has handled it again');
    await consumer.stop();
    await run;
    await consumer.close();
  }));

test('what is in hand is bounded: the partition rests, the others and the group go on', () =>
  scene(async ({ create, partitions, groups, io }) => {
    for (let i = 0; i < 50; i++) {
      const records = Array.from({ length: 10 }, () => ({ key: null, value: null, timestamp: 1 }));
      partitions[0]?.append(encodeBatch({ records }));
    }
    const consumer = create({ maxPollRecords: 20, maxPollIntervalMs: 6000 });
    let atWork = 0;
    let handled = 0;
    const run = consumer.run({
      inHandMax: 40,
      concurrency: 3,
      ordering: 'none',
      drainMs: 1000,
      handler: async ({ partition }) => {
        if (partition === 0) {
          atWork++;
          await io.clock.sleep(3_600_000);
        } else handled++;
      },
    });
    await io.clock.sleep(60_000);
    assert.equal(atWork, 3, 'all handlers');
    const position = await consumer.position({ topic: 't', partition: 0 });
    assert.ok(position >= 20 && position <= 60, `${position}`);
    assert.equal(groups.group.state, 'stable');
    assert.equal(handled <= 10, true);
    await consumer.stop({ drainMs: 0 });
    await run;
    await consumer.close();
  }));

test('batches: a batch that fails is tried again, then each of its records alone', () =>
  scene(async ({ create, groups }) => {
    const consumer = create();
    const calls: string[] = [];
    let handled = 0;
    await consumer.run({
      batch: { size: 4, waitMs: 100 },
      ordering: 'partition',
      retry: { attempts: 2, backoffMs: 1 },
      onPoison: 'skip',
      handler: async (records) => {
        const offsets = records.map(({ offset }) => offset);
        if (records[0]?.partition === 0) calls.push(offsets.join(' '));
        if (records[0]?.partition === 0 && offsets.includes(5)) throw new Error('poison');
        handled += records.length;
        if (handled === 19) setImmediate(() => void consumer.stop());
      },
    });
    const retried = ['4 5 6 7', '4 5 6 7', '4', '5', '5', '6', '7'];
    assert.deepEqual(calls, ['0 1 2 3', ...retried, '8 9']);
    assert.deepEqual(groups.committed(), { '0 t': 10, '1 t': 10 });
    await consumer.close();
  }));

test('the abort of the signal stops the run, also one that has not begun', () =>
  scene(async ({ create, groups, io }) => {
    const consumer = create();
    const controller = new AbortController();
    const run = consumer.run({ signal: controller.signal, handler: () => {} });
    await io.clock.sleep(3000);
    controller.abort();
    await run;
    assert.deepEqual(groups.committed(), { '0 t': 10, '1 t': 10 });
    consumer.subscribe(['t']);
    await consumer.run({ signal: controller.signal, handler: () => assert.fail() });
    await consumer.close();
  }));

test("commits go on without metadata where the broker takes less than Kafka's default", () =>
  scene(async ({ create, groups, io }) => {
    const consumer = create();
    let refusals = 0;
    groups.verdict = (api) => {
      if (api !== 'commit' || refusals >= 3) return null;
      refusals++;
      return ErrorCode.OFFSET_METADATA_TOO_LARGE;
    };
    const run = consumer.run({ handler: () => {} });
    await io.clock.sleep(3000);
    assert.equal(refusals, 3);
    assert.deepEqual(groups.committed(), { '0 t': 10, '1 t': 10 });
    await consumer.stop();
    await run;
    await consumer.close();
  }));

test('options that make no sense are refused before anything happens', () =>
  scene(async ({ create }) => {
    const consumer = create();
    const handler = (): void => {};
    const refused: [object, RegExp][] = [
      [{}, /handler is undefined: expected a function/],
      [{ handler, orderBy: 'key' }, /run has no option orderBy; there are handler, /],
      [{ handler, ordering: 'keys' }, /ordering is keys: expected one of key, partition, none/],
      [{ handler, concurrency: 0 }, /concurrency is 0: expected a number of at least 1/],
      [{ handler, drainMs: 300_000 }, /drainMs is 300000: must be below maxPollIntervalMs/],
      [{ handler, onPoison: 'ignore' }, /onPoison is ignore: expected stop, skip or/],
      [
        { handler, retry: { topics: ['soon'] } },
        /retry.topics has "soon": expected delays such as/,
      ],
      [{ handler, batch: { size: '3' } }, /batch.size is 3: expected a number/],
    ];
    for (const [options, message] of refused) {
      await assert.rejects(consumer.run(options as never), { name: 'ClientConfigError', message });
    }
    await consumer.unsubscribe();
    await assert.rejects(consumer.run({ handler }), /subscribe to topics before run/);
    await consumer.close();
  }));
