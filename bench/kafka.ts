// Are we faster than Apache Kafka on the same machine? Both brokers take the same load in turns
// (A B A B …): records of 100 B and 1 KiB, acks 1 and all, then everything is read back.
//
//   --client java    Kafka's own ProducerPerformance and ConsumerPerformance, and kcat: what users
//                    see; where the client is the limit the brokers look alike
//   --client wire    prepared frames over TCP: what the broker can do (16 KiB batches); --codec
//                    compresses them, MB are then those that go over the wire

import { createNodeIo, type Io } from '../src/io/index.ts';
import { type BrokerProcess, withBrokers } from './broker-process.ts';
import { type Figures, printChecksum, Rounds } from './figures.ts';
import { numbersOf, parseFlags } from './flags.ts';
import { consumerPerformance, kcatReads, producerPerformance } from './java-clients.ts';
import { beginTopic, fetchAll, produceAll, type Transfer } from './transfer.ts';
import { prepareBatch, type Target } from './wire-client.ts';

const defaults = {
  rounds: 3,
  products: 'partita,kafka',
  client: 'java',
  mib: 300,
  'record-bytes': '100,1024',
  'batch-bytes': '16384',
  acks: '1,-1',
  /** Of the prepared frames: none, gzip, snappy, lz4, zstd; several are measured in turns. */
  codec: 'none',
};

type KafkaFlags = typeof defaults;

interface Load {
  readonly recordBytes: number;
  readonly batchBytes: number;
  readonly acks: number;
  readonly client: string;
  readonly mib: number;
  readonly codec: string;
}

const warmUpMib = 20;

export async function run(args: readonly string[]): Promise<void> {
  const flags = parseFlags(defaults, args);
  const io = createNodeIo({ logLevel: 'warn' });
  const rounds = new Rounds();
  let checksum = 0;
  await withBrokers(io, flags.products, async (brokers) => {
    for (const broker of brokers) await warmUp(io, broker, flags);
    for (let round = 0; round < flags.rounds; round++) {
      for (const load of loadsOf(flags)) {
        for (const broker of brokers) {
          checksum = await measure(io, broker, { load, rounds, round });
        }
      }
    }
    for (const broker of brokers) {
      rounds.add(`${broker.product} memory`, {
        MiB: broker.residentMib(),
        'highest-MiB': broker.residentMibMax(),
      });
    }
  });
  rounds.print();
  rounds.printRatios('partita', 'kafka');
  printChecksum(checksum >>> 0);
}

function loadsOf({ client, mib, ...flags }: KafkaFlags): Load[] {
  const loads: Load[] = [];
  for (const recordBytes of numbersOf(flags['record-bytes'])) {
    for (const batchBytes of numbersOf(flags['batch-bytes'])) {
      for (const acks of numbersOf(flags.acks)) {
        for (const codec of flags.codec.split(',')) {
          loads.push({ recordBytes, batchBytes, acks, client, mib, codec });
        }
      }
    }
  }
  return loads;
}

/** A JVM and V8 both need some work before they show what they can do. */
async function warmUp(io: Io, broker: BrokerProcess, flags: KafkaFlags): Promise<void> {
  const target = { host: broker.host, port: broker.port, topic: 'warm-up' };
  const mib = Math.min(warmUpMib, flags.mib);
  const load: Load = {
    recordBytes: 100,
    batchBytes: 16384,
    acks: 1,
    client: 'wire',
    mib,
    codec: 'none',
  };
  await transferByWire(io, target, load, () => 0);
}

async function measure(
  io: Io,
  broker: BrokerProcess,
  run: { load: Load; rounds: Rounds; round: number },
): Promise<number> {
  const { load, rounds, round } = run;
  const { recordBytes, batchBytes, client, codec } = load;
  const acks = load.acks === 1 ? '1' : 'all';
  const topic = `t-${recordBytes}-${batchBytes}-${acks}-${codec}-${round}`;
  const target = { host: broker.host, port: broker.port, topic };
  const transfer = client === 'wire' ? transferByWire : transferByJava;
  const done = await transfer(io, target, load, () => broker.processorMs());
  const what = `${recordBytes} B, ${batchBytes / 1024} KiB batches, acks=${acks}, ${codec}`;
  for (const [name, figures] of Object.entries(done.figures)) {
    rounds.add(`${broker.product} ${name} ${what}`, figures);
  }
  return done.checksum;
}

interface BothWays {
  readonly figures: Readonly<Record<string, Figures>>;
  /** The same for every broker. */
  readonly checksum: number;
}

async function transferByWire(
  io: Io,
  target: Target,
  { recordBytes, batchBytes, acks, mib, codec }: Load,
  processorMs: () => number,
): Promise<BothWays> {
  const batch = prepareBatch(batchBytes, recordBytes, codec);
  const requests = Math.max(1, Math.ceil((mib * 1048576) / batch.bytes.length));
  const transfer: Transfer = { target, batch, requests, inFlight: 5, processorMs };
  await beginTopic(io, transfer);
  const produced = await produceAll(io, transfer, acks);
  const range = { batches: requests, fromBatch: 0, bytesMax: 1 << 20 };
  const fetched = await fetchAll(io, transfer, range);
  return {
    figures: { produce: produced.figures, consume: fetched.figures },
    checksum: (produced.checksum * 31 + fetched.checksum) | 0,
  };
}

async function transferByJava(
  io: Io,
  target: Target,
  { recordBytes, batchBytes, acks, mib }: Load,
  processorMs: () => number,
): Promise<BothWays> {
  await beginTopic(io, { target, batch: prepareBatch(100, 10), requests: 1, inFlight: 1 });
  const count = Math.max(1, Math.floor((mib * 1048576) / recordBytes));
  const bytes = count * recordBytes;
  const load = { count, recordBytes, acks, batchBytes };
  const measured = (action: () => Promise<number>) => figuresOf(bytes, processorMs, action);
  const figures = {
    produce: await measured(async () => (await producerPerformance(target, load)).elapsedMs),
    consume: await measured(() => consumerPerformance(target, count)),
    'consume (kcat)': await measured(() => kcatReads(target, count)),
  };
  // The tools count records: both have seen all of them.
  return { figures, checksum: count | 0 };
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
