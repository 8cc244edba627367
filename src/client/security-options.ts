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
  /** PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 or OAUTHBEARER. */
  readonly mechanism: string;
  /** Of PLAIN and SCRAM. */
  readonly username?: string;
  readonly password?: string;
  /** OAUTHBEARER: gives a token when one is needed, and again before it ends. */
  readonly token?: () => string | OAuthToken | Promise<string | OAuthToken>;
  /** OAUTHBEARER: where a token is got for a client id and a secret (grant client_credentials). */
  readonly tokenEndpointUrl?: string;
  readonly clientId?: string;
  readonly clientSecret?: string;
  readonly scope?: string;
  /** The only addresses of token endpoints that may be asked. Default: tokenEndpointUrl. */
  readonly allowedUrls?: string;
  /** In place of these: Java's login module with its options, as in `sasl.jaas.config`. */
  readonly jaasConfig?: string;
  /** Or a file of Java's with a section KafkaClient (java.security.auth.login.config). */
  readonly jaasFile?: string;
}

export interface SecurityOptions {
  /** Default PLAINTEXT. */
  readonly securityProtocol?: ClientSecurityProtocol;
  /** With SASL_PLAINTEXT and SASL_SSL. */
  readonly sasl?: SaslOptions;
}

export const securityOptionNames: readonly (keyof SecurityOptions)[] = ['securityProtocol', 'sasl'];

/** @throws ClientConfigError for options that contradict each other */
export function resolveSecurity(options: SecurityOptions): SecurityOptions {
  const { securityProtocol = 'PLAINTEXT', sasl } = options;
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
  return isSasl ? { securityProtocol, sasl: sasl as SaslOptions } : { securityProtocol };
}

const saslKeys: ReadonlyMap<string, keyof SaslOptions> = new Map([
  ['sasl.mechanism', 'mechanism'],
  ['sasl.jaas.config', 'jaasConfig'],
  ['sasl.oauthbearer.token.endpoint.url', 'tokenEndpointUrl'],
  ['sasl.oauthbearer.client.credentials.client.id', 'clientId'],
  ['sasl.oauthbearer.client.credentials.client.secret', 'clientSecret'],
  ['sasl.oauthbearer.scope', 'scope'],
  // Java's system properties, which tools take from KAFKA_OPTS.
  ['java.security.auth.login.config', 'jaasFile'],
  ['org.apache.kafka.sasl.oauthbearer.allowed.urls', 'allowedUrls'],
]);

/** Keys of Java's that say how often a login is renewed, and by which classes. */
const silent = /^sasl\.(login|kerberos|client\.callback)\./;

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
  const sasl: Record<string, string> = {};
  for (const [key, value] of properties) {
    const option = saslKeys.get(key);
    if (option !== undefined) sasl[option] = value.trim();
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
  if (!securityProtocol.startsWith('SASL_')) return { options: { securityProtocol }, known };
  // Kafka's default, and so what is missing is told.
  const mechanism = sasl.mechanism ?? 'GSSAPI';
  const allowedUrls = sasl.allowedUrls ?? '';
  return { options: { securityProtocol, sasl: { ...sasl, mechanism, allowedUrls } }, known };
}
