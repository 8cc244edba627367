// Who is answered what: every API in every version that Apache Kafka 4.3.1 and we serve, without
// any right, with each alone and with those that are needed together. The answers of Apache Kafka
// are in authorization/answers.txt; ours must be the same.
//
// To record them again, run this test with RECORD_KAFKA=1.

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { BrokerProcess } from '../broker-process.ts';
import { projectRoot } from '../root.ts';
import { KafkaBroker } from './authorization/kafka-broker.ts';
import { read, tableOf, versionsIn, written } from './authorization/table.ts';
import { hasKafka } from './toolchain.ts';

const file = join(projectRoot, 'tests/interop/authorization/answers.txt');

const config = {
  'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
  'allow.everyone.if.no.acl.found': 'true',
  'group.initial.rebalance.delay.ms': '0',
  'offsets.topic.num.partitions': '1',
  'transaction.state.log.num.partitions': '1',
};

test('every API refuses and serves as Apache Kafka does', { timeout: 600_000 }, async (t) => {
  const broker = await BrokerProcess.start({ config });
  try {
    const kafkas = read(readFileSync(file, 'utf8'));
    const ours = await tableOf(broker.port, versionsIn(kafkas));
    for (const [name, answers] of kafkas) {
      await t.test(name, () => assert.equal(ours.get(name), answers));
    }
    assert.deepEqual([...ours.keys()], [...kafkas.keys()]);
  } finally {
    await broker.dispose();
  }
});

test('the answers are those of Apache Kafka', { timeout: 600_000 }, async (t) => {
  if (!hasKafka(t)) return;
  const kafka = await KafkaBroker.start(config);
  try {
    const table = written(await tableOf(kafka.port));
    if (process.env.RECORD_KAFKA) writeFileSync(file, table);
    assert.equal(table, readFileSync(file, 'utf8'));
  } finally {
    kafka.dispose();
  }
});
