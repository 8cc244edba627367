// DescribeCluster (KIP-700): the brokers, and whom to ask for changes.

import { describeCluster, KafkaError } from '../../protocol/index.ts';
import { defineHandler } from '../handler.ts';
import { clusterOperations, operationsNotAsked } from './topic-answer.ts';

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
    brokers: broker.endpoints(context.client).map(({ nodeId, host, port, rack }) => ({
      brokerId: nodeId,
      host,
      port,
      rack,
      isFenced: false,
    })),
    clusterAuthorizedOperations: request.includeClusterAuthorizedOperations
      ? clusterOperations
      : operationsNotAsked,
  };
});
