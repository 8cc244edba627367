// The rights that a client is given, one set after the other: none, each operation on each resource
// alone, and those that some APIs need together.

import { AclOperation, AclResource, operationsOf } from '../../../src/security/acl/index.ts';
import { resources } from './cases.ts';

export interface Right {
  readonly resourceType: number;
  readonly resourceName: string;
  readonly operation: number;
}

export interface Grant {
  /** As the table of answers has it: `READ topic`. */
  readonly name: string;
  readonly rights: readonly Right[];
}

const { TOPIC, GROUP, TRANSACTIONAL_ID, CLUSTER } = AclResource;

const kinds = [
  { word: 'topic', resourceType: TOPIC, resourceName: resources.topic },
  { word: 'group', resourceType: GROUP, resourceName: resources.group },
  {
    ...{ word: 'transaction', resourceType: TRANSACTIONAL_ID },
    resourceName: resources.transactionalId,
  },
  { word: 'cluster', resourceType: CLUSTER, resourceName: resources.cluster },
];

const operationNames = new Map<number, string>(
  Object.entries(AclOperation).map(([name, code]) => [code, name]),
);

function right(word: string, operation: number, name?: string): Right {
  const { word: _, ...kind } = kinds.find((each) => each.word === word) as (typeof kinds)[number];
  return { ...kind, operation, ...(name === undefined ? {} : { resourceName: name }) };
}

const single = kinds.flatMap(({ word, resourceType }): Grant[] =>
  operationsOf(resourceType).map((operation) => ({
    name: `${operationNames.get(operation)} ${word}`,
    rights: [right(word, operation)],
  })),
);

const write = right('transaction', AclOperation.WRITE);
const readGroup = right('group', AclOperation.READ);
const all = kinds.map(({ word }) => right(word, AclOperation.ALL));

export const grants: readonly Grant[] = [
  { name: 'nothing', rights: [] },
  ...single,
  { name: 'CREATE new topic', rights: [right('topic', AclOperation.CREATE, 'new')] },
  {
    name: 'CREATE, DESCRIBE_CONFIGS new topic',
    rights: [
      right('topic', AclOperation.CREATE, 'new'),
      right('topic', AclOperation.DESCRIBE_CONFIGS, 'new'),
    ],
  },
  { name: 'READ absent topic', rights: [right('topic', AclOperation.READ, 'absent')] },
  { name: 'DELETE absent topic', rights: [right('topic', AclOperation.DELETE, 'absent')] },
  { name: 'DELETE absent group', rights: [right('group', AclOperation.DELETE, 'absent')] },
  { name: 'WRITE transaction, READ group', rights: [write, readGroup] },
  {
    name: 'WRITE transaction, READ group, READ topic',
    rights: [write, readGroup, right('topic', AclOperation.READ)],
  },
  {
    name: 'WRITE transaction, WRITE topic',
    rights: [write, right('topic', AclOperation.WRITE)],
  },
  {
    name: 'READ group, READ topic',
    rights: [readGroup, right('topic', AclOperation.READ)],
  },
  {
    name: 'DESCRIBE group, DESCRIBE topic',
    rights: [right('group', AclOperation.DESCRIBE), right('topic', AclOperation.DESCRIBE)],
  },
  {
    name: 'DELETE group, READ topic',
    rights: [right('group', AclOperation.DELETE), right('topic', AclOperation.READ)],
  },
  { name: 'ALL everything', rights: all },
];
