// Which replica lies in which log directory as AssignReplicasToDirs has it, both ways: on the wire
// replicas are grouped by directory and topic.

import type { AssignReplicasRequest, AssignReplicasResult } from '../../metadata/index.ts';
import {
  type assignReplicasToDirs,
  KafkaError,
  type RequestInput,
  type RequestOf,
  type ResponseInput,
  type ResponseOf,
} from '../../protocol/index.ts';

type Api = typeof assignReplicasToDirs;

export function assignmentOnWire({
  replicas,
  ...broker
}: AssignReplicasRequest): RequestInput<Api> {
  const directories = Array.from(grouped(replicas, 'directoryId'), ([id, inDirectory]) => ({
    id,
    topics: Array.from(grouped(inDirectory, 'topicId'), ([topicId, ofTopic]) => ({
      topicId,
      partitions: ofTopic.map(({ partitionIndex }) => ({ partitionIndex })),
    })),
  }));
  return { ...broker, directories };
}

export function assignmentFromWire(request: RequestOf<Api>): AssignReplicasRequest {
  const { directories, ...broker } = request;
  const replicas = directories.flatMap(({ id: directoryId, topics }) =>
    topics.flatMap(({ topicId, partitions }) =>
      partitions.map(({ partitionIndex }) => ({ topicId, partitionIndex, directoryId })),
    ),
  );
  return { ...broker, replicas };
}

/** The results are in the order of the replicas of the request. */
export function assignmentAnswer(
  { replicas }: AssignReplicasRequest,
  results: readonly AssignReplicasResult[],
): Omit<ResponseInput<Api>, 'throttleTimeMs'> {
  const told = replicas.map(({ directoryId, topicId, partitionIndex }, index) => {
    return { directoryId, topicId, partitionIndex, errorCode: results[index]?.error?.code ?? 0 };
  });
  const directories = Array.from(grouped(told, 'directoryId'), ([id, inDirectory]) => ({
    id,
    topics: Array.from(grouped(inDirectory, 'topicId'), ([topicId, ofTopic]) => ({
      topicId,
      partitions: ofTopic.map(({ partitionIndex, errorCode }) => ({ partitionIndex, errorCode })),
    })),
  }));
  return { errorCode: 0, directories };
}

export function assignmentResults({ directories }: ResponseOf<Api>): AssignReplicasResult[] {
  return directories.flatMap(({ topics }) =>
    topics.flatMap(({ topicId, partitions }) =>
      partitions.map(({ partitionIndex, errorCode }) => {
        if (errorCode === 0) return { topicId, partitionIndex, error: null };
        const { code, message } = KafkaError.fromCode(errorCode);
        return { topicId, partitionIndex, error: { code, message } };
      }),
    ),
  );
}

function grouped<Key extends string, Item extends Readonly<Record<Key, string>>>(
  items: readonly Item[],
  key: Key,
): Map<string, Item[]> {
  const groups = new Map<string, Item[]>();
  for (const item of items) {
    const group = groups.get(item[key]);
    if (group === undefined) groups.set(item[key], [item]);
    else group.push(item);
  }
  return groups;
}
