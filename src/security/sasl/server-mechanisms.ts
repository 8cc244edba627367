// The mechanisms that a listener of a broker offers, made of its configuration.
//
// Invariant: a mechanism that cannot authenticate anybody, or would authenticate everybody without
// that being said, refuses the start with its key.

import {
  type BrokerConfig,
  type BrokerKey,
  type BrokerValue,
  ConfigError,
} from '../../config/index.ts';
import { systemGssapi } from '../../io/gssapi/index.ts';
import type { Io } from '../../io/index.ts';
import {
  gssapiServer,
  keySourceOf,
  keysOf,
  krb5ConfProperty,
  localNames,
  type OpenGssapi,
  opened,
} from '../kerberos/index.ts';
import type { DelegationToken } from '../tokens/index.ts';
import { bearerServer, type TokenCheck } from './bearer-server.ts';
import { allowedUrlsProperty, type HttpFetch, urlRefusal } from './http-fetch.ts';
import { brokerJaas, brokerJaasKey, jaasProperty } from './jaas-source.ts';
import { assertMechanism, demandedOptions } from './login-modules.ts';
import { plainServer, plainUserPrefix } from './plain.ts';
import type { SaslServer } from './sasl-exchange.ts';
import { type ScramMechanism, scramMechanism } from './scram-keys.ts';
import { type ScramCredential, scramServer } from './scram-server.ts';
import { signedCheck } from './signed-token.ts';
import { TokenKeys } from './token-keys.ts';
import { TokenLogins } from './token-logins.ts';
import { unsecuredCheckOf } from './unsecured-options.ts';

export interface ServerMechanism {
  readonly name: string;
  /** connections.max.reauth.ms of the listener and the mechanism; 0: sessions do not end. */
  readonly reauthMsMax: number;
  newServer(): SaslServer;
}

export interface ServerMechanismsOptions {
  readonly config: BrokerConfig;
  readonly listener: string;
  /** What the salts of tokens and of unknown users are made from. */
  readonly saltSecret: () => string;
  /** Of the newest image; undefined: nobody knows the user. */
  readonly scramCredential: (mechanismNumber: number, user: string) => ScramCredential | undefined;
  /** Of the newest image, by its id; undefined: nobody knows it. */
  readonly token: (tokenId: string) => DelegationToken | undefined;
  readonly fetch: HttpFetch;
  /** Default: Kerberos of this machine. */
  readonly gssapi?: OpenGssapi;
}

/** By their names, in the order of sasl.enabled.mechanisms. @throws ConfigError */
export function serverMechanisms(
  io: Io,
  options: ServerMechanismsOptions,
): ReadonlyMap<string, ServerMechanism> {
  const { config, listener } = options;
  const key = 'sasl.enabled.mechanisms';
  const names = config.getForListener(listener, key);
  if (names.length === 0) {
    throw new ConfigError(key, `${key} is empty for the listener ${listener}: name a mechanism`);
  }
  return new Map(
    names.map((name) => {
      assertMechanism(key, name);
      const made = serverOf(io, name, options);
      const reauthMsMax = config.getForMechanism(listener, name, 'connections.max.reauth.ms');
      return [name, { name, reauthMsMax, newServer: made }];
    }),
  );
}

function serverOf(io: Io, name: string, options: ServerMechanismsOptions): () => SaslServer {
  const scram = scramMechanism(name);
  if (scram !== null) {
    const tokens = tokenLogins(io, options);
    return () => newScramServer(io, scram, options, tokens);
  }
  if (name === 'PLAIN') {
    const users = plainUsers(io, options);
    return () => plainServer((user) => users.get(user) ?? null);
  }
  if (name === 'GSSAPI') return kerberosServers(io, options);
  const tokens = tokenCheck(io, options);
  return () => bearerServer(tokens);
}

function newScramServer(
  io: Io,
  mechanism: ScramMechanism,
  { scramCredential, saltSecret }: ServerMechanismsOptions,
  tokens: TokenLogins | null,
): SaslServer {
  return scramServer({
    mechanism,
    credentialOf: (user) => scramCredential(mechanism.number, user),
    tokens,
    saltSecret: saltSecret(),
    nonce: io.random.bytes(24).toString('base64url'),
  });
}

function tokenLogins(
  { clock }: Io,
  { config, token }: ServerMechanismsOptions,
): TokenLogins | null {
  const secretKey = config.get('delegation.token.secret.key') || null;
  if (secretKey === null) return null;
  return new TokenLogins({ secretKey, tokenOf: token, now: () => clock.now() });
}

function jaasOptions(
  io: Io,
  mechanism: string,
  { config, listener }: ServerMechanismsOptions,
): ReadonlyMap<string, string> {
  const key = brokerJaasKey(listener, mechanism);
  const remedy = `${key}, or a section KafkaServer in KAFKA_OPTS=-D${jaasProperty}=FILE`;
  return demandedOptions(brokerJaas(io, config, { listener, mechanism }), mechanism, remedy);
}

function plainUsers(io: Io, options: ServerMechanismsOptions): ReadonlyMap<string, string> {
  const users = new Map<string, string>();
  for (const [name, password] of jaasOptions(io, 'PLAIN', options)) {
    if (!name.startsWith(plainUserPrefix)) continue;
    users.set(name.slice(plainUserPrefix.length), password);
  }
  return users;
}

/** The keys are opened once, and read from the keytab for each client. */
function kerberosServers(io: Io, options: ServerMechanismsOptions): () => SaslServer {
  const { config, listener, gssapi: open = systemGssapi } = options;
  const get: Get = (key) => config.getForMechanism(listener, 'GSSAPI', key);
  const source = keySourceOf(jaasOptions(io, 'GSSAPI', options), `GSSAPI of ${listener}`);
  const gssapi = opened(open, config.systemProperties.get(krb5ConfProperty) ?? null);
  const rules = get('sasl.kerberos.principal.to.local.rules');
  const names = localNames(rules, gssapi.defaultRealm());
  const keys = keysOf(gssapi, source);
  const endsWithTicket = get('connections.max.reauth.ms') > 0;
  return () => gssapiServer({ clock: io.clock, keys, localNames: names, endsWithTicket });
}

type Get = <K extends BrokerKey>(key: K) => BrokerValue<K>;

const unsecuredHandlers = /\.OAuthBearerUnsecuredValidatorCallbackHandler$/;
const signedHandlers = /\.OAuthBearerValidatorCallbackHandler$/;

function tokenCheck(io: Io, options: ServerMechanismsOptions): TokenCheck {
  const { config, listener } = options;
  const get: Get = (key) => config.getForMechanism(listener, 'OAUTHBEARER', key);
  const key = 'sasl.server.callback.handler.class';
  const handler = get(key);
  const isSigned = handler === null ? null : signedHandlers.test(handler);
  if (handler !== null && !isSigned && !unsecuredHandlers.test(handler)) {
    const known =
      'org.apache.kafka.common.security.oauthbearer.OAuthBearerValidatorCallbackHandler';
    throw new ConfigError(key, `${key} is ${handler}: Java classes cannot be loaded, use ${known}`);
  }
  const url = get('sasl.oauthbearer.jwks.endpoint.url');
  if (isSigned ?? url !== null) return signedTokens(io, get, options);
  return unsecuredCheckOf(io.clock, jaasOptions(io, 'OAUTHBEARER', options));
}

function signedTokens(
  { clock }: Io,
  get: Get,
  { config, fetch }: ServerMechanismsOptions,
): TokenCheck {
  const urlKey = 'sasl.oauthbearer.jwks.endpoint.url';
  const url = get(urlKey);
  if (url === null) {
    throw new ConfigError(urlKey, `${urlKey} is not set: it names the keys of signed tokens`);
  }
  const refusal = urlRefusal(urlKey, url, config.systemProperties.get(allowedUrlsProperty));
  if (refusal !== null) throw new ConfigError(urlKey, refusal);
  const audiences = get('sasl.oauthbearer.expected.audience');
  const issuer = get('sasl.oauthbearer.expected.issuer');
  if (audiences.length === 0) assertUnverified(get, 'audience');
  if (issuer === null) assertUnverified(get, 'issuer');
  return signedCheck(clock, {
    keys: new TokenKeys(clock, fetch, {
      url,
      refreshMs: get('sasl.oauthbearer.jwks.endpoint.refresh.ms'),
      retryBackoffMs: get('sasl.oauthbearer.jwks.endpoint.retry.backoff.ms'),
      retryBackoffMaxMs: get('sasl.oauthbearer.jwks.endpoint.retry.backoff.max.ms'),
      timeoutMs: get('sasl.login.read.timeout.ms') ?? 10_000,
    }),
    audiences: audiences.length === 0 ? null : audiences,
    issuer,
    userClaim: get('sasl.oauthbearer.sub.claim.name'),
    skewMs: get('sasl.oauthbearer.clock.skew.seconds') * 1000,
  });
}

function assertUnverified(get: Get, what: 'audience' | 'issuer'): void {
  if (get(`sasl.oauthbearer.allow.unverified.${what}`)) return;
  const key = `sasl.oauthbearer.expected.${what}` as const;
  const remedy = `set it, or sasl.oauthbearer.allow.unverified.${what}=true`;
  throw new ConfigError(key, `${key} is not set, so that tokens for others would do: ${remedy}`);
}
