// Brokers by partition as --replica-assignment has them: commas between partitions, colons
// between the replicas of one.

import { UsageError } from '../command-line.ts';

export function parseReplicaAssignment(text: string): number[][] {
  const assignment = text.split(',').map((partition) =>
    partition.split(':').map((broker) => {
      const id = broker.trim();
      if (/^\d+$/.test(id)) return Number(id);
      throw new UsageError(
        `--replica-assignment takes broker ids, such as 1:2,2:1 for two partitions, not '${text}'`,
      );
    }),
  );
  for (const [partition, replicas] of assignment.entries()) {
    const twice = replicas.filter((id, index) => replicas.indexOf(id) !== index);
    if (twice.length > 0) {
      throw new UsageError(
        `Partition replica lists may not contain duplicate entries: ${twice.join(',')} ` +
          `in partition ${partition}`,
      );
    }
    if (replicas.length !== assignment[0]?.length) {
      throw new UsageError(`Partition ${partition} has different replication factor: ${replicas}`);
    }
  }
  return assignment;
}
