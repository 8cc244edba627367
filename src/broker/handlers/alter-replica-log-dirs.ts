// AlterReplicaLogDirs (KIP-113): moves partitions to other entries of log.dirs, in the background;
// DescribeLogDirs shows how far each is.

import {
  alterReplicaLogDirs,
  ErrorCode,
  KafkaError,
  type ResponseInput,
} from '../../protocol/index.ts';
import { AclOperation, mayOrNote } from '../authorization.ts';
import { defineHandler, type RequestContext } from '../handler.ts';
import { groupedByTopic } from './topic-answer.ts';

type Result = ResponseInput<typeof alterReplicaLogDirs>['results'][number];

export const alterReplicaLogDirsHandler = defineHandler(
  alterReplicaLogDirs,
  async (request, context) => {
    const mayMove = mayOrNote(context, AclOperation.ALTER);
    const results: { topic: string; partitionIndex: number; errorCode: number }[] = [];
    for (const { path, topics } of request.dirs) {
      for (const { name: topic, partitions } of topics) {
        for (const partitionIndex of partitions) {
          const errorCode = mayMove
            ? await codeOf(topic, partitionIndex, { path, context })
            : ErrorCode.CLUSTER_AUTHORIZATION_FAILED;
          results.push({ topic, partitionIndex, errorCode });
        }
      }
    }
    return {
      results: [...groupedByTopic(results)].map(
        ([topicName, ofTopic]): Result => ({
          topicName,
          partitions: ofTopic.map(({ partitionIndex, errorCode }) => {
            return { partitionIndex, errorCode };
          }),
        }),
      ),
    };
  },
);

async function codeOf(
  topic: string,
  partition: number,
  { path, context }: { readonly path: string; readonly context: RequestContext },
): Promise<number> {
  try {
    await context.broker.replicas.moves.move(topic, partition, path);
    return ErrorCode.NONE;
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error;
    return error.code;
  }
}
