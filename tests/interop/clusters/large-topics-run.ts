// Topics of 10 000 partitions, each in one request, whose controller is killed at every change that
// it takes: `npm run test:large-topics -- --store zookeeper` (default: etcd), --partitions 10000,
// --session 6000. Then one is made with nobody killed, and the next controller takes over: how long
// that takes is printed.

import { LargeTopics } from './large-topics.ts';
import type { StoreKind } from './store-members.ts';

const args = process.argv.slice(2);
const flagOf = (name: string, preset: string): string => {
  const at = args.indexOf(`--${name}`);
  return at < 0 ? preset : (args[at + 1] ?? preset);
};

// The line of whoever is elected says how long it took.
process.env.PARTITA_LOG_LEVEL ??= 'info';
const beganMs = performance.now();
const options = {
  store: flagOf('store', 'etcd') as StoreKind,
  partitionCount: Number(flagOf('partitions', '10000')),
  // More pieces than one, in etcd as well.
  configBytes: 2_000_000,
  sessionMs: Number(flagOf('session', '6000')),
  say: (line: string) =>
    console.log(`${Math.round((performance.now() - beganMs) / 1000)} s  ${line}`),
};
await LargeTopics.tell(options, async (story) => {
  for (let number = 1; (await story.killedBefore(number)).isPiece; ) number += 1;
  await story.created();
  await story.controllerDies();
  await story.deleted();
  await story.killedAfterAll();
});
process.exit(0);
