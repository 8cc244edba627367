// The admin client.
//
// admin.ts              the door: every call
// acl-requests.ts       who may do what
// admin-results.ts      what calls take and give
// cluster-requests.ts   leaders, reassignments, log directories, features, the quorum
// cluster-results.ts    what these take and give
// config-requests.ts    configurations, and which broker to ask for them
// credential-requests.ts  SCRAM credentials
// group-requests.ts     groups, each asked of its coordinator
// group-description.ts  a group of either protocol
// group-results.ts      what calls about groups take and give
// quota-requests.ts   quotas of users, client ids and addresses
// replica-requests.ts  what one replica holds, be it leader or follower
// token-requests.ts    delegation tokens
// topic-pages.ts        topics page by page, with their eligible leaders
// transaction-requests.ts  transactions, and the producers of partitions
export {
  type AclBinding,
  type AclFilter,
  AclOperation,
  AclPattern,
  AclPermission,
  AclResource,
  anyAcl,
} from '../../security/acl/index.ts';
export { type AclCreation, type AclDeletion, AclRequests } from './acl-requests.ts';
export { Admin, type AdminOptions, type ValidateOptions } from './admin.ts';
export * from './admin-results.ts';
export { ClusterRequests } from './cluster-requests.ts';
export * from './cluster-results.ts';
export {
  CredentialRequests,
  type ScramAlteration,
  type ScramCredentials,
  type ScramMechanism,
  type ScramResult,
} from './credential-requests.ts';
export type { ListGroupsOptions } from './group-requests.ts';
export * from './group-results.ts';
export type {
  DescribeQuotasOptions,
  QuotaAlteration,
  QuotaDescription,
  QuotaEntity,
  QuotaFilter,
  QuotaResult,
} from './quota-requests.ts';
export {
  type ReadReplicaOptions,
  type ReplicaContent,
  type ReplicaPosition,
  ReplicaRequests,
} from './replica-requests.ts';
export {
  type DelegationTokenDescription,
  type NewDelegationToken,
  type TokenPrincipal,
  TokenRequests,
} from './token-requests.ts';
export * from './transaction-requests.ts';
