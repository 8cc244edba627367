// What does a partition cost? Creates topics with so many partitions in all, then stops cleanly
// and starts again: time to create, to stop and to be ready, resident memory, open descriptors.

import { createNodeIo, type Io } from '../src/io/index.ts';
import { BrokerProcess } from './broker-process.ts';
import { printChecksum, Rounds } from './figures.ts';
import { countsOf, parseFlags } from './flags.ts';
import { fetchAll, produceAll, type Transfer } from './transfer.ts';
import { createTopic, prepareBatch } from './wire-client.ts';

const defaults = { rounds: 3, counts: '1,100,10000', 'per-topic': 1000 };

export async function run(args: readonly string[]): Promise<void> {
  const flags = parseFlags(defaults, args);
  const io = createNodeIo({ logLevel: 'warn' });
  const rounds = new Rounds();
  let checksum = 0;
  for (const count of countsOf(flags)) {
    checksum = await measure(io, rounds, { count, perTopic: flags['per-topic'] });
  }
  rounds.print();
  printChecksum(checksum);
}

async function measure(
  io: Io,
  rounds: Rounds,
  { count, perTopic }: { count: number; perTopic: number },
): Promise<number> {
  const broker = await BrokerProcess.prepare(io, 'partita');
  const { host, port } = broker;
  try {
    await broker.start();
    const createMs = await timed(async () => {
      for (let left = count, at = 0; left > 0; left -= perTopic, at++) {
        await createTopic(io, { host, port, topic: `topic-${at}` }, Math.min(left, perTopic));
      }
    });
    const createdMib = broker.residentMib();
    const first: Transfer = {
      target: { host, port, topic: 'topic-0' },
      batch: prepareBatch(1024, 100),
      requests: 1,
      inFlight: 1,
    };
    await produceAll(io, first, -1);
    const stopMs = await broker.stop();
    const readyMs = await broker.start();
    rounds.add(`${count} partitions`, {
      'ready-ms': readyMs,
      'create-ms': createMs,
      'stop-ms': stopMs,
      'created-MiB': createdMib,
      'ready-MiB': broker.residentMib(),
      descriptors: broker.descriptorCount(),
    });
    const read = await fetchAll(io, first, { batches: 1, fromBatch: 0, bytesMax: 1 << 20 });
    return read.checksum;
  } finally {
    await broker.dispose();
  }
}

async function timed(action: () => Promise<void>): Promise<number> {
  const beganMs = performance.now();
  await action();
  return performance.now() - beganMs;
}
