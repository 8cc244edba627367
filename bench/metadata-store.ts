// What do many partitions cost in a real store? Topics of so many partitions with three replicas
// each are appended as a controller appends them, one topic in one batch, to a real etcd and a real
// ZooKeeper of one member. Figures: how long that takes, how large it is in the store, how long a
// broker that starts reads it from the log and from a snapshot, and how long after the controller
// went another one that follows the log is elected. The processor time is of this process alone;
// it says something on a busy machine, too.

import { createNodeIo, type Io } from '../src/io/index.ts';
import { ImageLoader } from '../src/metadata/image-loader.ts';
import type { ClusterStore } from '../src/metadata/index.ts';
import { openStore } from '../src/metadata/index.ts';
import { encodeRecord } from '../src/metadata/records/index.ts';
import { type StoreKind, whyNoStore } from '../tests/interop/clusters/store-members.ts';
import { EtcdCluster } from '../tests/interop/etcd/etcd-process.ts';
import { fourLetters, startServer } from '../tests/interop/zookeeper/zookeeper-servers.ts';
import { printChecksum, Rounds } from './figures.ts';
import { countsOf, parseFlags } from './flags.ts';

const defaults = {
  rounds: 1,
  stores: 'etcd,zookeeper',
  counts: '10000,100000',
  'per-topic': 10_000,
};

interface RealStore {
  readonly address: string;
  /** As the server counts. */
  sizeBytes(): Promise<number>;
  stop(): Promise<void>;
}

async function startStore(kind: StoreKind): Promise<RealStore> {
  if (kind === 'etcd') {
    const etcd = await EtcdCluster.start();
    const sizeBytes = async (): Promise<number> =>
      Number((await etcd.ask('/v3/maintenance/status')).dbSizeInUse);
    return { address: `etcd://${etcd.hosts}/bench`, sizeBytes, stop: () => etcd.stop() };
  }
  let stop = async (): Promise<void> => {};
  const after = (end: () => Promise<void>): void => {
    stop = end;
  };
  const { port } = await startServer({ after });
  const sizeBytes = async (): Promise<number> =>
    Number(/zk_approximate_data_size\s+(\d+)/.exec(await fourLetters(port, 'mntr'))?.[1]);
  return { address: `zookeeper://127.0.0.1:${port}/bench`, sizeBytes, stop: () => stop() };
}

export async function run(args: readonly string[]): Promise<void> {
  const flags = parseFlags(defaults, args);
  const io = createNodeIo({ logLevel: 'error' });
  const rounds = new Rounds();
  let made = 0;
  for (const count of countsOf(flags)) {
    for (const kind of flags.stores.split(',') as StoreKind[]) {
      if (whyNoStore(kind) !== null) continue;
      const real = await startStore(kind);
      try {
        await measure(io, rounds, { real, kind, count, perTopic: flags['per-topic'] });
      } finally {
        await real.stop();
      }
      made += count;
    }
  }
  rounds.print();
  printChecksum(made);
}

function open(io: Io, address: string): Promise<ClusterStore> {
  const known = { clusterId: null, hasData: false };
  return openStore(io, { address, clusterId: null, sessionTimeoutMs: 9_000, known });
}

function* topicRecords(topic: number, count: number): Generator<Buffer, void, undefined> {
  const topicId = Buffer.from(`topic ${topic}`.padEnd(16)).toString('base64url').slice(0, 22);
  yield encodeRecord({ type: 'TopicRecord', name: `many-${topic}`, topicId });
  for (let partitionId = 0; partitionId < count; partitionId++) {
    const leader = 1 + (partitionId % 3);
    const replicas = [leader, 1 + (leader % 3), 1 + ((leader + 1) % 3)];
    yield encodeRecord({
      type: 'PartitionRecord',
      ...{ partitionId, topicId, replicas, isr: replicas, leader },
      ...{ removingReplicas: [], addingReplicas: [], leaderRecoveryState: 0 },
      ...{ leaderEpoch: 0, partitionEpoch: 0, directories: replicas.map(() => topicId) },
    });
  }
}

/** Of what `run` takes: by the clock, and of the processor. */
async function timed(run: () => Promise<unknown>): Promise<{ ms: number; cpuMs: number }> {
  const beganMs = performance.now();
  const began = process.cpuUsage();
  await run();
  const { user, system } = process.cpuUsage(began);
  return { ms: performance.now() - beganMs, cpuMs: (user + system) / 1000 };
}

async function measure(
  io: Io,
  rounds: Rounds,
  load: { real: RealStore; kind: string; count: number; perTopic: number },
): Promise<void> {
  const { real, count, perTopic } = load;
  const round = rounds.begin(`${load.kind} ${count} partitions`);
  const store = await open(io, real.address);
  const { epoch: controllerEpoch, resign } = await store.elect({ nodeId: 1, onLost: () => {} })
    .term;
  const emptyBytes = await real.sizeBytes();
  const created = await timed(async () => {
    for (let topic = 0; topic * perTopic < count; topic++) {
      const records = [...topicRecords(topic, Math.min(perTopic, count - topic * perTopic))];
      await store.append(records, { expectedEnd: store.endOffset, controllerEpoch });
    }
  });
  const logMib = ((await real.sizeBytes()) - emptyBytes) / 2 ** 20;
  round.note({ 'append-ms': created.ms, 'append-cpu-ms': created.cpuMs, 'log-MiB': logMib });

  const reader = await open(io, real.address);
  const read = await timed(() => ImageLoader.start(io, { store: reader }));
  round.note({ 'read-log-ms': read.ms, 'read-log-cpu-ms': read.cpuMs });

  const loader = await ImageLoader.start(io, { store });
  const before = await real.sizeBytes();
  const saved = await timed(() => loader.saveSnapshot(controllerEpoch));
  const snapshotMib = ((await real.sizeBytes()) - before) / 2 ** 20;
  round.note({ 'save-ms': saved.ms, 'save-cpu-ms': saved.cpuMs, 'snapshot-MiB': snapshotMib });
  const another = await open(io, real.address);
  const again = await timed(() => ImageLoader.start(io, { store: another }));
  round.note({ 'read-snapshot-ms': again.ms, 'read-snapshot-cpu-ms': again.cpuMs });

  const standing = reader.elect({ nodeId: 2, onLost: () => {} });
  const elected = await timed(async () => {
    await resign();
    await standing.term;
  });
  round.note({ 'next-controller-ms': elected.ms });
  for (const each of [store, reader, another]) await each.close();
  round.end();
}
