// The end of a process at a signal: the order, the limit, and what is said of what was given up.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simulate } from '../../../sim/index.ts';
import { type Closeable, closeInOrder, shutdownOn } from './shutdown.ts';

class Fake implements Closeable {
  readonly #close: () => Promise<void>;

  constructor(close: () => Promise<void>) {
    this.#close = close;
  }

  close(): Promise<void> {
    return this.#close();
  }
}

test('consumers are closed before producers, whatever fails, and what is left is named', () =>
  simulate(async (io) => {
    const order: string[] = [];
    const create = (name: string, traits: object, forMs: number, fails = false): Closeable =>
      Object.assign(
        new Fake(async () => {
          order.push(name);
          await io.clock.sleep(forMs);
          order.push(`${name} is closed`);
          if (fails) throw new Error('no broker answers');
        }),
        traits,
      );
    const send = (): void => {};
    const admin = create('admin', {}, 60_000);
    const producer = create('producer', { send }, 10, true);
    const consumer = create('consumer', { subscribe: send }, 100);
    const givenUp = await closeInOrder(io, [admin, producer, consumer], 1000);
    const names = ['consumer', 'consumer is closed', 'producer', 'producer is closed', 'admin'];
    assert.deepEqual(order, names);
    assert.deepEqual(givenUp, ['Fake: no broker answers', 'Fake has not closed in time']);
  }));

test('the first signal closes them, and after it signals do what they always did', async () => {
  let closed = 0;
  const client = new Fake(async () => void closed++);
  const before = process.listenerCount('SIGUSR2');
  const shutdown = shutdownOn(['SIGUSR2'], client);
  assert.equal(process.listenerCount('SIGUSR2'), before + 1);
  process.emit('SIGUSR2', 'SIGUSR2');
  assert.deepEqual(await shutdown.done, []);
  assert.equal(closed, 1);
  assert.equal(process.listenerCount('SIGUSR2'), before);
  const other = shutdownOn({ signals: ['SIGUSR2'] }, client);
  other.cancel();
  assert.equal(process.listenerCount('SIGUSR2'), before);
});
