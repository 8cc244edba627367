// ConsumerGroupHeartbeat: a member of a consumer group of KIP-848, which a cluster with
// group.version 0 does not have.

import { consumerGroupHeartbeat } from '../../protocol/index.ts';
import { AclOperation, AclResource, assertMay, mayOnTopic } from '../authorization.ts';
import { defineHandler } from '../handler.ts';
import { assertConsumerProtocol, hostAsJavaPrints } from './group-client.ts';

export const consumerGroupHeartbeatHandler = defineHandler(
  consumerGroupHeartbeat,
  (request, context) => {
    assertConsumerProtocol(context);
    assertMay(context, AclOperation.READ, AclResource.GROUP, request.groupId);
    for (const name of request.subscribedTopicNames ?? []) {
      assertMay(context, AclOperation.DESCRIBE, AclResource.TOPIC, name);
    }
    const { rights } = context;
    const clientHost = hostAsJavaPrints(context.client.connection.remoteHost);
    return context.broker.groups.consumerGroupHeartbeat({
      request,
      client: {
        clientId: context.clientId ?? '',
        clientHost,
      },
      // An expression of the member stands for topics that the member may describe.
      rights: rights.isBound
        ? {
            requester: `${rights.owner} ${clientHost}`,
            aclsVersion: rights.aclsVersion,
            mayDescribe: (topic) => mayOnTopic({ rights }, AclOperation.DESCRIBE, topic),
          }
        : null,
      apiVersion: context.apiVersion,
    });
  },
);
