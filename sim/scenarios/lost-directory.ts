// One of two log directories goes away under a running broker, in one of many ways, while records
// are sent to the partitions of both. Within a bound those of the lost one are not acknowledged any
// more; the others go on, and keep what was acknowledged. The broker stops in order, and marks only
// the directory that is there as stopped cleanly.

import { assert } from '../../src/base/assert.ts';
import { Producer } from '../../src/client/index.ts';
import type { Io } from '../../src/io/index.ts';
import {
  type Attempt,
  assertAcknowledgedSurvive,
  assertDense,
  assertNothingIntoTheVoid,
  assertOthersGoOn,
  assertSent,
  Ledger,
  type Place,
  recordOf,
} from '../checkers/index.ts';
import { Cluster, type ClusterOptions } from '../cluster.ts';
import { calm } from '../faults.ts';
import type { Host } from '../host.ts';
import type { Scenario } from '../scenario.ts';
import { readBack } from '../workloads/index.ts';
import type { World } from '../world.ts';
import { createTopics } from './load-run.ts';

export const lostDirectory: Scenario = {
  name: 'lost-directory',
  about: 'nothing is acknowledged into a directory that is gone, and the others go on',
  run: (world) => runLostDirectory(world),
};

const topic = 'topic-1';
const partitionCount = 6;
const lost = '/b';

/** What happens to it, and how soon it is found out. */
const harms: Readonly<Record<string, readonly [boundMs: number, harm: (host: Host) => void]>> = {
  vanishes: [10_000, (host) => host.removeTree(lost)],
  'is replaced': [10_000, (host) => host.replaceTree(lost)],
  'loses its partitions': [
    10_000,
    (host) => {
      for (const { partition } of placesIn(host, lost)) host.removeTree(folderOf(partition));
    },
  ],
  'loses its lock': [10_000, (host) => host.removeTree(`${lost}/.lock`)],
  'is frozen': [90_000, (host) => host.freezeTree(lost)],
};

export async function runLostDirectory(
  world: World,
  { plant }: Pick<ClusterOptions, 'plant'> = {},
): Promise<void> {
  const prng = world.prng.fork('plan');
  const cluster = new Cluster(world, {
    config: { 'log.dirs': `/a,${lost}`, 'auto.create.topics.enable': 'false' },
    ...(plant && { plant }),
  });
  const { bootstrapServers, broker } = cluster;
  cluster.start();
  const configs = {
    'internal.segment.bytes': prng.pick(['4000', '1000000']),
    'flush.messages': prng.pick(['1', '9223372036854775807']),
    'message.timestamp.after.max.ms': '9223372036854775807',
  };
  const topics = [{ name: topic, partitionCount, configs }];
  await cluster.asClient('admin', (io) => createTopics(io, topics, bootstrapServers));
  const gone = placesIn(broker.host, lost);
  const others = placesIn(broker.host, '/a');
  assert(gone.length > 0 && others.length > 0, 'both directories have partitions');
  const run = { ledger: new Ledger(), attempts: [] as Attempt[], bootstrapServers, isOver: false };
  const clients = [...gone, ...others].map((place) =>
    cluster.runClient(`client-${place.partition}`, (io) => sendTo(io, { world, place, run })),
  );
  await world.advance(prng.int(5_000));
  const what = prng.pick(Object.keys(harms));
  const [boundMs, harm] = harms[what] as (typeof harms)[string];
  world.note(`${lost} ${what}`);
  const loss = { places: gone, lostMs: world.timeMs, boundMs };
  harm(broker.host);
  await world.advance(boundMs);
  // From here on the clients need a network that lets them through.
  world.faults = calm;
  world.network.heal();
  await world.advance(30_000);
  run.isOver = true;
  await world.run(() => clients.every(({ hasReturned }) => hasReturned));
  assert(broker.isReady && broker.startCount === 1, 'the broker lives through the loss');
  assertNothingIntoTheVoid(run.attempts, loss);
  assertOthersGoOn(run.attempts, loss, others);
  await checkOthers(cluster, others, run.ledger);
  await checkStop(world, cluster);
}

interface Run {
  readonly ledger: Ledger;
  readonly attempts: Attempt[];
  readonly bootstrapServers: string;
  isOver: boolean;
}

async function sendTo(
  io: Io,
  { world, place, run }: { world: World; place: Place; run: Run },
): Promise<void> {
  const name = `client-${place.partition}`;
  const prng = world.prng.fork(name);
  const acks = prng.pick([-1, 1] as const);
  const traits = { acks, isIdempotent: false, isSerial: true };
  const session = run.ledger.openSession(name, traits);
  const producer = new Producer(
    {
      bootstrapServers: run.bootstrapServers,
      clientId: name,
      acks,
      enableIdempotence: false,
      lingerMs: 0,
      requestTimeoutMs: 1_000,
      deliveryTimeoutMs: 2_000,
      maxBlockMs: 2_000,
      metadataMaxAgeMs: 500,
    },
    io,
  );
  while (!run.isOver) {
    const record = session.next(place, io.clock.now());
    const { timestamp } = record;
    const sentMs = world.timeMs;
    await new Promise<void>((resolve) => {
      producer.write({ ...place, timestamp, ...recordOf(record) }, (error, metadata) => {
        session.settle(record, error, metadata?.offset ?? -1);
        const acknowledgedMs = error === null ? world.timeMs : -1;
        run.attempts.push({ place, sentMs, acknowledgedMs });
        resolve();
      });
    });
    await io.clock.sleep(prng.float() * 300);
  }
  await producer.close();
}

async function checkOthers(cluster: Cluster, places: Place[], ledger: Ledger): Promise<void> {
  const { bootstrapServers } = cluster;
  const contents = await cluster.asClient('checker', (io) =>
    readBack(io, { bootstrapServers, places, mayStartLate: false }),
  );
  for (const each of contents) {
    assertDense(each);
    assertSent(ledger, each);
    assertAcknowledgedSurvive(ledger, each);
  }
}

async function checkStop(world: World, { broker }: Cluster): Promise<void> {
  broker.stop();
  await world.run(() => !broker.isUp, 60_000);
  const { files } = broker.host;
  assert(files.find('/a/.kafka_cleanshutdown') !== null, 'what is there was stopped cleanly');
  assert(files.find(`${lost}/.kafka_cleanshutdown`) === null, 'what is lost was not');
}

function placesIn(host: Host, directory: string): Place[] {
  return Array.from({ length: partitionCount }, (_, partition) => ({ topic, partition })).filter(
    ({ partition }) => host.files.find(folderOf(partition, directory)) !== null,
  );
}

function folderOf(partition: number, directory = lost): string {
  return `${directory}/${topic}-${partition}`;
}
