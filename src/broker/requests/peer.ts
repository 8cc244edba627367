// A broker as other brokers see it: what they ask it, in plain values, be it over a wire or, where
// it is this very broker, by a call.

import type {
  AddedTopic,
  AddPartitionsRequest,
  MarkerResult,
  TransactionMarker,
} from '../../coordinator/index.ts';
import type { Controller } from '../../metadata/index.ts';
import type { Principal } from '../../security/index.ts';

type ControllerApis = {
  readonly [Name in keyof Controller]: {
    readonly request: Parameters<Controller[Name]>[0];
    readonly response: Awaited<ReturnType<Controller[Name]>>;
  };
};

export interface PeerApis extends ControllerApis {
  /** Of the coordinator of the transactional id. */
  readonly addPartitions: {
    readonly request: AddPartitionsRequest;
    readonly response: AddedTopic[];
  };
  /** Of the leaders of the partitions; one result per marker, in their order. */
  readonly writeTransactionMarkers: {
    readonly request: readonly TransactionMarker[];
    readonly response: readonly MarkerResult[];
  };
}

/** The client whose request a broker forwards. */
export interface AskedFor {
  readonly principal: Principal;
  /** Its address, as ACLs have it. */
  readonly host: string;
}

/**
 * Every method rejects with a KafkaError when the request failed as a whole: what the broker said
 * of it, or NETWORK_EXCEPTION when the connection was lost before the answer came; with an IoError
 * when there was no connection, so that nothing was sent.
 */
export type Peer = {
  readonly [Name in keyof PeerApis]: (
    request: PeerApis[Name]['request'],
    askedFor?: AskedFor | null,
  ) => Promise<PeerApis[Name]['response']>;
};

/**
 * Whether the request is sent again when its answer was lost, for it may have been carried out.
 * What administrators ask for is, as in Kafka: the second time a topic may be there already, or be
 * gone already, through nobody's doing but ours, and that is what is answered. A change of the
 * in-sync replicas is known by the metadata that it leads to, and by nothing else.
 */
export const isRepeatable: Readonly<Record<keyof PeerApis, boolean>> = {
  addPartitions: true,
  writeTransactionMarkers: true,
  createTopics: true,
  deleteTopics: true,
  createPartitions: true,
  alterConfigs: true,
  incrementalAlterConfigs: true,
  allocateProducerIds: true,
  registerBroker: true,
  unregisterBroker: true,
  brokerHeartbeat: true,
  metadataProgress: true,
  alterPartition: false,
  electLeaders: true,
  alterReassignments: true,
  assignReplicasToDirs: true,
  reportOffline: true,
  alterClientQuotas: true,
  alterScramCredentials: true,
  createAcls: true,
  deleteAcls: true,
  createToken: true,
  renewToken: true,
  expireToken: true,
  updateFeatures: true,
};
