// SaslAuthenticate, of a connection that has nothing to authenticate (any more): what authenticates
// is answered before it comes to handlers (sasl-gate.ts).

import { ErrorCode, saslAuthenticate } from '../../protocol/index.ts';
import { defineHandler } from '../handler.ts';

export const saslAuthenticateHandler = defineHandler(saslAuthenticate, () => ({
  errorCode: ErrorCode.ILLEGAL_SASL_STATE,
  errorMessage: 'SaslAuthenticate request received after successful authentication',
  authBytes: Buffer.alloc(0),
}));
