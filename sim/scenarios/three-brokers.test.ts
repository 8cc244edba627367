// The scenarios on three brokers, under two seeds, each twice.

import { runTwice } from './run-twice.ts';

runTwice((name) => name.endsWith('-on-three'), [1, 2]);
