// One small world with transactions in it, and harm at each of its steps: the broker is killed, or
// its power cut, before each change of its disk, and killed before it sends or is handed anything;
// a writer and a copier die before each thing that they send or are handed. In both protocols.

import type { Scenario } from '../scenario.ts';
import type { SimProcess } from '../sim-process.ts';
import { type RunStep, Steps } from './steps.ts';
import { type ClientPlan, copiesTopic, sourceTopic } from './transaction-plan.ts';
import { type TransactionLoadPlan, TransactionRun } from './transaction-run.ts';

const harms = [
  'broker is killed at the disk',
  'broker loses power at the disk',
  'broker is killed at the network',
  'writer is killed',
  'copier is killed',
] as const;
type StepHarm = (typeof harms)[number];
type StepKind = `${StepHarm}, protocol ${1 | 2}`;

const kinds = harms.flatMap((harm): StepKind[] => [`${harm}, protocol 1`, `${harm}, protocol 2`]);

export const transactionSteps: Scenario = {
  name: 'transaction-steps',
  about: 'a broker and clients that die at each step of a transaction leave it whole or absent',
  faults: {},
  worldSeed: () => 'steps',
  run: (world, seed) => steps.run(world, seed),
};

const client = (kind: ClientPlan['kind']): ClientPlan => ({
  kind,
  name: `${kind}-1`,
  transactionalId: kind,
  transactionTimeoutMs: 2_000,
  slowChance: 0,
  abortChance: 0.4,
});

const clients = [client('writer'), client('copier')];
const options = { transactionTimeoutMs: 2_000, lingerMs: 5, retryBackoffMs: 20 };

function planOf(transactionVersion: 1 | 2): TransactionLoadPlan {
  const configs = { 'internal.segment.bytes': '20000' };
  return {
    topics: [
      { name: sourceTopic, partitionCount: 2, configs },
      { name: 'other', partitionCount: 1, configs },
      { name: copiesTopic, partitionCount: 2, configs },
    ],
    clients,
    config: {
      'transaction.state.log.num.partitions': '1',
      'offsets.topic.num.partitions': '1',
      'transaction.abort.timed.out.transaction.cleanup.interval.ms': '200',
      'group.initial.rebalance.delay.ms': '0',
      'group.min.session.timeout.ms': '1000',
      'log.flush.interval.messages': '1',
      'num.recovery.threads.per.data.dir': '1',
    },
    transactionVersion,
    internalSegmentBytes: null,
    churnMsMean: 0,
    lives: {
      writer: { transactionCount: 3, recordsMax: 4, pauseMsMean: 20, options },
      copier: {
        options,
        consumerOptions: {
          groupProtocol: 'classic',
          sessionTimeoutMs: 2_000,
          heartbeatIntervalMs: 500,
          maxPollRecords: 5,
        },
      },
    },
  };
}

/** A copier has nothing to do any more by then. */
const quietMs = 1_000;

export const runTransactionStep: RunStep<StepKind> = async (world, kind, operation) => {
  const run = new TransactionRun(world, planOf(kind.endsWith('1') ? 1 : 2));
  await run.begin();
  const { broker } = run.cluster;
  const brokerProcess = broker.process as SimProcess;
  const before = operationsOf(brokerProcess, kind);
  if (kind.startsWith('broker')) arm(brokerProcess, kind, operation);
  const [writer, copier] = run.letLoose() as [SimProcess, SimProcess];
  const victim = kind.startsWith('broker')
    ? brokerProcess
    : kind.startsWith('writer')
      ? writer
      : copier;
  if (victim !== brokerProcess) arm(victim, kind, operation);
  await world.run(() => run.isWritten || !victim.isAlive);
  if (victim.isAlive) await world.advance(quietMs);
  const count = operationsOf(victim, kind) - (victim === brokerProcess ? before : 0);
  if (operation === null) return count;
  restart(run, victim);
  await run.finish();
  if (kind.includes('power')) broker.powerCut();
  else broker.kill();
  broker.start();
  await run.check();
  return count;
};

const steps = new Steps(kinds, runTransactionStep);

function operationsOf({ disk, network }: SimProcess, kind: StepKind): number {
  return kind.includes('disk') ? disk.operationCount : network.operationCount;
}

function arm(process: SimProcess, kind: StepKind, operation: number | null): void {
  if (operation === null) return;
  if (kind.includes('power')) process.disk.atOperation(operation, () => cutPower(process));
  else if (kind.includes('disk')) process.killAtDiskOperation(operation);
  else process.killAtNetworkOperation(operation);
}

/** In the middle of a turn. */
export function cutPower(process: SimProcess): void {
  process.disk.leaveToGhost();
  process.host.powerCut();
}

function restart(run: TransactionRun, victim: SimProcess): void {
  const { broker } = run.cluster;
  // Where the harm came after everything: it comes now.
  victim.kill();
  if (!broker.isUp) broker.start();
  for (const each of clients) if (victim.host.name === each.name) run.start(each);
}

/** How many seeds go through all of it. */
export function transactionStepCount(): Promise<number> {
  return steps.total('steps');
}
