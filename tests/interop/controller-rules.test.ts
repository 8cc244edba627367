// What a controller decides, answer by answer: seeded sequences of what brokers and operators ask,
// right and wrong, go to Apache Kafka's controller classes and to our decisions. Every answer, and
// how brokers and partitions are behind it, must be the same.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Difference, Judge } from './controller-rules/judge.ts';
import { placementOf } from './controller-rules/placements.ts';
import { sequenceOf } from './controller-rules/steps.ts';
import { hasKafka } from './toolchain.ts';

/** How many seeds, from which on. */
const seedCount = Number(process.env.CONTROLLER_RULES_SEEDS ?? 300);
const firstSeed = Number(process.env.CONTROLLER_RULES_FIRST_SEED ?? 1);
const foundMax = 5;

function shown(seed: number, { steps, kafka, ours }: Difference): string {
  const parts = (answer: string): string => answer.replaceAll('; ', '\n        ');
  const lines = steps.map((each) => `  ${each}`).join('\n');
  return `seed ${seed}\n${lines}\nKafka   ${parts(kafka)}\nours    ${parts(ours)}\n`;
}

test('brokers, elections and reassignments are decided as Apache Kafka decides them', {
  timeout: 120_000 + seedCount * 200,
}, async (t) => {
  if (!hasKafka(t)) return;
  const judge = await Judge.start();
  t.after(() => judge.close());
  const found: string[] = [];
  for (let seed = firstSeed; seed < firstSeed + seedCount; seed++) {
    const difference = await judge.play(sequenceOf(seed));
    if (difference === null) continue;
    found.push(shown(seed, await judge.shrink(difference)));
    if (found.length >= foundMax) break;
  }
  assert.equal(found.length, 0, `\n${found.join('\n')}`);
});

test('replicas are placed where Apache Kafka places them', { timeout: 120_000 }, async (t) => {
  if (!hasKafka(t)) return;
  const judge = await Judge.start();
  t.after(() => judge.close());
  for (let seed = firstSeed; seed < firstSeed + 2 * seedCount; seed++) {
    const { line, ours } = placementOf(seed);
    assert.equal(ours, await judge.place(line), line);
  }
});
