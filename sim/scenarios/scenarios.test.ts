// Every scenario of one broker that is registered, under a seed, twice.

import { runTwice } from './run-twice.ts';

runTwice((name) => !/^replication|-on-/.test(name));
