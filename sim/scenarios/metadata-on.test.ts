// Three brokers, or processes like them, whose metadata is in a small etcd or ZooKeeper, under a
// seed, twice.

import { runTwice } from './run-twice.ts';

runTwice((name) => name.startsWith('metadata-on-'));
runTwice((name) => /^metadata-(log|harm)-/.test(name));
