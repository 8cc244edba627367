// The clusters of three brokers that are measured: ours with its store, and Apache Kafka 4.3.1 with
// a controller, each of them four processes on this machine, on fresh directories and the same
// ports for every round.

import { Admin, Producer } from '../src/client/index.ts';
import { createNodeIo } from '../src/io/index.ts';
import { KafkaCluster } from '../tests/interop/clusters/kafka-cluster.ts';
import { PartitaCluster } from '../tests/interop/clusters/partita-cluster.ts';
import type { TestCluster } from '../tests/interop/clusters/test-cluster.ts';
import { hasKafka, kafkaJars, type Product } from './broker-process.ts';
import { processorMs, residentMib } from './process-figures.ts';

export type { TestCluster } from '../tests/interop/clusters/test-cluster.ts';

/** The records of a bench may carry a fixed, old time. */
const config = { 'log.retention.ms': '-1' };

/** As kafka-server-start.sh starts it. */
function kafkaServer(heap: string) {
  return (...args: readonly string[]): readonly [string, ...string[]] => [
    'java',
    ...[`-Xmx${heap}`, `-Xms${heap}`, '-server', '-XX:+UseG1GC', '-XX:MaxGCPauseMillis=20'],
    ...['-cp', `${kafkaJars}/*`, ...args],
  ];
}

/** That a broker cannot be reached for a while is part of these benches. */
export const quiet = createNodeIo({ logLevel: 'error' });

export interface ClusterFlags {
  readonly products: string;
  /** Of each of Kafka's processes. */
  readonly heap: string;
}

/** Products that there are here, in the order in which they take turns. */
export function productsOf({ products }: ClusterFlags): Product[] {
  return (products.split(',') as Product[]).filter((each) => each !== 'kafka' || hasKafka());
}

export async function withCluster<T>(
  product: Product,
  { heap }: ClusterFlags,
  use: (cluster: TestCluster, admin: Admin) => Promise<T>,
): Promise<T> {
  const cluster =
    product === 'kafka'
      ? await KafkaCluster.start({ config, java: kafkaServer(heap) })
      : await PartitaCluster.start({ config });
  const admin = new Admin({ bootstrapServers: cluster.bootstrapServers }, quiet);
  try {
    return await use(cluster, admin);
  } finally {
    await admin.close();
    await cluster.dispose();
  }
}

function pidsOf(cluster: TestCluster): number[] {
  return [...cluster.brokerIds.flatMap((id) => cluster.pidsOf(id)), ...cluster.keeperPids];
}

/** Processor time of all its processes, in milliseconds. */
export function clusterProcessorMs(cluster: TestCluster): number {
  return pidsOf(cluster).reduce((sum, pid) => sum + processorMs(pid), 0);
}

export function clusterResidentMib(cluster: TestCluster): number {
  return pidsOf(cluster).reduce((sum, pid) => sum + residentMib(pid), 0);
}

const settleMsMax = 600_000;

/** Waits until `isThere` is true of the partitions of all topics; returns how long that took. */
export async function awaitPartitions(
  admin: Admin,
  isThere: (partition: { leader: number; isr: number; replicas: number }) => boolean,
  count: number,
): Promise<number> {
  const beganMs = performance.now();
  while (performance.now() - beganMs < settleMsMax) {
    try {
      const partitions = (await admin.describeTopics(null, { timeoutMs: 30_000 })).flatMap(
        (topic) => topic.partitions,
      );
      const areThere = partitions.every(({ leader, isr, replicas }) =>
        isThere({ leader, isr: isr.length, replicas: replicas.length }),
      );
      if (partitions.length >= count && areThere) return performance.now() - beganMs;
    } catch (error) {
      // A broker that is about to go or to come; whoever waits too long is told.
      if (performance.now() - beganMs > settleMsMax / 2) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error('the partitions do not get there');
}

/** A topic of one partition that broker 1 leads and that takes records: it has taken one. */
export async function createReplicated(
  cluster: TestCluster,
  admin: Admin,
  name: string,
): Promise<void> {
  const [created] = await admin.createTopics([
    { name, assignments: [[1, 2, 3]], configs: { 'min.insync.replicas': '2' } },
  ]);
  if (created === undefined || created.error !== null) throw created?.error ?? new Error(name);
  // The leader learns of its partition after the controller has answered. A client asks again.
  const producer = new Producer({ bootstrapServers: cluster.bootstrapServers, acks: 'all' }, quiet);
  await producer.send({ topic: name, partition: 0, value: 'first' });
  await producer.close();
}
