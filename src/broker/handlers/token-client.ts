// The client of a request about delegation tokens: whether it may ask at all, and who it is.

import { anonymous, principalText } from '../../security/index.ts';
import type { RequestContext } from '../handler.ts';

/** What stands for a time in the answer of a broker that asked no controller. */
export const noTimestamp = -1;

/**
 * Kafka's rule (KIP-48): whoever has proven who it is, by something else than a token. An end of
 * TLS at which no client shows a certificate proves nothing.
 */
export function mayAskForTokens({ broker, client }: RequestContext): boolean {
  const { principal, connection } = client;
  const { listeners } = broker.config;
  const protocol = listeners.find(({ name }) => name === connection.listenerName)?.protocol;
  if (principal.isByToken || protocol === undefined || protocol === 'PLAINTEXT') return false;
  return protocol !== 'SSL' || principalText(principal) !== principalText(anonymous);
}
