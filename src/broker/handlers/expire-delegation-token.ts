// ExpireDelegationToken (KIP-48): a token ends earlier, or at once, for its owner and its renewers,
// who show its secret. The controller ends it.

import { ErrorCode, expireDelegationToken } from '../../protocol/index.ts';
import { principalText } from '../../security/index.ts';
import { defineHandler } from '../handler.ts';
import { mayAskForTokens, noTimestamp } from './token-client.ts';

export const expireDelegationTokenHandler = defineHandler(
  expireDelegationToken,
  async ({ hmac, expiryTimePeriodMs }, context) => {
    if (!mayAskForTokens(context)) {
      const errorCode = ErrorCode.DELEGATION_TOKEN_REQUEST_NOT_ALLOWED;
      return { errorCode, expiryTimestampMs: noTimestamp };
    }
    const { broker, client } = context;
    const principal = principalText(client.principal);
    const asked = { principal, hmac: Buffer.from(hmac), expiryTimePeriodMs };
    const { expirationTimestamp } = await broker.controllerFor(client).expireToken(asked);
    return { errorCode: 0, expiryTimestampMs: expirationTimestamp };
  },
);
