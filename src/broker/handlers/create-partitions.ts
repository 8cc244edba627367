// CreatePartitions: raises the number of partitions of topics; it never shrinks.

import { createPartitions } from '../../protocol/index.ts';
import { defineHandler } from '../handler.ts';
import { changeTopics } from '../quotas/index.ts';

export const createPartitionsHandler = defineHandler(createPartitions, async (request, context) => {
  const { controller, replicas } = context.broker;
  const { validateOnly } = request;
  const topics = request.topics.map(({ name, count, assignments }) => ({
    name,
    count,
    assignments: assignments?.map(({ brokerIds }) => brokerIds) ?? null,
  }));
  const results = await changeTopics(context.charge, context.apiVersion >= 3, (limit) =>
    controller.createPartitions({ topics, validateOnly, ...limit }),
  );
  await replicas.settled(topics.map(({ name }) => name));
  return {
    results: results.map(({ name, error }) => ({
      name,
      errorCode: error?.code ?? 0,
      errorMessage: error?.message ?? null,
    })),
  };
});
