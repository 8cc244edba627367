// An ACL, and the filters by which ACLs are found: Kafka's AclBinding and AclBindingFilter.

import { AclOperation, AclPattern, AclPermission, AclResource, wildcard } from './acl-codes.ts';

export interface AclBinding {
  /** One of AclResource. */
  readonly resourceType: number;
  readonly resourceName: string;
  /** LITERAL (where the name `*` means every resource of the type) or PREFIXED. */
  readonly patternType: number;
  /** As `principalText` has it; `User:*` is everybody. */
  readonly principal: string;
  /** An address, or `*`. */
  readonly host: string;
  /** One of AclOperation; ALL covers each. */
  readonly operation: number;
  readonly permissionType: number;
}

/** null and ANY match everything. */
export interface AclFilter {
  readonly resourceType: number;
  readonly resourceName: string | null;
  /** ANY: the name as it is written; MATCH: every pattern that covers a resource of the name. */
  readonly patternType: number;
  readonly principal: string | null;
  readonly host: string | null;
  readonly operation: number;
  readonly permissionType: number;
}

/** Finds every ACL. */
export const anyAcl: AclFilter = {
  resourceType: AclResource.ANY,
  resourceName: null,
  patternType: AclPattern.ANY,
  principal: null,
  host: null,
  operation: AclOperation.ANY,
  permissionType: AclPermission.ANY,
};

export function matchesAcl(filter: AclFilter, acl: AclBinding): boolean {
  return (
    (filter.resourceType === AclResource.ANY || filter.resourceType === acl.resourceType) &&
    matchesPattern(filter, acl) &&
    (filter.principal === null || filter.principal === acl.principal) &&
    (filter.host === null || filter.host === acl.host) &&
    (filter.operation === AclOperation.ANY || filter.operation === acl.operation) &&
    (filter.permissionType === AclPermission.ANY || filter.permissionType === acl.permissionType)
  );
}

function matchesPattern({ patternType, resourceName }: AclFilter, acl: AclBinding): boolean {
  const isOfPattern = patternType === acl.patternType;
  if (patternType !== AclPattern.ANY && patternType !== AclPattern.MATCH && !isOfPattern) {
    return false;
  }
  if (resourceName === null) return true;
  if (patternType !== AclPattern.MATCH) return resourceName === acl.resourceName;
  if (acl.patternType === AclPattern.PREFIXED) return resourceName.startsWith(acl.resourceName);
  return resourceName === acl.resourceName || acl.resourceName === wildcard;
}

/** One string for one ACL, for sets of them. */
export function aclKey(acl: AclBinding): string {
  const { resourceType, patternType, operation, permissionType } = acl;
  const { resourceName: name, principal, host } = acl;
  const numbers = `${resourceType} ${patternType} ${operation} ${permissionType}`;
  return `${numbers} ${name.length} ${principal.length} ${name}${principal}${host}`;
}
