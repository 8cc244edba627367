// Access control (Kafka's ACLs): who may do what to which resource.
//
//   acl-codes.ts     Kafka's numbers of resource types, patterns, operations and permissions
//   acl-binding.ts   an ACL, and the filters that find some
//   acl-host.ts      addresses as ACLs have them, and as brokers tell them each other
//
// Loaded only where an authorizer is asked for:
//
//   authorizer.ts    the decision
//   acl-index.ts     ACLs by what a decision asks for
//   roles.ts         bundles of ACLs, as ACLs

import type { Authorizer, AuthorizerOptions } from './authorizer.ts';

export { type AclBinding, type AclFilter, aclKey, anyAcl, matchesAcl } from './acl-binding.ts';
export {
  AclOperation,
  AclPattern,
  AclPermission,
  AclResource,
  clusterResourceName,
  everyUser,
  nameOfCode,
  operationsOf,
  wildcard,
} from './acl-codes.ts';
export { aclHost, hostFromBytes, hostToBytes } from './acl-host.ts';
export type { Authorizer, AuthorizerOptions, Requester } from './authorizer.ts';
export {
  grantedRole,
  grantOf,
  isRoleName,
  roleOfPrincipal,
  rolePrefix,
  rolePrincipal,
} from './roles.ts';

/** Before the first authorizer is made, which then takes no time. */
export async function loadAuthorizer(): Promise<void> {
  await import('./authorizer.ts');
}

/** @param options.superUsers as `super.users` has them @throws Error on one that is no principal */
export async function newAuthorizer(
  options: Omit<AuthorizerOptions, 'superUsers'> & { readonly superUsers: string },
): Promise<Authorizer> {
  const { Authorizer, parseSuperUsers } = await import('./authorizer.ts');
  return new Authorizer({ ...options, superUsers: parseSuperUsers(options.superUsers) });
}
