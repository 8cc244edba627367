// What protects the connections of one client, made of its options with its first connection.

import type { Io } from '../io/index.ts';
import type { ConnectionSecurity } from '../network/index.ts';
import type { SaslOptions, SecurityOptions } from './security-options.ts';

/** undefined: the connections are plain. @throws ClientConfigError */
export async function connectionSecurity(
  io: Io,
  { securityProtocol = 'PLAINTEXT', sasl }: SecurityOptions,
): Promise<ConnectionSecurity | undefined> {
  if (securityProtocol === 'PLAINTEXT') return undefined;
  if (!securityProtocol.startsWith('SASL_')) return {};
  const { saslLogin } = await import('./client-sasl.ts');
  return { sasl: saslLogin(io, sasl as SaslOptions) };
}
