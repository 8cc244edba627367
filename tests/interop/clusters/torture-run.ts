// The torture of a cluster for as long as one likes: `npm run test:torture -- --seconds 1800`
// (the default), --store shared (the default), etcd or zookeeper, --seed S, --rate N records a
// second of each client, --only kill,cut.

import type { StoreKind } from './store-members.ts';
import { torture } from './torture.ts';

const args = process.argv.slice(2);
const flagOf = (name: string, preset: string): string => {
  const at = args.indexOf(`--${name}`);
  return at < 0 ? preset : (args[at + 1] ?? preset);
};

const seed = flagOf('seed', `${Date.now()}`);
const only = flagOf('only', '')
  .split(',')
  .filter((word) => word !== '');
const store = flagOf('store', 'shared');
if (!['shared', 'etcd', 'zookeeper'].includes(store)) {
  throw new Error(`--store ${store}: expected shared, etcd or zookeeper`);
}
console.log(`store ${store}, seed ${seed}`);
const beganMs = performance.now();
const { played, acknowledged, leftOut, found } = await torture({
  ...{ seed, only, store: store as StoreKind },
  seconds: Number(flagOf('seconds', '1800')),
  rate: Number(flagOf('rate', '100')),
  say: (line) => console.log(`${Math.round((performance.now() - beganMs) / 1000)} s  ${line}`),
});
for (const [name, { count, pauseMs }] of played) {
  console.log(`${name}: ${count}, at most ${pauseMs} ms without progress`);
}
const all = [...played.values()];
const faultCount = all.reduce((sum, { count }) => sum + count, 0);
const longestMs = Math.max(0, ...all.map(({ pauseMs }) => pauseMs));
console.log(`${faultCount} faults; the longest time without progress was ${longestMs} ms`);
for (const line of leftOut) console.log(`left out: ${line}`);
for (const line of found.slice(0, 50)) console.log(`WRONG: ${line}`);
console.log(`${acknowledged} acknowledged, ${found.length} wrong`);
process.exit(found.length === 0 ? 0 : 1);
