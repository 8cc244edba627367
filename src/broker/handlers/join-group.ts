// JoinGroup: answered when everybody has joined.

import { joinGroup } from '../../protocol/index.ts';
import { AclOperation, AclResource, assertMay } from '../authorization.ts';
import { defineHandler } from '../handler.ts';
import { hostAsJavaPrints } from './group-client.ts';

export const joinGroupHandler = defineHandler(joinGroup, async (request, context) => {
  assertMay(context, AclOperation.READ, AclResource.GROUP, request.groupId);
  const answer = await context.broker.groups.joinGroup({
    request,
    client: {
      clientId: context.clientId ?? '',
      clientHost: hostAsJavaPrints(context.client.connection.remoteHost),
    },
    apiVersion: context.apiVersion,
  });
  // No protocol is null since version 7, and empty before.
  if (context.apiVersion >= 7 || answer.protocolName !== null) return answer;
  return { ...answer, protocolName: '' };
});
