// One producer with transactions, on three brokers: one has the records, and of the two others now
// this one coordinates, now that one. The markers with which a coordinator ends a transaction lie
// in the network until another one has ended it, and the next transactions are under way: a marker
// that is late ends none of them.

import type { Prng } from '../../src/base/prng.ts';
import { TRANSACTION_TOPIC } from '../../src/coordinator/index.ts';
import type { Place } from '../checkers/index.ts';
import { withFaults } from '../faults.ts';
import type { Scenario } from '../scenario.ts';
import { electPreferred, reassign } from '../workloads/index.ts';
import type { World } from '../world.ts';
import { placesOf } from './load-run.ts';
import { startedAgain } from './three-brokers.ts';
import { sourceTopic } from './transaction-plan.ts';
import {
  type TransactionLoadPlan,
  TransactionRun,
  transactionVersions,
  versionName,
} from './transaction-run.ts';

const line = /^never$/;
/** What is said to be reached. */
const lateMarkers = 'markers that may come late';

export const markersOnThree: Scenario = {
  name: 'markers-on-three',
  about: 'the marker of a coordinator that was replaced ends no transaction but its own',
  reaches: [
    { name: lateMarkers, line },
    ...transactionVersions.map((version) => ({ name: versionName(version), line })),
  ],
  run: (world) => runMarkersOnThree(world),
};

const coordinators: Place = { topic: TRANSACTION_TOPIC, partition: 0 };
const stepMsMax = 10_000;
const roundCount = 2;

async function runMarkersOnThree(world: World): Promise<void> {
  const prng = world.prng.fork('plan');
  const delayMsMean = Math.min(world.faults.network.delayMsMean, 5);
  const network = { delayMsMean, spikeChance: 0, resetChance: 0 };
  world.faults = withFaults(world.faults, { network, disk: { slowSyncChance: 0 } });
  const run = new TransactionRun(world, planOf(prng));
  await run.begin();
  await tellOfMarkers(run, prng);
  run.heal();
  await run.finish();
}

async function tellOfMarkers(run: TransactionRun, prng: Prng): Promise<void> {
  const { world, cluster } = run;
  const { network } = world;
  const [keeper = 1, ...two] = prng.shuffle([1, 2, 3]);
  const nameOf = (id: number): string => `broker-${id}`;
  for (const place of run.places) await lead(run, place, [keeper]);
  run.letLoose();
  await within(run, () => cluster.store?.counts.partition(coordinators) !== undefined);
  for (let round = 0; round < roundCount; round++) {
    const [before, after] = (round % 2 === 0 ? two : [...two].reverse()) as [number, number];
    await lead(run, coordinators, [before, after]);
    await world.advance(prng.float() * 500);
    world.note(`markers of ${nameOf(before)} reach ${nameOf(keeper)} late`);
    const heal = network.cutWays([nameOf(before)], [nameOf(keeper)]);
    await world.advance(prng.float() * 300);
    await lead(run, coordinators, [after, before]);
    await world.advance(prng.float() * 500);
    heal();
    world.reached.onReached(lateMarkers);
    await world.advance(3_000);
  }
}

async function within({ world }: TransactionRun, isDone: () => boolean): Promise<void> {
  const endMs = world.timeMs + stepMsMax;
  await world.run(() => isDone() || world.timeMs > endMs);
}

async function lead(run: TransactionRun, place: Place, replicas: number[]): Promise<void> {
  const { cluster } = run;
  const { bootstrapServers, store } = cluster;
  const known = () => store?.counts.partition(place);
  const isMoved = (): boolean =>
    known()?.replicas.length === replicas.length && known()?.replicas[0] === replicas[0];
  await cluster.asClient('operator', (io) =>
    reassign(io, bootstrapServers, { ...place, replicas }),
  );
  await within(run, isMoved);
  await cluster.asClient('operator', (io) => electPreferred(io, bootstrapServers, place));
  await within(run, () => known()?.leader === replicas[0]);
}

function planOf(prng: Prng): TransactionLoadPlan {
  const configs = {};
  const topics = [{ name: sourceTopic, partitionCount: 1 + prng.int(2), configs }];
  const writer = {
    kind: 'writer',
    name: 'writer',
    transactionalId: 'writes',
    transactionTimeoutMs: 60_000,
    slowChance: 0,
    abortChance: 0.5,
  } as const;
  const places = placesOf(topics);
  const counts = { transactionCount: 1_000, recordsMax: 4, pauseMsMean: 20 };
  return {
    brokers: 3,
    store: {},
    topics,
    clients: [writer],
    transactionVersion: prng.pick([0, 1, 1, 2]),
    internalSegmentBytes: null,
    churnMsMean: 0,
    settledMsMax: 60_000,
    checks: ['atomicity', 'isolation', 'progress'],
    lives: { writer: { places, ...counts }, copier: {} },
    onExit: startedAgain,
    config: {
      'transaction.state.log.num.partitions': '1',
      'transaction.state.log.replication.factor': '2',
      'transaction.state.log.min.isr': '1',
      'transaction.partition.verification.enable': 'false',
      'offsets.topic.num.partitions': '1',
      'replica.fetch.wait.max.ms': '50',
      'num.replica.fetchers': '1',
      'auto.create.topics.enable': 'false',
      'num.recovery.threads.per.data.dir': '1',
    },
  };
}
