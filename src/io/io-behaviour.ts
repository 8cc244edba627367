// What every Io promises, as tests that run against any of them: the real one on a temporary
// directory and the loopback interface, the simulated one in virtual time. A difference between
// the two would make the simulator prove the wrong thing, so each promise that code above the
// seam relies on has its test in one of the three parts.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { diskBehaviour } from './disk-behaviour.ts';
import type { Io } from './io.ts';
import { networkBehaviour } from './network-behaviour.ts';

/** Runs a test body with a fresh Io and an empty directory of its own. */
export type RunWithIo = (body: (io: Io, directory: string) => Promise<void>) => Promise<void>;

type TestIo = (title: string, body: (io: Io, directory: string) => Promise<void>) => void;

export function ioBehaviour(name: string, run: RunWithIo): void {
  const testIo: TestIo = (title, body) => {
    test(`${name}: ${title}`, () => run(body));
  };
  timerBehaviour(testIo);
  clockBehaviour(testIo);
  networkBehaviour(testIo);
  diskBehaviour(testIo);
  randomBehaviour(testIo);
}

function timerBehaviour(testIo: TestIo): void {
  testIo('timers fire in the order of their time, not of their creation', async ({ clock }) => {
    const fired: number[] = [];
    for (const delayMs of [30, 2, 15]) clock.after(delayMs, () => fired.push(delayMs));
    await clock.sleep(60);
    assert.deepEqual(fired, [2, 15, 30]);
  });

  testIo('timers of the same delay fire in the order of their creation', async ({ clock }) => {
    const delaysMs = [1, 1.6, 2.2, 1.3, 1.9];
    for (let round = 0; round < 150; round++) {
      const fired = delaysMs.map((): number[] => []);
      for (let number = 0; number < 200; number++) {
        const kind = number % delaysMs.length;
        clock.after(delaysMs[kind] as number, () => fired[kind]?.push(number));
      }
      while (fired.flat().length < 200) await clock.sleep(2);
      for (const numbers of fired) {
        assert.deepEqual(
          numbers,
          [...numbers].sort((a, b) => a - b),
        );
      }
    }
  });

  testIo('a timer never fires early, and fires once', async ({ clock }) => {
    for (const delayMs of [0, 0.3, 1, 1.7, 5, 9.9]) {
      const start = clock.monotonic();
      let count = 0;
      clock.after(delayMs, () => count++);
      await clock.sleep(delayMs);
      assert.ok(clock.monotonic() - start >= delayMs, `${delayMs} ms`);
      await clock.sleep(3);
      assert.equal(count, 1);
    }
  });

  testIo(
    'a timer that is cancelled does not fire, and may be cancelled again',
    async ({ clock }) => {
      let count = 0;
      const timer = clock.after(2, () => count++);
      timer.cancel();
      timer.cancel();
      const fired = clock.after(1, () => count++);
      await clock.sleep(10);
      fired.cancel();
      assert.equal(count, 1);
    },
  );

  testIo('a delay longer than a month does not fire at once', async ({ clock }) => {
    let count = 0;
    const timer = clock.after(2 ** 31 + 1_000, () => count++);
    await clock.sleep(5);
    timer.cancel();
    assert.equal(count, 0);
  });
}

function clockBehaviour(testIo: TestIo): void {
  testIo(
    'nextTurn runs after the promises of this turn, in order, once each',
    async ({ clock }) => {
      const order: string[] = [];
      await new Promise<void>((resolve) => {
        clock.nextTurn(() => {
          order.push('first');
          clock.nextTurn(() => {
            order.push('nested');
            resolve();
          });
          Promise.resolve().then(() => order.push('promise'));
        });
        clock.nextTurn(() => order.push('second'));
        order.push('now');
      });
      assert.deepEqual(order, ['now', 'first', 'promise', 'second', 'nested']);
    },
  );

  testIo('the wall clock is in whole milliseconds of this century', async ({ clock }) => {
    const now = clock.now();
    assert.ok(Number.isInteger(now));
    assert.ok(now > Date.UTC(2020) && now < Date.UTC(2100));
  });
}

function randomBehaviour(testIo: TestIo): void {
  testIo(
    'random numbers stay within their bounds and bytes have their length',
    async ({ random }) => {
      const seen = new Set<number>();
      for (let i = 0; i < 200; i++) {
        const float = random.float();
        assert.ok(float >= 0 && float < 1);
        seen.add(random.int(4));
      }
      assert.deepEqual([...seen].sort(), [0, 1, 2, 3]);
      assert.equal(random.bytes(16).length, 16);
      assert.notDeepEqual(random.bytes(16), random.bytes(16));
    },
  );
}
