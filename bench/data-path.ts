// How much does the data path cost? Batches of several sizes are produced (acks 1 and all) and
// fetched, from memory and from the file, by a client that costs next to nothing:
//
//   --where memory    in one process, no sockets: frame, dispatch, handler, partition, log, file
//   --where loopback  a broker process over TCP on 127.0.0.1
//
// To profile: node --cpu-prof dist/bench/main.js data-path --where memory, or --profile FOLDER
// for the broker process.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Broker } from '../src/broker/index.ts';
import { relaxFullCollections } from '../src/cli/garbage-collection.ts';
import { loadBrokerConfig } from '../src/config/index.ts';
import { createNodeIo, type Io } from '../src/io/index.ts';
import { BrokerProcess } from './broker-process.ts';
import { printChecksum, Rounds } from './figures.ts';
import { numbersOf, parseFlags } from './flags.ts';
import { memoryNetwork } from './memory-network.ts';
import { fetchAll, produceAll, type Transfer, type Transferred } from './transfer.ts';
import { type Address, createTopic, prepareBatch } from './wire-client.ts';

/** A broker that can be stopped and started again over the same data. */
interface Subject {
  readonly io: Io;
  readonly address: Address;
  readonly processorMs?: () => number;
  restart(): Promise<void>;
  dispose(): Promise<void>;
}

const defaults = {
  where: 'memory',
  rounds: 3,
  batches: '1024,16384,262144',
  'record-bytes': 100,
  /** Produced per round and size; a count of requests bounds it for small batches. */
  'mib-max': 256,
  'requests-max': 20000,
  'fetch-bytes': 1048576,
  'in-flight': 5,
  profile: '',
};

type DataPathFlags = typeof defaults;

export async function run(args: readonly string[]): Promise<void> {
  const flags = parseFlags(defaults, args);
  const rounds = new Rounds();
  let checksum = 0;
  for (let round = 0; round < flags.rounds; round++) {
    checksum = 0;
    for (const batchBytes of numbersOf(flags.batches)) {
      const subject = flags.where === 'memory' ? await inMemory() : await onLoopback(flags);
      try {
        checksum = (checksum * 31 + (await measure(subject, { batchBytes, flags, rounds }))) | 0;
      } finally {
        await subject.dispose();
      }
    }
  }
  rounds.print();
  printChecksum(checksum >>> 0);
}

async function measure(
  subject: Subject,
  run: { batchBytes: number; flags: DataPathFlags; rounds: Rounds },
): Promise<number> {
  const { batchBytes, flags, rounds } = run;
  const { io } = subject;
  const batch = prepareBatch(batchBytes, flags['record-bytes']);
  const { processorMs } = subject;
  const bytesMax = flags['mib-max'] * 1024 * 1024;
  const requests = Math.min(flags['requests-max'], Math.ceil(bytesMax / batch.bytes.length));
  const base = { batch, inFlight: flags['in-flight'], ...(processorMs ? { processorMs } : {}) };
  const transferOf = (topic: string): Transfer => ({
    ...base,
    requests,
    target: { ...subject.address, topic },
  });
  let checksum = 0;
  const note = (name: string, { figures, checksum: sum }: Transferred): void => {
    rounds.add(`${name} ${batchBytes / 1024} KiB`, figures);
    checksum = (checksum * 31 + sum) | 0;
  };
  for (const [acks, name] of [
    [1, 'one'],
    [-1, 'all'],
  ] as const) {
    const transfer = transferOf(`acks-${name}`);
    await createTopic(io, transfer.target);
    note(`produce acks=${name}`, await produceAll(io, transfer, acks));
  }
  const transfer = transferOf('acks-all');
  // What was produced last is in the tail cache, which holds 16 MiB.
  const recent = Math.min(requests, Math.max(1, Math.floor((8 << 20) / batch.bytes.length)));
  const fetchBytes = flags['fetch-bytes'];
  const tail = { batches: recent, fromBatch: requests - recent, bytesMax: fetchBytes };
  note('fetch memory', await fetchAll(io, transfer, tail));
  await subject.restart();
  const file = { batches: requests, fromBatch: 0, bytesMax: fetchBytes };
  note('fetch file', await fetchAll(io, transferOf('acks-one'), file));
  return checksum;
}

async function inMemory(): Promise<Subject> {
  relaxFullCollections();
  const directory = mkdtempSync(join(tmpdir(), 'partita-bench-'));
  const io: Io = { ...createNodeIo({ logLevel: 'warn' }), network: memoryNetwork() };
  const { config } = loadBrokerConfig({
    overrides: [
      ['listeners', 'PLAINTEXT://127.0.0.1:9092'],
      ['log.dirs', directory],
      ['log.retention.ms', '-1'],
    ],
  });
  const onFatal = (error: Error): never => {
    throw error;
  };
  let broker = await Broker.start(io, config, { onFatal });
  return {
    io,
    address: { host: '127.0.0.1', port: 9092 },
    restart: async () => {
      await broker.stop();
      broker = await Broker.start(io, config, { onFatal });
    },
    dispose: async () => {
      await broker.stop();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

async function onLoopback(flags: DataPathFlags): Promise<Subject> {
  const io = createNodeIo({ logLevel: 'warn' });
  const { profile } = flags;
  const nodeFlags = profile === '' ? [] : ['--cpu-prof', `--cpu-prof-dir=${profile}`];
  const broker = await BrokerProcess.prepare(io, 'partita', { nodeFlags });
  await broker.start().catch(async (error: unknown) => {
    await broker.dispose();
    throw error;
  });
  return {
    io,
    address: broker,
    processorMs: () => broker.processorMs(),
    restart: async () => {
      await broker.stop();
      await broker.start();
    },
    dispose: async () => {
      await broker.stop();
      await broker.dispose();
    },
  };
}
