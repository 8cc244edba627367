// The scenarios of replication, under a few seeds, each twice.

import { runTwice } from './run-twice.ts';

runTwice((name) => name.startsWith('replication'));
