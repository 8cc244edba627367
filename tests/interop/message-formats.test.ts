// All formats in one topic: message sets of 0.9 and 0.10, batches of 0.11 and later, in every
// codec. Whoever reads gets what everybody wrote, as far as the reader's format can say it.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { ReadRecord, SentRecord } from './client-program.ts';
import { type ClientKind, clientKinds, javaClients, javaRelease } from './client-programs.ts';
import type { Codec } from './foreign-client.ts';
import { newTopic, RunningClients } from './running-clients.ts';

interface Written extends SentRecord {
  readonly offset: number;
  readonly writer: ClientKind;
}

const topic = newTopic('shared');
const firstTimestamp = Date.now() - 1_000_000;
const written: Written[] = [];
let running: RunningClients;

/** Null against empty, in keys and values; headers whose name repeats, is empty, has no value. */
function records(writer: ClientKind, codec: Codec): SentRecord[] {
  const label = `${writer.name} ${codec}`;
  const headers = [
    ['name', '1'],
    ['other', null],
    ['name', '2'],
    ['name', ''],
  ] as const;
  const plain: SentRecord[] = [
    { key: null, value: `${label} null key` },
    { key: '', value: `${label} empty key` },
    { key: label, value: null },
    { key: label, value: '' },
    { key: label, value: `${label} ${'compressible '.repeat(200)}` },
  ];
  return plain.map((record, index) => ({
    ...record,
    ...(writer.hasTimestamps ? { timestamp: firstTimestamp + written.length + index } : {}),
    ...(writer.hasHeaders && index % 2 === 0 ? { headers } : {}),
  }));
}

/** What the reader must see of a record. */
function expected(record: Written, reader: ClientKind): object {
  const { offset, key, value, headers = [], timestamp } = record;
  return {
    offset,
    key,
    value,
    headers: reader.hasHeaders ? headers : [],
    timestamp: reader.hasTimestamps ? (timestamp ?? -1) : -1,
  };
}

function seen({ offset, key, value, headers, timestamp }: ReadRecord): object {
  // librdkafka tells of a time that is not there by 0 or -1.
  return { offset, key, value, headers, timestamp: timestamp > 0 ? timestamp : -1 };
}

describe('a topic that clients of all ages share', () => {
  before(async () => {
    running = await RunningClients.start();
  });
  after(() => running.dispose());

  test('is written by all of them in every codec', async (t) => {
    await (await running.get(clientKinds[0] as ClientKind)).create(topic);
    for (const writer of clientKinds) {
      if (!writer.isPresent(t)) continue;
      const program = await running.get(writer);
      for (const codec of writer.codecs.filter((one) => one !== 'zstd')) {
        const sent = records(writer, codec);
        const offsets = await program.produce(topic, sent, { codec });
        const first = written.length;
        assert.deepEqual(
          offsets,
          sent.map((_, index) => first + index),
        );
        written.push(...sent.map((one, index) => ({ ...one, offset: first + index, writer })));
      }
    }
  });

  describe('when it is written', { concurrency: 3 }, () => {
    for (const reader of clientKinds) {
      test(`is read whole, and from the middle of a batch, by ${reader.name}`, async (t) => {
        if (!reader.isPresent(t)) return;
        const program = await running.get(reader);
        const read = await program.read(topic, 'beginning', written.length);
        for (const [index, record] of read.entries()) {
          const from = written[index] as Written;
          assert.deepEqual(seen(record), expected(from, reader), `written by ${from.writer.name}`);
        }
        // In small answers, which break the topic at other places than its writers did.
        const properties = { 'max.partition.fetch.bytes': 4_096 };
        const end = written.length;
        const rest = await program.read(topic, '3', end - 3, { properties });
        assert.deepEqual(
          rest.map(({ offset, value }) => ({ offset, value })),
          written.slice(3).map(({ offset, value }) => ({ offset, value })),
        );
      });
    }
  });

  test('zstd is read by those that know it and refused to those that do not', async (t) => {
    const newest = javaClients[0] as ClientKind;
    const kinds = clientKinds.filter((kind) => kind.isPresent(t));
    const zstd = newTopic('zstd');
    const writer = await running.get(newest);
    await writer.create(zstd);
    const sent = records(newest, 'zstd');
    await writer.produce(zstd, sent, { codec: 'zstd' });
    for (const kind of kinds) {
      const member = await (await running.get(kind)).assign(zstd, 'beginning');
      if (kind.codecs.includes('zstd')) {
        const read = await member.take(sent.length);
        assert.deepEqual(
          read.map(({ value }) => value),
          sent.map(({ value }) => value),
        );
        await member.leave();
      } else {
        // The error is younger than they are: 0.9 gives up, the others log it and ask again.
        const read = await member.takeUpTo(1, 700).catch((error: Error) => error.name);
        assert.ok(read === 'IllegalStateException' || read.length === 0, `${kind.name}: ${read}`);
      }
    }
  });

  test('records of a release without timestamps get the time of the append', async (t) => {
    const [oldest, newest] = [javaRelease('0.9.0.1'), javaClients[0] as ClientKind];
    if (!oldest.isPresent(t) || !newest.isPresent(t)) return;
    const stamped = newTopic('stamped');
    const reader = await running.get(newest);
    await reader.create(stamped, 1, { 'message.timestamp.type': 'LogAppendTime' });
    const startMs = Date.now();
    const sent = [{ key: null, value: 'old' }];
    await (await running.get(oldest)).produce(stamped, sent, { codec: 'gzip' });
    const [read] = await reader.read(stamped, 'beginning', 1);
    assert.equal(read?.value, 'old');
    assert.ok((read?.timestamp ?? 0) >= startMs - 1_000, String(read?.timestamp));
  });
});
