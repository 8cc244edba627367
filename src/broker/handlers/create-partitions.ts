// CreatePartitions: raises the number of partitions of topics; it never shrinks.

import { createPartitions } from '../../protocol/index.ts';
import { defineHandler } from '../handler.ts';

export const createPartitionsHandler = defineHandler(createPartitions, async (request, context) => {
  const { controller, replicas } = context.broker;
  const results = await controller.createPartitions({
    topics: request.topics.map(({ name, count, assignments }) => ({
      name,
      count,
      assignments: assignments?.map(({ brokerIds }) => brokerIds) ?? null,
    })),
    validateOnly: request.validateOnly,
    charge: context.charge?.mutations(context.apiVersion >= 3),
  });
  await replicas.settled();
  return {
    results: results.map(({ name, error }) => ({
      name,
      errorCode: error?.code ?? 0,
      errorMessage: error?.message ?? null,
    })),
  };
});
