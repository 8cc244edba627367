// When a waiting fetch ends, in virtual time.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simulate } from '../../sim/index.ts';
import type { Clock } from '../io/index.ts';
import { FetchWaiter, type VisibleBytesListener, type VisibleBytesSource } from './fetch-waiter.ts';

class Source implements VisibleBytesSource {
  readonly listeners = new Set<VisibleBytesListener>();

  addListener(listener: VisibleBytesListener): void {
    this.listeners.add(listener);
  }

  removeListener(listener: VisibleBytesListener): void {
    this.listeners.delete(listener);
  }

  show(bytes: number): void {
    for (const listener of [...this.listeners]) listener.onVisible(bytes);
  }
}

function wait(clock: Clock, missingBytes: number) {
  const sources = [new Source(), new Source()] as const;
  const ends: number[] = [];
  const waiter = new FetchWaiter(clock, {
    missingBytes,
    maxWaitMs: 500,
    isCommittedOnly: false,
    isFollower: false,
    partitions: sources,
    onEnd: () => ends.push(Math.round(clock.monotonic())),
  });
  return { waiter, sources, ends, beganMs: Math.round(clock.monotonic()) };
}

test('the wait ends with the append that brings the last missing byte', async () => {
  await simulate(async ({ clock }) => {
    const { sources, ends, beganMs } = wait(clock, 100);
    await clock.sleep(10);
    sources[0].show(60);
    await clock.sleep(10);
    assert.deepEqual(ends, []);
    sources[1].show(40);
    await clock.sleep(0);
    assert.deepEqual(ends, [beganMs + 20]);
    assert.equal(sources[0].listeners.size + sources[1].listeners.size, 0);
    await clock.sleep(1000);
    assert.equal(ends.length, 1);
  });
});

test('without data the wait ends exactly at its time', async () => {
  await simulate(async ({ clock }) => {
    const { ends, sources, beganMs } = wait(clock, 1);
    await clock.sleep(2000);
    assert.deepEqual(ends, [beganMs + 500]);
    assert.equal(sources[0].listeners.size, 0);
  });
});

test('a change of leader ends the wait', async () => {
  await simulate(async ({ clock }) => {
    const { ends, sources, beganMs } = wait(clock, 1_000_000);
    for (const listener of [...sources[1].listeners]) listener.onInterrupted();
    await clock.sleep(0);
    assert.deepEqual(ends, [beganMs]);
  });
});

test('a wait that was cancelled says nothing and leaves nothing behind', async () => {
  await simulate(async ({ clock }) => {
    const { waiter, ends, sources } = wait(clock, 1);
    waiter.cancel();
    sources[0].show(10);
    await clock.sleep(1000);
    assert.deepEqual(ends, []);
    assert.equal(sources[0].listeners.size, 0);
  });
});
