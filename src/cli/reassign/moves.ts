// Moves of replicas between the log directories of their brokers, as part of a reassignment.

import type { Admin, LogDirectoryDescription, TopicPartition } from '../../client/index.ts';
import { UsageError } from '../command-line.ts';
import { anyDirectory, nameOf, type PartitionPlan } from './assignment.ts';

export interface WantedMove extends TopicPartition {
  readonly nodeId: number;
  readonly path: string;
}

/** Where a replica is, and where it is on its way to. */
interface ReplicaPlace {
  readonly current: string | null;
  readonly future: string | null;
}

const pollMs = 100;

/** The directories that a plan asks for by name. */
export function wantedMoves(plans: readonly PartitionPlan[]): WantedMove[] {
  return plans.flatMap(({ topic, partition, replicas, logDirs }) =>
    replicas.flatMap((nodeId, index) => {
      const path = logDirs[index] as string;
      return path === anyDirectory ? [] : [{ topic, partition, nodeId, path }];
    }),
  );
}

export function placeOf(
  directories: readonly LogDirectoryDescription[],
  { topic, partition, nodeId }: Omit<WantedMove, 'path'>,
): ReplicaPlace {
  let current: string | null = null;
  let future: string | null = null;
  for (const directory of directories) {
    if (directory.nodeId !== nodeId) continue;
    for (const replica of directory.replicas) {
      if (replica.topic !== topic || replica.partition !== partition) continue;
      if (replica.isFuture) future = directory.path;
      else current = directory.path;
    }
  }
  return { current, future };
}

/** Asks for the moves that are not done or under way, again while a replica is not there yet. */
export async function startMoves(
  admin: Admin,
  moves: readonly WantedMove[],
  how: { readonly timeoutMs: number; readonly sleep: (ms: number) => Promise<void> },
): Promise<string> {
  const brokers = [...new Set(moves.map(({ nodeId }) => nodeId))];
  const directories = await admin.cluster.describeLogDirectories(brokers);
  let open = moves.filter((move) => {
    const { current, future } = placeOf(directories, move);
    return (future ?? current) !== move.path;
  });
  const lines: string[] = [];
  for (let waitedMs = 0; open.length > 0; waitedMs += pollMs) {
    const results = await admin.cluster.alterReplicaLogDirectories(open);
    for (const { error, topic, partition, nodeId, path } of results) {
      const name = nameOf({ topic, partition });
      if (error === null) {
        lines.push(
          `Successfully started moving log directory to ${path} for replica ${name} ` +
            `with broker ${nodeId} \n`,
        );
      } else if (error.errorName !== 'REPLICA_NOT_AVAILABLE' || waitedMs >= how.timeoutMs) {
        throw new UsageError(`Failed to alter dir for ${name}-${nodeId}: ${error.message}`);
      }
    }
    const failed = results.filter(({ error }) => error !== null);
    open = open.filter((move) => failed.some((each) => isSame(each, move)));
    if (open.length > 0) await how.sleep(pollMs);
  }
  return lines.join('');
}

function isSame(left: WantedMove, right: WantedMove): boolean {
  const isSamePartition = left.topic === right.topic && left.partition === right.partition;
  return isSamePartition && left.nodeId === right.nodeId;
}

/** One line per move, and whether all are done. */
export function moveStates(
  moves: readonly WantedMove[],
  directories: readonly LogDirectoryDescription[],
): { text: string; areDone: boolean } {
  let areDone = true;
  const lines = moves.map((move) => {
    const { nodeId, path } = move;
    const { current, future } = placeOf(directories, move);
    const name = nameOf(move);
    if (current === null)
      return `Partition ${name} is not found in any live log dir on broker ${nodeId}.`;
    if (future === path) {
      areDone = false;
      return `Reassignment of replica ${name}-${nodeId} is still in progress.`;
    }
    if (future !== null) {
      const where = `${future} instead of ${path}`;
      return `Partition ${name} on broker ${nodeId} is being moved to log dir ${where}.`;
    }
    if (current === path) {
      return `Reassignment of replica ${name}-${nodeId} completed successfully.`;
    }
    const where = `${current} to ${path}`;
    return `Partition ${name} on broker ${nodeId} is not being moved from log dir ${where}.`;
  });
  return { text: lines.join('\n'), areDone };
}
