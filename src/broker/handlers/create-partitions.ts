// CreatePartitions: raises the number of partitions of topics; it never shrinks.

import { createPartitions } from '../../protocol/index.ts';
import { AclOperation, AclResource, partition, refusalOn } from '../authorization.ts';
import { defineHandler } from '../handler.ts';
import { changeTopics } from '../quotas/index.ts';

export const createPartitionsHandler = defineHandler(createPartitions, async (request, context) => {
  const { broker, client } = context;
  const { replicas } = broker;
  const right = [AclOperation.ALTER, AclResource.TOPIC] as const;
  const { allowed, refused } = partition(context, right, request.topics, ({ name }) => name);
  const { validateOnly } = request;
  const topics = allowed.map(({ name, count, assignments }) => ({
    name,
    count,
    assignments: assignments?.map(({ brokerIds }) => brokerIds) ?? null,
  }));
  const results = await changeTopics(context.charge, context.apiVersion >= 3, (limit) =>
    broker.controllerFor(client).createPartitions({ topics, validateOnly, ...limit }),
  );
  await replicas.settled(topics.map(({ name }) => name));
  return {
    results: [...results, ...refused.map(refusal)].map(({ name, error }) => ({
      name,
      errorCode: error?.code ?? 0,
      errorMessage: error?.message ?? null,
    })),
  };
});

function refusal({ name }: { readonly name: string }) {
  return { name, error: refusalOn(AclResource.TOPIC) };
}
