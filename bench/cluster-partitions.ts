// What do many partitions of three replicas cost a cluster? So many are made on three brokers; then
// one broker is killed and comes back, and then all are stopped and started again. Figures: how
// long each takes until every partition has a leader (and its replicas are in sync), and the
// resident memory of all processes. Each is printed as soon as it is measured. Ours and Apache
// Kafka in turns.

import type { Admin } from '../src/client/index.ts';
import {
  awaitPartitions,
  clusterProcessorMs,
  clusterResidentMib,
  productsOf,
  type TestCluster,
  withCluster,
} from './clusters.ts';
import { printChecksum, Rounds } from './figures.ts';
import { countsOf, parseFlags } from './flags.ts';

const defaults = {
  rounds: 1,
  products: 'partita,kafka',
  heap: '1g',
  counts: '100,1000,10000',
  'per-topic': 1000,
};

export async function run(args: readonly string[]): Promise<void> {
  const flags = parseFlags(defaults, args);
  const rounds = new Rounds();
  let made = 0;
  for (const count of countsOf(flags)) {
    for (const product of productsOf(flags)) {
      await withCluster(product, flags, (cluster, admin) =>
        measure(cluster, admin, { rounds, count, perTopic: flags['per-topic'] }),
      );
      made += count;
    }
  }
  rounds.print();
  rounds.printRatios('partita', 'kafka');
  printChecksum(made);
}

async function measure(
  cluster: TestCluster,
  admin: Admin,
  { rounds, count, perTopic }: { rounds: Rounds; count: number; perTopic: number },
): Promise<void> {
  const isServed = ({ leader }: { leader: number }): boolean => leader >= 0;
  const isInSync = (each: { leader: number; isr: number; replicas: number }): boolean =>
    isServed(each) && each.isr === each.replicas;
  const round = rounds.begin(`${cluster.product} ${count} partitions`);
  const emptyMib = clusterResidentMib(cluster);
  let beganMs = performance.now();
  for (let at = 0; at < count; at += perTopic) {
    const [created] = await admin.createTopics(
      [
        {
          ...{ name: `many-${at}`, numPartitions: Math.min(perTopic, count - at) },
          replicationFactor: 3,
        },
      ],
      { timeoutMs: 300_000 },
    );
    if (created === undefined || created.error !== null) throw created?.error ?? new Error('none');
  }
  await awaitPartitions(admin, isInSync, count);
  const createMs = performance.now() - beganMs;
  round.note({ createMs, residentMib: clusterResidentMib(cluster), emptyMib });
  const idleBeganMs = clusterProcessorMs(cluster);
  await new Promise((resolve) => setTimeout(resolve, 2_000));
  round.note({ 'idle-cpu-%': (clusterProcessorMs(cluster) - idleBeganMs) / 20 });
  beganMs = performance.now();
  await cluster.end(1, 'SIGKILL');
  const withoutOne = ({ leader, isr, replicas }: Parameters<typeof isInSync>[0]): boolean =>
    leader >= 0 && leader !== 1 && isr < replicas;
  await awaitPartitions(admin, withoutOne, count);
  round.note({ failoverMs: performance.now() - beganMs });
  beganMs = performance.now();
  await cluster.startBroker(1);
  await awaitPartitions(admin, isInSync, count);
  round.note({ backMs: performance.now() - beganMs });
  await Promise.all(cluster.brokerIds.map((id) => cluster.end(id, 'SIGTERM')));
  beganMs = performance.now();
  await Promise.all(cluster.brokerIds.map((id) => cluster.startBroker(id)));
  await awaitPartitions(admin, isInSync, count);
  round.note({ startMs: performance.now() - beganMs });
  round.end();
}
