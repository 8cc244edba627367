// Who is woken by an advance, and who runs into his deadline.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simulate } from '../../sim/index.ts';
import { KafkaError } from '../protocol/index.ts';
import { OffsetWaiters } from './offset-waiters.ts';

test('an advance wakes exactly those whose offset it reaches', async () => {
  await simulate(async ({ clock }) => {
    const waiters = new OffsetWaiters(clock);
    const woken: number[] = [];
    for (const offset of [5, 3, 9, 3]) {
      void waiters.wait(offset, clock.monotonic() + 1000).then(() => woken.push(offset));
    }
    waiters.onAdvance(2);
    await clock.sleep(1);
    assert.deepEqual(woken, []);
    waiters.onAdvance(5);
    await clock.sleep(1);
    assert.deepEqual(woken, [3, 3, 5]);
    waiters.onAdvance(100);
    await clock.sleep(1);
    assert.deepEqual(woken, [3, 3, 5, 9]);
    assert.equal(waiters.count, 0);
  });
});

test('a wait that is not satisfied ends at its deadline with REQUEST_TIMED_OUT', async () => {
  await simulate(async ({ clock }) => {
    const waiters = new OffsetWaiters(clock);
    const beganMs = clock.monotonic();
    await assert.rejects(waiters.wait(1, beganMs + 250), { errorName: 'REQUEST_TIMED_OUT' });
    assert.equal(Math.round(clock.monotonic() - beganMs), 250);
    assert.equal(waiters.count, 0);
  });
});

test('when the role changes everybody learns it at once', async () => {
  await simulate(async ({ clock }) => {
    const waiters = new OffsetWaiters(clock);
    const beganMs = clock.monotonic();
    const waits = [1, 2].map((offset) => waiters.wait(offset, beganMs + 10_000));
    waiters.failAll(new KafkaError('NOT_LEADER_OR_FOLLOWER'));
    for (const wait of waits) {
      await assert.rejects(wait, { errorName: 'NOT_LEADER_OR_FOLLOWER' });
    }
    assert.ok(clock.monotonic() - beganMs < 1);
  });
});
