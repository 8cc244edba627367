// The scenarios of replication, under a few seeds, each twice; the longer ones under one.

import { runTwice } from './run-twice.ts';

runTwice((name) => /^replication(-power-cut)?$/.test(name));
runTwice((name) => /^replication-(moves|directories)$/.test(name), [1]);
