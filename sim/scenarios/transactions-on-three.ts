// Transactions and exact copies on three brokers that die, are cut off and come back: what the
// scenarios of one broker promise holds, wherever __transaction_state is led. Whoever takes a
// transaction over goes on with it in the state in which it was.

import type { Reach } from '../reached.ts';
import type { Scenario } from '../scenario.ts';
import type { World } from '../world.ts';
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
import { type TransactionLoadPlan, TransactionRun } from './transaction-run.ts';
import { drawTransactionLoad } from './transactions.ts';

const takenOver = /the transaction of \S+ is taken over$/;
/** By who sent them before, or by who takes the transaction over. */
const sentAgain = /(transaction markers are sent again|the transaction of \S+ is taken over)$/;

const reaches: readonly Reach[] = [
  ...coordinatorReaches,
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
  reaches,
  run: (world) => runTransactionsOnThree(world),
};

const harmMs = 6_000;
/** Longer than a slow copier takes. A host without power says nothing to who waits for it. */
const maxPollIntervalMs = 20_000;

export async function runTransactionsOnThree(world: World): Promise<void> {
  const prng = world.prng.fork('plan');
  const three = drawThreeBrokers(prng);
  tame(world, three);
  const drawn = drawTransactionLoad(prng, 'kill');
  const plan: TransactionLoadPlan = {
    ...drawn,
    ...three.options,
    topics: replicated(drawn.topics),
    config: { ...drawn.config, ...three.options.config },
    // What clients of the first protocol sent to who coordinated before may come late (KIP-890).
    transactionVersion: 2,
    maxPollIntervalMs,
    settledMsMax,
    onExit: startedAgain,
  };
  const run = new TransactionRun(world, plan);
  await run.begin();
  const { cluster } = run;
  const nemesis = nemesisOf(cluster, three, run.peers);
  run.letLoose();
  nemesis.start();
  await world.advance(harmMs);
  nemesis.stop();
  await run.finish();
  endAll(cluster, nemesis, three);
  await run.check();
  await assertReplicasAgree(cluster, plan.topics, nemesis);
}
