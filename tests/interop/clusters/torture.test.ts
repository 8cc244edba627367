// Sixty seconds of faults on three clusters at once, whose metadata are in the store of
// `--brokers`, on three members of etcd and on three of ZooKeeper: of as many kinds as that takes
// and this machine can play, under the load of the Java client, librdkafka and ours.
// `npm run test:torture` goes on for half an hour.
//
//   TORTURE_SEED=…   what happens when; the same each time unless it is given

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hasKafka, present } from '../toolchain.ts';
import { whyNoStore } from './store-members.ts';
import { torture } from './torture.ts';

const seed = process.env.TORTURE_SEED ?? '7';

/** The clients are told apart on one of the clusters: a machine of two cores has enough to do. */
const clusters = [
  { store: 'shared', rate: 50, clients: [] },
  { store: 'etcd', rate: 25, clients: ['ours', 'librdkafka'] },
  { store: 'zookeeper', rate: 25, clients: ['ours', 'librdkafka'] },
] as const;

const title = 'three brokers keep what they acknowledged, whatever befalls them';

test(title, { concurrency: true }, async (t) => {
  if (!hasKafka(t)) return;
  t.diagnostic(`TORTURE_SEED=${seed}`);
  const tortured = clusters.map((options) =>
    t.test(options.store, async (each) => {
      const { store, rate } = options;
      if (!present(each, whyNoStore(store) === null, store)) return;
      const say = (line: string): void => each.diagnostic(line);
      const own = store === 'shared' ? seed : `${seed} ${store}`;
      const result = await torture({ ...options, seed: own, seconds: 60, say });
      const { played, acknowledged, leftOut, found } = result;
      for (const line of leftOut) each.diagnostic(`left out: ${line}`);
      assert.deepEqual(found.slice(0, 20), []);
      assert.ok(played.size > 1 && acknowledged > rate * 10, `${acknowledged} acknowledged`);
    }),
  );
  await Promise.all(tortured);
});
