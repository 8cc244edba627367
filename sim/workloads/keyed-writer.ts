// A producer that updates a few keys of its own again and again, and deletes some, alone or in
// transactions of which it aborts some.

import type { Prng } from '../../src/base/prng.ts';
import { Producer, type ProducerOptions } from '../../src/client/index.ts';
import type { Io } from '../../src/io/index.ts';
import {
  type KeyedLedger,
  type Place,
  placeName,
  recordOfUpdate,
  type Update,
} from '../checkers/index.ts';
import { TransactionalLife, type TransactionWatch } from './transactional-life.ts';

export interface KeyedWriterPlan {
  /** Of this one life: its keys are nobody else's. Also the client id. */
  readonly name: string;
  readonly places: readonly Place[];
  readonly keyCount: number;
  readonly updateCount: number;
  /** Updates that are sent together, at most. */
  readonly burstMax: number;
  readonly tombstoneChance: number;
  readonly pauseMsMean: number;
  /** null: without transactions. */
  readonly transactionalId: string | null;
  readonly options: Omit<ProducerOptions, 'bootstrapServers' | 'transactionalId'>;
}

export interface KeyedWatch extends TransactionWatch {
  readonly updates: KeyedLedger;
  /** What timestamps say: the same for all, whatever the clocks of the hosts are. */
  readonly nowMs: () => number;
}

/** Resolves when every update is settled. */
export async function writeKeyed(
  io: Io,
  plan: KeyedWriterPlan,
  watch: KeyedWatch,
  prng: Prng,
): Promise<void> {
  const draw = (): Update => {
    const place = prng.pick(plan.places);
    const key = `${plan.name} ${placeName(place)} ${prng.int(plan.keyCount)}`;
    const isTombstone = prng.chance(plan.tombstoneChance);
    return watch.updates.next(place, key, { isTombstone, timestamp: watch.nowMs() });
  };
  const parts = { io, plan, watch, prng, draw };
  await (plan.transactionalId === null ? writeAlone(parts) : writeInTransactions(parts));
}

interface Parts {
  readonly io: Io;
  readonly plan: KeyedWriterPlan;
  readonly watch: KeyedWatch;
  readonly prng: Prng;
  readonly draw: () => Update;
}

async function writeAlone({ io, plan, watch, prng, draw }: Parts): Promise<void> {
  const { bootstrapServers } = watch;
  const producer = new Producer({ ...plan.options, bootstrapServers, clientId: plan.name }, io);
  for (let sentCount = 0; sentCount < plan.updateCount && !watch.isSettling; ) {
    for (let i = prng.int(plan.burstMax); i >= 0; i--, sentCount++) {
      const update = draw();
      write(producer, update, (offset) => {
        update.outcome = 'acknowledged';
        setOffset(update, offset);
      });
    }
    await producer.drained();
    await io.clock.sleep(prng.float() * 2 * plan.pauseMsMean);
  }
  await producer.close();
}

async function writeInTransactions({ io, plan, watch, prng, draw }: Parts): Promise<void> {
  const transactionalId = plan.transactionalId as string;
  const options = { transactionTimeoutMs: 5_000, ...plan.options };
  const life = new TransactionalLife(io, { name: plan.name, transactionalId, options }, watch);
  if (!(await life.init())) return;
  for (let sentCount = 0; sentCount < plan.updateCount && !watch.isSettling; ) {
    const updates = Array.from({ length: 1 + prng.int(plan.burstMax) }, draw);
    sentCount += updates.length;
    const isCommit = prng.chance(0.7);
    const work = async (): Promise<void> => {
      for (const update of updates) {
        write(life.producer, update, (offset) => setOffset(update, offset));
        if (prng.chance(0.1)) await io.clock.sleep(prng.float() * plan.pauseMsMean);
      }
    };
    const end = await life.run(work, isCommit);
    if (end === 'lost') break;
    const outcome = end === 'committed' ? 'acknowledged' : 'aborted';
    for (const update of updates) update.outcome = outcome;
    await io.clock.sleep(prng.float() * 2 * plan.pauseMsMean);
  }
  await life.close();
}

function write(producer: Producer, update: Update, onStored: (offset: number) => void): void {
  const { topic, partition, timestamp } = update;
  const record = { topic, partition, timestamp, ...recordOfUpdate(update) };
  producer.write(record, (error, metadata) => {
    if (error === null) onStored(metadata?.offset ?? -1);
  });
}

function setOffset(update: Update, offset: number): void {
  if (update.offset < 0) update.offset = offset;
}
