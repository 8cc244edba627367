// Another broker, asked over a connection: by Kafka's own messages where they say exactly what is
// meant, and by an Envelope of plain values for the rest.
//
// Invariant: what it rejects with tells whether anything was sent (see peer.ts).

import type { Controller, RegisterBrokerRequest } from '../../metadata/index.ts';
import type { ClientConnection } from '../../network/index.ts';
import {
  addPartitionsToTxn,
  allocateProducerIds,
  alterPartition,
  assignReplicasToDirs,
  brokerHeartbeat,
  brokerRegistration,
  ErrorCode,
  envelope,
  KafkaError,
  writeTxnMarkers,
} from '../../protocol/index.ts';
import { hostToBytes } from '../../security/acl/index.ts';
import { principalToBytes } from '../../security/index.ts';
import type { BrokerConnections } from './broker-connections.ts';
import { alterationOnWire, alterationResults } from './partition-alterations.ts';
import type { AskedFor, Peer, PeerApis } from './peer.ts';
import { assignmentOnWire, assignmentResults } from './replica-assignments.ts';
import { decodeValue, encodeValue } from './wire-values.ts';

/** What may not wait behind what may take long. */
type Use = 'urgent' | 'admin' | 'transactions' | 'markers';

/** A whole request was refused, and its answer says so for each partition. */
const refusals: ReadonlySet<number> = new Set([
  ErrorCode.NOT_COORDINATOR,
  ErrorCode.COORDINATOR_NOT_AVAILABLE,
  ErrorCode.COORDINATOR_LOAD_IN_PROGRESS,
]);

export class RemotePeer implements Peer {
  readonly #nodeId: number;
  readonly #connections: BrokerConnections;

  constructor(nodeId: number, connections: BrokerConnections) {
    this.#nodeId = nodeId;
    this.#connections = connections;
  }

  #to(use: Use): Promise<ClientConnection> {
    return this.#connections.shared(this.#nodeId, use);
  }

  async registerBroker(request: RegisterBrokerRequest) {
    const { listeners, features = new Map(), logDirs = [], rack = null } = request;
    const answer = await (await this.#to('urgent')).request(brokerRegistration, {
      brokerId: request.brokerId,
      clusterId: request.clusterId,
      incarnationId: request.incarnationId,
      listeners: [...listeners],
      features: Array.from(features, ([name, { minVersion, maxVersion }]) => {
        return { name, minSupportedVersion: minVersion, maxSupportedVersion: maxVersion };
      }),
      rack,
      logDirs: [...logDirs],
      previousBrokerEpoch: request.previousBrokerEpoch ?? -1,
    });
    assertNone(answer);
    return { brokerEpoch: answer.brokerEpoch };
  }

  async brokerHeartbeat(request: PeerApis['brokerHeartbeat']['request']) {
    const { brokerId, brokerEpoch, currentMetadataOffset, offlineLogDirs = [] } = request;
    const { wantFence = false, wantShutDown = false } = request;
    const own = { brokerId, brokerEpoch, currentMetadataOffset, wantFence, wantShutDown };
    const body = { ...own, offlineLogDirs: [...offlineLogDirs] };
    const answer = await (await this.#to('urgent')).request(brokerHeartbeat, body);
    assertNone(answer);
    const { isCaughtUp, isFenced, shouldShutDown } = answer;
    return { isCaughtUp, isFenced, shouldShutDown };
  }

  async alterPartition(request: PeerApis['alterPartition']['request']) {
    const body = alterationOnWire(request);
    const answer = await (await this.#to('urgent')).request(alterPartition, body);
    assertNone(answer);
    return alterationResults(answer);
  }

  async assignReplicasToDirs(request: PeerApis['assignReplicasToDirs']['request']) {
    const body = assignmentOnWire(request);
    const answer = await (await this.#to('urgent')).request(assignReplicasToDirs, body);
    assertNone(answer);
    return assignmentResults(answer);
  }

  async allocateProducerIds(request: PeerApis['allocateProducerIds']['request']) {
    const answer = await (await this.#to('urgent')).request(allocateProducerIds, request);
    assertNone(answer);
    return { firstProducerId: answer.producerIdStart, count: answer.producerIdLen };
  }

  async addPartitions(request: PeerApis['addPartitions']['request']) {
    const { transactionalId, producerId, producerEpoch, topics, verifyOnly } = request;
    const transaction = {
      ...{ transactionalId, producerId, producerEpoch, verifyOnly },
      topics: topics.map(({ name, partitions }) => ({ name, partitions: [...partitions] })),
    };
    const body = { transactions: [transaction] };
    const answer = await (await this.#to('transactions')).request(addPartitionsToTxn, body);
    assertNone(answer);
    const added = answer.resultsByTransaction[0]?.topicResults ?? [];
    const results = added.map(({ name, resultsByPartition }) => ({
      name,
      partitions: resultsByPartition.map(({ partitionIndex, partitionErrorCode }) => {
        return { partitionIndex, errorCode: partitionErrorCode };
      }),
    }));
    const first = results[0]?.partitions[0]?.errorCode ?? 0;
    if (refusals.has(first)) throw KafkaError.fromCode(first);
    return results;
  }

  async writeTransactionMarkers(markers: PeerApis['writeTransactionMarkers']['request']) {
    const body = {
      markers: markers.map(({ topics, isCommit, ...marker }) => ({
        ...marker,
        transactionResult: isCommit,
        topics: topics.map(({ name, partitionIndexes }) => {
          return { name, partitionIndexes: [...partitionIndexes] };
        }),
      })),
    };
    const answer = await (await this.#to('markers')).request(writeTxnMarkers, body);
    return answer.markers;
  }

  readonly createTopics = this.#enveloped('createTopics');
  readonly deleteTopics = this.#enveloped('deleteTopics');
  readonly createPartitions = this.#enveloped('createPartitions');
  readonly alterConfigs = this.#enveloped('alterConfigs');
  readonly incrementalAlterConfigs = this.#enveloped('incrementalAlterConfigs');
  readonly unregisterBroker = this.#enveloped('unregisterBroker');
  readonly electLeaders = this.#enveloped('electLeaders');
  readonly alterReassignments = this.#enveloped('alterReassignments');
  readonly metadataProgress = this.#enveloped('metadataProgress');
  readonly reportOffline = this.#enveloped('reportOffline');
  readonly alterClientQuotas = this.#enveloped('alterClientQuotas');
  readonly alterScramCredentials = this.#enveloped('alterScramCredentials');
  readonly createAcls = this.#enveloped('createAcls');
  readonly deleteAcls = this.#enveloped('deleteAcls');
  readonly createToken = this.#enveloped('createToken');
  readonly renewToken = this.#enveloped('renewToken');
  readonly expireToken = this.#enveloped('expireToken');
  readonly updateFeatures = this.#enveloped('updateFeatures');

  /**
   * The front broker has authorised the request; it crosses as what the controller takes, with the
   * client that asked, whose rights the controller's broker looks at again.
   */
  #enveloped<Name extends keyof Controller>(name: Name): Peer[Name] {
    const ask = async (request: unknown, askedFor?: AskedFor | null): Promise<unknown> => {
      const requestData = encodeValue({ name, request });
      const answer = await (await this.#to('admin')).request(envelope, {
        requestData,
        requestPrincipal: askedFor ? principalToBytes(askedFor.principal) : null,
        clientHostAddress: askedFor ? hostToBytes(askedFor.host) : Buffer.alloc(0),
      });
      const { errorCode, responseData } = answer;
      const said = responseData === null ? undefined : decodeValue(responseData);
      if (errorCode !== 0) throw KafkaError.fromCode(errorCode, said as string | undefined);
      return said;
    };
    return ask as Peer[Name];
  }
}

function assertNone({ errorCode }: { readonly errorCode: number }): void {
  if (errorCode !== 0) throw KafkaError.fromCode(errorCode);
}
