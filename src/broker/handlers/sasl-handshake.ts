// SaslHandshake, of a connection that has nothing to authenticate (any more): what authenticates is
// answered before it comes to handlers (sasl-gate.ts).

import { KafkaError, saslHandshake } from '../../protocol/index.ts';
import { defineHandler } from '../handler.ts';

export const saslHandshakeHandler = defineHandler(saslHandshake, () => {
  throw new KafkaError('ILLEGAL_SASL_STATE');
});
