// What a group can be. A group that only has offsets is a classic one that nobody ever joined.

import type { ClassicGroup } from './classic/classic-group.ts';
import type { ConsumerGroup } from './consumer/consumer-group.ts';

export type Group = ClassicGroup | ConsumerGroup;
