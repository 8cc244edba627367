// Who may do what, answer by answer: seeded sets of ACLs and questions go to Apache Kafka's
// authorizer and to ours, and every answer must be the same.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KafkaAuthorizer, OwnAuthorizer } from './access-rules/judge.ts';
import { questionsOf } from './access-rules/questions.ts';
import { hasKafka } from './toolchain.ts';

/** How many seeds, from which on. */
const seedCount = Number(process.env.ACCESS_RULES_SEEDS ?? 1000);
const firstSeed = Number(process.env.ACCESS_RULES_FIRST_SEED ?? 1);
const foundMax = 5;

test('ACLs decide and are found as in Apache Kafka', { timeout: 300_000 }, async (t) => {
  if (!hasKafka(t)) return;
  const kafka = await KafkaAuthorizer.start();
  t.after(() => kafka.close());
  const found: string[] = [];
  const counts = new Map<string, number>();
  for (let seed = firstSeed; seed < firstSeed + seedCount; seed++) {
    const lines = questionsOf(seed);
    const answers = await kafka.answers(lines);
    const own = new OwnAuthorizer();
    for (const [index, line] of lines.entries()) {
      const [expected, actual] = [answers[index] as string, own.answer(line)];
      counts.set(expected, (counts.get(expected) ?? 0) + 1);
      if (expected === actual) continue;
      const acls = lines.slice(0, index).filter((each) => /^(add|begin)/.test(each));
      found.push([`seed ${seed}`, ...acls, line, `Kafka ${expected}, ours ${actual}`].join('\n'));
      break;
    }
    if (found.length >= foundMax) break;
  }
  assert.equal(found.length, 0, `\n${found.join('\n\n')}`);
  // Otherwise nothing was asked that matters.
  for (const answer of ['ALLOWED', 'DENIED']) assert.ok((counts.get(answer) ?? 0) > seedCount);
});
