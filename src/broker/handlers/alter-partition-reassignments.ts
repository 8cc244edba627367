// AlterPartitionReassignments (KIP-455): begins, changes and cancels moves to other brokers.

import { alterPartitionReassignments, type RequestOf } from '../../protocol/index.ts';
import { AclOperation, AclResource, mayOrNote, refusalOn } from '../authorization.ts';
import { defineHandler } from '../handler.ts';
import { groupedByTopic } from './topic-answer.ts';

export const alterPartitionReassignmentsHandler = defineHandler(
  alterPartitionReassignments,
  async (request, context) => {
    const { allowReplicationFactorChange } = request;
    if (!mayOrNote(context, AclOperation.ALTER)) return refusedBy(request);
    const results = await context.broker.controllerFor(context.client).alterReassignments({
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

/** The request is refused, and so is each of its partitions. */
function refusedBy(request: RequestOf<typeof alterPartitionReassignments>) {
  const { code: errorCode, message: errorMessage } = refusalOn(AclResource.CLUSTER);
  return {
    allowReplicationFactorChange: request.allowReplicationFactorChange,
    errorCode,
    errorMessage: errorMessage as string | null,
    responses: request.topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ partitionIndex }) => {
        return { partitionIndex, errorCode, errorMessage: errorMessage as string | null };
      }),
    })),
  };
}
