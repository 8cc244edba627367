// Compressed batches in every kind of disorder: the same requests go to Apache Kafka and to a
// broker of ours, and are taken or refused alike. What differs on purpose is listed with its reason
// (docs/decisions/0004).

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createNodeIo } from '../../src/io/index.ts';
import { ClientConnection } from '../../src/network/index.ts';
import { createTopics, errorName, KafkaError, produce } from '../../src/protocol/index.ts';
import { damagedBatches, damagedRules } from './kafka-files/damaged-batches.ts';
import type { Sent } from './kafka-files/record-rules.ts';
import { type Product, ServerProcess } from './kafka-files/server-process.ts';
import { hasKafka } from './toolchain.ts';

async function answerTo(
  connection: ClientConnection,
  topic: string,
  { version, bytes }: Sent,
): Promise<string> {
  const body = {
    acks: -1,
    timeoutMs: 10_000,
    topicData: [{ name: topic, partitionData: [{ index: 0, records: bytes }] }],
  };
  try {
    const answer = await connection.request(produce, body, { versionMax: version });
    const partition = answer.responses[0]?.partitionResponses[0];
    assert.ok(partition !== undefined);
    return errorName(partition.errorCode);
  } catch (error) {
    if (!(error instanceof KafkaError) || error.errorName !== 'NETWORK_EXCEPTION') throw error;
    return 'the connection ends';
  }
}

async function outcomes(server: ServerProcess, nowMs: number): Promise<Map<string, string>> {
  const io = createNodeIo();
  const address = { host: '127.0.0.1', port: server.port, clientId: 'r' };
  const connect = (): Promise<ClientConnection> => ClientConnection.connect(io, address);
  let connection = await connect();
  const found = new Map<string, string>();
  try {
    const sent = damagedBatches(nowMs);
    for (const { topic, configs } of damagedRules) {
      const made = await connection.request(createTopics, {
        topics: [
          {
            name: topic,
            numPartitions: 1,
            replicationFactor: 1,
            assignments: [],
            configs: Object.entries(configs).map(([name, value]) => ({ name, value })),
          },
        ],
        timeoutMs: 10_000,
        validateOnly: false,
      });
      assert.equal(made.topics[0]?.errorCode, 0, topic);
      await io.clock.sleep(500);
      for (const one of sent) {
        found.set(`${topic}, ${one.name}`, await answerTo(connection, topic, one));
        if (connection.isClosed) connection = await connect();
      }
    }
  } finally {
    connection.close();
  }
  return found;
}

/** Both codes are final for a producer. Which of two faults of a batch is met first may differ. */
const refusals = ['UNKNOWN_SERVER_ERROR', 'INVALID_RECORD'];

/** Taken by Kafka, refused by ours, whatever the topic. */
const stricter: readonly (readonly [RegExp, string])[] = [
  [
    /: a record with an impossible length$/,
    'Kafka skips over it here, and its consumers stop at it',
  ],
  [/^\S+ snappy: flipped at 391$/, 'the same: the flipped byte is the length of a record'],
  [/gzip: reserved flags$/, 'zlib reads no such header'],
  [/gzip: trailing noise$/, 'zlib takes bytes behind it that look like a header for one'],
  [
    /lz4: a (wrong|huge) content size$|lz4: a wrong content checksum$/,
    'the frame proves its damage',
  ],
  [/zstd: a skippable frame cut short$/, 'the frame is not whole'],
  [/damaged-to-lz4, .*: flipped at \d+$/, 'Kafka gives records with wrong offsets new ones'],
];

/** Taken by Kafka, refused by ours where records are not unpacked. */
const stricterUnread: readonly (readonly [RegExp, string])[] = [
  [/gzip: (one )?trailing (noise|zeros?)$/, 'the size at its end is not possible'],
  [/gzip: an empty frame behind$/, 'the size at its end is not possible'],
  [
    /lz4: (the same|an empty) frame (twice|behind)$/,
    'records behind the first frame are lost: nobody writes that',
  ],
];

/** Refused by Kafka, taken by ours where records are not unpacked: nothing else shows it. */
const unseen = [
  /: (flipped at \d+|bytes behind the last record|the last record cut short)$/,
  /(gzip|snappy|zstd): the same frame twice$/,
];

/** Large batches on topics that do not need their records are walked, not unpacked. */
function isUnread(name: string): boolean {
  if (!name.includes(', large ')) return false;
  return name.startsWith('damaged-plain') || name.startsWith('damaged-to-lz4, large lz4');
}

function isAlike(name: string, kafka: string, ours: string): boolean {
  if (kafka === ours) return true;
  if (refusals.includes(kafka) && refusals.includes(ours)) return true;
  if (kafka === 'NONE' && refusals.includes(ours)) {
    const rules = isUnread(name) ? [...stricter, ...stricterUnread] : stricter;
    return rules.some(([pattern]) => pattern.test(name));
  }
  if (!isUnread(name) || !refusals.includes(kafka) || ours !== 'NONE') return false;
  return unseen.some((pattern) => pattern.test(name));
}

test('compressed batches are taken and refused as Apache Kafka does it', {
  timeout: 300_000,
}, async (t) => {
  if (!hasKafka(t)) return;
  const nowMs = Date.now();
  const outcomesOf = async (product: Product): Promise<Map<string, string>> => {
    const server = await ServerProcess.prepare({ quorum: 'in log' });
    t.after(() => server.dispose());
    if (product === 'kafka') await server.format();
    await server.start(product);
    const found = await outcomes(server, nowMs);
    await server.stop();
    return found;
  };
  const [kafka, ours] = await Promise.all([outcomesOf('kafka'), outcomesOf('partita')]);
  const differences = [...kafka].flatMap(([name, answer]) => {
    const actual = ours.get(name) as string;
    return isAlike(name, answer, actual) ? [] : [`\n${name}: Kafka ${answer}, ours ${actual}`];
  });
  assert.equal(differences.join(''), '');
});
