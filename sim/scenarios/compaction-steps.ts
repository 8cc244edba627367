// One small world with a compacted topic in it, and harm at each change that its cleaning makes to
// the disk: the broker is killed, the power is cut, the disk is full from then on for a while, or
// that one change fails.

import { Admin } from '../../src/client/index.ts';
import { IoError } from '../../src/io/index.ts';
import type { Scenario } from '../scenario.ts';
import type { SimProcess } from '../sim-process.ts';
import { startAgain } from './compaction.ts';
import { type CompactionPlan, CompactionRun, drawKeyedWriter } from './compaction-run.ts';
import { type RunStep, Steps } from './steps.ts';
import { cutPower } from './transaction-steps.ts';

const kinds = ['kill', 'power cut', 'full disk', 'failing change'] as const;
type StepKind = (typeof kinds)[number];

export const compactionSteps: Scenario = {
  name: 'compaction-steps',
  about: 'a cleaning that is cut short at any step, in any way, loses no last value',
  faults: {},
  worldSeed: () => 'steps',
  run: (world, seed) => steps.run(world, seed),
};

const topic = 'keyed';
const plentyBytes = 2 ** 40;
const cleanedMs = 3_000;

function planOf(run: Parameters<RunStep<StepKind>>[0]): CompactionPlan {
  const places = [0, 1].map((partition) => ({ topic, partition }));
  const prng = run.prng.fork('plan');
  const writer = (name: string, transactionalId: string | null) => ({
    ...drawKeyedWriter(prng, name, places),
    keyCount: 3,
    updateCount: 40,
    burstMax: 4,
    tombstoneChance: 0.2,
    transactionalId,
    options: { acks: 'all' as const, lingerMs: 5, batchSizeBytes: 300, retryBackoffMs: 20 },
  });
  return {
    topics: [
      {
        name: topic,
        partitionCount: 2,
        configs: {
          'cleanup.policy': 'compact',
          'internal.segment.bytes': '1500',
          'segment.ms': '2000',
          'delete.retention.ms': '0',
          // Not before we say so.
          'min.cleanable.dirty.ratio': '1',
        },
      },
    ],
    writers: [writer('writer-1', null), writer('writer-2', 'writer-2')],
    minCompactionLagMs: 0,
    config: {
      'log.cleaner.backoff.ms': '500',
      'log.flush.interval.messages': '1',
      'transaction.state.log.num.partitions': '1',
      'num.recovery.threads.per.data.dir': '1',
    },
    onExit: startAgain,
  };
}

export const runCompactionStep: RunStep<StepKind> = async (world, kind, operation) => {
  const run = new CompactionRun(world, planOf(world));
  await run.begin();
  await run.finish();
  const { broker } = run.cluster;
  const victim = broker.process as SimProcess;
  await run.cluster.asClient('admin', async (io) => {
    const admin = new Admin({ bootstrapServers: run.watch.bootstrapServers }, io);
    const config = { name: 'min.cleanable.dirty.ratio', operation: 'set', value: '0' } as const;
    await admin.incrementalAlterConfigs([{ type: 'topic', name: topic, configs: [config] }]);
    await admin.close();
  });
  const before = victim.disk.operationCount;
  if (operation !== null) arm(victim, kind, operation);
  const endMs = world.timeMs + cleanedMs;
  await world.run(() => !victim.isAlive || world.timeMs > endMs);
  const count = victim.disk.operationCount - before;
  if (operation === null) return count;
  broker.host.files.capacityBytes = plentyBytes;
  if (!broker.isUp) broker.start();
  await run.finish();
  // A log that could not be cleaned is tried again after a start.
  if (kind === 'power cut') broker.powerCut();
  else broker.kill();
  broker.start();
  await run.compact();
  await run.check();
  await run.checkFiles();
  return count;
};

const steps = new Steps(kinds, runCompactionStep);

function arm(victim: SimProcess, kind: StepKind, operation: number): void {
  const { host, disk } = victim;
  if (kind === 'kill') victim.killAtDiskOperation(operation);
  else if (kind === 'power cut') disk.atOperation(operation, () => cutPower(victim));
  else if (kind === 'failing change') {
    disk.atOperation(operation, () => {
      throw new IoError('EIO', 'EIO: cannot change the disk');
    });
  } else {
    disk.atOperation(operation, () => {
      host.files.capacityBytes = plentyBytes - host.files.usableBytes;
    });
  }
}

/** How many seeds go through all of it. */
export function compactionStepCount(): Promise<number> {
  return steps.total('steps');
}
