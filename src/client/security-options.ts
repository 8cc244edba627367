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

/** `sasl`: who we are, on a listener that asks (SASL_PLAINTEXT, SASL_SSL). */
export interface SaslOptions {
  /** How we prove who we are: PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, OAUTHBEARER or GSSAPI. */
  readonly mechanism: string;
  /** PLAIN and SCRAM: the name of the user. */
  readonly username?: string;
  /** PLAIN and SCRAM: the password of the user. */
  readonly password?: string;
  /**
   * SCRAM: `username` and `password` are the id of a delegation token and its secret in base64
   * (KIP-48). Default false.
   */
  readonly tokenAuth?: boolean;
  /** OAUTHBEARER: gives a token when one is needed, and again before it ends. */
  readonly token?: () => string | OAuthToken | Promise<string | OAuthToken>;
  /** OAUTHBEARER: where a token is got for a client id and a secret (grant client_credentials). */
  readonly tokenEndpointUrl?: string;
  /** OAUTHBEARER: the client id for tokenEndpointUrl. */
  readonly clientId?: string;
  /** OAUTHBEARER: the secret of that client id. */
  readonly clientSecret?: string;
  /** OAUTHBEARER: the scope to ask for. Default: none is named. */
  readonly scope?: string;
  /**
   * OAUTHBEARER: the only addresses of token endpoints that may be asked, between commas. Default:
   * tokenEndpointUrl.
   */
  readonly allowedUrls?: string;
  /** GSSAPI: whose tickets, such as alice@EXAMPLE.COM; with a cache: default whoever it is of. */
  readonly principal?: string;
  /** GSSAPI: the file with the keys to get tickets with. */
  readonly keyTab?: string;
  /**
   * GSSAPI: use tickets that are there already (kinit), before a keytab is tried. Default: if
   * ticketCache is given.
   */
  readonly useTicketCache?: boolean;
  /**
   * GSSAPI: where these tickets are. Default: the cache of the environment (KRB5CCNAME), or the
   * user's.
   */
  readonly ticketCache?: string;
  /** GSSAPI: the part of the brokers' principals in front of the host, mostly kafka. */
  readonly kerberosServiceName?: string;
  /** GSSAPI: the command that renews a ticket cache. Default /usr/bin/kinit. */
  readonly kerberosKinitCmd?: string;
  /** GSSAPI: the share of their life after which tickets are got anew. Default 0.8. */
  readonly kerberosTicketRenewWindowFactor?: number;
  /** GSSAPI: what chance adds to that share at most. Default 0.05. */
  readonly kerberosTicketRenewJitter?: number;
  /** GSSAPI: the rest between two tries to get tickets anew, in milliseconds. Default 60 000. */
  readonly kerberosMinTimeBeforeRelogin?: number;
  /** GSSAPI: a file in place of the system's krb5.conf; the same for all clients of a process. */
  readonly krb5Conf?: string;
  /**
   * In place of user names, tokens and keytabs: Java's login module with its options, as in
   * `sasl.jaas.config`.
   */
  readonly jaasConfig?: string;
  /**
   * In place of them, too: a file of Java's with a section KafkaClient
   * (java.security.auth.login.config).
   */
  readonly jaasFile?: string;
}

/**
 * `ssl`: keys and certificates, under Java's names without `ssl.`. A store is a file of type JKS,
 * PKCS12 or PEM; what is given as text is PEM.
 */
export interface SslOptions {
  /**
   * The file with our own key and certificates, where the broker asks for them (ssl.client.auth).
   * Default: none.
   */
  readonly keystoreLocation?: string;
  /** The password of that file. PEM has none. */
  readonly keystorePassword?: string;
  /** JKS, PKCS12 or PEM. Default JKS, under which PKCS12 is read as well. */
  readonly keystoreType?: string;
  /** In place of a file: our private key, as PEM. */
  readonly keystoreKey?: string;
  /** With keystoreKey: our certificate and those above it, as PEM. */
  readonly keystoreCertificateChain?: string;
  /**
   * The password of the private key: of one that is encrypted as PEM, or that has its own in a
   * store.
   */
  readonly keyPassword?: string;
  /** The file with the authorities that we trust. Default: those that Node.js comes with. */
  readonly truststoreLocation?: string;
  /** The password of that file. PEM has none. */
  readonly truststorePassword?: string;
  /** JKS, PKCS12 or PEM. Default JKS, under which PKCS12 is read as well. */
  readonly truststoreType?: string;
  /** In place of a file: the certificates of the authorities, as PEM. */
  readonly truststoreCertificates?: string;
  /** Versions of TLS, between commas. Default TLSv1.2,TLSv1.3. */
  readonly enabledProtocols?: string;
  /** Cipher suites in Java's names, between commas. Default: those with forward secrecy. */
  readonly cipherSuites?: string;
  /**
   * `https`: the certificate of a broker must be for its name; empty: it may be for any. Default
   * https.
   */
  readonly endpointIdentificationAlgorithm?: string;
}

/** `ssl.keystore.location` as an option. */
export function sslOption(key: string): keyof SslOptions {
  const words = key.split('.').slice(1);
  const [first = '', ...rest] = words;
  return (first +
    rest.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('')) as never;
}

/** Java's names of SslOptions. */
export const sslKeys: readonly string[] = [
  ...['keystore', 'truststore'].flatMap((store) =>
    ['location', 'password', 'type'].map((what) => `ssl.${store}.${what}`),
  ),
  ...['ssl.keystore.key', 'ssl.keystore.certificate.chain', 'ssl.key.password'],
  ...['ssl.truststore.certificates', 'ssl.enabled.protocols', 'ssl.cipher.suites'],
  'ssl.endpoint.identification.algorithm',
];

/** How connections are protected. */
export interface SecurityOptions {
  /**
   * Whether connections are encrypted (SSL, SASL_SSL) and whether we say who we are
   * (SASL_PLAINTEXT, SASL_SSL). Default PLAINTEXT: neither.
   */
  readonly securityProtocol?: ClientSecurityProtocol;
  /**
   * Keys and certificates, for SSL and SASL_SSL. Default: trust the authorities that Node.js comes
   * with.
   */
  readonly ssl?: SslOptions;
  /** Who we are: needed for SASL_PLAINTEXT and SASL_SSL. */
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

/** Java's names of SaslOptions. */
export const saslKeys: ReadonlyMap<string, keyof SaslOptions> = new Map([
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
