// ConsumerGroupHeartbeat: a member of a consumer group of KIP-848.

import { consumerGroupHeartbeat } from '../../protocol/index.ts';
import { defineHandler } from '../handler.ts';
import { hostAsJavaPrints } from './group-client.ts';

export const consumerGroupHeartbeatHandler = defineHandler(
  consumerGroupHeartbeat,
  (request, context) =>
    context.broker.groups.consumerGroupHeartbeat({
      request,
      client: {
        clientId: context.clientId ?? '',
        clientHost: hostAsJavaPrints(context.client.connection.remoteHost),
      },
      apiVersion: context.apiVersion,
    }),
);
