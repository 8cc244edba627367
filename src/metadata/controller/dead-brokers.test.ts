// Who is taken for dead, and when.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simulate } from '../../../sim/index.ts';
import type { Io } from '../../io/index.ts';
import { KafkaError } from '../../protocol/index.ts';
import { DeadBrokers } from './dead-brokers.ts';

/** Broker 1 controls; 2 and 3 are registered and not fenced. */
class Scene {
  readonly fenced: number[] = [];
  readonly dead: DeadBrokers;
  refusals = 0;
  steadyMs = Number.POSITIVE_INFINITY;

  constructor(io: Io, sessionMs = 9000) {
    this.dead = new DeadBrokers(io, {
      ...{ nodeId: 1, sessionMs, steadyMs: () => this.steadyMs },
      serving: () => [1, 2, 3],
      fence: async (id) => {
        if (this.refusals-- > 0) throw new KafkaError('NOT_CONTROLLER');
        this.fenced.push(id);
      },
      onBug: (error) => assert.fail(error),
    });
  }
}

test('a broker whose session ended is fenced, unless it begins another one at once', () =>
  simulate(async (io) => {
    const at = new Scene(io);
    at.dead.onAlive([1, 2, 3]);
    await at.dead.onElected();
    at.dead.onAlive([1]);
    await io.clock.sleep(100);
    at.dead.onAlive([1, 3]);
    assert.deepEqual(at.fenced, []);
    await io.clock.sleep(1000);
    assert.deepEqual(at.fenced, [2]);
  }));

test('a new controller gives a broker without a session one whole session time', () =>
  simulate(async (io) => {
    const at = new Scene(io);
    at.dead.onAlive([1]);
    await at.dead.onElected();
    await io.clock.sleep(5000);
    at.dead.onAlive([1, 3]);
    await io.clock.sleep(3900);
    assert.deepEqual(at.fenced, []);
    await io.clock.sleep(200);
    assert.deepEqual(at.fenced, [2]);
  }));

test('a new controller that saw the session of a broker end does not wait for another one', () =>
  simulate(async (io) => {
    const at = new Scene(io);
    at.dead.onAlive([1, 2, 3]);
    at.dead.onAlive([1, 2]);
    at.dead.onAlive([1]);
    at.dead.onAlive([1, 3]);
    at.dead.onAlive([1]);
    await at.dead.onElected();
    assert.deepEqual(at.fenced, []);
    await io.clock.sleep(100);
    at.dead.onAlive([1, 3]);
    await io.clock.sleep(200);
    assert.deepEqual(at.fenced, [2]);
    await io.clock.sleep(20_000);
    assert.deepEqual(at.fenced, [2]);
  }));

test('a session that ended with an outage of the store is given a whole session time', () =>
  simulate(async (io) => {
    const at = new Scene(io);
    at.dead.onAlive([1, 2, 3]);
    await at.dead.onElected();
    // The store is back since two seconds, and ends the sessions that were not renewed meanwhile.
    at.steadyMs = 2000;
    at.dead.onAlive([1]);
    await io.clock.sleep(6900);
    assert.deepEqual(at.fenced, []);
    at.dead.onAlive([1, 3]);
    await io.clock.sleep(200);
    assert.deepEqual(at.fenced, [2]);
    // Whoever is elected now knows no more than that.
    at.dead.onTermOver();
    at.steadyMs = 0;
    at.dead.onAlive([1]);
    await at.dead.onElected();
    await io.clock.sleep(8900);
    assert.deepEqual(at.fenced, [2]);
    await io.clock.sleep(200);
    assert.deepEqual(at.fenced, [2, 2, 3]);
  }));

test('fencing that is refused is tried again, while this node controls', () =>
  simulate(async (io) => {
    const at = new Scene(io);
    at.refusals = 3;
    at.dead.onAlive([1, 2, 3]);
    await at.dead.onElected();
    at.dead.onAlive([1, 3]);
    await io.clock.sleep(3000);
    assert.deepEqual(at.fenced, [2]);
    at.dead.onAlive([1]);
    at.dead.onTermOver();
    await io.clock.sleep(3000);
    assert.deepEqual(at.fenced, [2]);
  }));

test('where there are no sessions, nobody else is alive', () =>
  simulate(async (io) => {
    const at = new Scene(io, 0);
    await at.dead.onElected();
    assert.deepEqual(at.fenced, [2, 3]);
  }));
