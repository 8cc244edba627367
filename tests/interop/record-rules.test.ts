// What producers may send, and what becomes of it: the same requests go to Apache Kafka and to a
// broker of ours; answers and stored bytes must be the same. What a codec makes of the same bytes
// is its own affair: of what a broker compressed itself the records are compared.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createNodeIo } from '../../src/io/index.ts';
import { ClientConnection } from '../../src/network/index.ts';
import {
  batchHeaders,
  createTopics,
  decodeRecords,
  errorName,
  fetch,
  KafkaError,
  produce,
} from '../../src/protocol/index.ts';
import { rules, type Sent, sentRecords } from './kafka-files/record-rules.ts';
import { type Product, ServerProcess } from './kafka-files/server-process.ts';
import { hasKafka } from './toolchain.ts';

const fetchVersion = 12;

/** Times that a broker gives are its own: only that it gave them is compared. */
function timeText(timestamp: number, nowMs: number): string {
  if (timestamp === -1) return 'none';
  return Math.abs(timestamp - nowMs) < 600_000 ? 'now' : String(timestamp - nowMs);
}

async function answerTo(
  connection: ClientConnection,
  topic: string,
  { version, bytes }: Sent,
  nowMs: number,
): Promise<string> {
  const body = {
    acks: -1,
    timeoutMs: 10_000,
    topicData: [{ name: topic, partitionData: [{ index: 0, records: bytes }] }],
  };
  const answer = await connection.request(produce, body, { versionMax: version });
  const partition = answer.responses[0]?.partitionResponses[0];
  assert.ok(partition !== undefined);
  const { errorCode, baseOffset, logAppendTimeMs, recordErrors } = partition;
  const time = timeText(logAppendTimeMs, nowMs);
  const faults = recordErrors.map(({ batchIndex }) => batchIndex).join(',');
  const text = `${errorName(errorCode)} time ${time} faults [${faults}]`;
  if (errorCode !== 0 || baseOffset < 0) return text;
  return `${text} ${await storedAt(connection, { topic, offset: baseOffset, nowMs })}`;
}

/** Some requests are so wrong that there is no answer, only an end of the connection. */
async function answerOrEnd(...args: Parameters<typeof answerTo>): Promise<string> {
  try {
    return await answerTo(...args);
  } catch (error) {
    if (!(error instanceof KafkaError) || error.errorName !== 'NETWORK_EXCEPTION') throw error;
    return 'the connection ends';
  }
}

/** The batch at the offset, its offsets and times relative ones. */
async function storedAt(
  connection: ClientConnection,
  { topic, offset, nowMs }: { topic: string; offset: number; nowMs: number },
): Promise<string> {
  const partition = { partition: 0, fetchOffset: offset, partitionMaxBytes: 1 };
  const topics = [{ topic, partitions: [partition] }];
  const limits = { maxWaitMs: 1_000, minBytes: 1, maxBytes: 1 };
  const request = { ...limits, topics, forgottenTopicsData: [] };
  const answer = await connection.request(fetch, request, { versionMax: fetchVersion });
  const bytes = answer.responses[0]?.partitions[0]?.records ?? Buffer.alloc(0);
  const [header] = batchHeaders(bytes);
  assert.ok(header !== undefined, `nothing at ${offset} of ${topic}`);
  const { lastOffsetDelta, compression, timestampType, producerId, baseSequence } = header;
  const records = decodeRecords(bytes, header).map(({ offset: _, timestamp, ...record }) => ({
    ...record,
    time: timestampType === 1 ? timeText(timestamp, nowMs) : timestamp - nowMs,
    key: record.key?.toString('latin1') ?? null,
    value: record.value?.toString('latin1').slice(0, 100) ?? null,
  }));
  return JSON.stringify({
    distance: header.baseOffset - offset,
    size: compression === 0 ? header.sizeBytes : '-',
    ...{ lastOffsetDelta, compression, timestampType, producerId, baseSequence },
    leaderEpoch: header.partitionLeaderEpoch,
    isTransactional: header.isTransactional,
    times: [header.baseTimestamp, header.maxTimestamp].map((each) => timeText(each, nowMs)),
    records,
  });
}

/** One line for each of what is sent, by topic. */
async function outcomes(server: ServerProcess, nowMs: number): Promise<Map<string, string[]>> {
  const io = createNodeIo();
  const address = { host: '127.0.0.1', port: server.port, clientId: 'r' };
  const connect = (): Promise<ClientConnection> => ClientConnection.connect(io, address);
  let connection = await connect();
  const byTopic = new Map<string, string[]>();
  try {
    const sent = sentRecords(nowMs);
    for (const { topic, configs } of rules) {
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
      const lines: string[] = [];
      for (const one of sent) {
        lines.push(`${one.name}: ${await answerOrEnd(connection, topic, one, nowMs)}`);
        if (connection.isClosed) connection = await connect();
      }
      byTopic.set(topic, lines);
    }
  } finally {
    connection.close();
  }
  return byTopic;
}

/**
 * What differs on purpose. Kafka's releases from 4.0 on take no message sets any more, and end the
 * connection; ours does (see below). To a batch that is there already Kafka answers with its time
 * even where topics do not give times; ours as it did at first.
 */
function isAlike(kafka: string, ours: string): boolean {
  if (kafka.endsWith(': the connection ends')) return true;
  if (!kafka.startsWith('idempotent, the same again')) return kafka === ours;
  return kafka.replace(/time \w+/, '') === ours.replace(/time \w+/, '');
}

test('records are taken, refused and stored as Apache Kafka does it', {
  timeout: 300_000,
}, async (t) => {
  if (!hasKafka(t)) return;
  const nowMs = Date.now();
  const outcomesOf = async (product: Product): Promise<Map<string, string[]>> => {
    const server = await ServerProcess.prepare({ quorum: 'in log' });
    t.after(() => server.dispose());
    if (product === 'kafka') await server.format();
    await server.start(product);
    const found = await outcomes(server, nowMs);
    await server.stop();
    return found;
  };
  const [kafka, ours] = await Promise.all([outcomesOf('kafka'), outcomesOf('partita')]);
  for (const { topic } of rules) {
    await t.test(topic, () => {
      const expected = kafka.get(topic) as string[];
      const actual = ours.get(topic) as string[];
      const differences = expected.flatMap((line, index) =>
        isAlike(line, actual[index] as string) ? [] : [`\nKafka ${line}\nours  ${actual[index]}`],
      );
      assert.equal(differences.join(''), '');
    });
  }

  await t.test('message sets of old producers meet the rules of record batches', () => {
    for (const { topic } of rules) {
      const codes = new Map(
        ours
          .get(topic)
          ?.map((line) => /^(.*): ([A-Z_]+) /.exec(line)?.slice(1) as [string, string]),
      );
      const isAppendTime = topic.includes('append-time');
      for (const magic of [0, 1]) {
        for (const codec of ['plain', 'gzip', 'snappy', 'lz4']) {
          const end = `of magic ${magic}, ${codec}, v${magic + 1}`;
          assert.equal(codes.get(`set ${end}`), 'NONE', `${topic}: ${end}`);
          const keyless = codes.get('without keys, v12');
          assert.equal(codes.get(`without keys ${end}`), keyless, `${topic}: ${end}`);
          // Magic 0 has no times.
          const ahead = magic === 0 || isAppendTime ? 'NONE' : codes.get('all a day ahead, v12');
          assert.equal(codes.get(`a day ahead ${end}`), ahead, `${topic}: ${end}`);
        }
        for (const fault of ['wrong crc', 'cut short']) {
          const name = `${fault} of magic ${magic}, v${magic + 1}`;
          assert.equal(codes.get(name), 'CORRUPT_MESSAGE', `${topic}: ${name}`);
        }
      }
    }
  });
});
