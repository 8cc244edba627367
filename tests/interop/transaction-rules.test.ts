// The protocol of transactions, answer by answer: seeded sequences of requests, right and wrong
// ones, go to Apache Kafka and to a broker of ours, and every answer must be the same.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createNodeIo } from '../../src/io/index.ts';
import { type Product, ServerProcess } from './kafka-files/server-process.ts';
import { hasKafka } from './toolchain.ts';
import { type Difference, Judge } from './transaction-rules/judge.ts';
import { stepsOf } from './transaction-rules/steps.ts';

/** How many seeds, from which on. */
const seedCount = Number(process.env.TRANSACTION_RULES_SEEDS ?? 48);
const firstSeed = Number(process.env.TRANSACTION_RULES_FIRST_SEED ?? 1);
const atOnce = 3;
const levels = [2, 1, 0] as const;

const config = {
  'transaction.abort.timed.out.transaction.cleanup.interval.ms': '100',
  'group.consumer.assignment.interval.ms': '0',
};

function shown(seed: string, { steps, step, kafka, ours }: Difference): string {
  const lines = steps.map((each) => `  ${JSON.stringify(each)}`).join('\n');
  return `seed ${seed}\n${lines}\nat ${JSON.stringify(step)}\nKafka ${kafka}\nours  ${ours}\n`;
}

test('requests about transactions are answered as Apache Kafka answers them', {
  timeout: 280_000 + seedCount * 2_000,
}, async (t) => {
  if (!hasKafka(t)) return;
  const start = async (product: Product): Promise<ServerProcess> => {
    const server = await ServerProcess.prepare({ quorum: 'in log', config });
    t.after(() => server.dispose());
    if (product === 'kafka') await server.format();
    await server.start(product);
    return server;
  };
  const [kafka, partita] = await Promise.all([start('kafka'), start('partita')]);
  const judge = new Judge(createNodeIo(), { kafka, partita });
  for (const level of levels) {
    await t.test(`with transaction.version ${level}`, async () => {
      await judge.setTransactionVersion(level);
      const seeds = Array.from({ length: seedCount }, (_, index) => firstSeed + index);
      const mine = seeds.filter((seed) => levels[seed % levels.length] === level);
      const found: string[] = [];
      const work = async (): Promise<void> => {
        for (let seed = mine.shift(); seed !== undefined; seed = mine.shift()) {
          const difference = await judge.play(stepsOf(String(seed), level));
          if (difference === null) continue;
          const least = await judge.shrink(difference);
          found.push(shown(`${seed}`, least));
        }
      };
      await Promise.all(Array.from({ length: atOnce }, work));
      assert.equal(found.length, 0, `\n${found.join('\n')}`);
    });
  }
});
