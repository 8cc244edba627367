// DescribeLogDirs: how much each partition takes in each entry of log.dirs, and the copies of those
// that are being moved.

import {
  describeLogDirs,
  ErrorCode,
  type RequestOf,
  type ResponseInput,
} from '../../protocol/index.ts';
import type { LogDirectory } from '../../storage/index.ts';
import { AclOperation, mayOnCluster } from '../authorization.ts';
import { defineHandler, type RequestContext } from '../handler.ts';
import { groupedByTopic } from './topic-answer.ts';

type Request = RequestOf<typeof describeLogDirs>;
type Result = ResponseInput<typeof describeLogDirs>['results'][number];

interface Held {
  readonly topic: string;
  readonly partitionIndex: number;
  readonly partitionSize: number;
  readonly offsetLag: number;
  readonly isFutureKey: boolean;
}

export const describeLogDirsHandler = defineHandler(describeLogDirs, (request, context) => {
  if (!mayOnCluster(context, AclOperation.DESCRIBE)) {
    return { errorCode: ErrorCode.CLUSTER_AUTHORIZATION_FAILED, results: [] };
  }
  const { directories, replicas } = context.broker;
  const held = heldBy(request, context);
  const online = directories.map((directory) =>
    directoryAnswer(directory, held.get(directory) ?? [], context),
  );
  return { errorCode: 0, results: [...online, ...replicas.offlinePaths.map(failedDirectory)] };
});

function wantedOf(request: Request): ReadonlyMap<string, ReadonlySet<number>> | null {
  if (request.topics === null) return null;
  return new Map(request.topics.map(({ topic, partitions }) => [topic, new Set(partitions)]));
}

function heldBy(request: Request, context: RequestContext): Map<LogDirectory, Held[]> {
  const { replicas } = context.broker;
  const wanted = wantedOf(request);
  const held = new Map<LogDirectory, Held[]>();
  const add = (directory: LogDirectory | undefined, each: Held): void => {
    if (directory === undefined) return;
    const others = held.get(directory);
    if (others === undefined) held.set(directory, [each]);
    else others.push(each);
  };
  for (const partition of replicas.all()) {
    const { topic, partition: partitionIndex, logView: log } = partition;
    if (wanted !== null && !wanted.get(topic)?.has(partitionIndex)) continue;
    add(replicas.directoryOf(partition), {
      topic,
      partitionIndex,
      partitionSize: log.sizeBytes,
      offsetLag: Math.max(0, partition.highWatermark - log.logEndOffset),
      isFutureKey: false,
    });
    const move = replicas.moves.of(partition);
    const future = move?.future ?? null;
    if (future === null) continue;
    add(move?.target, {
      topic,
      partitionIndex,
      partitionSize: future.sizeBytes,
      offsetLag: Math.max(0, log.logEndOffset - future.logEndOffset),
      isFutureKey: true,
    });
  }
  return held;
}

function failedDirectory(logDir: string): Result {
  return { errorCode: ErrorCode.KAFKA_STORAGE_ERROR, logDir, topics: [] };
}

function directoryAnswer(
  directory: LogDirectory,
  held: readonly Held[],
  context: RequestContext,
): Result {
  const { io, replicas } = context.broker;
  if (replicas.isFailed(directory)) return failedDirectory(directory.path);
  return {
    errorCode: 0,
    logDir: directory.path,
    topics: [...groupedByTopic(held)].map(([name, ofTopic]) => ({
      name,
      partitions: ofTopic.map(({ topic: _, ...partition }) => partition),
    })),
    ...io.disk.space(directory.path),
  };
}
