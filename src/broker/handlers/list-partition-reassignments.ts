// ListPartitionReassignments (KIP-455): the moves to other brokers that are under way. What is
// asked about and does not move, or is not there, is left out.

import { isReassigning, type PartitionImage, type TopicImage } from '../../metadata/index.ts';
import { listPartitionReassignments } from '../../protocol/index.ts';
import { AclOperation, assertMayOnCluster } from '../authorization.ts';
import { defineHandler } from '../handler.ts';

export const listPartitionReassignmentsHandler = defineHandler(
  listPartitionReassignments,
  (request, context) => {
    assertMayOnCluster(context, AclOperation.DESCRIBE);
    const { image } = context;
    const answer = (topic: TopicImage, indexes: Iterable<number>) => ({
      name: topic.name,
      partitions: [...indexes].flatMap((index) => movingPartition(topic.partitions[index], index)),
    });
    const topics =
      request.topics === null
        ? [...image.topics()].map((topic) => answer(topic, topic.partitions.keys()))
        : request.topics.flatMap(({ name, partitionIndexes }) => {
            const topic = image.topic(name);
            return topic === undefined ? [] : [answer(topic, new Set(partitionIndexes))];
          });
    return {
      errorCode: 0,
      errorMessage: null,
      topics: topics.filter(({ partitions }) => partitions.length > 0),
    };
  },
);

function movingPartition(partition: PartitionImage | undefined, partitionIndex: number) {
  if (partition === undefined || !isReassigning(partition)) return [];
  const { replicas, addingReplicas, removingReplicas } = partition;
  return [{ partitionIndex, replicas, addingReplicas, removingReplicas }];
}
