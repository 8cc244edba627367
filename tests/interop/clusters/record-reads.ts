// Asks Apache Kafka the questions of reads.ts, as a program by hand, and writes down the answers.

import { writeFileSync } from 'node:fs';
import { KafkaCluster } from './kafka-cluster.ts';
import { askReads, rackOf, readsConfig, readsFile } from './reads.ts';

const cluster = await KafkaCluster.start({ config: readsConfig, configOf: rackOf });
try {
  writeFileSync(readsFile, `${(await askReads(cluster)).join('\n')}\n`);
} finally {
  await cluster.dispose();
}
