// Sixty seconds of faults, of as many kinds as that takes and this machine can play, under the
// load of the Java client, librdkafka and ours. `npm run test:torture` goes on for half an hour.
//
//   TORTURE_SEED=…   what happens when; the same each time unless it is given

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hasKafka } from '../toolchain.ts';
import { torture } from './torture.ts';

const seed = process.env.TORTURE_SEED ?? '7';

test('three brokers keep what they acknowledged, whatever befalls them', async (t) => {
  if (!hasKafka(t)) return;
  t.diagnostic(`TORTURE_SEED=${seed}`);
  const say = (line: string): void => t.diagnostic(line);
  const { played, acknowledged, leftOut, found } = await torture({
    ...{ store: 'shared', seed, seconds: 60, rate: 50, say },
  });
  for (const line of leftOut) t.diagnostic(`left out: ${line}`);
  assert.deepEqual(found.slice(0, 20), []);
  assert.ok(played.size > 1 && acknowledged > 500, `${acknowledged} acknowledged`);
});
