// What a client proves itself with and whom it trusts, for its connections.

import type { ConnectTls, Disk } from '../../io/index.ts';
import { cipherSuites } from './cipher-suites.ts';
import { readTlsMaterial } from './tls-material.ts';
import { type TlsSettings, tlsVersions, verifiesName } from './tls-settings.ts';

/** Without a trust store: the authorities that Node.js comes with. @throws ConfigError */
export async function clientTls(
  disk: Pick<Disk, 'readFile'>,
  settings: TlsSettings,
): Promise<Omit<ConnectTls, 'serverName'>> {
  const { identities, ca } = await readTlsMaterial(disk, settings);
  return {
    ca,
    identity: identities[0] ?? null,
    versions: tlsVersions(settings),
    ciphers: cipherSuites(settings),
    verify: verifiesName(settings) ? 'name' : 'chain',
  };
}
