// The tools about a cluster of three brokers that are killed, stopped and started: Kafka's own and
// ours print for our brokers what Kafka's print for Apache Kafka 4.3.1.

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { hasKafka } from '../toolchain.ts';
import { answersConfig, play, recordedSteps, type Tools } from './answers.ts';
import { PartitaCluster } from './partita-cluster.ts';

async function judge(t: TestContext, tools: Tools): Promise<void> {
  const expected = recordedSteps();
  const lines = expected.map(({ line }) => line);
  const cluster = await PartitaCluster.start({ config: answersConfig });
  try {
    let done = 0;
    await play(cluster, tools, lines, async (step) => {
      const known = expected[done++];
      await t.test(step.line, () => assert.deepEqual(step, known));
    });
    assert.equal(done, expected.length);
  } finally {
    await cluster.dispose();
  }
}

test("our tools print what Kafka's print for Kafka's brokers", (t) => judge(t, 'partita'));

test("Kafka's tools print the same for our brokers", async (t) => {
  if (hasKafka(t)) await judge(t, 'kafka');
});
