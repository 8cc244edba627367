// Are we faster than Apache Kafka on the same machine? Both brokers take the same load in turns
// (A B A B …): records of 100 B and 1 KiB, acks 1 and all, then everything is read back.
//
//   --client java    Kafka's own ProducerPerformance, and kcat as the consumer: what users see;
//                    where the client is the limit the brokers look alike
//   --client wire    prepared frames over TCP: what the broker can do (16 KiB batches)

import { createNodeIo, type Io } from '../src/io/index.ts';
import { runProgram } from '../tests/run-program.ts';
import { BrokerProcess, hasKafka, kafkaJars, type Product } from './broker-process.ts';
import { type Figures, printChecksum, Rounds } from './figures.ts';
import { numbersOf, parseFlags } from './flags.ts';
import { beginTopic, fetchAll, produceAll, type Transfer } from './transfer.ts';
import { prepareBatch, type Target } from './wire-client.ts';

const defaults = {
  rounds: 3,
  products: 'partita,kafka',
  client: 'java',
  mib: 300,
  'record-bytes': '100,1024',
  'batch-bytes': 16384,
};

type KafkaFlags = typeof defaults;

interface Load {
  readonly recordBytes: number;
  readonly acks: number;
  readonly flags: KafkaFlags;
}

const warmUpMib = 20;

export async function run(args: readonly string[]): Promise<void> {
  const flags = parseFlags(defaults, args);
  const io = createNodeIo({ logLevel: 'warn' });
  const products = flags.products
    .split(',')
    .filter((product) => product !== 'kafka' || hasKafka()) as Product[];
  const brokers: BrokerProcess[] = [];
  const rounds = new Rounds();
  let checksum = 0;
  try {
    for (const product of products) {
      const broker = await BrokerProcess.prepare(io, product);
      brokers.push(broker);
      await broker.start();
      await warmUp(io, broker, flags);
    }
    for (let round = 0; round < flags.rounds; round++) {
      for (const recordBytes of numbersOf(flags['record-bytes'])) {
        for (const acks of [1, -1]) {
          for (const broker of brokers) {
            const load = { recordBytes, acks, flags };
            checksum = await measure(io, broker, { load, rounds, round });
          }
        }
      }
    }
    for (const broker of brokers) {
      rounds.add(`${broker.product} memory`, {
        MiB: broker.residentMib(),
        'highest-MiB': broker.residentMibMax(),
      });
    }
  } finally {
    for (const broker of brokers) await broker.dispose();
  }
  rounds.print();
  rounds.printRatios('partita', 'kafka');
  printChecksum(checksum >>> 0);
}

/** A JVM and V8 both need some work before they show what they can do. */
async function warmUp(io: Io, broker: BrokerProcess, flags: KafkaFlags): Promise<void> {
  const target = { host: broker.host, port: broker.port, topic: 'warm-up' };
  const mib = Math.min(warmUpMib, flags.mib);
  await transferByWire(io, target, { recordBytes: 100, acks: 1, flags: { ...flags, mib } });
}

async function measure(
  io: Io,
  broker: BrokerProcess,
  run: { load: Load; rounds: Rounds; round: number },
): Promise<number> {
  const { load, rounds, round } = run;
  const name = `${load.recordBytes}-${load.acks === 1 ? 'one' : 'all'}`;
  const target = { host: broker.host, port: broker.port, topic: `t-${name}-${round}` };
  const what = `${load.recordBytes} B acks=${load.acks === 1 ? '1' : 'all'}`;
  const transfer = load.flags.client === 'wire' ? transferByWire : transferByJava;
  const processorMs = (): number => broker.processorMs();
  const { produced, fetched, checksum } = await transfer(io, target, load, processorMs);
  rounds.add(`${broker.product} produce ${what}`, produced);
  rounds.add(`${broker.product} consume ${what}`, fetched);
  return checksum;
}

interface BothWays {
  readonly produced: Figures;
  readonly fetched: Figures;
  /** The same for every broker. */
  readonly checksum: number;
}

async function transferByWire(
  io: Io,
  target: Target,
  { recordBytes, acks, flags }: Load,
  processorMs: () => number = () => 0,
): Promise<BothWays> {
  const batch = prepareBatch(flags['batch-bytes'], recordBytes);
  const requests = Math.max(1, Math.ceil((flags.mib * 1048576) / batch.bytes.length));
  const transfer: Transfer = { target, batch, requests, inFlight: 5, processorMs };
  await beginTopic(io, transfer);
  const produced = await produceAll(io, transfer, acks);
  const range = { batches: requests, fromBatch: 0, bytesMax: 1 << 20 };
  const fetched = await fetchAll(io, transfer, range);
  return {
    produced: produced.figures,
    fetched: fetched.figures,
    checksum: (produced.checksum * 31 + fetched.checksum) | 0,
  };
}

async function transferByJava(
  io: Io,
  target: Target,
  { recordBytes, acks, flags }: Load,
  processorMs: () => number = () => 0,
): Promise<BothWays> {
  await beginTopic(io, { target, batch: prepareBatch(100, 10), requests: 1, inFlight: 1 });
  const count = Math.max(1, Math.floor((flags.mib * 1048576) / recordBytes));
  const bytes = count * recordBytes;
  const produced = await figuresOf(bytes, processorMs, () =>
    producerPerformance(target, { count, recordBytes, acks }),
  );
  const fetched = await figuresOf(bytes, processorMs, () => kcatReads(target, count));
  // The tools count records: both have seen all of them.
  return { produced, fetched, checksum: count | 0 };
}

async function figuresOf(
  bytes: number,
  processorMs: () => number,
  action: () => Promise<number>,
): Promise<Figures> {
  const beganMs = processorMs();
  const elapsedMs = await action();
  const gigabytes = bytes / 1e9;
  return {
    'MB/s': bytes / 1000 / elapsedMs,
    'broker-cpu-s/GB': (processorMs() - beganMs) / 1000 / gigabytes,
  };
}

/** The milliseconds that the tool itself measured: its start is not counted. */
async function producerPerformance(
  { host, port, topic }: Target,
  { count, recordBytes, acks }: { count: number; recordBytes: number; acks: number },
): Promise<number> {
  const tool = ['-cp', `${kafkaJars}/*`, 'org.apache.kafka.tools.ProducerPerformance'];
  const load = ['--topic', topic, '--num-records', `${count}`, '--record-size', `${recordBytes}`];
  const rate = ['--throughput', '-1', '--bootstrap-server', `${host}:${port}`];
  const { code, stdout, stderr } = await runProgram(
    'java',
    ['-Xmx512m', ...tool, ...load, ...rate, '--command-property', `acks=${acks}`],
    { timeoutMs: 600_000 },
  );
  const last = stdout.trim().split('\n').at(-1) ?? '';
  const perSecond = /records sent, ([\d.]+) records\/sec/.exec(last)?.[1];
  if (code !== 0 || perSecond === undefined) throw new Error(`ProducerPerformance: ${stderr}`);
  return (count * 1000) / Number(perSecond);
}

/** kcat (librdkafka) reads the whole partition; its start, some 10 ms, is counted. */
async function kcatReads({ host, port, topic }: Target, count: number): Promise<number> {
  const beganMs = performance.now();
  const where = ['-b', `${host}:${port}`, '-t', topic, '-p', '0', '-o', 'beginning'];
  // A format without the value: what is measured is not kcat's output.
  const args = ['-C', ...where, '-c', String(count), '-q', '-f', ''];
  const { code, stderr } = await runProgram('kcat', args, { timeoutMs: 600_000 });
  if (code !== 0) throw new Error(`kcat: ${stderr}`);
  return performance.now() - beganMs;
}
