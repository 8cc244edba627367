// A batch that a broker takes because only unpacking shows that its records cannot be read, as a
// person meets it: the broker refuses what it can see, the console consumer names the place.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Consumer, type ConsumerRecord, UnreadableRecordsError } from '../../src/client/index.ts';
import { createNodeIo } from '../../src/io/index.ts';
import { ClientConnection } from '../../src/network/index.ts';
import { compress, crc32c, encodeBatch, errorName, produce } from '../../src/protocol/index.ts';
import { BrokerProcess } from '../broker-process.ts';
import { projectRoot } from '../root.ts';
import { type ProgramResult, runProgram } from '../run-program.ts';

let broker: BrokerProcess;
let connection: ClientConnection;

before(async () => {
  broker = await BrokerProcess.start();
  const address = { host: '127.0.0.1', port: broker.port, clientId: 'test' };
  connection = await ClientConnection.connect(createNodeIo({ logLevel: 'off' }), address);
});
after(async () => {
  connection.close();
  await broker.dispose();
});

function tool(name: string, args: string): Promise<ProgramResult> {
  const words = ['--bootstrap-server', broker.bootstrapServers, ...args.split(' ')];
  return runProgram(join(projectRoot, `bin/kafka-${name}.sh`), words, { timeoutMs: 60_000 });
}

async function answerTo(records: Buffer): Promise<string> {
  const topicData = [{ name: 't', partitionData: [{ index: 0, records }] }];
  const body = { acks: -1, timeoutMs: 10_000, topicData };
  const { responses } = await connection.request(produce, body, { versionMax: 12 });
  return errorName(responses[0]?.partitionResponses[0]?.errorCode ?? -1);
}

const count = 2000;
const plainBatch = encodeBatch({
  records: Array.from({ length: count }, (_, at) => ({ value: Buffer.from(`value ${at} of it`) })),
});

/** The batch with another body, compressed with lz4. */
function lz4Batch(body: Buffer): Buffer {
  const batch = Buffer.concat([plainBatch.subarray(0, 61), body]);
  batch.writeInt32BE(batch.length - 12, 8);
  batch.writeInt16BE(3, 21);
  batch.writeUInt32BE(crc32c(batch, 21, batch.length), 17);
  return batch;
}

test('the console consumer names a batch that cannot be read, or passes over it', async () => {
  assert.equal((await tool('topics', '--create --topic t')).code, 0);
  const one = (value: string): Buffer => encodeBatch({ records: [{ value: Buffer.from(value) }] });
  const plain = plainBatch.subarray(61);
  assert.equal(await answerTo(one('before')), 'NONE');
  const cut = compress(3, plain).subarray(0, 900);
  assert.equal(await answerTo(lz4Batch(cut)), 'UNKNOWN_SERVER_ERROR');
  const unread = compress(3, Buffer.concat([plain, Buffer.alloc(3)]));
  assert.equal(await answerTo(lz4Batch(unread)), 'NONE');
  assert.equal(await answerTo(one('behind')), 'NONE');
  const flags = '--topic t --from-beginning --timeout-ms 5000';
  const stopped = await tool('console-consumer', flags);
  assert.equal(stopped.code, 1);
  assert.equal(stopped.stdout, 'before\n');
  assert.match(stopped.stderr, /offset 1 of t-0 cannot be read .*: seek to 2001/);
  const skipped = await tool('console-consumer', `${flags} --skip-message-on-error`);
  assert.equal(skipped.code, 0, skipped.stderr);
  assert.equal(skipped.stdout, 'before\nbehind\n');
  assert.match(skipped.stderr, /skipped: the batch at offset 1 of t-0/);
});

test('our consumer goes on behind it as docs/client.md says', { timeout: 60_000 }, async () => {
  const values: string[] = [];
  const handle = ({ value }: ConsumerRecord): void => void values.push(`${value}`);
  const consumer = new Consumer({ bootstrapServers: broker.bootstrapServers });
  await consumer.assign([{ topic: 't', partition: 0, offset: 'earliest' }]);
  while (values.at(-1) !== 'behind') {
    try {
      for (const record of await consumer.poll()) handle(record);
    } catch (error) {
      if (!(error instanceof UnreadableRecordsError)) throw error;
      console.error(error.message);
      consumer.seek(error.topicPartition, error.nextOffset);
    }
  }
  await consumer.close();
  assert.deepEqual(values, ['before', 'behind']);
});
