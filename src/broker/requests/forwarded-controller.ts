// The controller of the cluster for whoever needs it here, wherever it is: each request goes to the
// broker that controls now. Of an answer from elsewhere the image of this broker may not show yet
// what was decided.

import type { Controller } from '../../metadata/index.ts';
import type { BrokerRequests } from './broker-requests.ts';
import type { Peer, PeerApis } from './peer.ts';

/** `own` decides while this broker is the controller. */
export function forwardedController(requests: BrokerRequests, own: Controller): Controller {
  const to = { role: 'controller' } as const;
  const here: Pick<Peer, keyof Controller> = own;
  const ask =
    <Name extends keyof Controller>(name: Name) =>
    (request: PeerApis[Name]['request']): Promise<PeerApis[Name]['response']> =>
      requests.ask(name, request, { to, own: here });
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
    updateFeatures: ask('updateFeatures'),
  };
}
