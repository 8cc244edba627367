// Names of cipher suites: Java's (which are IANA's, or older ones that begin with SSL_) as OpenSSL
// calls them.

import { ConfigError } from '../../config/index.ts';
import { listOf, type TlsSettings } from './tls-settings.ts';

/** Ciphers and the hash or mode behind them, as both have them. */
const ciphers: readonly (readonly [iana: RegExp, openssl: string])[] = [
  [/^AES_(128|256)_GCM_(SHA256|SHA384)$/, 'AES$1-GCM-$2'],
  [/^AES_(128|256)_CBC_(SHA|SHA256|SHA384)$/, 'AES$1-$2'],
  [/^AES_(128|256)_(CCM|CCM_8)$/, 'AES$1-$2'],
  [/^CHACHA20_POLY1305_SHA256$/, 'CHACHA20-POLY1305'],
];

const exchanges: Readonly<Record<string, string>> = {
  ECDHE_RSA: 'ECDHE-RSA-',
  ECDHE_ECDSA: 'ECDHE-ECDSA-',
  DHE_RSA: 'DHE-RSA-',
  RSA: '',
};

/**
 * What is offered when nothing is said: forward secrecy only, so that no client can make the broker
 * decrypt with its private key.
 */
export const defaultCiphers = [
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'TLS_AES_128_GCM_SHA256',
  ...['ECDSA', 'RSA'].flatMap((key) => [
    `ECDHE-${key}-AES256-GCM-SHA384`,
    `ECDHE-${key}-CHACHA20-POLY1305`,
    `ECDHE-${key}-AES128-GCM-SHA256`,
    `ECDHE-${key}-AES256-SHA384`,
    `ECDHE-${key}-AES128-SHA256`,
    `ECDHE-${key}-AES256-SHA`,
    `ECDHE-${key}-AES128-SHA`,
  ]),
].join(':');

/** For OpenSSL, between colons. @throws ConfigError for a suite that is not known */
export function cipherSuites(settings: TlsSettings): string {
  const key = 'ssl.cipher.suites';
  const names = listOf(settings.text(key) ?? '');
  if (names.length === 0) return defaultCiphers;
  return names
    .map((name) => {
      const found = opensslName(name);
      if (found !== null) return found;
      const remedy = 'expected names like TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256';
      throw new ConfigError(key, `${settings.nameOf(key)} has ${name}: ${remedy}`);
    })
    .join(':');
}

/** null: no suite that can be spoken here. */
export function opensslName(name: string): string | null {
  if (/^TLS_(AES_(128|256)_GCM_SHA(256|384)|CHACHA20_POLY1305_SHA256)$/.test(name)) return name;
  if (/^((ECDHE|DHE)-(RSA|ECDSA)-)?(AES(128|256)|CHACHA20)-[A-Z0-9-]+$/.test(name)) return name;
  const [, exchange = '', cipher = ''] = /^(?:TLS|SSL)_(.+)_WITH_(.+)$/.exec(name) ?? [];
  const prefix = exchanges[exchange];
  const known = ciphers.find(([pattern]) => pattern.test(cipher));
  if (prefix === undefined || known === undefined) return null;
  return prefix + cipher.replace(known[0], known[1]).replace('CCM_8', 'CCM8');
}
