// Transactions and exact copies on three brokers that die, are cut off and come back: what the
// scenarios of one broker promise holds, wherever __transaction_state is led. Whoever takes a
// transaction over goes on with it in the state in which it was.

import { OFFSETS_TOPIC, TRANSACTION_TOPIC } from '../../src/coordinator/index.ts';
import type { Cluster } from '../cluster.ts';
import type { Reach } from '../reached.ts';
import type { Scenario } from '../scenario.ts';
import type { SimProcess } from '../sim-process.ts';
import { moveReplicas } from '../workloads/index.ts';
import type { World } from '../world.ts';
import { placesOf } from './load-run.ts';
import {
  assertReplicasAgree,
  coordinatorReaches,
  drawThreeBrokers,
  endAll,
  nemesisOf,
  replicated,
  settledMsMax,
  startedAgain,
  tame,
} from './three-brokers.ts';
import {
  type TransactionLoadPlan,
  TransactionRun,
  type TransactionVersion,
} from './transaction-run.ts';
import { drawTransactionLoad } from './transactions.ts';

const takenOver = /the transaction of \S+ is taken over$/;
/** By who sent them before, or by who takes the transaction over. */
const sentAgain = /(transaction markers are sent again|the transaction of \S+ is taken over)$/;

/** What becomes of transactions whose coordinator changes. */
export const transactionReaches: readonly Reach[] = [
  { name: 'markers sent again', line: sentAgain, where: ({ state }) => state !== 'Ongoing' },
  takenOverIn('Ongoing'),
  { ...takenOverIn('PrepareCommit'), isRare: true },
  { ...takenOverIn('PrepareAbort'), isRare: true },
];

function takenOverIn(state: string): Reach {
  const where: Reach['where'] = (fields) => fields.state === state;
  return { name: `taken over in ${state}`, line: takenOver, where };
}

export const transactionsOnThree: Scenario = {
  name: 'transactions-on-three',
  about: 'on three brokers transactions are whole or absent, whoever coordinates them',
  reaches: [...coordinatorReaches, ...transactionReaches],
  run: (world) => runTransactionsOnThree(world),
};

const harmMs = 6_000;
/** Longer than a slow copier takes. A host without power says nothing to who waits for it. */
const maxPollIntervalMs = 20_000;

export interface OnThree {
  /** Default: 2. What clients of the others give up may come late (KIP-890): they are patient. */
  readonly transactionVersion?: TransactionVersion;
  /** Replicas are moved meanwhile, those of the coordinators, too. Default: they stay. */
  readonly isMoved?: boolean;
}

export async function runTransactionsOnThree(
  world: World,
  { transactionVersion = 2, isMoved = false }: OnThree = {},
): Promise<void> {
  const prng = world.prng.fork('plan');
  const three = drawThreeBrokers(prng);
  tame(world, three);
  const drawn = drawTransactionLoad(prng, 'kill');
  const plan: TransactionLoadPlan = {
    ...drawn,
    ...three.options,
    topics: replicated(drawn.topics),
    config: { ...drawn.config, ...three.options.config },
    transactionVersion,
    maxPollIntervalMs,
    ...(transactionVersion === 2 && { settledMsMax }),
    onExit: startedAgain,
  };
  const run = new TransactionRun(world, plan);
  await run.begin();
  const { cluster } = run;
  const nemesis = nemesisOf(cluster, three, run.peers);
  run.letLoose();
  const mover = isMoved ? moveAll(cluster, plan) : null;
  nemesis.start();
  await world.advance(harmMs);
  nemesis.stop();
  mover?.kill();
  await run.finish();
  endAll(cluster, nemesis, three);
  await run.check();
  await assertReplicasAgree(cluster, plan.topics, nemesis);
}

/** One of three may be without a replica; as many must be in sync as are left. */
function moveAll(cluster: Cluster, { topics, config = {} }: TransactionLoadPlan): SimProcess {
  const { world, bootstrapServers } = cluster;
  const countOf = (key: string): number => Number(config[key]);
  const internal = [
    { name: TRANSACTION_TOPIC, partitionCount: countOf('transaction.state.log.num.partitions') },
    { name: OFFSETS_TOPIC, partitionCount: countOf('offsets.topic.num.partitions') },
  ];
  const places = placesOf([...topics, ...internal.map((topic) => ({ ...topic, configs: {} }))]);
  const prng = world.prng.fork('mover');
  return cluster.runClient('mover', (io) =>
    moveReplicas(io, {
      ...{ bootstrapServers, places, prng, brokerIds: [1, 2, 3] },
      replicasMin: () => 2,
      pauseMsMean: prng.pick([100, 300]),
    }),
  );
}
