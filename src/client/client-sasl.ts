// The login of a client, made of its options. Loaded by clients that have to prove who they are.

import { ConfigError } from '../config/index.ts';
import type { HttpRequest, Io } from '../io/index.ts';
import type { SaslLogin } from '../network/index.ts';
import {
  assertMechanism,
  type BearerToken,
  type ClientLoginOptions,
  clientLogin,
  demandedOptions,
  expiryOf,
  type JaasSource,
  jaasOfKey,
  jaasProperty,
  type KerberosOptions,
  sectionOf,
  urlRefusal,
} from '../security/sasl/index.ts';
import { ClientConfigError } from './client-config-error.ts';
import type { SaslOptions } from './security-options.ts';

/** @throws ClientConfigError for what is missing or cannot be read */
export function saslLogin(io: Io, sasl: SaslOptions): SaslLogin {
  const fetch = (request: HttpRequest) => io.network.http(request);
  try {
    const { mechanism } = sasl;
    assertMechanism('sasl.mechanism', mechanism);
    const tokens = tokensOf(sasl);
    const kerberos = kerberosOf(sasl);
    return clientLogin(io, { mechanism, ...optionsOf(io, sasl), tokens, kerberos, fetch });
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw new ClientConfigError(error.message);
  }
}

function optionsOf(io: Io, sasl: SaslOptions): Pick<ClientLoginOptions, 'options' | 'source'> {
  const { mechanism, jaasConfig, jaasFile } = sasl;
  const source = jaasOf(io, jaasConfig, jaasFile);
  if (source === null) {
    const options = loginOptions(sasl);
    const isBearer = sasl.token !== undefined || sasl.tokenEndpointUrl !== undefined;
    if (options.size > 0 || isBearer) return { options, source: 'the option sasl' };
  }
  const remedy = `sasl.jaas.config, or a section KafkaClient in KAFKA_OPTS=-D${jaasProperty}=FILE`;
  return {
    options: demandedOptions(source, mechanism, remedy),
    source: source?.name ?? 'the option sasl',
  };
}

/** As the options of a login module. */
function loginOptions(sasl: SaslOptions): ReadonlyMap<string, string> {
  const { username, password, principal, keyTab, ticketCache } = sasl;
  const { useTicketCache = ticketCache === undefined ? undefined : true } = sasl;
  const useKeyTab = keyTab === undefined ? undefined : true;
  const login = { principal, useKeyTab, keyTab, useTicketCache, ticketCache };
  const tokenauth = sasl.tokenAuth;
  const given = Object.entries({ username, password, tokenauth, ...login });
  return new Map(given.flatMap(([k, value]) => (value === undefined ? [] : [[k, `${value}`]])));
}

function kerberosOf(sasl: SaslOptions): KerberosOptions {
  const { kerberosServiceName, krb5Conf } = sasl;
  const given = {
    windowFactor: sasl.kerberosTicketRenewWindowFactor,
    jitter: sasl.kerberosTicketRenewJitter,
    restMs: sasl.kerberosMinTimeBeforeRelogin,
    kinit: sasl.kerberosKinitCmd,
  };
  const isGiven = ([, value]: [string, unknown]): boolean => value !== undefined;
  return {
    serviceName: kerberosServiceName ?? null,
    renewal: Object.fromEntries(Object.entries(given).filter(isGiven)),
    krb5Conf: krb5Conf ?? null,
  };
}

function jaasOf(io: Io, config: string | undefined, file: string | undefined): JaasSource | null {
  if (config !== undefined) return jaasOfKey('sasl.jaas.config', config);
  if (file === undefined) return null;
  return sectionOf(io, new Map([[jaasProperty, file]]), ['KafkaClient']);
}

function tokensOf(sasl: SaslOptions): NonNullable<ClientLoginOptions['tokens']> | null {
  const { token, tokenEndpointUrl: url, allowedUrls = url } = sasl;
  if (token !== undefined) return async () => bearerToken(await token());
  if (url === undefined) return null;
  const key = 'sasl.oauthbearer.token.endpoint.url';
  const refusal = urlRefusal(key, url, allowedUrls);
  if (refusal !== null) throw new ClientConfigError(refusal);
  const { clientId = null, clientSecret = null, scope = null } = sasl;
  return { url, clientId, clientSecret, scope };
}

function bearerToken(token: string | { value: string; expiresAtMs?: number }): BearerToken {
  if (typeof token === 'string') return { value: token, expiresAtMs: expiryOf(token) };
  return { value: token.value, expiresAtMs: token.expiresAtMs ?? expiryOf(token.value) };
}
