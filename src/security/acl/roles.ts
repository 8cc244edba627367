// Roles: named bundles of ACLs that principals are given as a whole. Both are ordinary ACLs, so
// that whatever keeps, shows and restores ACLs does so with roles: those of the principal
// `Role:NAME` are the bundle, and leave to describe the delegation token `role:NAME` is the grant.
// No token has such an id, and nobody is a principal of that type, so that a broker that knows no
// roles, Apache Kafka for one, gives nobody anything by them.
//
// Invariant: a grant is that ACL and no other: not one on every token, on a prefix, or of all
// operations.

import type { AclBinding } from './acl-binding.ts';
import { AclOperation, AclPattern, AclPermission, AclResource, wildcard } from './acl-codes.ts';

export const rolePrefix = 'Role:';
const grantPrefix = 'role:';

/** Letters, digits and `._-`. */
export function isRoleName(name: string): boolean {
  return /^[\w.-]{1,100}$/.test(name);
}

/** Whose ACLs are the role's. */
export function rolePrincipal(name: string): string {
  return `${rolePrefix}${name}`;
}

/** null: it is no role's. */
export function roleOfPrincipal(principal: string): string | null {
  return principal.startsWith(rolePrefix) ? principal.slice(rolePrefix.length) : null;
}

export function grantOf(role: string, principal: string, host: string = wildcard): AclBinding {
  return {
    resourceType: AclResource.DELEGATION_TOKEN,
    resourceName: `${grantPrefix}${role}`,
    patternType: AclPattern.LITERAL,
    principal,
    host,
    operation: AclOperation.DESCRIBE,
    permissionType: AclPermission.ALLOW,
  };
}

/** The role that the ACL grants; null: it is no grant. */
export function grantedRole(acl: AclBinding): string | null {
  const { resourceType, resourceName, patternType, operation, permissionType } = acl;
  const isGrant =
    resourceType === AclResource.DELEGATION_TOKEN &&
    patternType === AclPattern.LITERAL &&
    operation === AclOperation.DESCRIBE &&
    permissionType === AclPermission.ALLOW &&
    resourceName.startsWith(grantPrefix) &&
    // A role has no roles.
    roleOfPrincipal(acl.principal) === null;
  return isGrant ? resourceName.slice(grantPrefix.length) : null;
}

/** Who has which roles. */
export class RoleGrants {
  readonly #byPrincipal = new Map<string, Set<AclBinding>>();

  get isEmpty(): boolean {
    return this.#byPrincipal.size === 0;
  }

  add(acl: AclBinding): void {
    if (grantedRole(acl) === null) return;
    const grants = this.#byPrincipal.get(acl.principal);
    if (grants === undefined) this.#byPrincipal.set(acl.principal, new Set([acl]));
    else grants.add(acl);
  }

  /** `acl` is the very object that was added. */
  remove(acl: AclBinding): void {
    const grants = this.#byPrincipal.get(acl.principal);
    if (grants?.delete(acl) && grants.size === 0) this.#byPrincipal.delete(acl.principal);
  }

  /** The principals of the roles of one who comes from the host. */
  *of(principal: string, host: string): Iterable<string> {
    for (const grant of this.#byPrincipal.get(principal) ?? []) {
      if (grant.host !== wildcard && grant.host !== host) continue;
      yield rolePrincipal(grantedRole(grant) as string);
    }
  }
}
