// The log below a partition, for tests that look at what its partition did to it.

import type { Partition } from '../../../src/replication/index.ts';
import { PartitionLog } from '../../../src/storage/index.ts';

export function logOf(partition: Partition): PartitionLog {
  const log: unknown = partition.logView;
  if (!(log instanceof PartitionLog)) throw new Error('a view is the log itself');
  return log;
}
