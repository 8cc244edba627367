// How this broker proves to the others who it is: as a client of the listener between brokers, with
// the user that the configuration of that listener names.
//
// Invariant: a broker does not start that could not connect to the others.

import { type BrokerConfig, ConfigError, type Listener } from '../config/index.ts';
import { type Io, nodeHttp } from '../io/index.ts';
import type { ConnectionSecurity, SaslLogin } from '../network/index.ts';
import { BrokerError } from './broker-error.ts';

/** undefined: the listener between brokers is plain. @throws BrokerError */
export async function interBrokerSecurity(
  io: Io,
  config: BrokerConfig,
): Promise<ConnectionSecurity | undefined> {
  const { listeners, interBrokerListenerName: name } = config;
  const listener = listeners.find((each) => each.name === name);
  if (listener === undefined) {
    if (listeners.every(({ protocol }) => protocol === 'PLAINTEXT')) return undefined;
    const names = listeners.map((each) => each.name).join(', ');
    const keys = 'inter.broker.listener.name or security.inter.broker.protocol';
    throw new BrokerError(`cannot start: there is no listener ${name}: set ${keys} to ${names}`);
  }
  if (!listener.protocol.startsWith('SASL')) return undefined;
  try {
    return { sasl: await interBrokerLogin(io, config, listener) };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw new BrokerError(`cannot start: between brokers: ${error.message}`, { cause: error });
  }
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
  const login = { mechanism, options, source: source?.name ?? key, fetch: nodeHttp };
  if (mechanism !== 'OAUTHBEARER' || url === null) return sasl.clientLogin(io, login);
  const urlKey = 'sasl.oauthbearer.token.endpoint.url';
  const allowed = config.systemProperties.get(sasl.allowedUrlsProperty);
  const refusal = sasl.urlRefusal(urlKey, url, allowed);
  if (refusal !== null) throw new ConfigError(urlKey, refusal);
  const credentials = 'sasl.oauthbearer.client.credentials';
  const tokens = {
    url,
    clientId: config.getForMechanism(listener, mechanism, `${credentials}.client.id`),
    clientSecret: config.getForMechanism(listener, mechanism, `${credentials}.client.secret`),
    scope: config.getForMechanism(listener, mechanism, 'sasl.oauthbearer.scope'),
  };
  return sasl.clientLogin(io, { ...login, tokens });
}
