// DescribeDelegationToken (KIP-48): the tokens of the client, those it may renew or had made, and
// those that it has a right to see; with their secrets, as in Kafka.

import { describeDelegationToken, ErrorCode } from '../../protocol/index.ts';
import { principalText } from '../../security/index.ts';
import {
  type DelegationToken,
  isOwnerOrRenewer,
  tokenHmac,
  tokenPrincipal,
} from '../../security/tokens/index.ts';
import { AclOperation, AclResource } from '../authorization.ts';
import { defineHandler, type RequestContext } from '../handler.ts';
import { mayAskForTokens } from './token-client.ts';

export const describeDelegationTokenHandler = defineHandler(
  describeDelegationToken,
  ({ owners }, context) => {
    if (!mayAskForTokens(context)) {
      return { errorCode: ErrorCode.DELEGATION_TOKEN_REQUEST_NOT_ALLOWED, tokens: [] };
    }
    const secretKey = context.broker.config.get('delegation.token.secret.key') || null;
    if (secretKey === null) {
      return { errorCode: ErrorCode.DELEGATION_TOKEN_AUTH_DISABLED, tokens: [] };
    }
    const asked = owners?.map((owner) => `${owner.principalType}:${owner.principalName}`) ?? null;
    const tokens = [...context.image.tokens.values()].filter((token) => {
      const isAsked = asked?.some((owner) => isOwnerOrRenewer(token, owner)) ?? true;
      return isAsked && maySee(token, context);
    });
    return { errorCode: 0, tokens: tokens.map((token) => told(token, secretKey)) };
  },
);

function maySee(token: DelegationToken, { client, rights }: RequestContext): boolean {
  const { DESCRIBE, DESCRIBE_TOKENS } = AclOperation;
  const { DELEGATION_TOKEN, USER } = AclResource;
  return (
    isOwnerOrRenewer(token, principalText(client.principal)) ||
    rights.authorize(DESCRIBE, DELEGATION_TOKEN, token.tokenId) ||
    rights.authorize(DESCRIBE_TOKENS, USER, token.owner)
  );
}

function told(token: DelegationToken, secretKey: string) {
  const [owner, requester] = [tokenPrincipal(token.owner), tokenPrincipal(token.requester)];
  return {
    principalType: owner.type,
    principalName: owner.name,
    tokenRequesterPrincipalType: requester.type,
    tokenRequesterPrincipalName: requester.name,
    issueTimestamp: token.issueTimestamp,
    expiryTimestamp: token.expirationTimestamp,
    maxTimestamp: token.maxTimestamp,
    tokenId: token.tokenId,
    hmac: tokenHmac(secretKey, token.tokenId),
    renewers: token.renewers.map(tokenPrincipal).map(({ type, name }) => {
      return { principalType: type, principalName: name };
    }),
  };
}
