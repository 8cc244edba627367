// A real etcd and a real ZooKeeper, each below three real brokers: away for shorter and for longer
// than a session, in each of three ways, and with every session ended at once. Both stores at the
// same time, and sessions of two seconds, so that it takes seconds; `npm run test:store-away` takes
// as long as one likes.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { present } from '../toolchain.ts';
import { type StoreKind, whyNoStore } from './store-members.ts';
import { StoreStory } from './store-story.ts';

const sessionMs = 2_000;
/** A busy machine does not look every 20 ms. */
const busyMs = 10_000;

for (const [store, storeMemberCount] of [
  ['etcd', 1],
  ['zookeeper', 3],
] as const satisfies [StoreKind, number][]) {
  test(`brokers on ${store} go on without it, and lead what they led`, async (t) => {
    const why = whyNoStore(store);
    if (!present(t, why === null, store)) return;
    const say = (line: string): void => t.diagnostic(line);
    const options = { store, storeMemberCount, sessionMs, say };
    const found = await StoreStory.tell(options, async (story) => {
      await story.away('SIGSTOP', sessionMs / 2);
      for (const how of ['SIGSTOP', 'stop', 'cut'] as const) {
        if (story.canPlay(how)) await story.away(how, 2 * sessionMs);
      }
      await story.sessionsEnd();
      assert.ok((await story.leaderDies('SIGSTOP', 2 * sessionMs)) < 2 * sessionMs + busyMs);
    });
    assert.deepEqual(found, []);
  });
}
