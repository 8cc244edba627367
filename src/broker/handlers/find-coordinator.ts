// FindCoordinator: there are no coordinators on this broker yet, and the error says so in a way
// that makes clients ask again rather than give up.

import { findCoordinator, KafkaError } from '../../protocol/index.ts';
import { defineHandler } from '../handler.ts';

export const findCoordinatorHandler = defineHandler(findCoordinator, (request, context) => {
  const error = new KafkaError('COORDINATOR_NOT_AVAILABLE');
  const nobody = {
    errorCode: error.code,
    errorMessage: error.message,
    nodeId: -1,
    host: '',
    port: -1,
  };
  if (context.apiVersion < 4) return nobody;
  return { coordinators: request.coordinatorKeys.map((key) => ({ key, ...nobody })) };
});
