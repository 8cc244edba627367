// The promise (rights): a broker serves a client what the ACLs that the broker knows grant, and
// nothing else. What a broker knows is what it says right before and right after a question: where
// both are the same, and each change leaves another trace, it was that all the time.
//
// The rule is written down here once more, as Kafka's documents have it, and knows nothing of how a
// broker finds its answer.

import { assert } from '../../src/base/assert.ts';

/** As DescribeAcls has it. */
export interface Grant {
  readonly resourceType: number;
  readonly resourceName: string;
  readonly patternType: number;
  readonly principal: string;
  readonly host: string;
  readonly operation: number;
  readonly permissionType: number;
}

export interface Question {
  readonly principal: string;
  readonly operation: number;
  readonly resourceType: number;
  readonly resourceName: string;
}

const prefixed = 4;
const allow = 3;
const anything = 2;
const describe = 8;
/** READ, WRITE, DELETE and ALTER: who may do that may describe. */
const withDescribe: readonly number[] = [3, 4, 6, 7];

export function isGranted(grants: readonly Grant[], question: Question): boolean {
  const about = grants.filter((grant) => isAbout(grant, question));
  const isDenied = about.some(
    ({ permissionType, operation }) =>
      permissionType !== allow && covers(operation, question.operation, []),
  );
  if (isDenied) return false;
  return about.some(
    ({ permissionType, operation }) =>
      permissionType === allow && covers(operation, question.operation, withDescribe),
  );
}

/** A grant of one host alone is nobody's here: clients are asked from others. */
function isAbout(grant: Grant, { principal, resourceType, resourceName }: Question): boolean {
  if (grant.resourceType !== resourceType || grant.host !== '*') return false;
  if (grant.principal !== principal && grant.principal !== 'User:*') return false;
  if (grant.patternType === prefixed) return resourceName.startsWith(grant.resourceName);
  return grant.resourceName === '*' || grant.resourceName === resourceName;
}

function covers(granted: number, asked: number, implying: readonly number[]): boolean {
  if (granted === asked || granted === anything) return true;
  return asked === describe && implying.includes(granted);
}

/** One text for all that a broker has said it knows. */
export function grantsText(grants: readonly Grant[]): string {
  return grants
    .map((grant) => JSON.stringify(Object.entries(grant).sort()))
    .sort()
    .join('\n');
}

export interface Served {
  readonly question: Question;
  /** What was asked, in words. */
  readonly what: string;
  readonly isRefused: boolean;
  readonly nodeId: number;
}

export function assertAsGranted(grants: readonly Grant[], served: Served): void {
  const { question, what, isRefused, nodeId } = served;
  const { principal, resourceName } = question;
  const who = `broker ${nodeId}, asked by ${principal}, ${what} ${resourceName}`;
  const may = isGranted(grants, question);
  assert(may || isRefused, `${who}: was served, and its ACLs deny it`);
  assert(!may || !isRefused, `${who}: was refused, and its ACLs grant it`);
}
