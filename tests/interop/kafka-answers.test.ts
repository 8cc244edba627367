// Kafka's own tools hear from our broker what they hear from Apache Kafka 4.3.1: descriptions of
// every type of entity, and the refusals that users see.
//
// To record the answers again, run this test with RECORD_FROM=host:port of a new Apache Kafka.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { BrokerProcess } from '../broker-process.ts';
import { projectRoot } from '../root.ts';
import { askWithKafkaTools, recordedAnswers, writeAnswers } from './kafka-answers.ts';
import { hasKafka } from './toolchain.ts';

test("Kafka's tools are answered and refused as by Kafka", { timeout: 280_000 }, async (t) => {
  if (!hasKafka(t)) return;
  const expected = recordedAnswers();
  const commands = expected.map(({ command }) => command);
  const from = process.env.RECORD_FROM;
  if (from !== undefined) {
    const text = writeAnswers(await askWithKafkaTools(from, commands));
    writeFileSync(join(projectRoot, 'tests/interop/tools/answers.txt'), text);
    return;
  }
  const broker = await BrokerProcess.start({
    config: { 'group.initial.rebalance.delay.ms': '0' },
  });
  try {
    const answers = await askWithKafkaTools(broker.bootstrapServers, commands);
    for (const [i, answer] of answers.entries()) {
      await t.test(answer.command, () => assert.deepEqual(answer, expected[i]));
    }
    assert.equal(answers.length, expected.length);
  } finally {
    await broker.dispose();
  }
});
