// Consume, transform, produce: a member of a group that copies what it is handed to the partition
// of the same number in another topic, in transactions that commit its offsets together with the
// copies. After an abort it goes back to what is committed.

import type { Prng } from '../../src/base/prng.ts';
import { Consumer, type ConsumerOptions } from '../../src/client/index.ts';
import type { Io } from '../../src/io/index.ts';
import { copyHeader, recordOf } from '../checkers/index.ts';
import { isExpected } from './group-member.ts';
import {
  TransactionalLife,
  type TransactionalPlan,
  type TransactionWatch,
} from './transactional-life.ts';

export interface CopierPlan extends TransactionalPlan {
  readonly groupId: string;
  readonly sourceTopic: string;
  readonly targetTopic: string;
  readonly consumerOptions: Partial<ConsumerOptions>;
  readonly abortChance: number;
  /** Chance per transaction to take longer than its timeout. */
  readonly slowChance: number;
}

const callMsMax = 5_000;
const restMs = 200;

/** Resolves when the producer is fenced: somebody else has taken its place. */
export async function copyTransactions(
  io: Io,
  plan: CopierPlan,
  watch: TransactionWatch,
  prng: Prng,
): Promise<void> {
  const life = new TransactionalLife(io, plan, watch);
  if (!(await life.init())) return;
  const { bootstrapServers } = watch;
  const consumer = new Consumer(
    {
      bootstrapServers,
      groupId: plan.groupId,
      clientId: plan.name,
      isolationLevel: 'read_committed',
      enableAutoCommit: false,
      autoOffsetReset: 'earliest',
      fetchMaxWaitMs: 100,
      requestTimeoutMs: callMsMax,
      defaultApiTimeoutMs: callMsMax,
      ...plan.consumerOptions,
    },
    io,
  );
  consumer.subscribe([plan.sourceTopic]);
  const parts = { io, plan, watch, life, consumer, prng };
  while (await copySome(parts));
  await whileExpected(() => consumer.close({ timeoutMs: callMsMax }));
  await life.close();
}

interface Parts {
  readonly io: Io;
  readonly plan: CopierPlan;
  readonly watch: TransactionWatch;
  readonly life: TransactionalLife;
  readonly consumer: Consumer;
  readonly prng: Prng;
}

/** False when the producer is of no use any more. */
async function copySome({ io, plan, watch, life, consumer, prng }: Parts): Promise<boolean> {
  const records = await whileExpected(() => consumer.poll(500));
  if (records === null) await io.clock.sleep(restMs);
  if (records === null || records.length === 0) return true;
  const { producer, session } = life;
  const isCommit = watch.isSettling || !prng.chance(plan.abortChance);
  const isSlow = !watch.isSettling && prng.chance(plan.slowChance);
  const copy = async (): Promise<void> => {
    for (const { partition, key } of records) {
      const place = { topic: plan.targetTopic, partition };
      const record = recordOf(session.next(place));
      const headers = [...record.headers, { key: copyHeader, value: key }];
      producer.write({ ...place, ...record, headers });
    }
    if (prng.chance(0.3)) await producer.flush();
    await producer.sendOffsetsToTransaction(consumer.positions(), consumer.groupMetadata());
    if (isSlow) await io.clock.sleep(plan.options.transactionTimeoutMs * (0.5 + prng.float()));
  };
  const end = await life.run(copy, isCommit);
  if (end === 'aborted') consumer.seekToCommitted();
  return end !== 'lost';
}

/** null if it failed for a reason that a member has to live with. */
async function whileExpected<T>(call: () => Promise<T>): Promise<T | null> {
  try {
    return await call();
  } catch (error) {
    if (!isExpected(error)) throw error;
    return null;
  }
}
