// FindCoordinator: the broker that leads the partition in which a group, or a transactional id, is
// kept. Asking makes the internal topic; unlike Kafka we answer when it is there.

import { findCoordinator, KafkaError } from '../../protocol/index.ts';
import { AclOperation, AclResource, assertMay, assertMayOnCluster } from '../authorization.ts';
import { defineHandler, type RequestContext } from '../handler.ts';

const KeyType = { GROUP: 0, TRANSACTION: 1, SHARE: 2 } as const;

export const findCoordinatorHandler = defineHandler(findCoordinator, async (request, context) => {
  const keys = context.apiVersion < 4 ? [request.key] : request.coordinatorKeys;
  const coordinators = await Promise.all(
    keys.map((key) => find(key, context.apiVersion === 0 ? 0 : request.keyType, context)),
  );
  return context.apiVersion < 4 ? { ...coordinators[0] } : { coordinators };
});

async function find(key: string, keyType: number, context: RequestContext) {
  try {
    const nodeId = await nodeOf(key, keyType, context);
    const endpoint = context.broker.endpoints(context.client).find((one) => one.nodeId === nodeId);
    if (endpoint === undefined) throw new KafkaError('COORDINATOR_NOT_AVAILABLE');
    const { host, port } = endpoint;
    return { key, errorCode: 0, errorMessage: '', nodeId, host, port };
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error;
    const { code, message } = error;
    return { key, errorCode: code, errorMessage: message, nodeId: -1, host: '', port: -1 };
  }
}

async function nodeOf(key: string, keyType: number, context: RequestContext): Promise<number> {
  switch (keyType) {
    case KeyType.GROUP:
      assertMay(context, AclOperation.DESCRIBE, AclResource.GROUP, key);
      return await context.broker.groups.coordinatorOf(key);
    case KeyType.TRANSACTION:
      assertMay(context, AclOperation.DESCRIBE, AclResource.TRANSACTIONAL_ID, key);
      return await context.broker.transactions.coordinatorOf(key);
    case KeyType.SHARE:
      assertMayOnCluster(context, AclOperation.CLUSTER_ACTION);
      // Not served: an error that makes clients ask again rather than give up.
      throw new KafkaError('COORDINATOR_NOT_AVAILABLE');
    default:
      throw new KafkaError('INVALID_REQUEST', `there is no coordinator of type ${keyType}`);
  }
}
