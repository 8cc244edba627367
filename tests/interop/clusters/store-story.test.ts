// A real etcd and a real ZooKeeper, each below three real brokers: away for shorter and for longer
// than a session, and with every session ended at once. Both stores at the same time, and sessions
// of two seconds, so that it takes seconds; `npm run test:store-away` takes as long as one likes.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { present } from '../toolchain.ts';
import { type StoreKind, whyNoStore } from './store-members.ts';
import { StoreStory } from './store-story.ts';

const sessionMs = 2_000;
/** A busy machine does not look every 20 ms. */
const busyMs = 10_000;

const stores = [
  ['etcd', 1],
  ['zookeeper', 3],
] as const satisfies [StoreKind, number][];

test('brokers go on without their store, and lead what they led', {
  concurrency: true,
}, async (t) => {
  const told = stores.map(([store, storeMemberCount]) =>
    t.test(store, async (each) => {
      if (!present(each, whyNoStore(store) === null, store)) return;
      const say = (line: string): void => each.diagnostic(line);
      const options = { store, storeMemberCount, sessionMs, say };
      const found = await StoreStory.tell(options, async (story) => {
        await story.away('SIGSTOP', sessionMs / 2);
        if (story.canPlay('cut')) await story.away('cut', 2 * sessionMs);
        await story.sessionsEnd();
        assert.ok((await story.leaderDies('SIGSTOP', 2 * sessionMs)) < 2 * sessionMs + busyMs);
      });
      assert.deepEqual(found, []);
    }),
  );
  await Promise.all(told);
});
