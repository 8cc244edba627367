// The scenarios of replication, under a seed or two, each twice.

import { runTwice } from './run-twice.ts';

runTwice((name) => /^replication(-power-cut)?$/.test(name), [1, 2]);
runTwice((name) => name === 'replication-directories', [1]);
// A replica goes and comes back while its disk is slow.
runTwice((name) => name === 'replication-moves', [98]);
// A clock that runs ahead, and an answer that comes late.
runTwice((name) => name === 'replication-told', [10, 13]);
