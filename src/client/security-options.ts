// Options for connections that are protected: how, and who we are there; and the mapping from
// Java's property names. What they need is loaded with the first connection (client-security.ts).
//
// Invariant: no value of an option is in an error, since it may be a password.

import { ClientConfigError } from './client-config-error.ts';

const protocols = ['PLAINTEXT', 'SSL', 'SASL_PLAINTEXT', 'SASL_SSL'] as const;

export type ClientSecurityProtocol = (typeof protocols)[number];

/** A token, and when it ends by the wall clock in ms; without that, what the token itself says. */
export interface OAuthToken {
  readonly value: string;
  readonly expiresAtMs?: number;
}

/** Who we are, on a listener that asks. */
export interface SaslOptions {
  /** PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, OAUTHBEARER or GSSAPI. */
  readonly mechanism: string;
  /** Of PLAIN and SCRAM. */
  readonly username?: string;
  readonly password?: string;
  /** SCRAM: the two are the id of a delegation token and its secret in base64 (KIP-48). */
  readonly tokenAuth?: boolean;
  /** OAUTHBEARER: gives a token when one is needed, and again before it ends. */
  readonly token?: () => string | OAuthToken | Promise<string | OAuthToken>;
  /** OAUTHBEARER: where a token is got for a client id and a secret (grant client_credentials). */
  readonly tokenEndpointUrl?: string;
  readonly clientId?: string;
  readonly clientSecret?: string;
  readonly scope?: string;
  /** The only addresses of token endpoints that may be asked. Default: tokenEndpointUrl. */
  readonly allowedUrls?: string;
  /** GSSAPI: whose tickets, such as alice@EXAMPLE.COM; with a cache: default whoever it is of. */
  readonly principal?: string;
  /** GSSAPI: the file with the keys to get tickets with. */
  readonly keyTab?: string;
  /** GSSAPI: tickets that are there already (kinit), tried before a keytab. */
  readonly useTicketCache?: boolean;
  /** Default the cache of the environment (KRB5CCNAME), or the user's. */
  readonly ticketCache?: string;
  /** GSSAPI: the part of the brokers' principals in front of the host, mostly kafka. */
  readonly kerberosServiceName?: string;
  /** What renews a ticket cache. Default /usr/bin/kinit. */
  readonly kerberosKinitCmd?: string;
  /** The share of their life after which tickets are got anew. Default 0.8. */
  readonly kerberosTicketRenewWindowFactor?: number;
  /** What chance adds to that at most. Default 0.05. */
  readonly kerberosTicketRenewJitter?: number;
  /** The rest between two tries to get tickets anew, in ms. Default 60 000. */
  readonly kerberosMinTimeBeforeRelogin?: number;
  /** In place of the system's krb5.conf; one for a process. */
  readonly krb5Conf?: string;
  /** In place of these: Java's login module with its options, as in `sasl.jaas.config`. */
  readonly jaasConfig?: string;
  /** Or a file of Java's with a section KafkaClient (java.security.auth.login.config). */
  readonly jaasFile?: string;
}

/**
 * Keys and certificates, under Java's names: `ssl.keystore.location` is `keystoreLocation`. Stores
 * are JKS, PKCS12 or PEM; what is inline is PEM.
 */
export interface SslOptions {
  /** What we prove ourselves with, where the broker asks (ssl.client.auth). */
  readonly keystoreLocation?: string;
  readonly keystorePassword?: string;
  /** Default JKS, under which PKCS12 is read as well. */
  readonly keystoreType?: string;
  /** In place of a file: the private key and its certificates. */
  readonly keystoreKey?: string;
  readonly keystoreCertificateChain?: string;
  readonly keyPassword?: string;
  /** Whom to trust. Default: the authorities that Node.js comes with. */
  readonly truststoreLocation?: string;
  readonly truststorePassword?: string;
  /** Default JKS, under which PKCS12 is read as well. */
  readonly truststoreType?: string;
  /** In place of a file. */
  readonly truststoreCertificates?: string;
  /** Between commas. Default TLSv1.2,TLSv1.3. */
  readonly enabledProtocols?: string;
  /** Between commas, in Java's names. */
  readonly cipherSuites?: string;
  /** Default https: the certificate is for the name in bootstrapServers; empty: for any. */
  readonly endpointIdentificationAlgorithm?: string;
}

/** `ssl.keystore.location` as an option. */
export function sslOption(key: string): keyof SslOptions {
  const words = key.split('.').slice(1);
  const [first = '', ...rest] = words;
  return (first +
    rest.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('')) as never;
}

const sslKeys: readonly string[] = [
  ...['keystore', 'truststore'].flatMap((store) =>
    ['location', 'password', 'type'].map((what) => `ssl.${store}.${what}`),
  ),
  ...['ssl.keystore.key', 'ssl.keystore.certificate.chain', 'ssl.key.password'],
  ...['ssl.truststore.certificates', 'ssl.enabled.protocols', 'ssl.cipher.suites'],
  'ssl.endpoint.identification.algorithm',
];

export interface SecurityOptions {
  /** Default PLAINTEXT. */
  readonly securityProtocol?: ClientSecurityProtocol;
  /** With SSL and SASL_SSL. */
  readonly ssl?: SslOptions;
  /** With SASL_PLAINTEXT and SASL_SSL. */
  readonly sasl?: SaslOptions;
}

export const securityOptionNames: readonly (keyof SecurityOptions)[] = [
  'securityProtocol',
  'ssl',
  'sasl',
];

/** @throws ClientConfigError for options that contradict each other */
export function resolveSecurity(options: SecurityOptions): SecurityOptions {
  const { securityProtocol = 'PLAINTEXT', ssl, sasl } = options;
  if (!protocols.includes(securityProtocol)) {
    const expected = `expected one of ${protocols.join(', ')}`;
    throw new ClientConfigError(`securityProtocol is ${securityProtocol}: ${expected}`);
  }
  const isSasl = securityProtocol.startsWith('SASL_');
  if (isSasl && sasl === undefined) {
    throw new ClientConfigError(`securityProtocol ${securityProtocol} needs sasl: who we are`);
  }
  if (!isSasl && sasl !== undefined) {
    const remedy = 'set it to SASL_PLAINTEXT or SASL_SSL';
    throw new ClientConfigError(`sasl has no effect with ${securityProtocol}: ${remedy}`);
  }
  const isSsl = securityProtocol.endsWith('SSL');
  if (!isSsl && ssl !== undefined) {
    const remedy = 'set it to SSL or SASL_SSL';
    throw new ClientConfigError(`ssl has no effect with ${securityProtocol}: ${remedy}`);
  }
  assertSslOptions(ssl ?? {});
  return {
    securityProtocol,
    ...(isSsl ? { ssl: ssl ?? {} } : {}),
    ...(isSasl ? { sasl: sasl as SaslOptions } : {}),
  };
}

function assertSslOptions(ssl: SslOptions): void {
  const known = sslKeys.map(sslOption);
  for (const [name, value] of Object.entries(ssl)) {
    if (!known.includes(name as keyof SslOptions)) {
      throw new ClientConfigError(`ssl has no option ${name}: there are ${known.join(', ')}`);
    }
    if (typeof value === 'string' || value === undefined) continue;
    throw new ClientConfigError(`ssl.${name} is of type ${typeof value}: expected a string`);
  }
}

const saslKeys: ReadonlyMap<string, keyof SaslOptions> = new Map([
  ['sasl.mechanism', 'mechanism'],
  ['sasl.jaas.config', 'jaasConfig'],
  ['sasl.oauthbearer.token.endpoint.url', 'tokenEndpointUrl'],
  ['sasl.oauthbearer.client.credentials.client.id', 'clientId'],
  ['sasl.oauthbearer.client.credentials.client.secret', 'clientSecret'],
  ['sasl.oauthbearer.scope', 'scope'],
  ['sasl.kerberos.service.name', 'kerberosServiceName'],
  ['sasl.kerberos.kinit.cmd', 'kerberosKinitCmd'],
  ['sasl.kerberos.ticket.renew.window.factor', 'kerberosTicketRenewWindowFactor'],
  ['sasl.kerberos.ticket.renew.jitter', 'kerberosTicketRenewJitter'],
  ['sasl.kerberos.min.time.before.relogin', 'kerberosMinTimeBeforeRelogin'],
  // Java's system properties, which tools take from KAFKA_OPTS.
  ['java.security.auth.login.config', 'jaasFile'],
  ['java.security.krb5.conf', 'krb5Conf'],
  ['org.apache.kafka.sasl.oauthbearer.allowed.urls', 'allowedUrls'],
]);

/** Keys of Java's that say how often a login is renewed, and by which classes of Java. */
const silent = new RegExp(
  [
    '^sasl\\.(login|client\\.callback)\\.',
    '^ssl\\.(provider|protocol|(key|trust)manager\\.algorithm)$',
    '^ssl\\.(secure\\.random\\.implementation|engine\\.factory\\.class)$',
  ].join('|'),
);

const numbers = /^sasl\.kerberos\.(ticket\.renew\.|min\.time)/;

function saslValue(key: string, text: string): string | number {
  if (!numbers.test(key)) return text;
  const value = Number(text);
  if (text !== '' && value >= 0) return value;
  throw new ClientConfigError(`${key} is ${text}: expected a number from 0 on`);
}

export interface SecurityFromProperties {
  readonly options: SecurityOptions;
  /** Keys that are understood. */
  readonly known: ReadonlySet<string>;
}

/** @throws ClientConfigError */
export function securityFromProperties(
  properties: ReadonlyMap<string, string>,
): SecurityFromProperties {
  const known = new Set<string>(['security.protocol']);
  const sasl: Record<string, string | number> = {};
  const ssl: Record<string, string> = {};
  for (const [key, value] of properties) {
    if (sslKeys.includes(key)) {
      known.add(key);
      // As in Java an empty file or password is none; an empty algorithm says something.
      if (value !== '' || !/store|password/.test(key)) ssl[sslOption(key)] = value;
    }
    const option = saslKeys.get(key);
    if (option !== undefined) sasl[option] = saslValue(key, value.trim());
    if (option !== undefined || silent.test(key)) known.add(key);
  }
  const protocol = (properties.get('security.protocol') ?? 'PLAINTEXT').trim().toUpperCase();
  const securityProtocol = protocols.find((each) => each === protocol);
  if (securityProtocol === undefined) {
    const expected = `expected one of ${protocols.join(', ')}`;
    throw new ClientConfigError(`security.protocol is ${protocol}: ${expected}`);
  }
  if (securityProtocol === 'PLAINTEXT') return { options: {}, known };
  // As in Kafka keys of SASL have no effect on a listener that does not ask.
  const encrypted = securityProtocol.endsWith('SSL') ? { ssl } : {};
  if (!securityProtocol.startsWith('SASL_')) {
    return { options: { securityProtocol, ...encrypted }, known };
  }
  // Kafka's default.
  const mechanism = String(sasl.mechanism ?? 'GSSAPI');
  const allowedUrls = String(sasl.allowedUrls ?? '');
  const login = { ...sasl, mechanism, allowedUrls };
  return { options: { securityProtocol, ...encrypted, sasl: login }, known };
}
