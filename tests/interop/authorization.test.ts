// Who is answered what: every API in every version that Apache Kafka 4.3.1 and we serve, without
// any right, with each alone and with those that are needed together. The answers of Apache Kafka
// are in authorization/answers.txt; ours must be the same. In front of that, what kafka-acls.sh
// prints, Kafka's and ours, and what odd requests about ACLs are answered.
//
// To record the answers again, run this test with RECORD_KAFKA=1.

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { BrokerProcess } from '../broker-process.ts';
import { projectRoot } from '../root.ts';
import {
  type AclTool,
  commands,
  refused,
  refusedInOtherWords,
  sayAll,
} from './authorization/acl-commands.ts';
import { KafkaBroker } from './authorization/kafka-broker.ts';
import { answerOfKafka, oddAnswers } from './authorization/odd-requests.ts';
import { read, tableOf, versionsIn, written } from './authorization/table.ts';
import { OwnTools } from './own-tools.ts';
import { hasJava, hasKafka, kafkaTool } from './toolchain.ts';

const file = join(projectRoot, 'tests/interop/authorization/answers.txt');

const config = {
  'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
  'allow.everyone.if.no.acl.found': 'true',
  'group.initial.rebalance.delay.ms': '0',
  'offsets.topic.num.partitions': '1',
  'transaction.state.log.num.partitions': '1',
};

let broker: BrokerProcess;
let tools: OwnTools;
/** A minute's work on a busy machine, and the first test needs it not. */
let starting: Promise<KafkaBroker> | null = null;

before(async () => {
  if (hasJava()) starting = KafkaBroker.start(config);
  // Told by the tests that need it.
  starting?.catch(() => {});
  broker = await BrokerProcess.start({ config });
  tools = new OwnTools();
});

after(async () => {
  tools?.close();
  (await starting?.catch(() => null))?.dispose();
  await broker?.dispose();
});

const own: AclTool = (args) => tools.run(['kafka-acls', ...args]);
const kafkas: AclTool = (args) => kafkaTool('kafka-acls', args);

test('kafka-acls.sh refuses nonsense in the words of Kafka', async (t) => {
  if (!hasKafka(t)) return;
  const lists = [...refusedInOtherWords, ...refused];
  const [ours, theirs] = await Promise.all([
    sayAll(own, broker.port, lists),
    sayAll(kafkas, broker.port, lists),
  ]);
  assert.deepEqual(ours, theirs);
});

test('kafka-acls.sh, ours and that of Kafka, prints the same of both brokers', async (t) => {
  if (!hasKafka(t)) return;
  const kafka = (await starting) as KafkaBroker;
  const all = async (): Promise<string[][]> => {
    const [ownOfOurs, kafkasOfTheirs] = await Promise.all([
      sayAll(own, broker.port, commands),
      sayAll(kafkas, kafka.port, commands),
    ]);
    // Each broker is as it was before.
    const [ownOfTheirs, kafkasOfOurs] = await Promise.all([
      sayAll(own, kafka.port, commands),
      sayAll(kafkas, broker.port, commands),
    ]);
    return [kafkasOfOurs, ownOfTheirs, ownOfOurs, kafkasOfTheirs];
  };
  const [kafkasOfOurs, ownOfTheirs, ownOfOurs, expected] = await all();
  assert.deepEqual(kafkasOfOurs, expected);
  assert.deepEqual(ownOfTheirs, expected);
  assert.deepEqual(ownOfOurs, expected);
});

test('odd ACLs and settings are answered as by Kafka, or better', async (t) => {
  if (!hasKafka(t)) return;
  const kafka = (await starting) as KafkaBroker;
  const [ours, theirs] = await Promise.all([oddAnswers(broker.port), oddAnswers(kafka.port)]);
  assert.deepEqual(theirs, ours.map(answerOfKafka));
});

test('every API refuses and serves as Apache Kafka does', { timeout: 600_000 }, async (t) => {
  const expected = read(readFileSync(file, 'utf8'));
  const ours = await tableOf(broker.port, versionsIn(expected));
  for (const [name, answers] of expected) {
    await t.test(name, () => assert.equal(ours.get(name), answers));
  }
  assert.deepEqual([...ours.keys()], [...expected.keys()]);
});

test('the answers are those of Apache Kafka', { timeout: 600_000 }, async (t) => {
  if (!hasKafka(t)) return;
  const table = written(await tableOf(((await starting) as KafkaBroker).port));
  if (process.env.RECORD_KAFKA) writeFileSync(file, table);
  assert.equal(table, readFileSync(file, 'utf8'));
});
