// The scenarios that `npm run sim` knows, in the order in which it runs them.
//
// journal.ts   over raw Io: a journal that acknowledges what it has synced

import type { Scenario } from '../scenario.ts';
import { journal } from './journal.ts';

export const scenarios: readonly Scenario[] = [journal];
