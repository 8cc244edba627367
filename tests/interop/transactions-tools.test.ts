// Kafka's own tools about transactions: kafka-transactions lists, describes, finds those that hang
// and aborts them; the console consumer reads what is committed; the performance test writes
// transactions.
//
// INTEROP_PRODUCT=kafka runs them over Apache Kafka.

import assert from 'node:assert/strict';
import { after, before, describe, type TestContext, test } from 'node:test';
import type { ClientProgram } from './client-program.ts';
import { type ClientKind, javaClients } from './client-programs.ts';
import { newTopic } from './running-clients.ts';
import { hasKafka, hasKcat, kafkaTool } from './toolchain.ts';
import { readByKcat } from './transactional/committed-readers.ts';
import { produceHanging } from './transactional/hanging-transaction.ts';
import {
  startTransactionBroker,
  type TransactionBroker,
} from './transactional/transaction-broker.ts';
import {
  javaTransactions,
  type TransactionalClient,
} from './transactional/transactional-clients.ts';

type Tool = Parameters<typeof kafkaTool>[0];

const newest = javaClients[0] as ClientKind;
const client = javaTransactions[0] as TransactionalClient;

let broker: TransactionBroker;
let java: ClientProgram;
let producers: ClientProgram;

function isPresent(t: TestContext): boolean {
  return hasKafka(t) && hasKcat(t) && newest.isPresent(t);
}

async function run(tool: Tool, ...args: string[]): Promise<string> {
  const server = ['--bootstrap-server', broker.bootstrapServers];
  const all = tool === 'kafka-transactions' ? [...server, ...args] : [...args, ...server];
  const { code, stdout, stderr } = await kafkaTool(tool, all, { timeoutMs: 60_000 });
  assert.equal(code, 0, `${tool} ${args.join(' ')}\n${stderr}${stdout}`);
  return stdout;
}

/** The rows of a table of kafka-transactions, by the names of its columns. */
async function table(...args: string[]): Promise<Record<string, string>[]> {
  const [head = '', ...lines] = (await run('kafka-transactions', ...args)).trim().split('\n');
  const names = head
    .trim()
    .split('\t')
    .map((name) => name.trim());
  return lines.map((line) => {
    const fields = line.split('\t').map((field) => field.trim());
    return Object.fromEntries(names.map((name, at) => [name, fields[at] ?? '']));
  });
}

async function createTopic(name: string): Promise<string> {
  const topic = newTopic(name);
  await java.create(topic, 1);
  return topic;
}

async function committedValues(topic: string): Promise<string[]> {
  return (await readByKcat(broker.bootstrapServers, topic)).map(({ value }) => value);
}

async function becomeCommitted(topic: string, ...values: string[]): Promise<void> {
  let seen: string[] = [];
  for (const startMs = performance.now(); performance.now() - startMs < 10_000; ) {
    seen = await committedValues(topic);
    if (seen.join() === values.join()) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  assert.deepEqual(seen, values);
}

/** A transaction that is open, its id the name of the topic. */
async function openIn(topic: string, value: string): Promise<void> {
  await producers.ask('open', topic, topic, '');
  await producers.ask('begin', topic);
  await producers.ask('send', topic, topic, '0', value);
}

describe("Kafka's tools and transactions", () => {
  before(async () => {
    broker = await startTransactionBroker({
      // Lets a transaction hang: verification (KIP-890) is there to prevent it.
      'transaction.partition.verification.enable': 'false',
    });
    java = await newest.start(broker.bootstrapServers);
    producers = await client.transactor(broker.bootstrapServers);
  });
  after(async () => {
    await producers.kill();
    await java.kill();
    await broker.dispose();
  });

  test('kafka-transactions lists and describes them', async (t) => {
    if (!isPresent(t)) return;
    const topic = await createTopic('described');
    const startMs = Date.now();
    await openIn(topic, 'open');
    const ofThis = ['--transactional-id', topic];
    const listed = (await table('list')).find((row) => row.TransactionalId === topic);
    const { ProducerId: producerId = '', ...rest } = listed ?? assert.fail('not listed');
    assert.deepEqual(rest, {
      TransactionalId: topic,
      Coordinator: '1',
      TransactionState: 'Ongoing',
    });
    assert.match(producerId, /^\d+$/);

    const [described, ...others] = await table('describe', ...ofThis);
    assert.deepEqual(others, []);
    const { CurrentTransactionStartTimeMs, TransactionDurationMs, ...fixed } = described ?? {};
    assert.deepEqual(fixed, {
      CoordinatorId: '1',
      TransactionalId: topic,
      ProducerId: producerId,
      ProducerEpoch: fixed.ProducerEpoch,
      TransactionState: 'Ongoing',
      TransactionTimeoutMs: '60000',
      TopicPartitions: `${topic}-0`,
    });
    assert.ok(Number(CurrentTransactionStartTimeMs) >= startMs);
    assert.ok(Number(TransactionDurationMs) >= 0);

    const where = ['--topic', topic, '--partition', '0'];
    const [producer] = await table('describe-producers', ...where);
    assert.equal(producer?.ProducerId, producerId);
    assert.equal(producer?.ProducerEpoch, fixed.ProducerEpoch);
    assert.equal(producer?.LastSequence, '0');
    assert.equal(producer?.CurrentTransactionStartOffset, '0');

    await producers.ask('commit', topic);
    await becomeCommitted(topic, 'open');
    const [complete] = await table('describe', ...ofThis);
    assert.equal(complete?.TransactionState, 'CompleteCommit');
    const [idle] = await table('describe-producers', ...where);
    assert.equal(idle?.CurrentTransactionStartOffset, 'None');
  });

  test('kafka-transactions lists by duration and by pattern', async (t) => {
    if (!isPresent(t)) return;
    const topic = await createTopic('filtered');
    await openIn(topic, 'open');
    const idsOf = async (...args: string[]): Promise<string[]> =>
      (await table('list', ...args)).map((row) => row.TransactionalId as string);
    assert.deepEqual(await idsOf('--transactional-id-pattern', `filtered-.*`), [topic]);
    assert.deepEqual(await idsOf('--duration-filter', '3600000'), []);
    assert.ok((await idsOf('--duration-filter', '0')).includes(topic));
    await producers.ask('abort', topic);
  });

  test('kafka-transactions finds a transaction that hangs, and aborts it', async (t) => {
    if (!isPresent(t)) return;
    const topic = await createTopic('hanging');
    // Records of a transaction that no coordinator knows, an hour old.
    const { producerId } = await produceHanging(broker.bootstrapServers, topic, {
      value: 'hanging',
      timestamp: Date.now() - 3_600_000,
    });
    await java.produce(topic, [{ key: null, value: 'behind' }]);
    assert.deepEqual(await committedValues(topic), []);
    const [hanging, ...others] = await table('find-hanging', '--broker-id', '1');
    assert.deepEqual(others, []);
    assert.equal(hanging?.Topic, topic);
    assert.equal(hanging?.Partition, '0');
    assert.equal(hanging?.ProducerId, String(producerId));
    assert.equal(hanging?.StartOffset, '0');
    const where = ['--topic', topic, '--partition', '0'];
    await run('kafka-transactions', 'abort', ...where, '--start-offset', '0');
    await becomeCommitted(topic, 'behind');
    assert.deepEqual(await table('find-hanging', '--broker-id', '1'), []);
  });

  test('kafka-transactions terminates a transaction', async (t) => {
    if (!isPresent(t)) return;
    const topic = await createTopic('terminated');
    await openIn(topic, 'terminated');
    await java.produce(topic, [{ key: null, value: 'behind' }]);
    await run('kafka-transactions', 'forceTerminateTransaction', '--transactionalId', topic);
    await becomeCommitted(topic, 'behind');
    await assert.rejects(producers.ask('commit', topic));
  });

  test('the console consumer reads committed records only, if it is told to', async (t) => {
    if (!isPresent(t)) return;
    const topic = await createTopic('console');
    const consume = async (isolation: string, count: number): Promise<string[]> => {
      const from = ['--topic', topic, '--partition', '0', '--offset', 'earliest'];
      const upTo = ['--max-messages', String(count), '--isolation-level', isolation];
      const text = await run('kafka-console-consumer', ...from, ...upTo);
      return text.trim().split('\n');
    };
    await openIn(topic, 'aborted');
    await producers.ask('abort', topic);
    await producers.ask('begin', topic);
    await producers.ask('send', topic, topic, '0', 'committed');
    await producers.ask('commit', topic);
    await producers.ask('begin', topic);
    await producers.ask('send', topic, topic, '0', 'open');
    assert.deepEqual(await consume('read_committed', 1), ['committed']);
    const all = ['aborted', 'committed', 'open'];
    assert.deepEqual(await consume('read_uncommitted', 3), all);
    await producers.ask('commit', topic);
    assert.deepEqual(await consume('read_committed', 2), ['committed', 'open']);
  });

  test('the performance test commits a transaction every so often', async (t) => {
    if (!isPresent(t)) return;
    const topic = await createTopic('performance');
    const text = await run(
      'kafka-producer-perf-test',
      ...['--topic', topic, '--num-records', '2000', '--record-size', '100'],
      ...['--throughput', '2000', '--transactional-id', topic],
      ...['--transaction-duration-ms', '100'],
    );
    assert.match(text, /2000 records sent/);
    assert.equal((await committedValues(topic)).length, 2_000);
    const [described] = await table('describe', '--transactional-id', topic);
    assert.equal(described?.TransactionState, 'CompleteCommit');
  });
});
