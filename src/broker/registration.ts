// How the cluster knows this broker: registered once in the life of the process, with the epoch
// that the controller gave it for this life, under which it says what of it is offline.

import { uuidFromBytes } from '../base/uuid.ts';
import type { BrokerConfig } from '../config/index.ts';
import type { Io } from '../io/index.ts';
import type { Controller } from '../metadata/index.ts';
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

export class Registration {
  readonly brokerId: number;
  readonly brokerEpoch: number;
  readonly #controller: Controller;

  private constructor(controller: Controller, brokerId: number, brokerEpoch: number) {
    this.brokerId = brokerId;
    this.brokerEpoch = brokerEpoch;
    this.#controller = controller;
  }

  /** @throws KafkaError as the controller does */
  static async begin(
    io: Io,
    config: BrokerConfig,
    { controller, directories, listeners }: RegistrationOptions,
  ): Promise<Registration> {
    const { brokerEpoch } = await controller.registerBroker({
      brokerId: config.nodeId,
      clusterId: directories.clusterId,
      incarnationId: uuidFromBytes(io.random.bytes(16), 0),
      listeners: config.listeners.map((listener, index) =>
        registeredEndpoint(listener, listeners[index] as BoundListener, config),
      ),
      rack: config.get('broker.rack'),
      logDirs: directories.opened.map(({ meta }) => meta.directoryId),
      fenced: false,
      wasCleanShutdown: directories.wereClosedCleanly,
    });
    return new Registration(controller, config.nodeId, brokerEpoch);
  }

  /** Tells of all replicas that are offline now. @throws KafkaError as the controller does */
  async reportOffline(replicas: Replicas): Promise<void> {
    const partitions = replicas.offlineReplicas();
    if (partitions.length === 0) return;
    const { brokerId, brokerEpoch } = this;
    await this.#controller.reportOffline({ brokerId, brokerEpoch, partitions });
  }
}
