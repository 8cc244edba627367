// The login of a client, made of what its configuration says: a mechanism with JAAS options, or
// with a user and a password.

import { ConfigError } from '../../config/index.ts';
import { systemGssapi } from '../../io/gssapi/index.ts';
import type { Io } from '../../io/index.ts';
import {
  gssapiLogin,
  type OpenGssapi,
  opened,
  type RenewalOptions,
  renewalDefaults,
  serviceNameOf,
  ticketRenewalOf,
  ticketSourcesOf,
} from '../kerberos/index.ts';
import { bearerLogin, type TokenSource } from './bearer-login.ts';
import type { HttpFetch } from './http-fetch.ts';
import { assertMechanism, demandedOption } from './login-modules.ts';
import { plainLogin } from './plain.ts';
import type { SaslLogin } from './sasl-exchange.ts';
import { scramMechanism } from './scram-keys.ts';
import { scramLogin } from './scram-login.ts';
import { tokenEndpoint } from './token-endpoint.ts';
import { extensionsOf, unsecuredSourceOf } from './unsecured-options.ts';

export interface ClientLoginOptions {
  /** As in `sasl.mechanism`. */
  readonly mechanism: string;
  /** Of the mechanism's login module. */
  readonly options: ReadonlyMap<string, string>;
  /** Where the options are from, for messages. */
  readonly source: string;
  /** Of OAUTHBEARER: where tokens are got, with what; null: from the options. */
  readonly tokens?: TokenSource | TokenEndpointOptions | null;
  readonly kerberos?: KerberosOptions;
  readonly fetch: HttpFetch;
}

/** Of GSSAPI, besides the options of its login module. */
export interface KerberosOptions {
  /** sasl.kerberos.service.name; null: `serviceName` of the login module. */
  readonly serviceName: string | null;
  readonly renewal?: Partial<RenewalOptions>;
  /** java.security.krb5.conf; null: the system's. */
  readonly krb5Conf: string | null;
  /** Default: Kerberos of this machine. */
  readonly gssapi?: OpenGssapi;
}

export interface TokenEndpointOptions {
  /** It is one that may be asked. */
  readonly url: string;
  readonly clientId: string | null;
  readonly clientSecret: string | null;
  readonly scope: string | null;
}

/** @throws ConfigError for what is missing */
export function clientLogin(
  io: Pick<Io, 'clock' | 'random'>,
  login: ClientLoginOptions,
): SaslLogin {
  const { mechanism, options, source } = login;
  assertMechanism('sasl.mechanism', mechanism);
  if (mechanism === 'OAUTHBEARER') {
    return bearerLogin(io.clock, tokenSource(io, login), extensionsOf(options));
  }
  if (mechanism === 'GSSAPI') return kerberosLogin(io, login);
  const username = demandedOption(options, 'username', source);
  const password = demandedOption(options, 'password', source);
  const scram = scramMechanism(mechanism);
  if (scram === null) return plainLogin(username, password);
  const isToken = options.get('tokenauth')?.toLowerCase() === 'true';
  const extensions = isToken ? 'tokenauth=true' : undefined;
  const user = { username, password, ...(extensions === undefined ? {} : { extensions }) };
  return scramLogin(io.random, scram, user);
}

function kerberosLogin(
  io: Pick<Io, 'clock' | 'random'>,
  { options, source, kerberos }: ClientLoginOptions,
): SaslLogin {
  const { serviceName = null, krb5Conf = null, gssapi: open = systemGssapi } = kerberos ?? {};
  const sources = ticketSourcesOf(options, source);
  const service = serviceNameOf(options, serviceName, source);
  const gssapi = opened(open, krb5Conf);
  const renewal = { ...renewalDefaults, ...kerberos?.renewal };
  return gssapiLogin(ticketRenewalOf(io, gssapi, sources, renewal), service);
}

function tokenSource(io: Pick<Io, 'clock'>, login: ClientLoginOptions): TokenSource {
  const { tokens = null, options, source, fetch } = login;
  if (typeof tokens === 'function') return tokens;
  if (tokens === null) {
    const unsecured = unsecuredSourceOf(io.clock, options);
    if (unsecured !== null) return unsecured;
    const remedy = 'set sasl.oauthbearer.token.endpoint.url, or unsecuredLoginStringClaim_sub="…"';
    throw new ConfigError(null, `${source} says nobody for OAUTHBEARER to be: ${remedy}`);
  }
  // Older files have them among the options of the login module (KIP-768).
  const clientId = tokens.clientId ?? options.get('clientId');
  const clientSecret = tokens.clientSecret ?? options.get('clientSecret');
  const scope = tokens.scope ?? options.get('scope') ?? null;
  if (clientId === undefined || clientSecret === undefined) {
    const keys = 'sasl.oauthbearer.client.credentials.client.id and .client.secret';
    throw new ConfigError(null, `the token endpoint needs who asks: set ${keys}`);
  }
  return tokenEndpoint(io.clock, fetch, { url: tokens.url, clientId, clientSecret, scope });
}
