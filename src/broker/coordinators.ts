// The coordinators of a broker: of groups and of transactions, with the producer ids that the
// second hand out. What this broker leads of their topics is loaded while others are served.
//
// Invariant: they hear of an image when the roles in it hold, so that what is led no more is let go
// at once; what is led and has no log yet is loaded when it has one.

import {
  GroupCoordinator,
  OFFSETS_TOPIC,
  TRANSACTION_TOPIC,
  TransactionCoordinator,
} from '../coordinator/index.ts';
import type { Io } from '../io/index.ts';
import type { Partition, Replicas } from '../replication/index.ts';
import type { Cluster } from './cluster.ts';
import { ProducerIds } from './producer-ids.ts';
import type { Registration } from './registration.ts';
import type { Peer } from './requests/index.ts';
import { writeTransactionMarkers } from './transaction-markers.ts';

export interface CoordinatorsOptions {
  readonly cluster: Cluster;
  readonly replicas: Replicas;
  readonly registration: Registration;
  /** An invariant is broken: the process must not go on. */
  readonly onBug: (error: Error) => void;
}

export class Coordinators {
  readonly groups: GroupCoordinator;
  readonly transactions: TransactionCoordinator;
  readonly producerIds: ProducerIds;
  readonly #onBug: (error: Error) => void;

  constructor(io: Io, options: CoordinatorsOptions) {
    const { cluster, replicas, registration, onBug } = options;
    const { metadata, controller, requests } = cluster;
    const isAlone = cluster.membership === null;
    const shared = { controller, replicas, isAlone, config: () => cluster.config, onBug };
    const producerIds = new ProducerIds(() => {
      const { brokerId, brokerEpoch } = registration;
      return controller.allocateProducerIds({ brokerId, brokerEpoch });
    });
    const groups = new GroupCoordinator(io, shared);
    const own: Pick<Peer, 'writeTransactionMarkers'> = {
      writeTransactionMarkers: (markers) =>
        writeTransactionMarkers({ io, replicas, groups }, markers),
    };
    const transactions = new TransactionCoordinator(io, {
      ...shared,
      image: () => metadata.image(),
      newProducerId: () => producerIds.next(),
      sendMarkers: (nodeId, markers) =>
        requests.ask('writeTransactionMarkers', markers, { to: { role: 'node', nodeId }, own }),
    });
    this.groups = groups;
    this.transactions = transactions;
    this.producerIds = producerIds;
    this.#onBug = onBug;
    metadata.subscribe((_, changes) => {
      groups.onImage(changes);
      transactions.onImage(changes);
    });
    // What this broker leads is loaded; what was decided before is carried out.
    groups.start();
    transactions.start();
  }

  /** The cluster lets this broker lead: what its clients need of a controller is asked for. */
  onJoined(): void {
    this.producerIds.prepare().catch(this.#onBug);
  }

  /** The log of a partition is there that was not when its image came. */
  onMade({ topic }: Partition): void {
    if (topic === OFFSETS_TOPIC) this.groups.start();
    if (topic === TRANSACTION_TOPIC) this.transactions.start();
  }

  /** Requests that wait are answered, so that their clients look for other coordinators. */
  close(): void {
    this.transactions.close();
    this.groups.close();
  }
}
