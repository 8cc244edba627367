// Hanging transactions: open in a partition for longer than any transaction may be, while no
// coordinator knows of the producer, or of the partition in its transaction. Nobody will end them,
// and read_committed consumers do not get past them (KIP-664).

import type {
  ActiveProducer,
  Admin,
  PartitionProducers,
  TopicPartition,
  TransactionDescription,
} from '../../client/index.ts';

export interface HangingSearch {
  readonly topic: string | null;
  readonly partition: number | null;
  /** Only partitions with a replica on this broker, and what that replica knows. */
  readonly brokerId: number | null;
  /** Wall clock; producers that wrote after it are left alone. */
  readonly olderThanMs: number;
}

export interface HangingTransaction extends TopicPartition {
  readonly producer: ActiveProducer;
}

/** @throws KafkaError of the first request that fails as a whole */
export async function findHanging(
  admin: Admin,
  search: HangingSearch,
): Promise<HangingTransaction[]> {
  const partitions = await partitionsToSearch(admin, search);
  const nodeId = search.brokerId ?? undefined;
  const described = await admin.transactions.describeProducers(partitions, { nodeId });
  const open = described.flatMap((each) => openTransactions(each, search.olderThanMs));
  if (open.length === 0) return [];
  const known = await transactionsOf(admin, open);
  return open.filter((each) => !isKnown(each, known.get(each.producer.producerId)));
}

async function partitionsToSearch(
  admin: Admin,
  { topic, partition, brokerId }: HangingSearch,
): Promise<TopicPartition[]> {
  if (topic !== null && partition !== null) return [{ topic, partition }];
  const names = topic === null ? (await admin.listTopics()).map(({ name }) => name) : [topic];
  const topics = await admin.describeTopics(names);
  return topics.flatMap(({ name, error, partitions }) => {
    if (error !== null) throw error;
    return partitions
      .filter(({ replicas }) => brokerId === null || replicas.includes(brokerId))
      .map(({ partition: index }) => ({ topic: name, partition: index }));
  });
}

function openTransactions(
  { topic, partition, error, producers }: PartitionProducers,
  olderThanMs: number,
): HangingTransaction[] {
  if (error !== null) throw error;
  return producers
    .filter((one) => one.transactionStartOffset !== null && one.lastTimestamp < olderThanMs)
    .map((producer) => ({ topic, partition, producer }));
}

/** What coordinators know of the producers, by producer id. */
async function transactionsOf(
  admin: Admin,
  open: readonly HangingTransaction[],
): Promise<Map<number, TransactionDescription>> {
  const producerIds = [...new Set(open.map(({ producer }) => producer.producerId))];
  const listed = await admin.transactions.list({ producerIds });
  const ids = listed.map(({ transactionalId }) => transactionalId);
  const described = await admin.transactions.describe(ids);
  return new Map(
    described
      .filter(({ error }) => error === null)
      .map((transaction) => [transaction.producerId, transaction]),
  );
}

function isKnown(
  { topic, partition }: TopicPartition,
  transaction: TransactionDescription | undefined,
): boolean {
  return (
    transaction?.partitions.some((one) => one.topic === topic && one.partition === partition) ??
    false
  );
}
