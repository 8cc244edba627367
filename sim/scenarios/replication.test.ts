// The scenarios of replication, under a few seeds, each twice; the longer ones under one.

import { runTwice } from './run-twice.ts';

runTwice((name) => /^replication(-power-cut)?$/.test(name));
runTwice((name) => name === 'replication-directories', [1]);
// A replica goes and comes back while its disk is slow.
runTwice((name) => name === 'replication-moves', [98]);
