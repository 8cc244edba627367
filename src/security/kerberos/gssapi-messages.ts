// What client and server say when the context of Kerberos stands (RFC 4752, 3.1): the server offers
// ways to protect what follows, the client chooses one and says who it wants to be.
//
// Invariant: nothing that follows is protected by Kerberos (TLS does that), as with Kafka: that
// alone is offered, and chosen.

import { SaslError } from '../sasl/sasl-exchange.ts';

/** The bit of "no security layer". */
const noLayer = 1;
const headBytes = 4;

/** Behind the layers the size of what may be sent in them: 0 without one. */
export const layersOffered: Buffer = Buffer.from([noLayer, 0, 0, 0]);

/** @throws SaslError: the server demands a layer, or it is no offer */
export function assertOffersNoLayer(message: Buffer): void {
  if (message.length !== headBytes) {
    throw new SaslError(`the server offers its layers in ${message.length} bytes: expected 4`);
  }
  if (((message[0] as number) & noLayer) === 0) {
    throw new SaslError('the server demands that Kerberos encrypts or signs what follows');
  }
}

/** Without a name: who the ticket is of. */
export const layerChosen: Buffer = Buffer.from([noLayer, 0, 0, 0]);

/**
 * Returns who the client wants to be; empty: who its ticket is of.
 * @throws SaslError: it chose what was not offered, or it is no choice
 */
export function authorizationIdOf(message: Buffer): string {
  if (message.length < headBytes) {
    throw new SaslError(`the client chooses a layer in ${message.length} bytes: expected 4`);
  }
  if (message[0] !== noLayer) {
    throw new SaslError(`the client chose layer ${message[0]}, which was not offered`);
  }
  return message.toString('utf8', headBytes);
}
