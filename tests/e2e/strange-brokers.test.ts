// What does not belong to a cluster, at its doors: other brokers, other clusters, other stores, and
// requests that ask for what there is not. Each hears one line, or the protocol's error; nothing
// that is stored is harmed, and nobody else waits.

import assert from 'node:assert/strict';
import { cpSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ZERO_UUID } from '../../src/base/uuid.ts';
import { createNodeIo } from '../../src/io/index.ts';
import { ClientConnection } from '../../src/network/index.ts';
import { errorName, fetch, listOffsets, metadata } from '../../src/protocol/index.ts';
import { BrokerProcess } from '../broker-process.ts';
import { runProgram } from '../run-program.ts';
import {
  argumentsWith,
  assertRefusal,
  childOf,
  directory,
  inOwnFolders,
  launcher,
  Started,
  startThree,
  tool,
  tryStart,
} from './started-brokers.ts';

inOwnFolders();

const io = createNodeIo({ logLevel: 'off' });

type Ports = ReadonlyMap<number, number>;

async function make(ports: Ports, topic: string, ...more: string[]): Promise<void> {
  const flags = more.length > 0 ? more : ['--replication-factor', '3'];
  const made = await tool('kafka-topics', ports.get(1), '--create', '--topic', topic, ...flags);
  assert.equal(made.code, 0, made.stderr);
}

async function write(ports: Ports, topic: string, ...values: string[]): Promise<void> {
  const servers = [...ports.values()].map((port) => `127.0.0.1:${port}`).join(',');
  const args = ['kafka-console-producer', '--bootstrap-server', servers, '--topic', topic];
  const { code, stderr } = await runProgram(process.execPath, [launcher, ...args], {
    input: values.map((value) => `${value}\n`).join(''),
  });
  assert.equal(code, 0, stderr);
}

async function read(ports: Ports, topic: string, count: number): Promise<string[]> {
  const flags = ['--topic', topic, '--from-beginning', '--max-messages', `${count}`];
  const { code, stdout, stderr } = await tool('kafka-console-consumer', ports.get(1), ...flags);
  assert.equal(code, 0, stderr);
  return stdout.trimEnd().split('\n').sort();
}

function memberOf(store: string, folder: string, id: number): string[] {
  const overrides = {
    'cluster.store': store,
    'node.id': `${id}`,
    listeners: 'PLAINTEXT://127.0.0.1:0',
    'log.dirs': join(directory, folder),
  };
  return [
    ...[launcher, 'start'],
    ...Object.entries(overrides).flatMap(([key, value]) => ['--override', `${key}=${value}`]),
  ];
}

test('brokers that are not of the cluster, or one of it twice, are refused', async () => {
  const { parent, ports } = await startThree();
  const [, store = ''] = await parent.prints(/Metadata: (shared:\S+)/);
  await make(ports, 't');
  await write(ports, 't', 'a');

  // A data directory of another cluster.
  const single = await BrokerProcess.start({ directory: join(directory, 'single') });
  await single.stop();
  assertRefusal(await tryStart(...memberOf(store, 'single', 1)), /single belongs to cluster/);
  // A second process that is broker 2 and lives in another directory.
  const twin = await tryStart(...memberOf(store, 'twin', 2));
  assert.equal(twin.code, 1, twin.stdout);
  assert.match(twin.stderr, /^partita: cannot start: another process is running as broker 2; /m);
  // The directory of another broker, while that one lives and when it does not.
  assertRefusal(await tryStart(...memberOf(store, 'broker1', 7)), /broker1 is in use/);
  process.kill(await childOf(parent, 3), 'SIGKILL');
  const [, command = ''] = await parent.prints(/broker 3 ended .* starts it again: (.+)/);
  assertRefusal(await tryStart(...memberOf(store, 'broker3', 7)), /broker3 belongs to node 3/);

  await write(ports, 't', 'b');
  assert.deepEqual(await read(ports, 't', 2), ['a', 'b'], 'nobody else waited');
  const again = new Started('sh', ['-c', command]);
  await again.prints(/^partita ready .* node=3 /m);
});

test('a broker that was started again elsewhere ends with one line that says so', async () => {
  const { parent, ports } = await startThree();
  const [, store = ''] = await parent.prints(/Metadata: (shared:\S+)/);
  await make(ports, 't');
  await write(ports, 't', 'a');
  // Whoever has the directory's id is the same broker: the one before is taken for dead.
  mkdirSync(join(directory, 'moved'));
  const meta = 'meta.properties';
  cpSync(join(directory, 'broker2', meta), join(directory, 'moved', meta));
  const before = parent.output.length;
  const moved = new Started(process.execPath, memberOf(store, 'moved', 2));
  await moved.prints(/^partita ready .* node=2 /m);
  await parent.prints(/broker 2 ended /);
  // What an operator has done is no bug, which would be told with its stack.
  const told = parent.output.slice(before).split('\n');
  assert.deepEqual(
    told.filter((line) => /stopped: |^ +at | at \S+ \(/.test(line)),
    ['partita broker 2: stopped: another process has begun as broker 2: this one ends'],
  );
  await write(ports, 't', 'b');
  assert.deepEqual(await read(ports, 't', 2), ['a', 'b']);
});

test('brokers with data refuse a store that was emptied, or put back to be older', async () => {
  const first = await startThree();
  await make(first.ports, 't');
  await write(first.ports, 't', 'a');
  first.parent.signalAll('SIGINT');
  assert.equal(await first.parent.ended, 0);
  const store = join(directory, 'store');
  cpSync(store, join(directory, 'older'), { recursive: true });

  const second = await startThree();
  await make(second.ports, 'u');
  second.parent.signalAll('SIGINT');
  assert.equal(await second.parent.ended, 0);
  cpSync(store, join(directory, 'good'), { recursive: true });

  const started = (): Promise<{ code: number | null; stdout: string; stderr: string }> =>
    tryStart(...argumentsWith('--brokers', '3'));
  rmSync(store, { recursive: true });
  const emptied = await started();
  assert.equal(emptied.code, 1);
  assert.match(emptied.stderr, /broker\d belongs to cluster|was used with the metadata of history/);
  rmSync(store, { recursive: true });
  cpSync(join(directory, 'older'), store, { recursive: true });
  const older = await started();
  assert.equal(older.code, 1);
  assert.match(older.stderr, /was used with metadata offset \d+, and the store ends at offset \d+/);
  assert.doesNotMatch(older.stdout, /ready/);

  rmSync(store, { recursive: true });
  cpSync(join(directory, 'good'), store, { recursive: true });
  const { ports } = await startThree();
  assert.deepEqual(await read(ports, 't', 1), ['a'], 'nothing was harmed');
});

test('topics that cannot be, and followers that are none, hear why', async () => {
  const { ports } = await startThree();
  await make(ports, 't', '--replica-assignment', '1:2');
  await write(ports, 't', 'a');
  const refused = async (pattern: RegExp, ...flags: string[]): Promise<void> => {
    const flagged = ['--create', '--topic', 'never', ...flags];
    const { code, stdout, stderr } = await tool('kafka-topics', ports.get(2), ...flagged);
    assert.equal(code, 1);
    assert.match(`${stdout}${stderr}`, pattern);
  };
  await refused(/only 3 broker\(s\) are registered/, '--replication-factor', '4');
  await refused(/duplicate entries: 1/, '--replica-assignment', '1:1');
  await refused(/broker 9, but no such broker/, '--replica-assignment', '1:2:9');

  const connection = await ClientConnection.connect(io, {
    ...{ host: '127.0.0.1', port: ports.get(1) as number, clientId: 'stranger' },
  });
  const { topics } = await connection.request(metadata, { topics: [{ name: 't' }] });
  const topicId = topics[0]?.topicId ?? ZERO_UUID;
  const fetched = async (replicaId: number, currentLeaderEpoch: number): Promise<string> => {
    const wanted = { partition: 0, currentLeaderEpoch, fetchOffset: 1, partitionMaxBytes: 1000 };
    const { responses } = await connection.request(fetch, {
      replicaState: { replicaId, replicaEpoch: 1 },
      ...{ maxWaitMs: 0, minBytes: 0, topics: [{ topicId, partitions: [wanted] }] },
    });
    return errorName(responses[0]?.partitions[0]?.errorCode ?? -1);
  };
  const { leaderEpoch = 0 } = topics[0]?.partitions[0] ?? {};
  // Broker 3 lives, and has no replica; nobody is broker 9.
  assert.equal(await fetched(3, leaderEpoch), 'UNKNOWN_LEADER_EPOCH');
  assert.equal(await fetched(3, -1), 'NOT_LEADER_OR_FOLLOWER');
  assert.equal(await fetched(9, leaderEpoch), 'UNKNOWN_LEADER_EPOCH');
  // The follower that it is, in a life that is over.
  assert.equal(await fetched(2, leaderEpoch), 'NOT_LEADER_OR_FOLLOWER');
  const listed = await connection.request(listOffsets, {
    ...{ replicaId: 9, isolationLevel: 0 },
    topics: [
      { name: 't', partitions: [{ partitionIndex: 0, currentLeaderEpoch: -1, timestamp: -1 }] },
    ],
  });
  assert.ok(listed.topics[0]?.partitions[0] !== undefined);
  connection.close();
  await write(ports, 't', 'b');
  assert.deepEqual(await read(ports, 't', 2), ['a', 'b']);
  const described = await tool('kafka-topics', ports.get(3), '--describe', '--topic', 't');
  assert.match(described.stdout, /Isr: 1,2\t/);
});
