// JoinGroup: answered when everybody has joined.

import { joinGroup } from '../../protocol/index.ts';
import { defineHandler } from '../handler.ts';

const mappedIpv4 = '::ffff:';

export const joinGroupHandler = defineHandler(joinGroup, async (request, context) => {
  const { remoteHost } = context.client.connection;
  const host = remoteHost.startsWith(mappedIpv4) ? remoteHost.slice(mappedIpv4.length) : remoteHost;
  const answer = await context.broker.groups.joinGroup({
    request,
    // As Java prints an address without a name, and so every tool.
    client: { clientId: context.clientId ?? '', clientHost: `/${host}` },
    apiVersion: context.apiVersion,
  });
  // No protocol is null since version 7, and empty before.
  if (context.apiVersion >= 7 || answer.protocolName !== null) return answer;
  return { ...answer, protocolName: '' };
});
