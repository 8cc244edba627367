// The scenarios that `npm run sim` knows, in the order in which it runs them.
//
// journal.ts     over raw Io: a journal that acknowledges what it has synced
// power-cut.ts   a produce load with fsync before acknowledgement, under power cuts
//
// load-run.ts holds what the scenarios with records share.

import type { Scenario } from '../scenario.ts';
import { journal } from './journal.ts';
import { powerCut } from './power-cut.ts';

export const scenarios: readonly Scenario[] = [journal, powerCut];
