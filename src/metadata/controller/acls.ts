// ACLs are created and deleted here, by the rules and in the words of Kafka's AclControlManager.
// Whether there is an authorizer that minds them is the brokers' affair.
//
// Invariant: no two ACLs of the image say the same.

import type { Decision } from '../../machine/index.ts';
import { KafkaError } from '../../protocol/index.ts';
import {
  type AclBinding,
  type AclFilter,
  AclOperation,
  AclPattern,
  AclPermission,
  AclResource,
  aclKey,
  matchesAcl,
  nameOfCode,
} from '../../security/acl/index.ts';
import type { AclEntry } from '../image.ts';
import type { MetadataRecord } from '../records/index.ts';
import {
  type CreateAclsRequest,
  type DeleteAclsRequest,
  type DeleteAclsResult,
  type ItemResult,
  itemError,
} from './api.ts';
import type { ControllerMachine } from './controller-machine.ts';
import { randomUuid } from './topics.ts';

/** Of one request, as in Kafka. */
const recordsMax = 10_000;

export function createAcls(
  machine: ControllerMachine,
  { acls }: CreateAclsRequest,
): Decision<MetadataRecord, ItemResult[]> {
  const records: MetadataRecord[] = [];
  const created = new Set<string>();
  const response = acls.map((acl): ItemResult => {
    try {
      assertValid(acl);
    } catch (error) {
      return { error: itemError(error) };
    }
    const key = aclKey(acl);
    if (machine.aclId(key) !== undefined || created.has(key)) return { error: null };
    created.add(key);
    if (records.length === recordsMax) {
      const why = 'Unable to perform excessively large batch operation.';
      throw new KafkaError('POLICY_VIOLATION', why);
    }
    records.push({ type: 'AccessControlEntryRecord', id: newAclId(machine), ...bindingOf(acl) });
    return { error: null };
  });
  return { records, response };
}

function newAclId({ image, context }: ControllerMachine): string {
  for (;;) {
    const id = randomUuid(context.random);
    if (!image.acls.has(id)) return id;
  }
}

function assertValid(acl: AclBinding): void {
  const { resourceType, patternType, operation, permissionType, principal } = acl;
  if (!isOneOf(AclResource, resourceType)) {
    refuse(`Invalid resourceType ${nameOfCode(AclResource, resourceType)}`);
  }
  if (patternType !== AclPattern.LITERAL && patternType !== AclPattern.PREFIXED) {
    refuse(`Invalid patternType ${nameOfCode(AclPattern, patternType)}`);
  }
  if (!isOneOf(AclOperation, operation)) {
    refuse(`Invalid operation ${nameOfCode(AclOperation, operation)}`);
  }
  if (permissionType !== AclPermission.DENY && permissionType !== AclPermission.ALLOW) {
    refuse(`Invalid permissionType ${nameOfCode(AclPermission, permissionType)}`);
  }
  if (acl.resourceName === '') refuse('Resource name should not be empty');
  if (!principal.includes(':')) {
    const why = 'no colon is present separating the principal type from the principal name';
    refuse(`Could not parse principal from \`${principal}\` (${why})`);
  }
}

/** Of those that something can have, which UNKNOWN and ANY are not. */
function isOneOf(codes: Readonly<Record<string, number>>, code: number): boolean {
  return code > 1 && Object.values(codes).includes(code);
}

function refuse(why: string): never {
  throw new KafkaError('INVALID_REQUEST', why);
}

export function deleteAcls(
  machine: ControllerMachine,
  { filters }: DeleteAclsRequest,
): Decision<MetadataRecord, DeleteAclsResult[]> {
  const deleted = new Set<string>();
  const candidates = candidatesOf(machine);
  const response = filters.map((filter): DeleteAclsResult => {
    try {
      assertKnown(filter);
    } catch (error) {
      return { error: itemError(error), acls: [] };
    }
    const acls: AclBinding[] = [];
    for (const acl of candidates(filter)) {
      if (!matchesAcl(filter, acl)) continue;
      if (deleted.size >= recordsMax) {
        refuse(`Cannot remove more than ${recordsMax} acls in a single delete operation.`);
      }
      acls.push(bindingOf(acl));
      deleted.add(acl.id);
    }
    return { error: null, acls };
  });
  const records = [...deleted].map((id): MetadataRecord => {
    return { type: 'RemoveAccessControlEntryRecord', id };
  });
  return { records, response };
}

/**
 * The ACLs among which are those that a filter finds: not all of them, where a request has a filter
 * for each of many thousands.
 */
function candidatesOf(machine: ControllerMachine): (filter: AclFilter) => Iterable<AclEntry> {
  const { acls } = machine.image;
  let byName: Map<string, AclEntry[]> | null = null;
  return (filter) => {
    if (isBinding(filter)) {
      const id = machine.aclId(aclKey(filter));
      return id === undefined ? [] : [acls.get(id) as AclEntry];
    }
    const { resourceName, patternType } = filter;
    if (resourceName === null || patternType === AclPattern.MATCH) return acls.values();
    byName ??= groupedByName(acls.values());
    return byName.get(resourceName) ?? [];
  };
}

/** Whether it finds one ACL at most: everything about that is said. */
function isBinding(filter: AclFilter): filter is AclBinding {
  const { resourceType, patternType, operation, permissionType } = filter;
  const isOne = patternType === AclPattern.LITERAL || patternType === AclPattern.PREFIXED;
  const { ANY } = AclResource;
  if (!isOne || [resourceType, operation, permissionType].includes(ANY)) return false;
  return filter.resourceName !== null && filter.principal !== null && filter.host !== null;
}

function groupedByName(acls: Iterable<AclEntry>): Map<string, AclEntry[]> {
  const byName = new Map<string, AclEntry[]>();
  for (const acl of acls) {
    const same = byName.get(acl.resourceName);
    if (same === undefined) byName.set(acl.resourceName, [acl]);
    else same.push(acl);
  }
  return byName;
}

function assertKnown({ resourceType, patternType, operation, permissionType }: AclFilter): void {
  const isKnown = (codes: Readonly<Record<string, number>>, code: number): boolean => {
    return code > 0 && Object.values(codes).includes(code);
  };
  if (!isKnown(AclResource, resourceType) || !isKnown(AclPattern, patternType)) {
    refuse('Unknown patternFilter.');
  }
  if (!isKnown(AclOperation, operation) || !isKnown(AclPermission, permissionType)) {
    refuse('Unknown entryFilter.');
  }
}

function bindingOf(acl: AclBinding | AclEntry): AclBinding {
  const { resourceType, resourceName, patternType, principal, host } = acl;
  const { operation, permissionType } = acl;
  return { resourceType, resourceName, patternType, principal, host, operation, permissionType };
}
