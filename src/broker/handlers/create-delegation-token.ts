// CreateDelegationToken (KIP-48): a token for the client itself, or for an owner for whom it may
// make tokens (KIP-373). The controller makes it.

import {
  createDelegationToken,
  ErrorCode,
  KafkaError,
  type RequestOf,
} from '../../protocol/index.ts';
import { anonymous, type Principal, principalText } from '../../security/index.ts';
import { AclOperation, AclResource } from '../authorization.ts';
import { type Body, defineHandler, type RequestContext } from '../handler.ts';
import { mayAskForTokens, noTimestamp } from './token-client.ts';

type Request = RequestOf<typeof createDelegationToken>;
type Answer = Body<typeof createDelegationToken>;

export const createDelegationTokenHandler = defineHandler(
  createDelegationToken,
  async (request, context) => {
    const { broker, client } = context;
    const owner = ownerOf(request, client.principal);
    if (owner === null) {
      return refusedBy('UNKNOWN_SERVER_ERROR', noTimestamp, {
        owner: anonymous,
        client: anonymous,
      });
    }
    const them = { owner, client: client.principal };
    const refusal = refusalOf(request, owner, context);
    if (refusal !== null) return refusedBy(refusal, noTimestamp, them);
    try {
      const { token, hmac } = await broker.controllerFor(client).createToken({
        principal: principalText(client.principal),
        owner: principalText(owner),
        renewers: request.renewers.map(textOf),
        maxLifetimeMs: request.maxLifetimeMs,
      });
      const { issueTimestamp, expirationTimestamp, maxTimestamp, tokenId } = token;
      return {
        errorCode: 0,
        ...namesOf(them),
        issueTimestampMs: issueTimestamp,
        expiryTimestampMs: expirationTimestamp,
        maxTimestampMs: maxTimestamp,
        tokenId,
        hmac: Buffer.from(hmac),
      };
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error;
      return refusedBy(error.errorName, 0, them);
    }
  },
);

/** null: a name without a type, which Kafka knows no answer to but that it failed. */
function ownerOf(request: Request, client: Principal): Principal | null {
  const { ownerPrincipalType: type, ownerPrincipalName: name } = request;
  if (name === null || name === undefined || name === '') return client;
  if (type === null || type === undefined) return null;
  return { type, name, isByToken: false };
}

function refusalOf(request: Request, owner: Principal, context: RequestContext) {
  if (!mayAskForTokens(context)) return 'DELEGATION_TOKEN_REQUEST_NOT_ALLOWED';
  const name = principalText(owner);
  const isOther = name !== principalText(context.client.principal);
  const { rights } = context;
  if (isOther && !rights.authorize(AclOperation.CREATE_TOKENS, AclResource.USER, name)) {
    return 'DELEGATION_TOKEN_AUTHORIZATION_FAILED';
  }
  const isOdd = request.renewers.some(({ principalType }) => principalType !== 'User');
  return isOdd ? 'INVALID_PRINCIPAL_TYPE' : null;
}

interface Them {
  readonly owner: Principal;
  readonly client: Principal;
}

function refusedBy(name: keyof typeof ErrorCode, timestamp: number, them: Them): Answer {
  return {
    errorCode: ErrorCode[name],
    ...namesOf(them),
    issueTimestampMs: timestamp,
    expiryTimestampMs: timestamp,
    maxTimestampMs: timestamp,
    tokenId: '',
    hmac: Buffer.alloc(0),
  };
}

function namesOf({ owner, client }: Them) {
  return {
    principalType: owner.type,
    principalName: owner.name,
    tokenRequesterPrincipalType: client.type,
    tokenRequesterPrincipalName: client.name,
  };
}

function textOf({ principalType, principalName }: Request['renewers'][number]): string {
  return `${principalType}:${principalName}`;
}
