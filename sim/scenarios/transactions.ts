// Transactions over several partitions, and copies in transactions with a group's offsets, in
// either protocol: producers commit, abort, take too long, die and fence each other while the
// broker is killed; the same under power cuts, with everything synced before it is acknowledged;
// and the same over a bad network.

import { type Harm, Nemesis } from '../nemesis.ts';
import type { Scenario } from '../scenario.ts';
import type { World } from '../world.ts';
import { drawTransactionConfig, drawTransactions } from './transaction-plan.ts';
import {
  type TransactionLoadPlan,
  TransactionRun,
  transactionVersions,
} from './transaction-run.ts';

export const transactions: Scenario = {
  name: 'transactions',
  about: 'transactions are whole or absent and copies exact over deaths of clients and broker',
  run: (world) => runTransactions(world, 'kill'),
};

export const transactionsPowerCut: Scenario = {
  name: 'transactions-power-cut',
  about: 'the same over power cuts, with everything synced before it is acknowledged',
  run: (world) => runTransactions(world, 'power cut'),
};

export const transactionsNetwork: Scenario = {
  name: 'transactions-network',
  about: 'the same over a network that resets, cuts and slows down',
  run: (world) => runTransactions(world, 'network'),
};

export type TransactionHarm = 'kill' | 'power cut' | 'network';

const harmMs = 20_000;

const harmsOf: Readonly<Record<TransactionHarm, { always: Harm[]; maybe: Harm[] }>> = {
  kill: { always: ['kill'], maybe: ['kill in a turn', 'kill in a turn', 'slow host'] },
  'power cut': { always: ['power cut'], maybe: ['kill', 'kill in a turn'] },
  network: { always: ['reset'], maybe: ['cut one way', 'partition', 'slow host'] },
};

export type ChangeTransactions = (plan: TransactionLoadPlan) => TransactionLoadPlan;

/** `change` makes another plan of the drawn one: for tests that plant a bug. */
export async function runTransactions(
  world: World,
  harm: TransactionHarm,
  change: ChangeTransactions = (plan) => plan,
): Promise<void> {
  const prng = world.prng.fork('plan');
  const run = new TransactionRun(world, change(drawTransactionLoad(prng, harm)));
  await run.begin();
  const { always, maybe } = harmsOf[harm];
  const nemesis = new Nemesis(world, {
    targets: [run.target],
    peers: run.peers,
    harms: [...always, ...maybe.filter(() => prng.chance(0.5))],
    pauseMsMean: prng.pick([500, 2_000, 6_000]),
    downMsMax: prng.pick(harm === 'network' ? [1_000, 10_000] : [10, 1_000, 5_000]),
  });
  run.letLoose();
  nemesis.start();
  await world.advance(harmMs);
  nemesis.stop();
  run.heal();
  await run.finish();
  const { broker } = run.cluster;
  if (harm === 'power cut') broker.powerCut();
  else broker.kill();
  broker.start();
  await run.check();
}

export function drawTransactionLoad(
  prng: World['prng'],
  harm: TransactionHarm,
): TransactionLoadPlan {
  const config = {
    ...drawTransactionConfig(prng),
    ...(harm === 'power cut' && { 'log.flush.interval.messages': '1' }),
  };
  return {
    ...drawTransactions(prng),
    config,
    transactionVersion: prng.pick(transactionVersions),
    // A group with members of several lives, some of them not yet missed, must fit one batch.
    internalSegmentBytes: prng.pick([null, '6000']),
    churnMsMean: prng.pick([500, 2_000, 6_000]),
  };
}
