// Elections that come round by themselves.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simulate } from '../../../sim/index.ts';
import { KafkaError } from '../../protocol/index.ts';
import { PeriodicElections } from './periodic-elections.ts';

const everyMs = 300_000;

test('elections are held while the term lasts, and again at once while there is more', () =>
  simulate(async (io) => {
    let [held, more] = [0, 2];
    const elect = async (): Promise<boolean> => {
      held += 1;
      return more-- > 0;
    };
    const elections = new PeriodicElections(io, [{ name: 'leaders', everyMs, elect }], {
      onBug: assert.fail,
    });
    await io.clock.sleep(2 * everyMs);
    assert.equal(held, 0);
    elections.onElected();
    await io.clock.sleep(everyMs + 1);
    assert.equal(held, 3);
    await io.clock.sleep(everyMs);
    assert.equal(held, 4);
    elections.onTermOver();
    await io.clock.sleep(3 * everyMs);
    assert.equal(held, 4);
    elections.onElected();
    await io.clock.sleep(everyMs + 1);
    assert.equal(held, 5);
  }));

test('an election that fails is held the next time', () =>
  simulate(async (io) => {
    let held = 0;
    const elect = async (): Promise<boolean> => {
      held += 1;
      throw new KafkaError('NOT_CONTROLLER');
    };
    const elections = new PeriodicElections(io, [{ name: 'leaders', everyMs, elect }], {
      onBug: assert.fail,
    });
    elections.onElected();
    await io.clock.sleep(2 * everyMs + 1);
    assert.equal(held, 2);
    elections.onTermOver();
  }));
