// What do transactions cost, beside Apache Kafka's? Both brokers in turns: Kafka's own
// ProducerPerformance in transactions of several lengths, as fast as it goes (throughput) and at a
// steady rate (latency to the acknowledgement), and our client in transactions of so many records,
// one after another (how long a whole transaction takes, commit included).

import { Producer } from '../src/client/index.ts';
import { createNodeIo, type Io } from '../src/io/index.ts';
import { type BrokerProcess, withBrokers } from './broker-process.ts';
import { printChecksum, Rounds } from './figures.ts';
import { numbersOf, parseFlags } from './flags.ts';
import { producerPerformance } from './java-clients.ts';
import { beginTopic } from './transfer.ts';
import { prepareBatch } from './wire-client.ts';

const defaults = {
  rounds: 3,
  products: 'partita,kafka',
  tools: 'java,ours',
  'transaction-ms': '10,100',
  'record-bytes': 1024,
  records: 200_000,
  rate: 2000,
  seconds: 10,
  transactions: 500,
  'records-per-transaction': 10,
};

type TransactionFlags = typeof defaults;

export async function run(args: readonly string[]): Promise<void> {
  const flags = parseFlags(defaults, args);
  const io = createNodeIo({ logLevel: 'warn' });
  const rounds = new Rounds();
  await withBrokers(io, flags.products, async (brokers) => {
    // The first round warms up both brokers and is not counted.
    for (let round = 0; round <= flags.rounds; round++) {
      for (const broker of brokers) {
        await measure(io, broker, { flags, round, rounds: round === 0 ? new Rounds() : rounds });
      }
    }
  });
  rounds.print();
  rounds.printRatios('partita', 'kafka');
  printChecksum(flags.transactions * flags['records-per-transaction']);
}

async function measure(
  io: Io,
  broker: BrokerProcess,
  { flags, rounds, round }: { flags: TransactionFlags; rounds: Rounds; round: number },
): Promise<void> {
  const { host, port, product } = broker;
  const recordBytes = flags['record-bytes'];
  const load = { recordBytes, acks: -1, batchBytes: 16384 };
  const begin = async (name: string) => {
    const target = { host, port, topic: `${name}-${round}` };
    await beginTopic(io, { target, batch: prepareBatch(100, 10), requests: 1, inFlight: 1 });
    return target;
  };
  for (const transactionMs of flags.tools.includes('java')
    ? numbersOf(flags['transaction-ms'])
    : []) {
    const what = `${transactionMs} ms transactions`;
    const fast = { ...load, count: flags.records, transactionMs };
    const { elapsedMs } = await producerPerformance(await begin(`fast-${transactionMs}`), fast);
    rounds.add(`${product} ${what}`, {
      'MB/s': (flags.records * recordBytes) / 1000 / elapsedMs,
      'records/s': (flags.records * 1000) / elapsedMs,
    });
    const count = flags.rate * flags.seconds;
    const paced = { ...load, count, rate: flags.rate, transactionMs };
    const { p50Ms, p99Ms } = await producerPerformance(
      await begin(`paced-${transactionMs}`),
      paced,
    );
    rounds.add(`${product} ${what}, paced`, { p50Ms, p99Ms });
  }
  if (!flags.tools.includes('ours')) return;
  const target = await begin('ours');
  rounds.add(`${product} whole transactions`, await wholeTransactions(target, flags));
}

async function wholeTransactions(
  { host, port, topic }: { host: string; port: number; topic: string },
  flags: TransactionFlags,
): Promise<Record<string, number>> {
  const producer = new Producer({
    bootstrapServers: `${host}:${port}`,
    transactionalId: `bench-${topic}`,
    lingerMs: 0,
  });
  await producer.initTransactions();
  const value = Buffer.alloc(flags['record-bytes'], 'x');
  const tookMs: number[] = [];
  const beganMs = performance.now();
  for (let transaction = 0; transaction < flags.transactions; transaction++) {
    const startMs = performance.now();
    producer.beginTransaction();
    for (let record = 0; record < flags['records-per-transaction']; record++) {
      void producer.send({ topic, value });
    }
    await producer.commitTransaction();
    tookMs.push(performance.now() - startMs);
  }
  const elapsedMs = performance.now() - beganMs;
  await producer.close();
  tookMs.sort((a, b) => a - b);
  const at = (share: number): number => tookMs[Math.floor(share * tookMs.length)] as number;
  return {
    'transactions/s': (flags.transactions * 1000) / elapsedMs,
    p50Ms: at(0.5),
    p99Ms: at(0.99),
  };
}
