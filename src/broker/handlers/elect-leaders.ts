// ElectLeaders (KIP-460): has partitions led by their preferred replica, or by any that lives.

import {
  electLeaders,
  KafkaError,
  type RequestOf,
  type ResponseInput,
} from '../../protocol/index.ts';
import { AclOperation, AclResource, mayOnCluster, refusalOn } from '../authorization.ts';
import { defineHandler } from '../handler.ts';
import { groupedByTopic } from './topic-answer.ts';

type Result = ResponseInput<typeof electLeaders>['replicaElectionResults'][number];

/** By number; version 0 knows the first alone. */
const electionTypes = ['preferred', 'unclean'] as const;

export const electLeadersHandler = defineHandler(electLeaders, async (request, context) => {
  if (!mayOnCluster(context, AclOperation.ALTER)) return refusedBy(request, context.apiVersion);
  const type = electionTypes[context.apiVersion === 0 ? 0 : request.electionType];
  if (type === undefined) {
    throw new KafkaError('INVALID_REQUEST', `there is no election type ${request.electionType}`);
  }
  const partitions = wantedOf(request);
  const results = await context.broker
    .controllerFor(context.client)
    .electLeaders({ type, partitions });
  return {
    errorCode: 0,
    replicaElectionResults: [...groupedByTopic(results)].map(
      ([topic, ofTopic]): Result => ({
        topic,
        partitionResult: ofTopic.map(({ partition, error }) => ({
          partitionId: partition,
          errorCode: error?.code ?? 0,
          errorMessage: error?.message ?? null,
        })),
      }),
    ),
  };
});

/** The request is refused, and so is each of its partitions. */
function refusedBy({ topicPartitions }: RequestOf<typeof electLeaders>, apiVersion: number) {
  const { code: errorCode, message: errorMessage } = refusalOn(AclResource.CLUSTER);
  return {
    ...(apiVersion === 0 ? {} : { errorCode }),
    replicaElectionResults: (topicPartitions ?? []).map(
      ({ topic, partitions }): Result => ({
        topic,
        partitionResult: partitions.map((partitionId) => ({
          partitionId,
          errorCode,
          errorMessage,
        })),
      }),
    ),
  };
}

function wantedOf({ topicPartitions }: RequestOf<typeof electLeaders>) {
  if (topicPartitions === null) return null;
  return topicPartitions.flatMap(({ topic, partitions }) =>
    [...new Set(partitions)].map((partition) => ({ topic, partition })),
  );
}
