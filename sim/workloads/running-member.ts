// A member of a group that runs a handler: quick or slow, failing now and then, heeding its signal
// or not. It reports to the checker what it begins and ends, and what was committed.

import type { Prng } from '../../src/base/prng.ts';
import {
  Consumer,
  type ConsumerOptions,
  type ConsumerRecord,
  type TopicPartition,
} from '../../src/client/index.ts';
import type { Ordering, WorkContext } from '../../src/client/runner/index.ts';
import type { Io } from '../../src/io/index.ts';
import type { HandledRecords } from '../checkers/index.ts';
import { isExpected } from './group-member.ts';

export interface RunningPlan {
  /** Of this one life. */
  readonly name: string;
  readonly groupId: string;
  readonly topic: string;
  readonly options: Omit<ConsumerOptions, 'bootstrapServers' | 'groupId'>;
  readonly ordering: Ordering;
  readonly concurrency: number;
  readonly drainMs: number;
  readonly commitIntervalMs: number;
  readonly inHandMax: number;
  /** Mean time that a handler takes. */
  readonly handleMsMean: number;
  readonly failChance: number;
  /** Chance of a handler to take far longer than drainMs. */
  readonly slowChance: number;
  readonly heedsSignal: boolean;
  /** Ends by itself after about that long. */
  readonly lifeMs: number;
}

/** What all members of a world share. */
export interface RunningWatch {
  readonly bootstrapServers: string;
  readonly handled: HandledRecords;
  /** From now on members stay, are quick and do not fail. */
  isSettling: boolean;
  /** A promise is broken: handlers and interceptors may throw, and nobody would see it. */
  fail(error: unknown): void;
}

/** Resolves when the member has left. */
export async function runRunningMember(
  io: Io,
  plan: RunningPlan,
  watch: RunningWatch,
  prng: Prng,
): Promise<void> {
  const { groupId, name, topic } = plan;
  const { handled, bootstrapServers } = watch;
  const judge = (check: () => void): void => judgeBy(watch, check);
  const consumer = new Consumer(
    {
      bootstrapServers,
      groupId,
      clientId: name,
      autoOffsetReset: 'earliest',
      requestTimeoutMs: 5_000,
      defaultApiTimeoutMs: 5_000,
      metadataMaxAgeMs: 5_000,
      ...plan.options,
      interceptors: [
        {
          onCommit: (offsets) => {
            for (const { offset, metadata = '', ...place } of offsets) {
              judge(() => handled.onCommitted(name, { ...place, groupId }, offset, metadata));
            }
          },
        },
      ],
    },
    io,
  );
  const tell = (call: 'onAssigned' | 'onRevoked') => (places: TopicPartition[]) => {
    for (const place of places) handled[call](name, { ...place, groupId });
  };
  consumer.subscribe([topic], {
    onPartitionsAssigned: tell('onAssigned'),
    onPartitionsRevoked: tell('onRevoked'),
    onPartitionsLost: () => {},
  });
  io.clock.after(plan.lifeMs, () => {
    if (!watch.isSettling) void consumer.stop();
  });
  const { ordering, concurrency, drainMs, commitIntervalMs, inHandMax } = plan;
  const handler = (record: ConsumerRecord, context: WorkContext): Promise<void> =>
    handle({ io, plan, watch, prng }, record, context);
  try {
    const retry = { attempts: 1_000, backoffMs: 20, backoffMaxMs: 200 };
    const bounds = { concurrency, drainMs, commitIntervalMs, inHandMax };
    await consumer.run({ handler, ordering, retry, ...bounds });
  } catch (error) {
    if (!isExpected(error)) throw error;
  }
  await consumer.close({ timeoutMs: 5_000 });
}

interface Parts {
  readonly io: Io;
  readonly plan: RunningPlan;
  readonly watch: RunningWatch;
  readonly prng: Prng;
}

async function handle(
  { io, plan, watch, prng }: Parts,
  record: ConsumerRecord,
  context: WorkContext,
): Promise<void> {
  const { name, groupId, ordering } = plan;
  const { topic, partition, offset } = record;
  const place = { topic, partition, groupId };
  const lane = ordering === 'none' ? null : ordering === 'key' ? String(record.key) : 'all';
  judgeBy(watch, () => watch.handled.onBegun(name, place, offset, lane));
  const isSlow = !watch.isSettling && prng.chance(plan.slowChance);
  const forMs = isSlow ? 3 * plan.drainMs : 2 * prng.float() * plan.handleMsMean;
  await pause(io, forMs, plan.heedsSignal ? context.signal : null);
  const hasFailed = !watch.isSettling && prng.chance(plan.failChance);
  const isAborted = context.signal.aborted;
  watch.handled.onEnded(name, place, offset, { lane, hasFailed, isAborted });
  if (hasFailed) throw new Error('this attempt fails');
}

function judgeBy(watch: RunningWatch, check: () => void): void {
  try {
    check();
  } catch (error) {
    watch.fail(error);
  }
}

/** Ends early when the signal fires. */
function pause(io: Io, forMs: number, signal: AbortSignal | null): Promise<void> {
  return new Promise((resolve) => {
    const timer = io.clock.after(forMs, resolve);
    signal?.addEventListener('abort', () => {
      timer.cancel();
      resolve();
    });
  });
}
