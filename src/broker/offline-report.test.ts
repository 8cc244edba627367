// Telling the controller of what is offline, without a broker around it.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simulate } from '../../sim/index.ts';
import { KafkaError } from '../protocol/index.ts';
import { OfflineReport } from './offline-report.ts';

test('a controller that does not answer is told again, until it was told', () =>
  simulate(async (io) => {
    const toldMs: number[] = [];
    let refusals = 5;
    const began = io.clock.monotonic();
    const send = async (): Promise<void> => {
      toldMs.push(io.clock.monotonic() - began);
      if (refusals-- > 0) throw new KafkaError('NOT_CONTROLLER');
    };
    const report = new OfflineReport(io, { send, onBug: (error) => assert.fail(error) });
    report.begin();
    await io.clock.sleep(60_000);
    assert.deepEqual(toldMs.map(Math.round), [0, 100, 300, 700, 1500, 3100]);
    report.begin();
    await io.clock.sleep(60_000);
    assert.equal(toldMs.length, 7);
  }));

test('a broken invariant is no reason to try again, and a stop ends the attempts', () =>
  simulate(async (io) => {
    const bugs: Error[] = [];
    let error: Error = new TypeError('a bug');
    let sends = 0;
    const send = (): Promise<void> => {
      sends++;
      return Promise.reject(error);
    };
    const report = new OfflineReport(io, { send, onBug: (bug) => bugs.push(bug) });
    report.begin();
    await io.clock.sleep(1000);
    assert.deepEqual([sends, bugs], [1, [error]]);
    error = new KafkaError('NOT_CONTROLLER');
    report.begin();
    await io.clock.sleep(50);
    report.stop();
    await io.clock.sleep(60_000);
    assert.equal(sends, 2);
  }));
