// What a partition answers its idempotent and transactional producers: seeded sequences of batches,
// in and out of their place, go to Apache Kafka and to a broker of ours, over restarts and kills of
// both. Every answer must be the same, and ours must hold what it acknowledged. When an idle
// producer is forgotten is not judged here: Kafka goes by the times in its batches
// (docs/decisions/0022).

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createNodeIo } from '../../src/io/index.ts';
import { ServerProcess } from './kafka-files/server-process.ts';
import { Judge, products } from './producer-rules/judge.ts';
import { restartsOf, sequenceOf } from './producer-rules/steps.ts';
import { hasKafka } from './toolchain.ts';

/** How many seeds, from which on, and how many between two starts of the brokers. */
const seedCount = Number(process.env.PRODUCER_RULES_SEEDS ?? 30);
const firstSeed = Number(process.env.PRODUCER_RULES_FIRST_SEED ?? 1);
const seedsOfRound = 40;
const phaseCount = 3;

const config = {
  'log.retention.check.interval.ms': '200',
  'log.flush.start.offset.checkpoint.interval.ms': '200',
  'log.flush.offset.checkpoint.interval.ms': '200',
  'transaction.max.timeout.ms': '900000',
};

test('batches of producers are answered as Apache Kafka answers them, and held', {
  timeout: 280_000 + seedCount * 5_000,
}, async (t) => {
  if (!hasKafka(t)) return;
  const start = async (product: (typeof products)[number]): Promise<ServerProcess> => {
    const server = await ServerProcess.prepare({ quorum: 'in log', config });
    t.after(() => server.dispose());
    if (product === 'kafka') await server.format();
    await server.start(product);
    return server;
  };
  const [kafka, partita] = await Promise.all(products.map(start));
  assert.ok(kafka !== undefined && partita !== undefined);
  const judge = new Judge(createNodeIo(), { kafka, partita });
  for (let from = firstSeed; from < firstSeed + seedCount; from += seedsOfRound) {
    const upTo = Math.min(from + seedsOfRound, firstSeed + seedCount);
    const seeds = Array.from({ length: upTo - from }, (_, index) => String(from + index));
    const restarts = restartsOf(from, phaseCount);
    await t.test(`seeds ${from} to ${upTo - 1}, ${restarts.join(' and ')}`, async () => {
      const sequences = seeds.map((seed) => sequenceOf(seed, phaseCount));
      const found = await judge.play(sequences, restarts);
      assert.equal(found.length, 0, `\n${found.join('\n')}`);
    });
  }
});
