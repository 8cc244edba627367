// How long does a broker take to be there, and how much memory does it hold? From the start of the
// process to its ready line and to the first acknowledged record, on an empty data directory and
// on one that has been used; resident memory when ready, after a first record was written and read,
// and after a load. Apache Kafka is measured beside it, in turns, if its jars are in the cache.

import { createNodeIo, type Io } from '../src/io/index.ts';
import { BrokerProcess, hasKafka, type Product } from './broker-process.ts';
import { printChecksum, Rounds } from './figures.ts';
import { parseFlags } from './flags.ts';
import { beginTopic, fetchAll, produceAll, type Transfer } from './transfer.ts';
import { prepareBatch } from './wire-client.ts';

const defaults = { rounds: 5, 'load-mib': 256, 'batch-bytes': 16384, kafka: 'if-present' };

type StartupFlags = typeof defaults;

export async function run(args: readonly string[]): Promise<void> {
  const flags = parseFlags(defaults, args);
  const io = createNodeIo({ logLevel: 'warn' });
  const products: Product[] = ['partita'];
  if (flags.kafka !== 'no' && hasKafka()) products.push('kafka');
  const rounds = new Rounds();
  let checksum = 0;
  for (let round = 0; round < flags.rounds; round++) {
    for (const product of products) checksum = await measure(io, product, { flags, rounds });
  }
  rounds.print();
  rounds.printRatios('kafka', 'partita');
  printChecksum(checksum);
}

async function measure(
  io: Io,
  product: Product,
  { flags, rounds }: { flags: StartupFlags; rounds: Rounds },
): Promise<number> {
  const broker = await BrokerProcess.prepare(io, product);
  try {
    const beganMs = performance.now();
    const readyMs = await broker.start();
    const readyMib = broker.residentMib();
    const target = { host: broker.host, port: broker.port, topic: 'first' };
    const small: Transfer = {
      target,
      batch: prepareBatch(1024, 100),
      requests: 1,
      inFlight: 1,
    };
    await beginTopic(io, small);
    const firstMs = performance.now() - beganMs;
    await fetchAll(io, small, { batches: 1, fromBatch: 0, bytesMax: 1 << 20 });
    rounds.add(`${product} cold`, { 'ready-ms': readyMs, 'first-record-ms': firstMs });
    const usedMib = broker.residentMib();
    const checksum = await load(io, broker, flags);
    const loadedMib = broker.residentMib();
    rounds.add(`${product} memory`, {
      'ready-MiB': readyMib,
      'first-record-MiB': usedMib,
      'loaded-MiB': loadedMib,
      'highest-MiB': broker.residentMibMax(),
    });
    const stopMs = await broker.stop();
    const warmMs = await broker.start();
    rounds.add(`${product} again`, { 'ready-ms': warmMs, 'stop-ms': stopMs });
    return checksum;
  } finally {
    await broker.dispose();
  }
}

async function load(io: Io, broker: BrokerProcess, flags: StartupFlags): Promise<number> {
  const batch = prepareBatch(flags['batch-bytes'], 100);
  const requests = Math.max(1, Math.ceil((flags['load-mib'] * 1048576) / batch.bytes.length));
  const target = { host: broker.host, port: broker.port, topic: 'load' };
  const transfer: Transfer = { target, batch, requests, inFlight: 5 };
  await beginTopic(io, transfer);
  await produceAll(io, transfer, 1);
  const range = { batches: requests, fromBatch: 0, bytesMax: 1 << 20 };
  return (await fetchAll(io, transfer, range)).checksum;
}
