// RenewDelegationToken (KIP-48): a token is prolonged, for its owner and its renewers,
// who show its secret. The controller prolongs it.

import { ErrorCode, renewDelegationToken } from '../../protocol/index.ts';
import { principalText } from '../../security/index.ts';
import { defineHandler } from '../handler.ts';
import { mayAskForTokens, noTimestamp } from './token-client.ts';

export const renewDelegationTokenHandler = defineHandler(
  renewDelegationToken,
  async ({ hmac, renewPeriodMs }, context) => {
    if (!mayAskForTokens(context)) {
      const errorCode = ErrorCode.DELEGATION_TOKEN_REQUEST_NOT_ALLOWED;
      return { errorCode, expiryTimestampMs: noTimestamp };
    }
    const { broker, client } = context;
    const principal = principalText(client.principal);
    const asked = { principal, hmac: Buffer.from(hmac), renewPeriodMs };
    const { expirationTimestamp } = await broker.controllerFor(client).renewToken(asked);
    return { errorCode: 0, expiryTimestampMs: expirationTimestamp };
  },
);
