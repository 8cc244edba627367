// How this broker proves to the others who it is: as a client of the listener between brokers, with
// the certificate and the user that the configuration of that listener names.
//
// Invariant: a broker does not start that could not connect to the others. Keys that are exchanged
// while it runs are those of the next connections.

import {
  type BrokerConfig,
  type BrokerKey,
  type BrokerValue,
  ConfigError,
  type Listener,
} from '../config/index.ts';
import type { ConnectTls, HttpRequest, Io } from '../io/index.ts';
import type { ConnectionSecurity, SaslLogin } from '../network/index.ts';
import type { KerberosOptions } from '../security/sasl/index.ts';
import { BrokerError } from './broker-error.ts';

export interface InterBrokerSecurity extends ConnectionSecurity {
  /** Takes over what was changed on the running cluster. */
  reconfigure(config: BrokerConfig): Promise<void>;
}

/** undefined: the listener between brokers is plain. @throws BrokerError */
export async function interBrokerSecurity(
  io: Io,
  config: BrokerConfig,
): Promise<InterBrokerSecurity | undefined> {
  const { listeners, interBrokerListenerName: name } = config;
  const listener = listeners.find((each) => each.name === name);
  if (listener === undefined) {
    if (listeners.every(({ protocol }) => protocol === 'PLAINTEXT')) return undefined;
    const names = listeners.map((each) => each.name).join(', ');
    const keys = 'inter.broker.listener.name or security.inter.broker.protocol';
    throw new BrokerError(`cannot start: there is no listener ${name}: set ${keys} to ${names}`);
  }
  const { protocol } = listener;
  if (protocol === 'PLAINTEXT') return undefined;
  try {
    const tls = protocol.endsWith('SSL') ? await InterBrokerTls.open(io, config, name) : null;
    const isSasl = protocol.startsWith('SASL');
    const sasl = isSasl ? await interBrokerLogin(io, config, listener) : null;
    const login = sasl === null ? {} : { sasl };
    if (tls === null) return { ...login, reconfigure: async () => {} };
    return {
      ...login,
      get tls() {
        return tls.inForce;
      },
      reconfigure: (current) => tls.reconfigure(current),
    };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw new BrokerError(`cannot start: between brokers: ${error.message}`, { cause: error });
  }
}

/** Certificate and authorities, as in the newest configuration that can be used. */
class InterBrokerTls {
  readonly #io: Io;
  readonly #listener: string;
  #tls: Omit<ConnectTls, 'serverName'>;

  private constructor(io: Io, listener: string, tls: Omit<ConnectTls, 'serverName'>) {
    this.#io = io;
    this.#listener = listener;
    this.#tls = tls;
  }

  /** @throws ConfigError */
  static async open(io: Io, config: BrokerConfig, listener: string): Promise<InterBrokerTls> {
    return new InterBrokerTls(io, listener, await readTls(io, config, listener));
  }

  /** Asked by each connection that is made. */
  get inForce(): Omit<ConnectTls, 'serverName'> {
    return this.#tls;
  }

  /** What cannot be used is told by the listener, which reads the same keys. */
  async reconfigure(config: BrokerConfig): Promise<void> {
    try {
      this.#tls = await readTls(this.#io, config, this.#listener);
    } catch {
      // It goes on with what it has.
    }
  }
}

async function readTls(
  { disk }: Pick<Io, 'disk'>,
  config: BrokerConfig,
  listener: string,
): Promise<Omit<ConnectTls, 'serverName'>> {
  const { listenerSettings } = await import('./listener-tls.ts');
  const { clientTls } = await import('../security/tls/index.ts');
  return clientTls(disk, listenerSettings(config, listener));
}

async function interBrokerLogin(
  io: Io,
  config: BrokerConfig,
  { name: listener }: Listener,
): Promise<SaslLogin> {
  const sasl = await import('../security/sasl/index.ts');
  const key = 'sasl.mechanism.inter.broker.protocol';
  const mechanism = config.getForListener(listener, key);
  sasl.assertMechanism(key, mechanism);
  const enabled = config.getForListener(listener, 'sasl.enabled.mechanisms');
  if (!enabled.includes(mechanism)) {
    const why = `listener ${listener} does not offer it: add it to sasl.enabled.mechanisms`;
    throw new ConfigError(key, `Invalid value ${mechanism} for configuration ${key}: ${why}`);
  }
  const source = sasl.brokerJaas(io, config, { listener, mechanism });
  const file = `a section KafkaServer in KAFKA_OPTS=-D${sasl.jaasProperty}=FILE`;
  const remedy = `${sasl.brokerJaasKey(listener, mechanism)}, or ${file}`;
  const options = sasl.demandedOptions(source, mechanism, remedy);
  const url = config.getForMechanism(listener, mechanism, 'sasl.oauthbearer.token.endpoint.url');
  const fetch = (request: HttpRequest) => io.network.http(request);
  const login = { mechanism, options, source: source?.name ?? key, fetch };
  if (mechanism === 'GSSAPI') {
    return sasl.clientLogin(io, { ...login, kerberos: kerberosOf(config, listener) });
  }
  if (mechanism !== 'OAUTHBEARER' || url === null) return sasl.clientLogin(io, login);
  const urlKey = 'sasl.oauthbearer.token.endpoint.url';
  const allowed = config.systemProperties.get(sasl.allowedUrlsProperty);
  const refusal = sasl.urlRefusal(urlKey, url, allowed);
  if (refusal !== null) throw new ConfigError(urlKey, refusal);
  const get = (key: CredentialKey): string | null =>
    config.getForMechanism(listener, mechanism, key);
  const tokens = {
    url,
    clientId: get('sasl.oauthbearer.client.credentials.client.id'),
    clientSecret: get('sasl.oauthbearer.client.credentials.client.secret'),
    scope: get('sasl.oauthbearer.scope'),
  };
  return sasl.clientLogin(io, { ...login, tokens });
}

function kerberosOf(config: BrokerConfig, listener: string): KerberosOptions {
  const get: KerberosGet = (key) => config.getForMechanism(listener, 'GSSAPI', key);
  return {
    serviceName: get('sasl.kerberos.service.name'),
    renewal: {
      windowFactor: get('sasl.kerberos.ticket.renew.window.factor'),
      jitter: get('sasl.kerberos.ticket.renew.jitter'),
      restMs: get('sasl.kerberos.min.time.before.relogin'),
      kinit: get('sasl.kerberos.kinit.cmd'),
    },
    krb5Conf: config.systemProperties.get('java.security.krb5.conf') ?? null,
  };
}

type KerberosGet = <K extends BrokerKey>(key: K) => BrokerValue<K>;

type CredentialKey =
  | 'sasl.oauthbearer.client.credentials.client.id'
  | 'sasl.oauthbearer.client.credentials.client.secret'
  | 'sasl.oauthbearer.scope';
