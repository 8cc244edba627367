// A topic that takes several changes of a real etcd and of a real ZooKeeper is there as a whole or
// not at all, wherever its controller is killed. Its configs are long, so that it takes seconds:
// `npm run test:large-topics` does it with 10 000 partitions.

import { test } from 'node:test';
import { present } from '../toolchain.ts';
import { LargeTopics } from './large-topics.ts';
import { whyNoStore } from './store-members.ts';

test('a topic that is larger than one change is made as a whole or not at all', {
  concurrency: true,
}, async (t) => {
  const told = (['etcd', 'zookeeper'] as const).map((store) =>
    t.test(store, async (each) => {
      if (!present(each, whyNoStore(store) === null, store)) return;
      const say = (line: string): void => each.diagnostic(line);
      const size = { partitionCount: 6, configBytes: 3_000_000 };
      await LargeTopics.tell({ store, ...size, sessionMs: 6_000, say }, async (story) => {
        await story.killedBefore(2);
        await story.killedAfterAll();
      });
    }),
  );
  await Promise.all(told);
});
