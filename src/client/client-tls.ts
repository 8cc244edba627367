// What encrypts the connections of a client, made of its options. Loaded by clients that ask for
// it.

import { ConfigError } from '../config/index.ts';
import type { ConnectTls, Io } from '../io/index.ts';
import { clientTls, type TlsKey } from '../security/tls/index.ts';
import { ClientConfigError } from './client-config-error.ts';
import { type SslOptions, sslOption } from './security-options.ts';

/** @throws ClientConfigError for what is missing or cannot be read */
export async function connectTls(
  { disk }: Pick<Io, 'disk'>,
  ssl: SslOptions,
): Promise<Omit<ConnectTls, 'serverName'>> {
  const text = (key: TlsKey): string | null => ssl[sslOption(key)] ?? null;
  try {
    return await clientTls(disk, { text, nameOf: (key) => key });
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw new ClientConfigError(error.message);
  }
}
