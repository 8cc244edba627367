// Consumers that read at followers, or with old and new epochs, are answered as by Apache Kafka.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PartitaCluster } from './partita-cluster.ts';
import { askReads, rackOf, readsConfig, recordedReads } from './reads.ts';

test("reads at leaders, followers and neither are answered as by Kafka's brokers", async () => {
  const cluster = await PartitaCluster.start({ config: readsConfig, configOf: rackOf });
  try {
    assert.deepEqual(await askReads(cluster), recordedReads());
  } finally {
    await cluster.dispose();
  }
});
