// The runtime against a log whose appends the test settles, in the order and way it likes.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simulate } from '../../sim/index.ts';
import { Deferred } from '../base/deferred.ts';
import { Prng } from '../base/prng.ts';
import type { Io } from '../io/index.ts';
import { KafkaError } from '../protocol/index.ts';
import type { Machine } from './machine.ts';
import type { LoggedRecords, MachineLog } from './machine-log.ts';
import { MachineRuntime, type MachineRuntimeOptions } from './machine-runtime.ts';

/** Adds up what was decided. */
class Sum implements Machine<number> {
  total = 0;
  readonly offsets: number[] = [];

  replay(record: number, offset: number): void {
    if (record < 0) throw new Error('negative');
    this.total += record;
    this.offsets.push(offset);
  }
}

interface PlannedAppend {
  readonly records: readonly number[];
  readonly expectedEnd: number;
  readonly done: Deferred<void>;
}

class PlannedLog implements MachineLog<number> {
  readonly committed: number[] = [];
  readonly appends: PlannedAppend[] = [];
  /** Settles each append at once when set. */
  isPrompt = false;

  get endOffset(): number {
    return this.committed.length;
  }

  append(records: readonly number[], expectedEnd: number): Promise<void> {
    const append = { records, expectedEnd, done: new Deferred<void>() };
    this.appends.push(append);
    if (this.isPrompt) this.commit();
    return append.done.promise;
  }

  commit(): void {
    const append = this.appends.shift() as PlannedAppend;
    if (append.expectedEnd !== this.committed.length) {
      // Compare-and-append: what was decided behind a refused batch has no place.
      append.done.reject(new Error(`the log ends at ${this.committed.length}`));
      return;
    }
    this.committed.push(...append.records);
    append.done.resolve();
  }

  refuse(error: Error): void {
    (this.appends.shift() as PlannedAppend).done.reject(error);
  }

  async *read(from: number): AsyncGenerator<LoggedRecords<number>> {
    const records = this.committed.slice(from);
    const endOffset = from + records.length;
    if (records.length > 0) yield { baseOffset: from, endOffset, records };
  }
}

/** A log that can be taken over unnoticed. */
class ConfirmedLog extends PlannedLog {
  readonly confirmations: Deferred<void>[] = [];

  confirm(): Promise<void> {
    const confirmation = new Deferred<void>();
    this.confirmations.push(confirmation);
    return confirmation.promise;
  }
}

type Options = Partial<MachineRuntimeOptions<Sum, number>>;

function runtimeOn(io: Io, log: PlannedLog, options: Options = {}): MachineRuntime<Sum, number> {
  return new MachineRuntime<Sum, number>(io, {
    name: 'sum',
    log,
    build: () => ({ machine: new Sum(), replayFrom: 0 }),
    lostError: (cause) => new KafkaError('NOT_CONTROLLER', String(cause)),
    ...options,
  });
}

const add = (amount: number) => (sum: Sum) => ({ records: [amount], response: sum.total + amount });

function outcomeOf<T>(promise: Promise<T>): { value: T | string } {
  const outcome: { value: T | string } = { value: 'pending' };
  promise.then(
    (value) => {
      outcome.value = value;
    },
    (error) => {
      outcome.value = `${error.errorName ?? error.message}`;
    },
  );
  return outcome;
}

const turn = (io: Io): Promise<void> => new Promise((resolve) => io.clock.nextTurn(resolve));

test('decisions of one turn see each other at once and are appended together', () =>
  simulate(async (io) => {
    const log = new PlannedLog();
    const runtime = runtimeOn(io, log);
    await runtime.load();
    const outcomes = [1, 2, 3].map((amount) => outcomeOf(runtime.submit(add(amount))));
    await turn(io);
    assert.deepEqual(
      log.appends.map(({ records, expectedEnd }) => ({ records, expectedEnd })),
      [{ records: [1, 2, 3], expectedEnd: 0 }],
    );
    assert.deepEqual(outcomes, [{ value: 'pending' }, { value: 'pending' }, { value: 'pending' }]);
    log.commit();
    await turn(io);
    assert.deepEqual(outcomes, [{ value: 1 }, { value: 3 }, { value: 6 }]);
    assert.equal(runtime.committedEnd, 3);
  }));

test('while one append is under way, decisions gather for the next', () =>
  simulate(async (io) => {
    const log = new PlannedLog();
    const runtime = runtimeOn(io, log);
    await runtime.load();
    void runtime.submit(add(1));
    await turn(io);
    void runtime.submit(add(2));
    await turn(io);
    const last = outcomeOf(runtime.submit(add(3)));
    await turn(io);
    assert.equal(log.appends.length, 1);
    log.commit();
    await turn(io);
    assert.deepEqual(log.appends[0]?.records, [2, 3]);
    log.commit();
    await turn(io);
    assert.equal(last.value, 6);
  }));

test('a question waits for what it saw and for nothing else', () =>
  simulate(async (io) => {
    const log = new PlannedLog();
    const runtime = runtimeOn(io, log);
    await runtime.load();
    assert.equal(await runtime.read((sum) => sum.total), 0);
    void runtime.submit(add(5));
    const seen = outcomeOf(runtime.read((sum) => sum.total));
    await turn(io);
    void runtime.submit(add(7));
    await turn(io);
    assert.equal(seen.value, 'pending');
    log.commit();
    await turn(io);
    assert.equal(seen.value, 5);
    assert.equal(log.appends.length, 1);
  }));

test('a question is answered when nobody took the log over after it was asked', () =>
  simulate(async (io) => {
    const log = new ConfirmedLog();
    const runtime = runtimeOn(io, log);
    await runtime.load();
    const question = outcomeOf(runtime.read((sum) => sum.total));
    const refusal = outcomeOf(
      runtime.submit(() => {
        throw new KafkaError('INVALID_REQUEST');
      }),
    );
    await turn(io);
    assert.deepEqual([question.value, refusal.value], ['pending', 'pending']);
    for (const confirmation of log.confirmations.splice(0)) confirmation.resolve();
    await turn(io);
    assert.deepEqual([question.value, refusal.value], [0, 'INVALID_REQUEST']);

    // The answer to an append under way may be older than the question.
    void runtime.submit(add(5));
    await turn(io);
    const late = outcomeOf(runtime.read((sum) => sum.total));
    log.commit();
    await turn(io);
    assert.equal(late.value, 'pending');
    log.confirmations.shift()?.reject(new Error('another was elected'));
    await turn(io);
    assert.equal(late.value, 'NOT_CONTROLLER');

    // An append that is still to come is refused in that case.
    runtime.submit(add(7)).catch(() => {});
    const behind = outcomeOf(runtime.read((sum) => sum.total));
    await turn(io);
    assert.equal(log.confirmations.length, 0);
    log.commit();
    await turn(io);
    assert.equal(behind.value, 12);

    const lost = outcomeOf(runtime.read((sum) => sum.total));
    runtime.unload('another leads');
    log.confirmations.shift()?.resolve();
    await turn(io);
    assert.equal(lost.value, 'NOT_CONTROLLER');
  }));

test('a refused append throws the machine away and fails every answer that waits', () =>
  simulate(async (io) => {
    const log = new PlannedLog();
    const lost: unknown[] = [];
    const runtime = runtimeOn(io, log, { onLost: (cause) => lost.push(cause) });
    await runtime.load();
    void runtime.submit(add(1));
    await turn(io);
    log.commit();
    await turn(io);
    const outcomes = [outcomeOf(runtime.submit(add(2)))];
    await turn(io);
    outcomes.push(outcomeOf(runtime.submit(add(3))), outcomeOf(runtime.read((sum) => sum.total)));
    const error = new Error('disk full');
    log.refuse(error);
    await turn(io);
    for (const { value } of outcomes) assert.equal(value, 'NOT_CONTROLLER');
    assert.deepEqual(lost, [error]);
    await assert.rejects(runtime.submit(add(4)), { errorName: 'NOT_CONTROLLER' });
    await turn(io);
    assert.equal(log.appends.length, 0);

    await runtime.load();
    assert.equal(await runtime.read((sum) => sum.total), 1);
    const again = outcomeOf(runtime.submit(add(10)));
    await turn(io);
    log.commit();
    await turn(io);
    assert.equal(again.value, 11);
    assert.deepEqual(await runtime.read((sum) => sum.offsets), [0, 1]);
  }));

test('an append that commits after its machine was thrown away answers nobody', () =>
  simulate(async (io) => {
    const log = new PlannedLog();
    const runtime = runtimeOn(io, log);
    await runtime.load();
    const outcome = outcomeOf(runtime.submit(add(1)));
    await turn(io);
    runtime.unload(new Error('another leads'));
    await turn(io);
    assert.equal(outcome.value, 'NOT_CONTROLLER');
    log.commit();
    await runtime.load();
    assert.equal(await runtime.read((sum) => sum.total), 1);
  }));

test('a decision that throws leaves no trace and fails alone', () =>
  simulate(async (io) => {
    const log = new PlannedLog();
    log.isPrompt = true;
    const runtime = runtimeOn(io, log);
    await runtime.load();
    const refused = runtime.submit(() => {
      throw new KafkaError('INVALID_REQUEST');
    });
    const [failed, made] = await Promise.allSettled([refused, runtime.submit(add(1))]);
    assert.equal(failed.status, 'rejected');
    assert.equal(made.status, 'fulfilled');
    assert.deepEqual(log.committed, [1]);
  }));

test('a record that the machine cannot replay ends the machine, whole decision included', () =>
  simulate(async (io) => {
    const log = new PlannedLog();
    const runtime = runtimeOn(io, log);
    await runtime.load();
    assert.throws(() => runtime.submit(() => ({ records: [1, -1], response: null })), /negative/);
    assert.equal(runtime.state, 'idle');
    await turn(io);
    assert.equal(log.appends.length, 0);
  }));

test('with several appends under way answers still leave in order of the log', () =>
  simulate(async (io) => {
    const log = new PlannedLog();
    const runtime = runtimeOn(io, log, { appendsInFlightMax: 4, batchRecordsMax: 1 });
    await runtime.load();
    const outcomes = [1, 2, 3].map((amount) => outcomeOf(runtime.submit(add(amount))));
    await turn(io);
    assert.equal(log.appends.length, 3);
    log.commit();
    await turn(io);
    assert.deepEqual(
      outcomes.map(({ value }) => value),
      [1, 'pending', 'pending'],
    );
    const stays = log.appends[1] as PlannedAppend;
    log.refuse(new Error('gone'));
    stays.done.resolve();
    await turn(io);
    assert.deepEqual(
      outcomes.map(({ value }) => value),
      [1, 'NOT_CONTROLLER', 'NOT_CONTROLLER'],
    );
  }));

test('a decision larger than a batch is one append all the same', () =>
  simulate(async (io) => {
    const log = new PlannedLog();
    log.isPrompt = true;
    const runtime = runtimeOn(io, log, { batchRecordsMax: 3 });
    await runtime.load();
    const many = Array.from({ length: 10 }, () => 1);
    const sizes: number[] = [];
    const append = log.append.bind(log);
    log.append = (records, expectedEnd) => {
      sizes.push(records.length);
      return append(records, expectedEnd);
    };
    await Promise.all([
      runtime.submit(add(1)),
      runtime.submit(add(1)),
      runtime.submit(() => ({ records: many, response: null })),
      runtime.submit(add(1)),
    ]);
    assert.deepEqual(sizes, [2, 10, 1]);
  }));

test('timers are soft: they call with the machine, and go with it', () =>
  simulate(async (io) => {
    const log = new PlannedLog();
    log.isPrompt = true;
    const runtime = runtimeOn(io, log);
    await runtime.load();
    const seen: number[] = [];
    runtime.after(10, (sum) => seen.push(sum.total));
    runtime.after(10, () => seen.push(-1)).cancel();
    await runtime.submit(add(3));
    await io.clock.sleep(20);
    assert.deepEqual(seen, [3]);
    runtime.after(10, () => seen.push(-2));
    runtime.unload('moved');
    await runtime.load();
    await io.clock.sleep(20);
    assert.deepEqual(seen, [3]);
    runtime.close();
    assert.equal(runtime.state, 'closed');
    await assert.rejects(runtime.submit(add(1)), { errorName: 'NOT_CONTROLLER' });
  }));

test('whatever fails, answers agree with the log and a reload gives its sum', async () => {
  for (let seed = 0; seed < 60; seed++) {
    const random = new Prng(`machine/${seed}`);
    await simulate(async (io) => {
      const log = new PlannedLog();
      const appendsInFlightMax = 1 + random.int(3);
      const runtime = runtimeOn(io, log, { appendsInFlightMax, batchRecordsMax: 5 });
      await runtime.load();
      let answered = 0;
      let submitted = 0;
      for (let step = 0; step < 300; step++) {
        if (runtime.state === 'idle') await runtime.load();
        const choice = random.float();
        if (choice < 0.5) {
          submitted += 1;
          runtime.submit(add(1)).then(
            (total) => {
              answered += 1;
              assert.ok(total <= log.committed.length, 'an answer before its commit');
            },
            (error) => assert.equal(error.errorName, 'NOT_CONTROLLER'),
          );
        } else if (choice < 0.8) {
          if (log.appends.length > 0) log.commit();
        } else if (choice < 0.85) {
          if (log.appends.length > 0) {
            log.refuse(new Error('planted'));
            // An ordered log commits nothing behind a gap.
            while (log.appends.length > 0) log.refuse(new Error('behind it'));
          }
        } else await turn(io);
      }
      runtime.unload('end');
      await runtime.load();
      assert.equal(await runtime.read((sum) => sum.total), log.committed.length);
      assert.ok(answered <= log.committed.length && answered > 0 && submitted > answered);
    });
  }
});
