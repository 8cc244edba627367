// The controller of the cluster for whoever needs it here, wherever it is: each request goes to the
// broker that controls now. Of an answer from elsewhere the image of this broker may not show yet
// what was decided.

import type { Controller } from '../../metadata/index.ts';
import type { Asking, BrokerRequests } from './broker-requests.ts';
import type { Peer, PeerApis } from './peer.ts';

/** As Kafka's brokers wait for a controller for an administrator, whatever that one's time-outs. */
export const administratorMsMax = 60_000;

/**
 * `own` decides while this broker is the controller.
 * @param waiting for an administrator, and for which client; default: for this broker itself
 */
export function forwardedController(
  requests: BrokerRequests,
  own: Controller,
  waiting: Pick<Asking<keyof Controller>, 'administratorMsMax' | 'askedFor'> = {},
): Controller {
  const to = { role: 'controller' } as const;
  const here: Pick<Peer, keyof Controller> = own;
  const ask =
    <Name extends keyof Controller>(name: Name) =>
    (request: PeerApis[Name]['request']): Promise<PeerApis[Name]['response']> =>
      requests.ask(name, request, { to, own: here, ...waiting });
  return {
    createTopics: ask('createTopics'),
    deleteTopics: ask('deleteTopics'),
    createPartitions: ask('createPartitions'),
    alterConfigs: ask('alterConfigs'),
    incrementalAlterConfigs: ask('incrementalAlterConfigs'),
    allocateProducerIds: ask('allocateProducerIds'),
    registerBroker: ask('registerBroker'),
    unregisterBroker: ask('unregisterBroker'),
    brokerHeartbeat: ask('brokerHeartbeat'),
    metadataProgress: ask('metadataProgress'),
    alterPartition: ask('alterPartition'),
    electLeaders: ask('electLeaders'),
    alterReassignments: ask('alterReassignments'),
    assignReplicasToDirs: ask('assignReplicasToDirs'),
    reportOffline: ask('reportOffline'),
    alterClientQuotas: ask('alterClientQuotas'),
    alterScramCredentials: ask('alterScramCredentials'),
    createAcls: ask('createAcls'),
    deleteAcls: ask('deleteAcls'),
    createToken: ask('createToken'),
    renewToken: ask('renewToken'),
    expireToken: ask('expireToken'),
    updateFeatures: ask('updateFeatures'),
  };
}
