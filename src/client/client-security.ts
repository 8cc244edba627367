// What protects the connections of one client, made of its options with its first connection.

import type { Io } from '../io/index.ts';
import type { ConnectionSecurity } from '../network/index.ts';
import type { SaslOptions, SecurityOptions } from './security-options.ts';

/** undefined: the connections are plain. @throws ClientConfigError */
export async function connectionSecurity(
  io: Io,
  { securityProtocol = 'PLAINTEXT', ssl, sasl }: SecurityOptions,
): Promise<ConnectionSecurity | undefined> {
  if (securityProtocol === 'PLAINTEXT') return undefined;
  const security: { tls?: ConnectionSecurity['tls']; sasl?: ConnectionSecurity['sasl'] } = {};
  if (securityProtocol.endsWith('SSL')) {
    const { connectTls } = await import('./client-tls.ts');
    security.tls = await connectTls(io, ssl ?? {});
  }
  if (securityProtocol.startsWith('SASL_')) {
    const { saslLogin } = await import('./client-sasl.ts');
    security.sasl = saslLogin(io, sasl as SaslOptions);
  }
  return security as ConnectionSecurity;
}
