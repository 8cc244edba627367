// DescribeCluster (KIP-700): the brokers, and whom to ask for changes.

import { describeCluster, KafkaError } from '../../protocol/index.ts';
import { clusterOperations, operationsNotAsked } from '../authorization.ts';
import { defineHandler, type RequestContext } from '../handler.ts';

const brokerEndpoints = 1;
const controllerEndpoints = 2;

export const describeClusterHandler = defineHandler(describeCluster, (request, context) => {
  const { broker } = context;
  if (request.endpointType === controllerEndpoints) {
    throw new KafkaError('MISMATCHED_ENDPOINT_TYPE', 'this is a broker endpoint');
  }
  if (request.endpointType !== brokerEndpoints) {
    throw new KafkaError('UNSUPPORTED_ENDPOINT_TYPE');
  }
  return {
    errorCode: 0,
    endpointType: brokerEndpoints,
    clusterId: broker.clusterId,
    controllerId: broker.controllerId,
    brokers: brokersFor(context, request.includeFencedBrokers),
    clusterAuthorizedOperations: request.includeClusterAuthorizedOperations
      ? clusterOperations(context)
      : operationsNotAsked,
  };
});

/** By id; a fenced broker (KIP-1073) has the address that it registered last. */
function brokersFor({ broker, client, image }: RequestContext, includeFenced: boolean) {
  const brokers = broker.endpoints(client).map(({ nodeId, host, port, rack }) => ({
    ...{ brokerId: nodeId, host, port, rack, isFenced: false },
  }));
  for (const { id, listeners, rack, fenced } of includeFenced ? image.brokers.values() : []) {
    const endpoint = listeners.find(({ name }) => name === client.connection.listenerName);
    if (!fenced || endpoint === undefined) continue;
    const { host, port } = endpoint;
    brokers.push({ brokerId: id, host, port, rack, isFenced: true });
  }
  return brokers.sort((a, b) => a.brokerId - b.brokerId);
}
