// What the client of a request may do. Handlers ask it before they do anything.
//
// Invariants: every question is answered by the ACLs of the image that this broker has applied, at
// the moment of the question; nothing of an answer is kept. Without an authorizer everybody may do
// everything, and nothing is looked up.

import type { BrokerConfig } from '../config/index.ts';
import type { ImageChanges, MetadataImage } from '../metadata/index.ts';
import { type ErrorName, KafkaError } from '../protocol/index.ts';
import {
  AclOperation,
  AclResource,
  type Authorizer,
  clusterResourceName,
  newAuthorizer,
  operationsOf,
  type Requester,
} from '../security/acl/index.ts';
import type { Audit } from './audit.ts';
import type { Client } from './client.ts';

export { AclOperation, AclResource } from '../security/acl/index.ts';

/** Of one client, for one request. */
export interface Rights {
  /** false: everybody may do everything. */
  readonly isBound: boolean;
  /** Whose rights these are; null where everybody has all. */
  readonly owner: string | null;
  /** Another number after each change of the ACLs. */
  readonly aclsVersion: number;
  /** Whether the operation may be done on the resource of the type with the name. */
  authorize(operation: number, type: number, name: string): boolean;
  /** Whether it may be done on any resource of the type, existing or not (KIP-679). */
  authorizeByResourceType(operation: number, type: number): boolean;
  /** The client is told that it may not: for the audit trail, where there is one. */
  noteRefusal(operation: number, type: number, name: string): void;
}

/** Where there is no authorizer. */
export const everyRight: Rights = {
  isBound: false,
  owner: null,
  aclsVersion: 0,
  authorize: () => true,
  authorizeByResourceType: () => true,
  noteRefusal: () => {},
};

export class ClientRights implements Rights {
  readonly isBound = true;
  readonly #authorizer: Authorizer;
  readonly #requester: Requester;
  readonly #audit: Pick<Audit, 'refused'> | null;

  constructor(
    authorizer: Authorizer,
    requester: Requester,
    audit: Pick<Audit, 'refused'> | null = null,
  ) {
    this.#authorizer = authorizer;
    this.#requester = requester;
    this.#audit = audit;
  }

  get owner(): string {
    return this.#requester.principal;
  }

  get aclsVersion(): number {
    return this.#authorizer.version;
  }

  authorize(operation: number, type: number, name: string): boolean {
    return this.#authorizer.authorize(this.#requester, operation, type, name);
  }

  authorizeByResourceType(operation: number, type: number): boolean {
    return this.#authorizer.authorizeByResourceType(this.#requester, operation, type);
  }

  noteRefusal(operation: number, type: number, name: string): void {
    this.#audit?.refused(this.#requester, operation, type, name);
  }
}

export function rightsOf(
  { authorizer, audit }: { readonly authorizer: Authorizer | null; readonly audit: Audit | null },
  client: Client,
): Rights {
  if (authorizer === null) return everyRight;
  return new ClientRights(authorizer, client.requester, audit);
}

interface Bound {
  readonly rights: Rights;
}

/** What a refusal is called, by the type of the resource. */
const refusals: ReadonlyMap<number, ErrorName> = new Map<number, ErrorName>([
  [AclResource.TOPIC, 'TOPIC_AUTHORIZATION_FAILED'],
  [AclResource.GROUP, 'GROUP_AUTHORIZATION_FAILED'],
  [AclResource.CLUSTER, 'CLUSTER_AUTHORIZATION_FAILED'],
  [AclResource.TRANSACTIONAL_ID, 'TRANSACTIONAL_ID_AUTHORIZATION_FAILED'],
  [AclResource.DELEGATION_TOKEN, 'DELEGATION_TOKEN_AUTHORIZATION_FAILED'],
  [AclResource.USER, 'DELEGATION_TOKEN_AUTHORIZATION_FAILED'],
]);

export function refusalOn(type: number): KafkaError {
  return new KafkaError(refusals.get(type) ?? 'CLUSTER_AUTHORIZATION_FAILED');
}

/** @throws KafkaError …_AUTHORIZATION_FAILED, for the type of the resource */
export function assertMay({ rights }: Bound, operation: number, type: number, name: string): void {
  if (rights.authorize(operation, type, name)) return;
  rights.noteRefusal(operation, type, name);
  throw refusalOn(type);
}

export function mayOnCluster({ rights }: Bound, operation: number): boolean {
  return rights.authorize(operation, AclResource.CLUSTER, clusterResourceName);
}

/** @throws KafkaError CLUSTER_AUTHORIZATION_FAILED */
export function assertMayOnCluster({ rights }: Bound, operation: number): void {
  assertMay({ rights }, operation, AclResource.CLUSTER, clusterResourceName);
}

/** The same where it is not asked about anything less: who may not is told so. */
export function mayOrNote({ rights }: Bound, operation: number): boolean {
  if (mayOnCluster({ rights }, operation)) return true;
  rights.noteRefusal(operation, AclResource.CLUSTER, clusterResourceName);
  return false;
}

export function mayOnTopic({ rights }: Bound, operation: number, name: string): boolean {
  if (rights.authorize(operation, AclResource.TOPIC, name)) return true;
  // Who may not see a topic is told that there is none, and lists leave out many.
  const isLook = operation === AclOperation.DESCRIBE || operation === AclOperation.DESCRIBE_CONFIGS;
  if (!isLook) rights.noteRefusal(operation, AclResource.TOPIC, name);
  return false;
}

/** Two lists of what an API takes one by one: for some the client has the right. */
export function partition<T>(
  { rights }: Bound,
  [operation, type]: readonly [operation: number, type: number],
  items: readonly T[],
  nameOf: (item: T) => string,
): { readonly allowed: readonly T[]; readonly refused: readonly T[] } {
  if (!rights.isBound) return { allowed: items, refused: [] };
  const [allowed, refused]: [T[], T[]] = [[], []];
  for (const item of items) {
    const may = rights.authorize(operation, type, nameOf(item));
    (may ? allowed : refused).push(item);
    if (!may) rights.noteRefusal(operation, type, nameOf(item));
  }
  return { allowed, refused };
}

/** Nobody asked for the operations, as Kafka encodes it. */
export const operationsNotAsked = -2147483648;

/** A bit for each operation that the client may do there (KIP-430). */
export function authorizedOperations({ rights }: Bound, type: number, name: string): number {
  const operations = operationsOf(type);
  const may = rights.isBound
    ? operations.filter((operation) => rights.authorize(operation, type, name))
    : operations;
  return may.reduce((bits, operation) => bits | (1 << operation), 0);
}

/** Those on the cluster: none are told to whoever may not describe it. */
export function clusterOperations(bound: Bound): number {
  if (!mayOnCluster(bound, AclOperation.DESCRIBE)) return 0;
  return authorizedOperations(bound, AclResource.CLUSTER, clusterResourceName);
}

/** @throws KafkaError SECURITY_DISABLED where nobody minds ACLs */
export function assertAuthorizer(authorizer: Authorizer | null, why: string): void {
  if (authorizer === null) throw new KafkaError('SECURITY_DISABLED', why);
}

/** null where nobody is asked what they may do: `authorizer.class.name` is empty. */
export async function openAuthorizer(config: BrokerConfig): Promise<Authorizer | null> {
  if (config.get('authorizer.class.name') === '') return null;
  return await newAuthorizer({
    superUsers: config.get('super.users'),
    allowEveryoneIfNoAclFound: config.get('allow.everyone.if.no.acl.found'),
  });
}

/** To be told, from the first image on, before anybody is served from the image. */
export function followAcls(
  authorizer: Authorizer,
  image: MetadataImage,
  { previous, aclsChanged }: ImageChanges,
): void {
  for (const id of aclsChanged) {
    const [before, now] = [previous.acls.get(id), image.acls.get(id)];
    if (before === now) continue;
    if (before !== undefined) authorizer.removeAcl(before);
    if (now !== undefined) authorizer.addAcl(now);
  }
}
