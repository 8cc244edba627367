// Every scenario of one broker that is registered, under a few seeds, each twice.

import { runTwice } from './run-twice.ts';

runTwice((name) => !/^replication|-on-/.test(name));
