// A process that stood still does not rely on connections from before.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simulate } from '../../sim/index.ts';
import { ScriptedCluster } from '../../tests/doubles/client/scripted-cluster.ts';
import type { Clock, Io } from '../io/index.ts';
import { Admin } from './admin/index.ts';
import { ClockGaps } from './clock-gaps.ts';

/** A clock whose wall may be moved, and connections that may be cut without a sign. */
function frozen(io: Io) {
  let skippedMs = 0;
  let connections = 0;
  let isCut = false;
  const clock: Clock = {
    now: () => io.clock.now() + skippedMs,
    monotonic: () => io.clock.monotonic(),
    after: (delayMs, callback) => io.clock.after(delayMs, callback),
    sleep: (delayMs) => io.clock.sleep(delayMs),
    nextTurn: (callback) => io.clock.nextTurn(callback),
  };
  const network: Io['network'] = {
    listen: (...options) => io.network.listen(...options),
    hostName: () => io.network.hostName(),
    http: (request) => io.network.http(request),
    connect: async (options) => {
      connections++;
      const connection = await io.network.connect(options);
      const write = connection.write.bind(connection);
      const isOld = !isCut;
      connection.write = (chunks) => (isCut && isOld ? true : write(chunks));
      return connection;
    },
  };
  return {
    io: { ...io, clock, network },
    suspend: (forMs: number) => {
      skippedMs += forMs;
      isCut = true;
    },
    connections: () => connections,
  };
}

test('after a suspension a call costs one reconnect, not a request timeout', () =>
  simulate(async (io) => {
    const cluster = await ScriptedCluster.start(io);
    const machine = frozen(io);
    const admin = new Admin({ bootstrapServers: cluster.bootstrapServers }, machine.io);
    await admin.listTopics();
    await io.clock.sleep(4_000);
    await admin.listTopics();
    assert.equal(machine.connections(), 1);
    await io.clock.sleep(4_000);
    machine.suspend(600_000);
    const beganMs = io.clock.monotonic();
    await admin.listTopics();
    assert.ok(io.clock.monotonic() - beganMs < 1_000);
    assert.equal(machine.connections(), 2);
    await admin.close();
  }));

test('a process that was frozen alone notices by its own ticks, one that is busy is not', () => {
  let nowMs = 0;
  let tick: () => void = () => {};
  const clock: Clock = {
    now: () => nowMs,
    monotonic: () => nowMs,
    after: (_, callback) => {
      tick = callback;
      return { cancel: () => {} };
    },
    sleep: async () => {},
    nextTurn: () => {},
  };
  const gaps = new ClockGaps(clock, false);
  for (nowMs = 1000; nowMs <= 10_000; nowMs += 1000) tick();
  nowMs = 11_500;
  assert.equal(gaps.isWithin(2_000, 9_500), false);
  tick();
  nowMs = 60_000;
  assert.equal(gaps.isWithin(59_000, 1_000), false);
  assert.equal(gaps.isWithin(11_500, 48_500), true);
  for (nowMs = 61_000; nowMs <= 65_000; nowMs += 1000) tick();
  // Used after the gap.
  assert.equal(gaps.isWithin(61_500, 3_500), false);
  assert.equal(gaps.isWithin(11_500, 53_500), true);
});
