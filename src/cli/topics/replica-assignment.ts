// Brokers by partition as --replica-assignment has them: commas between partitions, colons
// between the replicas of one.

/** What the list says cannot be; told where the refusals of the cluster are. */
export class AssignmentError extends Error {}

export function parseReplicaAssignment(text: string): number[][] {
  const assignment = text.split(',').map((partition) =>
    partition.split(':').map((broker) => {
      const id = broker.trim();
      if (/^\d+$/.test(id)) return Number(id);
      throw new AssignmentError(
        `--replica-assignment takes broker ids, such as 1:2,2:1 for two partitions, not '${text}'`,
      );
    }),
  );
  for (const [partition, replicas] of assignment.entries()) {
    const twice = replicas.filter((id, index) => replicas.indexOf(id) !== index);
    if (twice.length > 0) {
      throw new AssignmentError(
        `Partition replica lists may not contain duplicate entries: ${twice.join(',')}`,
      );
    }
    if (replicas.length !== assignment[0]?.length) {
      throw new AssignmentError(
        `Partition ${partition} has different replication factor: [${replicas.join(', ')}]`,
      );
    }
  }
  return assignment;
}
