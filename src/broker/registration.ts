// How the cluster knows this broker: registered once in the life of the process, with the epoch
// that the controller gave it for this life, under which it says what of it is offline. A member of
// a cluster registers otherwise: see member-registration.ts.

import { uuidFromBytes } from '../base/uuid.ts';
import type { BrokerConfig } from '../config/index.ts';
import type { Io } from '../io/index.ts';
import type { Controller, Endpoint } from '../metadata/index.ts';
import type { Replicas } from '../replication/index.ts';
import type { BoundListener } from './broker-server.ts';
import { registeredEndpoint } from './endpoints.ts';
import type { LogDirectories } from './log-directories.ts';

export interface RegistrationOptions {
  /** Wherever it is. */
  readonly controller: Controller;
  readonly directories: LogDirectories;
  /** In the order of the configuration. */
  readonly listeners: readonly BoundListener[];
}

export interface Registration {
  readonly brokerId: number;
  /** Of the registration that holds now, so never to be kept; -1 while there is none. */
  readonly brokerEpoch: number;
  /** Of the last registration of this life, also while the next one is under way. */
  readonly lastBrokerEpoch: number;
  /** Resolves when the cluster lets this broker lead. @throws BrokerError, KafkaError */
  join(): Promise<void>;
  /** Tells of all replicas that are offline now. @throws KafkaError as the controller does */
  reportOffline(replicas: Replicas): Promise<void>;
  /** Resolves when others lead what this broker led and they can lead, or it takes too long. */
  handOver(): Promise<void>;
  /** Ends the session: the broker epoch that the logs are left with; -1 for a broker on its own. */
  leave(): Promise<number>;
}

/** Of a broker on its own, which serves at once. @throws KafkaError as the controller does */
export async function registerAlone(
  io: Io,
  config: BrokerConfig,
  { controller, directories, listeners }: RegistrationOptions,
): Promise<Registration> {
  const brokerId = config.nodeId;
  const { brokerEpoch } = await controller.registerBroker({
    brokerId,
    clusterId: directories.clusterId,
    incarnationId: uuidFromBytes(io.random.bytes(16), 0),
    listeners: registeredEndpoints(config, listeners),
    rack: config.get('broker.rack'),
    logDirs: directories.opened.map(({ meta }) => meta.directoryId),
    fenced: false,
    wasCleanShutdown: directories.wereClosedCleanly,
  });
  const at = { brokerId, brokerEpoch };
  return {
    ...at,
    lastBrokerEpoch: brokerEpoch,
    join: async () => {},
    reportOffline: (replicas) => reportOffline(controller, at, replicas),
    handOver: async () => {},
    leave: async () => -1,
  };
}

export async function reportOffline(
  controller: Controller,
  at: Pick<Registration, 'brokerId' | 'brokerEpoch'>,
  replicas: Replicas,
): Promise<void> {
  const partitions = replicas.offlineReplicas();
  if (partitions.length > 0) await controller.reportOffline({ ...at, partitions });
}

export function registeredEndpoints(
  config: BrokerConfig,
  listeners: readonly BoundListener[],
  hostName?: string,
): Endpoint[] {
  return config.listeners.map((listener, index) =>
    registeredEndpoint(listener, listeners[index] as BoundListener, config, hostName),
  );
}
