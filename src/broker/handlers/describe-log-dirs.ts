// DescribeLogDirs: how much each partition takes in each entry of log.dirs.

import { describeLogDirs, ErrorCode, type RequestOf } from '../../protocol/index.ts';
import type { Partition } from '../../replication/index.ts';
import type { LogDirectory } from '../../storage/index.ts';
import { defineHandler, type RequestContext } from '../handler.ts';

type Request = RequestOf<typeof describeLogDirs>;

export const describeLogDirsHandler = defineHandler(describeLogDirs, (request, context) => {
  const { directories, replicas } = context.broker;
  const wanted = wantedOf(request);
  const held = new Map<LogDirectory | undefined, Partition[]>();
  for (const partition of replicas.all()) {
    if (wanted !== null && !wanted.get(partition.topic)?.has(partition.partition)) continue;
    const directory = replicas.directoryOf(partition);
    const partitions = held.get(directory);
    if (partitions === undefined) held.set(directory, [partition]);
    else partitions.push(partition);
  }
  return {
    errorCode: 0,
    results: directories.map((directory) =>
      directoryAnswer(directory, held.get(directory) ?? [], context),
    ),
  };
});

function wantedOf(request: Request): ReadonlyMap<string, ReadonlySet<number>> | null {
  if (request.topics === null) return null;
  return new Map(request.topics.map(({ topic, partitions }) => [topic, new Set(partitions)]));
}

function directoryAnswer(
  directory: LogDirectory,
  partitions: readonly Partition[],
  context: RequestContext,
) {
  const { io, replicas } = context.broker;
  if (replicas.isFailed(directory)) {
    return { errorCode: ErrorCode.KAFKA_STORAGE_ERROR, logDir: directory.path, topics: [] };
  }
  const byTopic = new Map<string, Partition[]>();
  for (const partition of partitions) {
    const others = byTopic.get(partition.topic);
    if (others === undefined) byTopic.set(partition.topic, [partition]);
    else others.push(partition);
  }
  return {
    errorCode: 0,
    logDir: directory.path,
    topics: [...byTopic].map(([name, ofTopic]) => ({
      name,
      partitions: ofTopic.map((partition) => ({
        partitionIndex: partition.partition,
        partitionSize: partition.log.sizeBytes,
        offsetLag: Math.max(0, partition.highWatermark - partition.logEndOffset),
        isFutureKey: false,
      })),
    })),
    ...io.disk.space(directory.path),
  };
}
