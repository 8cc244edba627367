// What does an append cost that two followers take before it is acknowledged, when the three
// brokers have so many other partitions of three replicas, in which nothing happens? The figure is
// the processor time of a process that is all of it: producer, three brokers and their store.
// To profile: node --cpu-prof dist/bench/main.js replicated --counts 10000 --rounds 1

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Broker } from '../src/broker/index.ts';
import { loadBrokerConfig } from '../src/config/index.ts';
import { createNodeIo, type Io } from '../src/io/index.ts';
import { serveSharedStore } from '../src/metadata/index.ts';
import { ClientConnection } from '../src/network/index.ts';
import { createTopics, metadata } from '../src/protocol/index.ts';
import { printChecksum, Rounds } from './figures.ts';
import { countsOf, parseFlags } from './flags.ts';
import {
  type Address,
  prepareBatch,
  producedOffset,
  produceFrame,
  WireClient,
} from './wire-client.ts';

const defaults = { rounds: 3, counts: '10,10000', requests: 3000, 'batch-bytes': 1024 };

const topic = 'replicated';
const nodeIds = [1, 2, 3];
const acksAll = -1;

interface Load {
  readonly count: number;
  readonly requests: number;
  readonly 'batch-bytes': number;
}

export async function run(args: readonly string[]): Promise<void> {
  const flags = parseFlags(defaults, args);
  const io = createNodeIo({ logLevel: 'error' });
  const rounds = new Rounds();
  let records = 0;
  for (const count of countsOf(flags)) {
    records += await measure(io, rounds, { ...flags, count });
  }
  rounds.print();
  printChecksum(records);
}

async function measure(io: Io, rounds: Rounds, load: Load): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'partita-bench-'));
  const onFailure = (error: Error): void => {
    throw error;
  };
  const host = '127.0.0.1';
  const store = await serveSharedStore(io, {
    ...{ host, port: 0 },
    directory: join(folder, 'store'),
    onFailure,
  });
  const brokers = await Promise.all(
    nodeIds.map((nodeId) =>
      Broker.start(io, configOf(nodeId, join(folder, `${nodeId}`), store.port), {
        onFatal: onFailure,
      }),
    ),
  );
  try {
    const address = { host, port: brokers[0]?.listeners[0]?.port ?? 0 };
    await create(io, address, load.count);
    const producer = await WireClient.connect(io, address);
    const batch = prepareBatch(load['batch-bytes'], 100);
    const frame = produceFrame({ ...address, topic }, batch, acksAll);
    const produce = async (times: number): Promise<number> => {
      let end = 0;
      for (let i = 0; i < times; i++) {
        end = producedOffset(await producer.exchange(1, 1, () => frame)) + batch.recordCount;
      }
      return end;
    };
    await produce(Math.ceil(load.requests / 10));
    const beganMs = performance.now();
    const before = process.cpuUsage();
    const end = await produce(load.requests);
    const { user, system } = process.cpuUsage(before);
    rounds.add(`${load.count} partitions`, {
      'cpu-us/batch': (user + system) / load.requests,
      'batches/s': (load.requests * 1000) / (performance.now() - beganMs),
      'resident-mib': process.memoryUsage.rss() / 1024 / 1024,
    });
    producer.close();
    return end;
  } finally {
    await Promise.all(brokers.map((broker) => broker.stop()));
    await store.close();
    rmSync(folder, { recursive: true });
  }
}

function configOf(nodeId: number, path: string, storePort: number) {
  const overrides = Object.entries({
    'node.id': String(nodeId),
    listeners: 'PLAINTEXT://127.0.0.1:0',
    'log.dirs': path,
    'cluster.store': `shared://127.0.0.1:${storePort}`,
  });
  return loadBrokerConfig({ overrides }).config;
}

/** Led in turns; resolves when every replica of the first partition is in sync. */
async function create(io: Io, address: Address, count: number): Promise<void> {
  const connection = await ClientConnection.connect(io, { ...address, clientId: 'bench' });
  const assignments = Array.from({ length: count }, (_, partitionIndex) => {
    const first = partitionIndex % nodeIds.length;
    return { partitionIndex, brokerIds: [...nodeIds.slice(first), ...nodeIds.slice(0, first)] };
  });
  const wanted = {
    name: topic,
    numPartitions: -1,
    replicationFactor: -1,
    assignments,
    configs: [],
  };
  const slow = { timeoutMs: 300_000 };
  const made = await connection.request(createTopics, { topics: [wanted], ...slow }, slow);
  if (made.topics[0]?.errorCode !== 0) throw new Error(made.topics[0]?.errorMessage ?? 'refused');
  for (;;) {
    const { topics } = await connection.request(metadata, { topics: [{ name: topic }] });
    const partitions = topics[0]?.partitions ?? [];
    const isWhole = partitions.every(
      ({ leaderId, isrNodes }) => leaderId > 0 && isrNodes.length === 3,
    );
    if (partitions.length === count && isWhole) break;
    await io.clock.sleep(100);
  }
  // Every follower has asked for every partition once, and its session is quiet.
  await io.clock.sleep(2000);
  connection.close();
}
