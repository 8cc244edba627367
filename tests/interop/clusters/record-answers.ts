// Plays the script of answers.txt at Apache Kafka, as a program by hand: with Kafka's tools, whose
// answers it writes down, or, with the argument "judge", with ours, whose answers it compares.

import assert from 'node:assert/strict';
import { answersConfig, play, recordedSteps, type Step, writeSteps } from './answers.ts';
import { KafkaCluster } from './kafka-cluster.ts';

const isJudged = process.argv[2] === 'judge';
const expected = recordedSteps();
const lines = expected.map(({ line }) => line);
const cluster = await KafkaCluster.start({ config: answersConfig });
const steps: Step[] = [];
let differing = 0;
try {
  await play(cluster, isJudged ? 'partita' : 'kafka', lines, (step) => {
    const known = expected[steps.length];
    steps.push(step);
    console.log(`${Math.round(process.uptime())} s ${step.line}`);
    if (!isJudged) return;
    try {
      assert.deepEqual(step, known);
    } catch (error) {
      differing++;
      console.log((error as Error).message);
    }
  });
  if (!isJudged) writeSteps(steps);
} finally {
  await cluster.dispose();
}
console.log(`${steps.length} steps${isJudged ? `, ${differing} differ` : ''}`);
process.exit(differing === 0 ? 0 : 1);
