// What does it cost to have a record on three brokers? Prepared frames over TCP to the leader of a
// partition of three replicas with acks=all; throughput, and records for each second of processor
// time that all processes of the cluster together have used. Ours and Apache Kafka in turns.

import { createNodeIo, type Io } from '../src/io/index.ts';
import type { Product } from './broker-process.ts';
import {
  clusterProcessorMs,
  createReplicated,
  productsOf,
  type TestCluster,
  withCluster,
} from './clusters.ts';
import { printChecksum, Rounds } from './figures.ts';
import { numbersOf, parseFlags } from './flags.ts';
import { produceAll } from './transfer.ts';
import { type PreparedBatch, prepareBatch } from './wire-client.ts';

const defaults = {
  rounds: 3,
  products: 'partita,kafka',
  heap: '512m',
  mib: 256,
  'batch-bytes': '16384,262144',
  'record-bytes': 1024,
  'in-flight': 5,
};

const acksAll = -1;
const warmUpMib = 16;

export async function run(args: readonly string[]): Promise<void> {
  const flags = parseFlags(defaults, args);
  const io = createNodeIo({ logLevel: 'warn' });
  const rounds = new Rounds();
  let checksum = 0;
  for (let round = 0; round < flags.rounds; round++) {
    for (const product of productsOf(flags)) {
      checksum = await withCluster(product, flags, async (cluster, admin) => {
        let last = 0;
        for (const batchBytes of numbersOf(flags['batch-bytes'])) {
          const topic = `produce-${batchBytes}`;
          await createReplicated(cluster, admin, topic);
          const batch = prepareBatch(batchBytes, flags['record-bytes']);
          const measured = { ...flags, io, product, rounds, topic, batch };
          last = await measure(cluster, measured);
        }
        return last;
      });
    }
  }
  rounds.print();
  rounds.printRatios('partita', 'kafka');
  printChecksum(checksum);
}

interface Measured {
  readonly io: Io;
  readonly product: Product;
  readonly rounds: Rounds;
  readonly topic: string;
  readonly batch: PreparedBatch;
  readonly mib: number;
  readonly 'in-flight': number;
}

async function measure(cluster: TestCluster, measured: Measured): Promise<number> {
  const { io, product, rounds, topic, batch, mib } = measured;
  const [host, port] = cluster.addressOf(1).split(':') as [string, string];
  const transfer = {
    ...{ target: { host, port: Number(port), topic }, batch, inFlight: measured['in-flight'] },
    processorMs: () => clusterProcessorMs(cluster),
  };
  const requestsOf = (size: number): number =>
    Math.max(1, Math.floor((size * 1024 * 1024) / batch.bytes.length));
  await produceAll(io, { ...transfer, requests: requestsOf(Math.min(mib, warmUpMib)) }, acksAll);
  const beganMs = clusterProcessorMs(cluster);
  const requests = requestsOf(mib);
  const { figures, checksum } = await produceAll(io, { ...transfer, requests }, acksAll);
  const usedMs = Math.max(1, clusterProcessorMs(cluster) - beganMs);
  rounds.add(`${product} produce ${batch.bytes.length >> 10} KiB`, {
    'MB/s': figures['MB/s'] as number,
    'records/s': (figures['requests/s'] as number) * batch.recordCount,
    'records/cpu-s': (requests * batch.recordCount * 1000) / usedMs,
  });
  return checksum;
}
