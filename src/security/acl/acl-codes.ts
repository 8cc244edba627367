// The numbers of access control on the wire and in the metadata log, under Kafka's names.

/** What an ACL is about. */
export const AclResource = {
  UNKNOWN: 0,
  ANY: 1,
  TOPIC: 2,
  GROUP: 3,
  CLUSTER: 4,
  TRANSACTIONAL_ID: 5,
  DELEGATION_TOKEN: 6,
  USER: 7,
} as const;

/** How the name of an ACL names resources (KIP-290); ANY and MATCH are for filters. */
export const AclPattern = { UNKNOWN: 0, ANY: 1, MATCH: 2, LITERAL: 3, PREFIXED: 4 } as const;

/** What an ACL allows or denies; ALL covers each, and ANY is for filters. */
export const AclOperation = {
  UNKNOWN: 0,
  ANY: 1,
  ALL: 2,
  READ: 3,
  WRITE: 4,
  CREATE: 5,
  DELETE: 6,
  ALTER: 7,
  DESCRIBE: 8,
  CLUSTER_ACTION: 9,
  DESCRIBE_CONFIGS: 10,
  ALTER_CONFIGS: 11,
  IDEMPOTENT_WRITE: 12,
  CREATE_TOKENS: 13,
  DESCRIBE_TOKENS: 14,
  TWO_PHASE_COMMIT: 15,
} as const;

/** Whether an ACL allows or denies; ANY is for filters. */
export const AclPermission = { UNKNOWN: 0, ANY: 1, DENY: 2, ALLOW: 3 } as const;

/** The one resource of type CLUSTER. */
export const clusterResourceName = 'kafka-cluster';

/** In the place of a name, a host and the name of a user: all of them. */
export const wildcard = '*';

export const everyUser = 'User:*';

type Codes = Readonly<Record<string, number>>;

/** Kafka's name of the number; UNKNOWN for those that it has not. */
export function nameOfCode(codes: Codes, code: number): string {
  for (const [name, each] of Object.entries(codes)) if (each === code) return name;
  return 'UNKNOWN';
}

/** The operations that somebody may be granted on a resource of the type. */
export function operationsOf(resourceType: number): readonly number[] {
  return operationsByType.get(resourceType) ?? [];
}

const {
  READ,
  WRITE,
  CREATE,
  DELETE,
  ALTER,
  DESCRIBE,
  CLUSTER_ACTION,
  DESCRIBE_CONFIGS,
  ALTER_CONFIGS,
  IDEMPOTENT_WRITE,
  CREATE_TOKENS,
  DESCRIBE_TOKENS,
  TWO_PHASE_COMMIT,
} = AclOperation;

/** Kafka's AclEntry.supportedOperations. */
const operationsByType: ReadonlyMap<number, readonly number[]> = new Map([
  [
    AclResource.TOPIC,
    [READ, WRITE, CREATE, DESCRIBE, DELETE, ALTER, DESCRIBE_CONFIGS, ALTER_CONFIGS],
  ],
  [AclResource.GROUP, [READ, DESCRIBE, DELETE, DESCRIBE_CONFIGS, ALTER_CONFIGS]],
  [
    AclResource.CLUSTER,
    [
      ...[CREATE, CLUSTER_ACTION, DESCRIBE_CONFIGS, ALTER_CONFIGS, IDEMPOTENT_WRITE],
      ...[ALTER, DESCRIBE],
    ],
  ],
  [AclResource.TRANSACTIONAL_ID, [DESCRIBE, WRITE, TWO_PHASE_COMMIT]],
  [AclResource.DELEGATION_TOKEN, [DESCRIBE]],
  [AclResource.USER, [CREATE_TOKENS, DESCRIBE_TOKENS]],
]);
