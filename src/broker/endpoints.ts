// Where clients find brokers. By default a client is sent to the address at which it reached us:
// that works through port forwarding on one machine, in containers and in tests without any
// configuration. advertised.listeners overrides it, per listener.

import type { BrokerConfig, Listener } from '../config/index.ts';
import type { Endpoint, MetadataImage } from '../metadata/index.ts';
import type { ServerConnection } from '../network/index.ts';

export interface BrokerEndpoint {
  readonly nodeId: number;
  readonly host: string;
  readonly port: number;
  readonly rack: string | null;
}

const mappedIpv4 = '::ffff:';

/** Living brokers as the clients of this connection's listener reach them; ourselves first. */
export function endpointsFor(
  connection: ServerConnection,
  config: BrokerConfig,
  { image, isServing }: { readonly image: MetadataImage; readonly isServing: boolean },
): BrokerEndpoint[] {
  const { listenerName } = connection;
  const advertised = advertisedFor(listenerName, config);
  const self: BrokerEndpoint = {
    nodeId: config.nodeId,
    host: advertised?.host || plainHost(connection.localHost),
    port: advertised?.port || connection.localPort,
    rack: config.get('broker.rack'),
  };
  const endpoints = isServing ? [self] : [];
  for (const broker of image.aliveBrokers()) {
    if (broker.id === config.nodeId) continue;
    const endpoint = broker.listeners.find(({ name }) => name === listenerName);
    if (endpoint === undefined) continue;
    const { host, port } = endpoint;
    endpoints.push({ nodeId: broker.id, host, port, rack: broker.rack });
  }
  return endpoints;
}

/**
 * What to register in the metadata for other brokers to see: names that resolve from outside.
 * @param hostName for a listener that names no host: the machine's own, as in Kafka
 */
export function registeredEndpoint(
  listener: Listener,
  bound: { readonly host: string; readonly port: number },
  config: BrokerConfig,
  hostName: string = bound.host,
): Endpoint {
  const advertised = advertisedFor(listener.name, config);
  return {
    name: listener.name,
    host: advertised?.host || listener.host || hostName,
    port: advertised?.port || bound.port,
    securityProtocol: ['PLAINTEXT', 'SSL', 'SASL_PLAINTEXT', 'SASL_SSL'].indexOf(listener.protocol),
  };
}

function advertisedFor(listenerName: string, config: BrokerConfig): Listener | undefined {
  return config.advertisedListeners.find(({ name }) => name === listenerName);
}

/** A socket of both families reports IPv4 peers in IPv6 clothes, which many clients cannot read. */
function plainHost(host: string): string {
  return host.startsWith(mappedIpv4) ? host.slice(mappedIpv4.length) : host;
}
