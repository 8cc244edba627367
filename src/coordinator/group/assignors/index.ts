// The server-side assignors of consumer groups (KIP-848). The one door of this folder.
//
//   assignor.ts          what an assignor is asked and answers
//   assignment-draft.ts  an assignment in the making
//   uniform-assignor.ts  even over all topics, sticky, near where racks are known; the default
//   range-assignor.ts    contiguous ranges of each topic

import type { Assignor } from './assignor.ts';
import { rangeAssignor } from './range-assignor.ts';
import { uniformAssignor } from './uniform-assignor.ts';

export type {
  Assignment,
  Assignor,
  AssignorInput,
  AssignorMember,
  AssignorTopic,
  TopicPartitions,
} from './assignor.ts';
export { rangeAssignor, uniformAssignor };

const assignors: ReadonlyMap<string, Assignor> = new Map(
  [uniformAssignor, rangeAssignor].map((assignor) => [assignor.name, assignor]),
);

/** The assignor of a name of `group.consumer.assignors`; Java class names of ours count too. */
export function assignorNamed(name: string): Assignor | undefined {
  const known = javaClassNames[name] ?? name;
  return assignors.get(known);
}

const javaClassNames: Readonly<Record<string, string>> = {
  'org.apache.kafka.coordinator.group.assignor.UniformAssignor': 'uniform',
  'org.apache.kafka.coordinator.group.assignor.RangeAssignor': 'range',
};
