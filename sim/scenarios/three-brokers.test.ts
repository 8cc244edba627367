// The scenarios on three brokers, under a seed, twice.

import { runTwice } from './run-twice.ts';

runTwice((name) => name.endsWith('-on-three'));
