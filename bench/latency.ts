// How long does a record take from its producer to a consumer that waits for it, while the broker
// has something to do? Both brokers in turns:
//
//   end to end    Kafka's EndToEndLatency: one record at a time, acks 1 and all
//   paced         ProducerPerformance at a rate that both sustain: latency to the acknowledgement
//   paced e2e     our client's producer at that rate, and its consumer in a long poll

import { Consumer, Producer } from '../src/client/index.ts';
import { createNodeIo, type Io } from '../src/io/index.ts';
import { type BrokerProcess, withBrokers } from './broker-process.ts';
import { printChecksum, Rounds } from './figures.ts';
import { parseFlags } from './flags.ts';
import { endToEndLatency, producerPerformance } from './java-clients.ts';
import { beginTopic } from './transfer.ts';
import { prepareBatch } from './wire-client.ts';

const defaults = {
  rounds: 3,
  products: 'partita,kafka',
  tools: 'java,ours',
  messages: 5000,
  'record-bytes': 1024,
  rate: 2000,
  seconds: 10,
};

type LatencyFlags = typeof defaults;

export async function run(args: readonly string[]): Promise<void> {
  const flags = parseFlags(defaults, args);
  const io = createNodeIo({ logLevel: 'warn' });
  const rounds = new Rounds();
  let checksum = 0;
  await withBrokers(io, flags.products, async (brokers) => {
    // The first round warms up both brokers and is not counted.
    for (let round = 0; round <= flags.rounds; round++) {
      for (const broker of brokers) {
        const counted = round === 0 ? new Rounds() : rounds;
        checksum = await measure(io, broker, { flags, rounds: counted, round });
      }
    }
  });
  rounds.print();
  rounds.printRatios('partita', 'kafka');
  printChecksum(checksum);
}

async function measure(
  io: Io,
  broker: BrokerProcess,
  { flags, rounds, round }: { flags: LatencyFlags; rounds: Rounds; round: number },
): Promise<number> {
  const { host, port, product } = broker;
  const recordBytes = flags['record-bytes'];
  const count = flags.rate * flags.seconds;
  for (const acks of ['1', 'all']) {
    const target = { host, port, topic: `latency-${acks}-${round}` };
    await beginTopic(io, { target, batch: prepareBatch(100, 10), requests: 1, inFlight: 1 });
    if (flags.tools.includes('java')) {
      const load = { count: flags.messages, recordBytes, acks };
      rounds.add(`${product} end to end, acks=${acks}`, {
        ...(await endToEndLatency(target, load)),
      });
      const { p50Ms, p99Ms } = await producerPerformance(target, {
        ...{ count, recordBytes, batchBytes: 16384, rate: flags.rate },
        acks: acks === 'all' ? -1 : 1,
      });
      rounds.add(`${product} paced, acks=${acks}`, { p50Ms, p99Ms });
    }
    if (flags.tools.includes('ours')) {
      const bootstrapServers = `${host}:${port}`;
      const load = { topic: target.topic, acks, count, recordBytes, rate: flags.rate };
      rounds.add(`${product} paced e2e, acks=${acks}`, await pacedLatency(bootstrapServers, load));
    }
  }
  return count;
}

/** Sends at a steady pace whether or not answers come, so that a stall is seen in full. */
async function pacedLatency(
  bootstrapServers: string,
  load: { topic: string; acks: string; count: number; recordBytes: number; rate: number },
): Promise<Record<string, number>> {
  const acks = load.acks === 'all' ? 'all' : 1;
  const producer = new Producer({ bootstrapServers, acks, lingerMs: 0 });
  const consumer = new Consumer({ bootstrapServers, autoOffsetReset: 'latest' });
  consumer.assign([{ topic: load.topic, partition: 0 }]);
  consumer.seekToEnd();
  await consumer.poll(100);
  const sent: Promise<unknown>[] = [];
  const value = Buffer.alloc(load.recordBytes, 'x');
  const beganMs = performance.now();
  const due = (index: number): number => beganMs + (index * 1000) / load.rate;
  let next = 0;
  const pacer = setInterval(() => {
    for (; next < load.count && due(next) <= performance.now(); next++) {
      sent.push(producer.send({ topic: load.topic, key: String(next), value }));
    }
  }, 1);
  const latencies: number[] = [];
  while (latencies.length < load.count) {
    for (const { key } of await consumer.poll(1000)) {
      latencies.push(performance.now() - due(Number(key?.toString())));
    }
  }
  clearInterval(pacer);
  await Promise.all(sent);
  await producer.close();
  await consumer.close();
  latencies.sort((a, b) => a - b);
  const at = (share: number): number => latencies[Math.floor(share * latencies.length)] as number;
  return { p50Ms: at(0.5), p99Ms: at(0.99), 'p99.9Ms': at(0.999) };
}
