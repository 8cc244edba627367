// Decisions that come round by themselves.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simulate } from '../../../sim/index.ts';
import { KafkaError } from '../../protocol/index.ts';
import { PeriodicDecisions } from './periodic-decisions.ts';

const everyMs = 300_000;

test('decisions are made while the term lasts, and again at once while there is more', () =>
  simulate(async (io) => {
    let [made, more] = [0, 2];
    const decide = async (): Promise<boolean> => {
      made += 1;
      return more-- > 0;
    };
    const decisions = new PeriodicDecisions(io, [{ name: 'elect leaders', everyMs, decide }], {
      onBug: assert.fail,
    });
    await io.clock.sleep(2 * everyMs);
    assert.equal(made, 0);
    decisions.onElected();
    await io.clock.sleep(everyMs + 1);
    assert.equal(made, 3);
    await io.clock.sleep(everyMs);
    assert.equal(made, 4);
    decisions.onTermOver();
    await io.clock.sleep(3 * everyMs);
    assert.equal(made, 4);
    decisions.onElected();
    await io.clock.sleep(everyMs + 1);
    assert.equal(made, 5);
  }));

test('a decision that fails is made the next time', () =>
  simulate(async (io) => {
    let made = 0;
    const decide = async (): Promise<boolean> => {
      made += 1;
      throw new KafkaError('NOT_CONTROLLER');
    };
    const decisions = new PeriodicDecisions(io, [{ name: 'elect leaders', everyMs, decide }], {
      onBug: assert.fail,
    });
    decisions.onElected();
    await io.clock.sleep(2 * everyMs + 1);
    assert.equal(made, 2);
    decisions.onTermOver();
  }));
