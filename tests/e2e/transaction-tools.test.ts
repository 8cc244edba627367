// kafka-transactions as operators use it, with the layouts that scripts cut at the tabs: what there
// is, what hangs, and how it is ended.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { createNodeIo } from '../../src/io/index.ts';
import { ClientConnection } from '../../src/network/index.ts';
import {
  addPartitionsToTxn,
  encodeBatch,
  findCoordinator,
  initProducerId,
  produce,
} from '../../src/protocol/index.ts';
import { BrokerProcess } from '../broker-process.ts';
import { projectRoot } from '../root.ts';
import { type ProgramResult, runProgram } from '../run-program.ts';

let broker: BrokerProcess;
let connection: ClientConnection;
const io = createNodeIo({ logLevel: 'off' });

before(async () => {
  // Without verification a client of before KIP-890 can leave a transaction that nobody knows of.
  const config = { 'transaction.partition.verification.enable': 'false' };
  broker = await BrokerProcess.start({ config });
  const create = '--create --topic t --partitions 2';
  await run('topics', create);
  connection = await ClientConnection.connect(io, {
    ...{ host: '127.0.0.1', port: broker.port, clientId: 'test' },
  });
});
after(async () => {
  connection.close();
  await broker.dispose();
});

function run(tool: string, args: string): Promise<ProgramResult> {
  const words = args.split(' ').filter((word) => word !== '');
  const launcher = join(projectRoot, 'bin', `kafka-${tool}.sh`);
  const all = ['--bootstrap-server', broker.bootstrapServers, ...words];
  return runProgram(launcher, all, { timeoutMs: 60_000 });
}

/** The lines of a table, each as its cells without the spaces that pad them. */
async function table(args: string): Promise<string[][]> {
  const { code, stdout, stderr } = await run('transactions', args);
  assert.equal(code, 0, stderr);
  const lines = stdout.replace(/\n$/, '').split('\n');
  assert.ok(
    lines.every((line) => line.endsWith('\t')),
    stdout,
  );
  return lines.map((line) =>
    line
      .split('\t')
      .slice(0, -1)
      .map((cell) => cell.trimEnd()),
  );
}

async function refusal(args: string): Promise<string> {
  const { code, stdout, stderr } = await run('transactions', args);
  assert.deepEqual([code, stdout], [1, '']);
  return stderr;
}

interface Producer {
  readonly producerId: number;
  readonly producerEpoch: number;
}

async function begin(transactionalId: string): Promise<Producer> {
  await connection.request(findCoordinator, { keyType: 1, coordinatorKeys: [transactionalId] });
  const request = { transactionalId, transactionTimeoutMs: 60_000 };
  const { producerId, producerEpoch } = await connection.request(initProducerId, request);
  const answer = await connection.request(
    addPartitionsToTxn,
    {
      v3AndBelowTransactionalId: transactionalId,
      v3AndBelowProducerId: producerId,
      v3AndBelowProducerEpoch: producerEpoch,
      v3AndBelowTopics: [{ name: 't', partitions: [0] }],
    },
    { versionMax: 3 },
  );
  const [result] = answer.resultsByTopicV3AndBelow;
  assert.equal(result?.resultsByPartition[0]?.partitionErrorCode, 0);
  return { producerId, producerEpoch };
}

/** A record of the transaction; returns its offset. */
async function send(producer: Producer, index: number, timestamp: number): Promise<number> {
  const records = encodeBatch({
    records: [{ value: Buffer.from('v'), timestamp }],
    ...{ ...producer, baseSequence: 0, isTransactional: true },
  });
  const topicData = [{ name: 't', partitionData: [{ index, records }] }];
  const request = { transactionalId: 'any', acks: -1, timeoutMs: 1000, topicData };
  const answer = await connection.request(produce, request, { versionMax: 11 });
  const [partition] = answer.responses[0]?.partitionResponses ?? [];
  assert.equal(partition?.errorCode, 0);
  return partition?.baseOffset ?? -1;
}

test('transactions are listed and described, and their producers', async () => {
  const producer = await begin('app-1');
  await send(producer, 0, 1000);
  const { producerId } = producer;
  const titles = ['TransactionalId', 'Coordinator', 'ProducerId', 'TransactionState'];
  const row = ['app-1', '1', `${producerId}`, 'Ongoing'];
  assert.deepEqual(await table('list'), [titles, row]);
  assert.deepEqual(await table('list --transactional-id-pattern app-.'), [titles, row]);
  assert.deepEqual(await table('list --transactional-id-pattern app'), [titles]);
  assert.deepEqual(await table('list --duration-filter 600000'), [titles]);
  const [names, state] = await table('describe --transactional-id app-1');
  assert.deepEqual(names, [
    ...['CoordinatorId', 'TransactionalId', 'ProducerId', 'ProducerEpoch', 'TransactionState'],
    ...['TransactionTimeoutMs', 'CurrentTransactionStartTimeMs', 'TransactionDurationMs'],
    'TopicPartitions',
  ]);
  assert.deepEqual(state?.slice(0, 6), ['1', 'app-1', `${producerId}`, '0', 'Ongoing', '60000']);
  assert.ok(Number(state?.[6]) > 1e12 && Number(state?.[7]) >= 0);
  assert.equal(state?.[8], 't-0');
  const ofPartition = await table('describe-producers --topic t --partition 0');
  assert.deepEqual(ofPartition, [
    [
      ...['ProducerId', 'ProducerEpoch', 'LatestCoordinatorEpoch', 'LastSequence'],
      ...['LastTimestamp', 'CurrentTransactionStartOffset'],
    ],
    [`${producerId}`, '0', '-1', '0', '1000', '0'],
  ]);
  const ofReplica = await table('describe-producers --topic t --partition 0 --broker-id 1');
  assert.deepEqual(ofReplica, ofPartition);
});

test('a producer is fenced, and what it has open aborted', async () => {
  await begin('app-2');
  const { code, stdout } = await run(
    'transactions',
    'forceTerminateTransaction --transactionalId app-2',
  );
  assert.deepEqual([code, stdout], [0, '']);
  const [, state] = await table('describe --transactional-id app-2');
  assert.equal(state?.[4], 'Empty');
});

test('a transaction that nobody ends is found and aborted', async () => {
  const ghost = { producerId: 777, producerEpoch: 3 };
  const nowMs = Date.now();
  const writtenMs = nowMs - 20 * 60_000;
  const offset = await send(ghost, 1, writtenMs);
  const titles = [
    ...['Topic', 'Partition', 'ProducerId', 'ProducerEpoch', 'CoordinatorEpoch'],
    ...['StartOffset', 'LastTimestamp', 'Duration(min)'],
  ];
  const row = ['t', '1', '777', '3', '-1', `${offset}`, `${writtenMs}`, '20'];
  for (const where of ['--broker-id 1', '--topic t', '--topic t --partition 1']) {
    assert.deepEqual(await table(`find-hanging ${where}`), [titles, row], where);
  }
  const longer = '--topic t --max-transaction-timeout 60';
  assert.deepEqual(await table(`find-hanging ${longer}`), [titles]);
  const place = 'abort --topic t --partition 1';
  assert.equal(
    await refusal(`${place} --start-offset 99`),
    'Could not find any open transactions starting at offset 99 on partition t-1\n',
  );
  const aborted = await run('transactions', `${place} --start-offset ${offset}`);
  assert.deepEqual([aborted.code, aborted.stdout], [0, '']);
  assert.deepEqual(await table('find-hanging --topic t'), [titles]);
  const stale = '--producer-id 777 --producer-epoch 2 --coordinator-epoch 0';
  assert.match(await refusal(`${place} ${stale}`), /^Failed to abort transaction t-1: /);
});

test('what is missing is said', async () => {
  assert.match(await refusal('describe'), /argument --transactional-id is required/);
  assert.match(await refusal('describe --transactional-id u'), /^Failed to describe .*`u`: /);
  assert.match(await refusal('find-hanging'), /requires either --topic or --broker-id/);
  assert.match(await refusal('find-hanging --partition 1'), /requires either --topic/);
  assert.match(
    await refusal('find-hanging --broker-id 1 --partition 1'),
    /--partition argument requires --topic/,
  );
  const abort = 'abort --topic t --partition 0';
  assert.match(await refusal(abort), /must be identified either with --start-offset/);
  assert.match(await refusal(`${abort} --producer-id 1`), /argument --producer-epoch/);
  const noCoordinator = `${abort} --producer-id 1 --producer-epoch 0`;
  assert.match(await refusal(noCoordinator), /argument --coordinator-epoch/);
  assert.match(await refusal('list --transactional-id-pattern ('), /^Failed to list transactions/);
  assert.match(await refusal('nothing'), /no action 'nothing'/);
  assert.match(
    await refusal('list --transactional-id app-1'),
    /list has no option --transactional-id/,
  );
});

test('a topic or a partition that is not there is said at once', async () => {
  const startedMs = performance.now();
  const gone = '--topic gone --partition 0';
  assert.match(await refusal(`describe-producers ${gone}`), /^topic gone: no such topic/);
  assert.match(await refusal(`abort ${gone} --start-offset 0`), /^topic gone: no such topic/);
  assert.match(await refusal(`find-hanging ${gone}`), /^topic gone: no such topic/);
  const beyond = '--topic t --partition 7';
  const partitions = /^topic t has partitions 0 to 1, not 7$/m;
  assert.match(await refusal(`describe-producers ${beyond}`), partitions);
  assert.match(await refusal(`abort ${beyond} --start-offset 0`), partitions);
  assert.ok(performance.now() - startedMs < 15_000);
});
