// One of two log directories is removed under a broker that is written to: its partitions take
// nothing any more within seconds, the others go on, and the broker stops and starts.

import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { createNodeIo } from '../../src/io/index.ts';
import { ClientConnection } from '../../src/network/index.ts';
import {
  createTopics,
  ErrorCode,
  encodeBatch,
  metadata,
  produce,
} from '../../src/protocol/index.ts';
import { BrokerProcess } from '../broker-process.ts';

const io = createNodeIo({ logLevel: 'off' });
const partitionCount = 4;
/** The proof runs every second; the rest is for a machine that is busy. */
const boundMs = 15_000;
let directory = '';
let broker: BrokerProcess;
let client: ClientConnection;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'partita-lost-'));
  const config = { 'log.dirs': `${path('a')},${path('b')}` };
  broker = await BrokerProcess.start({ directory, config });
  client = await connect();
  const topic = { name: 't', numPartitions: partitionCount, replicationFactor: 1 };
  const topics = [{ ...topic, assignments: [], configs: [] }];
  const answer = await client.request(createTopics, { topics });
  assert.equal(answer.topics[0]?.errorCode, 0);
});
afterEach(async () => {
  client.close();
  await broker.dispose();
  rmSync(directory, { recursive: true, force: true });
});

const path = (name: string): string => join(directory, name);

function connect(): Promise<ClientConnection> {
  return ClientConnection.connect(io, { host: '127.0.0.1', port: broker.port, clientId: 'test' });
}

async function send(index: number): Promise<number> {
  const records = encodeBatch({ records: [{ value: Buffer.from('x'), timestamp: Date.now() }] });
  const topicData = [{ name: 't', partitionData: [{ index, records }] }];
  const request = { acks: -1, timeoutMs: 5_000, topicData };
  const answer = await client.request(produce, request, { versionMax: 12 });
  return answer.responses[0]?.partitionResponses[0]?.errorCode ?? -1;
}

async function leaders(): Promise<number[]> {
  const answer = await client.request(metadata, { topics: [{ name: 't' }] }, { versionMax: 9 });
  const found = answer.topics[0]?.partitions ?? [];
  return [...found].sort((a, b) => a.partitionIndex - b.partitionIndex).map((p) => p.leaderId);
}

const partitionsIn = (name: string): number[] =>
  Array.from({ length: partitionCount }, (_, index) => index).filter((index) =>
    existsSync(join(path(name), `t-${index}`)),
  );

for (const [what, take] of Object.entries({
  'a directory that is removed': () => rmSync(path('b'), { recursive: true }),
  'a directory whose place another one takes': () => {
    renameSync(path('b'), path('elsewhere'));
    renameSync(path('other'), path('b'));
  },
  'the folder of a partition that is removed': () => {
    for (const index of partitionsIn('b')) {
      rmSync(join(path('b'), `t-${index}`), { recursive: true });
    }
  },
})) {
  test(`${what} costs its partitions within seconds, and no others`, async () => {
    const [here, gone] = [partitionsIn('a'), partitionsIn('b')];
    assert.ok(here.length > 0 && gone.length > 0);
    if (what.includes('another')) await makeOther();
    for (const index of [...here, ...gone]) assert.equal(await send(index), 0);
    take();
    const beganMs = Date.now();
    const served = new Set(gone);
    while (served.size > 0) {
      assert.ok(Date.now() - beganMs < boundMs, `${[...served]} are served\n${broker.output}`);
      for (const index of served) if ((await send(index)) !== 0) served.delete(index);
      for (const index of here) assert.equal(await send(index), 0);
      await io.clock.sleep(50);
    }
    for (const index of gone) {
      const code = await send(index);
      assert.ok(code === ErrorCode.KAFKA_STORAGE_ERROR || code === 6, `${code}`);
    }
    await broker.outputMatches(/ERROR log directory \S*\/b failed and is offline: .*\/b/);
    while ((await leaders()).some((leader, index) => leader < 0 !== gone.includes(index))) {
      await io.clock.sleep(20);
    }
    for (const index of here) assert.equal(await send(index), 0);
    assert.equal(await broker.stop(), 0);
    assert.ok(existsSync(join(path('a'), '.kafka_cleanshutdown')));
    assert.ok(!existsSync(join(path('b'), '.kafka_cleanshutdown')));
  });
}

test('the only directory that is removed ends the broker with a line that names it', async () => {
  const only = await BrokerProcess.start({ directory: path('only') });
  rmSync(path('only'), { recursive: true });
  await only.outputMatches(/partita: stopped: .*\/only/);
  await only.dispose();
});

/** A directory that another broker of the same cluster might have used. */
async function makeOther(): Promise<void> {
  const other = await BrokerProcess.start({ directory: path('other') });
  await other.kill9();
}
