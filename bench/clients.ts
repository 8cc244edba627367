// Which client for Node.js sends and reads the most? Ours beside kafkajs, @platformatic/kafka and
// @confluentinc/kafka-javascript (where it is installed), each in a process of its own, on our
// broker and on Apache Kafka in turn. acks are those of all replicas. Rows, by --rows:
//
//   awaited           one record after another is acknowledged
//   at-once           100 sends that are awaited together
//   batches           100 records a call, five calls under way
//   transactions      100 records a transaction, one after another
//   consume           record by record; consume-batches: as many as the client hands out at once
//   json-out json-in  objects as JSON, batches of 100
//
// A reader's clock starts with its first record: of few records most were fetched before, and then
// cpu alone says something. Processor time, memory and the event loop's delay (how long other work
// of the program has to wait) are those of the client's process.

import { fileURLToPath } from 'node:url';
import { Admin, Producer } from '../src/client/index.ts';
import { createNodeIo } from '../src/io/index.ts';
import { runProgram } from '../tests/run-program.ts';
import { BrokerProcess, hasKafka, type Product } from './broker-process.ts';
import type { Outcome, Task } from './clients/client-process.ts';
import { quotesOf } from './clients/measured-client.ts';
import { printChecksum, Rounds } from './figures.ts';
import { parseFlags } from './flags.ts';

const defaults = {
  rounds: 3,
  products: 'partita,kafka',
  clients: 'partita,kafkajs,platformatic,confluent',
  rows: 'awaited,at-once,batches,transactions,consume,consume-batches,json-out,json-in',
  records: 200_000,
  /** Of the row `awaited`, and a tenth of `records` for transactions. */
  'awaited-records': 5000,
  'record-bytes': 100,
};

type ClientFlags = typeof defaults;

const names = defaults.rows.split(',');
const partitions = 3;
const program = fileURLToPath(new URL('./clients/client-process.js', import.meta.url));

export async function run(args: readonly string[]): Promise<void> {
  const flags = parseFlags(defaults, args);
  const io = createNodeIo({ logLevel: 'warn' });
  const rounds = new Rounds();
  let checksum = 0;
  for (const product of flags.products.split(',') as Product[]) {
    if (product === 'kafka' && !hasKafka()) continue;
    const config = { 'group.initial.rebalance.delay.ms': '0' };
    const broker = await BrokerProcess.prepare(io, product, { config });
    try {
      await broker.start();
      checksum = await measureAll(broker, flags, rounds);
    } finally {
      await broker.dispose();
    }
  }
  rounds.print();
  printChecksum(checksum >>> 0);
}

async function measureAll(
  broker: BrokerProcess,
  flags: ClientFlags,
  rounds: Rounds,
): Promise<number> {
  let total = 0;
  const missing = new Set<string>();
  for (let round = 0; round < flags.rounds; round++) {
    for (const row of flags.rows.split(',')) {
      const sums = new Set<number>();
      for (const client of flags.clients.split(',')) {
        if (missing.has(client)) continue;
        const task = await prepare(broker, flags, { client, row, round });
        const outcome = await runClient(task);
        if (outcome === null) missing.add(client);
        if (outcome?.figures === undefined) continue;
        rounds.add(`${broker.product} ${row} ${client}`, outcome.figures);
        sums.add(outcome.checksum as number);
      }
      if (sums.size > 1) throw new Error(`${row}: the clients did not move the same records`);
      for (const sum of sums) total = (total * 31 + sum) | 0;
    }
  }
  for (const client of missing) console.log(`${client} is not installed: not measured`);
  return total;
}

interface Which {
  readonly client: string;
  readonly row: string;
  readonly round: number;
}

/** Each has a topic of its own; what is to be read is in there. */
async function prepare(
  { host, port }: BrokerProcess,
  flags: ClientFlags,
  { client, row, round }: Which,
): Promise<Task> {
  const topic = `${row}-${client}-${round}`;
  const bootstrapServers = `${host}:${port}`;
  const isJson = row.startsWith('json');
  const recordBytes = flags['record-bytes'];
  const counts: Readonly<Record<string, number>> = {
    awaited: flags['awaited-records'],
    transactions: Math.ceil(flags.records / 10),
  };
  const count = counts[row] ?? flags.records;
  if (!names.includes(row)) throw new Error(`rows are ${names.join(', ')}`);
  // One record where nothing is read: then the topic is known to all.
  const filled = row.startsWith('consume') || row === 'json-in' ? count : 1;
  const values = isJson
    ? quotesOf(filled).map((quote) => Buffer.from(JSON.stringify(quote)))
    : Array.from({ length: filled }, (_, at) => Buffer.alloc(recordBytes, `record ${at}, `));
  await fill(bootstrapServers, topic, values);
  return { client, row, count, recordBytes, target: { bootstrapServers, topic, isJson } };
}

async function fill(
  bootstrapServers: string,
  topic: string,
  values: readonly Buffer[],
): Promise<void> {
  const admin = new Admin({ bootstrapServers });
  const [created] = await admin.createTopics([{ name: topic, numPartitions: partitions }]);
  await admin.close();
  if (created?.error != null) throw created.error;
  const producer = new Producer({ bootstrapServers, lingerMs: 5 });
  await Promise.all(values.map((value) => producer.send({ topic, value })));
  await producer.close();
}

/** null: the client is not installed. */
async function runClient(task: Task): Promise<Outcome | null> {
  const args = [program, JSON.stringify(task)];
  const { code, stdout, stderr } = await runProgram(process.execPath, args, {
    timeoutMs: 300_000,
  });
  if (code === 0) return JSON.parse(stdout.trim().split('\n').at(-1) as string) as Outcome;
  if (task.client === 'confluent' && stderr.includes('Cannot find module')) return null;
  throw new Error(`${task.client} ${task.row}: ${stderr}`);
}
