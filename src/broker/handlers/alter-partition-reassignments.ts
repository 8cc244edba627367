// AlterPartitionReassignments (KIP-455): begins, changes and cancels moves to other brokers.

import { alterPartitionReassignments } from '../../protocol/index.ts';
import { defineHandler } from '../handler.ts';
import { groupedByTopic } from './topic-answer.ts';

export const alterPartitionReassignmentsHandler = defineHandler(
  alterPartitionReassignments,
  async (request, context) => {
    const { allowReplicationFactorChange } = request;
    const results = await context.broker.controller.alterReassignments({
      partitions: request.topics.flatMap(({ name, partitions }) =>
        partitions.map(({ partitionIndex, replicas }) => ({
          topic: name,
          partition: partitionIndex,
          replicas,
        })),
      ),
      allowReplicationFactorChange,
    });
    return {
      allowReplicationFactorChange,
      errorCode: 0,
      errorMessage: null,
      responses: [...groupedByTopic(results)].map(([name, ofTopic]) => ({
        name,
        partitions: ofTopic.map(({ partition, error }) => ({
          partitionIndex: partition,
          errorCode: error?.code ?? 0,
          errorMessage: error?.message ?? null,
        })),
      })),
    };
  },
);
