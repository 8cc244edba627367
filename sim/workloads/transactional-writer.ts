// A producer that writes records to several partitions in each of its transactions, and commits or
// aborts by choice. Some are slow beyond their transaction timeout.

import type { Prng } from '../../src/base/prng.ts';
import type { Io } from '../../src/io/index.ts';
import { type Place, recordOf } from '../checkers/index.ts';
import {
  TransactionalLife,
  type TransactionalPlan,
  type TransactionWatch,
} from './transactional-life.ts';

export interface WriterPlan extends TransactionalPlan {
  readonly places: readonly Place[];
  readonly transactionCount: number;
  readonly recordsMax: number;
  readonly pauseMsMean: number;
  readonly abortChance: number;
  /** Chance per transaction to take longer than its timeout. */
  readonly slowChance: number;
}

/** Resolves when all is written, the producer is fenced, or everybody is to settle. */
export async function writeTransactions(
  io: Io,
  plan: WriterPlan,
  watch: TransactionWatch,
  prng: Prng,
): Promise<void> {
  const life = new TransactionalLife(io, plan, watch);
  if (!(await life.init())) return;
  for (let i = 0; i < plan.transactionCount && !watch.isSettling; i++) {
    const isCommit = !prng.chance(plan.abortChance);
    const end = await life.run(() => write(io, plan, life, prng), isCommit);
    if (end === 'lost') break;
    await io.clock.sleep(prng.float() * 2 * plan.pauseMsMean);
  }
  await life.close();
}

async function write(
  io: Io,
  plan: WriterPlan,
  { producer, session }: TransactionalLife,
  prng: Prng,
): Promise<void> {
  const count = prng.int(plan.recordsMax + 1);
  const isSlow = prng.chance(plan.slowChance);
  for (let i = 0; i < count; i++) {
    const record = session.next(prng.pick(plan.places));
    const { topic, partition } = record;
    // The commit tells of failures.
    producer.write({ topic, partition, ...recordOf(record) });
    if (prng.chance(0.2)) await io.clock.sleep(prng.float() * plan.pauseMsMean);
  }
  if (prng.chance(0.2)) await producer.flush();
  if (isSlow) await io.clock.sleep(plan.options.transactionTimeoutMs * (0.5 + prng.float()));
}
