// The `ssl.*` settings of a listener or a client as texts, under the names of the keys, with the
// name that each has where it was written, for messages.

import { ConfigError } from '../../config/index.ts';

export const tlsKeys = [
  'ssl.keystore.location',
  'ssl.keystore.password',
  'ssl.keystore.type',
  'ssl.keystore.key',
  'ssl.keystore.certificate.chain',
  'ssl.key.password',
  'ssl.truststore.location',
  'ssl.truststore.password',
  'ssl.truststore.type',
  'ssl.truststore.certificates',
  'ssl.enabled.protocols',
  'ssl.cipher.suites',
  'ssl.endpoint.identification.algorithm',
  'ssl.client.auth',
] as const;

export type TlsKey = (typeof tlsKeys)[number];

export interface TlsSettings {
  /** null: not set. */
  text(key: TlsKey): string | null;
  /** `listener.name.internal.ssl.keystore.location`, `ssl.keystoreLocation` … */
  nameOf(key: TlsKey): string;
}

export type TlsVersion = 'TLSv1.2' | 'TLSv1.3';

/** Which versions may be spoken. Older ones than 1.2 are refused. @throws ConfigError */
export function tlsVersions(settings: TlsSettings): readonly TlsVersion[] {
  const key = 'ssl.enabled.protocols';
  const versions = listOf(settings.text(key) ?? 'TLSv1.2,TLSv1.3').map((version) => {
    if (version === 'TLSv1.2' || version === 'TLSv1.3') return version;
    const remedy = 'TLSv1.2 and TLSv1.3 are spoken here; others are not safe';
    throw new ConfigError(key, `${settings.nameOf(key)} has ${version}: ${remedy}`);
  });
  if (versions.length > 0) return versions;
  throw new ConfigError(key, `${settings.nameOf(key)} is empty: give TLSv1.2, TLSv1.3 or both`);
}

export type ClientAuth = 'none' | 'requested' | 'required';

/** @throws ConfigError */
export function clientAuth(settings: TlsSettings): ClientAuth {
  const key = 'ssl.client.auth';
  const text = settings.text(key)?.trim().toLowerCase() ?? 'none';
  if (text === 'none' || text === 'requested' || text === 'required') return text;
  const remedy = 'expected none, requested or required';
  throw new ConfigError(key, `${settings.nameOf(key)} is ${text}: ${remedy}`);
}

/** Whether a server's certificate must be for the name that it was reached by. */
export function verifiesName(settings: TlsSettings): boolean {
  const key = 'ssl.endpoint.identification.algorithm';
  const text = (settings.text(key) ?? 'https').trim().toLowerCase();
  if (text === '') return false;
  if (text === 'https') return true;
  throw new ConfigError(key, `${settings.nameOf(key)} is ${text}: expected https, or nothing`);
}

export function listOf(text: string): string[] {
  return text
    .split(',')
    .map((each) => each.trim())
    .filter((each) => each !== '');
}
