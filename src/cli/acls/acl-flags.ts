// What the flags of kafka-acls mean: which resources, and which ACLs on them. The refusals are in
// the words of Kafka's tool.

import {
  type AclBinding,
  type AclFilter,
  AclOperation,
  AclPattern,
  AclPermission,
  AclResource,
  anyAcl,
  clusterResourceName,
  nameOfCode,
  operationsOf,
  wildcard,
} from '../../security/acl/index.ts';
import type { ClientFlags } from '../client-flags.ts';
import { UsageError } from '../command-line.ts';

export interface Flags extends ClientFlags {
  add?: boolean;
  remove?: boolean;
  list?: boolean;
  topic?: string[];
  group?: string[];
  transactionalId?: string[];
  delegationToken?: string[];
  userPrincipal?: string[];
  cluster?: boolean;
  resourcePatternType: string;
  allowPrincipal?: string[];
  denyPrincipal?: string[];
  allowHost?: string[];
  denyHost?: string[];
  operation?: string[];
  principal?: string[];
  producer?: boolean;
  consumer?: boolean;
  idempotent?: boolean;
  force?: boolean;
  bootstrapController?: string;
  authorizerProperties?: string;
  authorizer?: string;
}

const { TOPIC, GROUP, CLUSTER, TRANSACTIONAL_ID, DELEGATION_TOKEN, USER } = AclResource;
const { READ, WRITE, CREATE, DESCRIBE, IDEMPOTENT_WRITE } = AclOperation;

/** Operations by the type of the resource, of the flags that stand for several. */
const ofProducer = new Map<number, readonly number[]>([
  [TOPIC, [WRITE, DESCRIBE, CREATE]],
  [TRANSACTIONAL_ID, [WRITE, DESCRIBE]],
]);
const ofConsumer = new Map<number, readonly number[]>([
  [TOPIC, [READ, DESCRIBE]],
  [GROUP, [READ]],
]);

/** The resources that are named. @throws UsageError without any, unless `mayBeNone` */
export function filtersOf(flags: Flags, mayBeNone = false): AclFilter[] {
  assertTogether(flags);
  const patternType = patternTypeOf(flags);
  const named = (resourceType: number, names: readonly string[] = []): AclFilter[] =>
    names.map((name) => ({ ...anyAcl, resourceType, patternType, resourceName: name.trim() }));
  const needsCluster = flags.cluster === true || flags.idempotent === true;
  const cluster = patternType === AclPattern.LITERAL && needsCluster ? [clusterResourceName] : [];
  const filters = [
    ...named(TOPIC, flags.topic),
    ...named(CLUSTER, cluster),
    ...named(GROUP, flags.group),
    ...named(TRANSACTIONAL_ID, flags.transactionalId),
    ...named(DELEGATION_TOKEN, flags.delegationToken),
    ...named(USER, flags.userPrincipal),
  ];
  if (filters.length === 0 && !mayBeNone) {
    const tokens = '--delegation-token <Delegation Token ID>';
    const others = `--cluster or --group <group> or ${tokens}`;
    throw new UsageError(`You must provide at least one resource: --topic <topic> or ${others}`);
  }
  return filters;
}

function patternTypeOf({ resourcePatternType }: Flags): number {
  const name = resourcePatternType.toUpperCase();
  const code = Object.entries(AclPattern).find(([each]) => each === name)?.[1] ?? 0;
  if (code > 0) return code;
  const known = '[MATCH, ANY, LITERAL, PREFIXED]';
  throw new UsageError(
    `Unknown resource-pattern-type: ${resourcePatternType}. It is one of ${known}`,
  );
}

/** The ACLs that the flags describe. @throws UsageError, in the words of Kafka's tool */
export function aclsToAdd(flags: Flags, isRemoval = false): AclBinding[] {
  const filters = filtersOf(flags);
  const name = nameOfCode(AclPattern, patternTypeOf(flags));
  if (!isRemoval && (name === 'ANY' || name === 'MATCH')) {
    throw new UsageError(
      `A '--resource-pattern-type' value of '${name}' is not valid when adding acls.`,
    );
  }
  const acls = filters.flatMap((filter) =>
    operationsOn(filter.resourceType, flags).flatMap((operation) =>
      entries(filter, operation, flags),
    ),
  );
  if (acls.length > 0) return acls;
  const who = '--allow-principal, --deny-principal';
  throw new UsageError(`You must specify one of: ${who} when trying to add ACLs.`);
}

function operationsOn(type: number, flags: Flags): readonly number[] {
  if (flags.producer !== true && flags.consumer !== true) {
    const named = (flags.operation ?? ['All']).map((text) => operationOf(text));
    if (named.includes(AclOperation.ANY)) throw new UsageError('operation must not be ANY');
    const known = [AclOperation.ALL, ...operationsOf(type)];
    if (named.every((operation) => known.includes(operation))) return named;
    const names = known.map((operation) => nameOfCode(AclOperation, operation)).join(', ');
    const what = `ResourceType ${nameOfCode(AclResource, type)}`;
    throw new UsageError(`${what} only supports operations [${names}]`);
  }
  const operations = new Set<number>();
  if (flags.producer === true) {
    for (const each of ofProducer.get(type) ?? []) operations.add(each);
    if (type === CLUSTER && flags.idempotent === true) operations.add(IDEMPOTENT_WRITE);
  }
  if (flags.consumer === true) for (const each of ofConsumer.get(type) ?? []) operations.add(each);
  return [...operations];
}

/** By Kafka's names in any case: Read, AlterConfigs. */
function operationOf(text: string): number {
  const wanted = text.trim().toLowerCase();
  const found = Object.entries(AclOperation).find(([name]) => {
    return name.replaceAll('_', '').toLowerCase() === wanted;
  });
  return found?.[1] ?? AclOperation.UNKNOWN;
}

function entries(filter: AclFilter, operation: number, flags: Flags): AclBinding[] {
  const { resourceType, patternType } = filter;
  const pattern = { resourceType, patternType, resourceName: filter.resourceName ?? '' };
  const of = (
    permissionType: number,
    principals: readonly string[] | undefined,
    hosts: readonly string[] = [wildcard],
  ): AclBinding[] =>
    principalsOf(principals).flatMap((principal) =>
      hosts.map((host) => ({ ...pattern, principal, host, operation, permissionType })),
    );
  return [
    ...of(AclPermission.ALLOW, flags.allowPrincipal, flags.allowHost),
    ...of(AclPermission.DENY, flags.denyPrincipal, flags.denyHost),
  ];
}

/** @throws UsageError */
export function principalsOf(texts: readonly string[] = []): string[] {
  return texts.map((text) => {
    const principal = text.trim();
    if (principal.includes(':')) return principal;
    const form = 'expected a string in format principalType:principalName';
    throw new UsageError(`${form} but got ${principal}`);
  });
}

function assertTogether(flags: Flags): void {
  const { producer, consumer, topic, group } = flags;
  const refuse = (name: keyof Flags, others: readonly (keyof Flags)[]): void => {
    if (flags[name] === undefined) return;
    for (const other of others) {
      if (flags[other] === undefined) continue;
      throw new UsageError(
        `Option "[${dashed(name)}]" can't be used with option "[${dashed(other)}]"`,
      );
    }
  };
  refuse('list', [
    'producer',
    'consumer',
    'allowHost',
    'allowPrincipal',
    'denyHost',
    'denyPrincipal',
  ]);
  refuse('producer', ['operation', 'denyPrincipal', 'denyHost']);
  refuse('consumer', ['operation', 'denyPrincipal', 'denyHost']);
  if (flags.principal !== undefined && flags.list !== true) {
    throw new UsageError('The --principal option is only available if --list is set');
  }
  if (producer === true && topic === undefined) {
    throw new UsageError('With --producer you must specify a --topic');
  }
  if (flags.idempotent === true && producer !== true) {
    throw new UsageError('The --idempotent option is only available if --producer is set');
  }
  const isCluster = flags.cluster === true || (producer !== true && flags.transactionalId);
  if (consumer === true && (topic === undefined || group === undefined || isCluster)) {
    const none = 'no --cluster or --transactional-id option should be specified.';
    throw new UsageError(`With --consumer you must specify a --topic and a --group and ${none}`);
  }
}

function dashed(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
