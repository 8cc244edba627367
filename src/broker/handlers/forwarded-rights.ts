// The rights of a client whose request a broker has forwarded, looked at again where it is decided:
// the ACLs of this broker may be newer. The broker that the client speaks to has refused, item by
// item, what its own ACLs do not allow; what these do not allow refuses the request.

import type { Controller, MetadataImage, TokenRequest } from '../../metadata/index.ts';
import { type envelope, KafkaError, type RequestOf } from '../../protocol/index.ts';
import { hostFromBytes } from '../../security/acl/index.ts';
import { type Principal, principalFromBytes, principalText } from '../../security/index.ts';
import {
  AclOperation,
  AclResource,
  assertMay,
  assertMayOnCluster,
  ClientRights,
  mayOnCluster,
  type Rights,
} from '../authorization.ts';
import type { BrokerParts } from '../broker-parts.ts';
import { assertMayOnConfigs } from './altered-configs.ts';

interface Asker {
  readonly principal: Principal;
  readonly rights: Rights;
  readonly image: MetadataImage;
}

type Requests = { readonly [Name in keyof Controller]: Parameters<Controller[Name]>[0] };
type Check<Name extends keyof Controller> = (request: Requests[Name], client: Asker) => void;

/** @throws KafkaError …_AUTHORIZATION_FAILED, PRINCIPAL_DESERIALIZATION_FAILURE, INVALID_REQUEST */
export function assertMayForward(
  { name, request }: { readonly name: keyof Controller; readonly request: unknown },
  asked: RequestOf<typeof envelope>,
  { authorizer, replicas }: Pick<BrokerParts, 'authorizer' | 'replicas'>,
): void {
  // Without a principal the broker asks for itself.
  if (authorizer === null || asked.requestPrincipal === null) return;
  const principal = principalFromBytes(asked.requestPrincipal);
  const host = hostFromBytes(asked.clientHostAddress);
  const rights = new ClientRights(authorizer, { principal: principalText(principal), host });
  const check = checks[name];
  if (check === undefined) {
    throw new KafkaError('INVALID_REQUEST', `${name} is not asked on behalf of a client`);
  }
  (check as (request: unknown, client: Asker) => void)(request, {
    principal,
    rights,
    image: replicas.image,
  });
}

const onCluster =
  (operation: number) =>
  (_: unknown, client: Asker): void => {
    assertMayOnCluster(client, operation);
  };

/** What clients can have a controller do. */
const checks: { readonly [Name in keyof Controller]?: Check<Name> } = {
  createTopics: ({ topics }, client) => {
    if (mayOnCluster(client, AclOperation.CREATE)) return;
    for (const { name } of topics) assertMay(client, AclOperation.CREATE, AclResource.TOPIC, name);
  },
  deleteTopics: ({ topics }, client) => {
    if (mayOnCluster(client, AclOperation.DELETE)) return;
    for (const topic of topics) {
      const name = topic.name ?? client.image.topicById(topic.id)?.name;
      // The controller may know a topic that this image has not heard of.
      if (name === undefined) continue;
      assertMay(client, AclOperation.DELETE, AclResource.TOPIC, name);
    }
  },
  createPartitions: ({ topics }, client) => {
    for (const { name } of topics) assertMay(client, AclOperation.ALTER, AclResource.TOPIC, name);
  },
  alterConfigs: ({ resources }, client) => mayAlterConfigs(resources, client),
  incrementalAlterConfigs: ({ resources }, client) => mayAlterConfigs(resources, client),
  unregisterBroker: onCluster(AclOperation.ALTER),
  electLeaders: onCluster(AclOperation.ALTER),
  alterReassignments: onCluster(AclOperation.ALTER),
  alterClientQuotas: onCluster(AclOperation.ALTER_CONFIGS),
  alterScramCredentials: onCluster(AclOperation.ALTER),
  updateFeatures: onCluster(AclOperation.ALTER),
  createAcls: onCluster(AclOperation.ALTER),
  deleteAcls: onCluster(AclOperation.ALTER),
  createToken: (request, client) => {
    assertSameClient(request, client);
    if (request.owner === request.principal) return;
    assertMay(client, AclOperation.CREATE_TOKENS, AclResource.USER, request.owner);
  },
  renewToken: assertSameClient,
  expireToken: assertSameClient,
};

/** Who asks about a token is who the broker has forwarded for, and no holder of one (KIP-48). */
function assertSameClient(request: TokenRequest, { principal }: Asker): void {
  if (principal.isByToken) throw new KafkaError('DELEGATION_TOKEN_REQUEST_NOT_ALLOWED');
  if (request.principal === principalText(principal)) return;
  throw new KafkaError('INVALID_REQUEST', 'asked on behalf of one client in the name of another');
}

function mayAlterConfigs(
  resources: readonly { readonly type: number; readonly name: string }[],
  client: Asker,
): void {
  for (const { type, name } of resources) {
    const resource = { resourceType: type, resourceName: name };
    assertMayOnConfigs(resource, AclOperation.ALTER_CONFIGS, client);
  }
}
