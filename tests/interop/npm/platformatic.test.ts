// @platformatic/kafka. Its streams need a group; its consumer also fetches by assignment.

import assert from 'node:assert/strict';
import zlib from 'node:zlib';
import { Admin, Consumer, Producer } from '@platformatic/kafka';
import {
  type Acks,
  type Codec,
  describeForeignClient,
  type ForeignClient,
  type KeyValue,
  type ReadFrom,
} from '../foreign-client.ts';

// This client has zstd only where Node.js itself has it.
const hasZstd = 'zstdCompressSync' in zlib;
let bootstrapBrokers: string[] = [];
let admin: Admin;
let consumer: Consumer;

function options(): { clientId: string; bootstrapBrokers: string[] } {
  return { clientId: 'interop', bootstrapBrokers };
}

async function firstOffset(topic: string, from: ReadFrom): Promise<bigint> {
  if (typeof from === 'number') return BigInt(from);
  if (from === 'beginning' || from === 'end') {
    const timestamp = from === 'beginning' ? -2n : -1n;
    const listed = await consumer.listOffsets({ topics: [topic], timestamp });
    return listed.get(topic)?.[0] ?? assert.fail('no offset');
  }
  const timestamp = BigInt(from.timestamp);
  const listed = await consumer.listOffsetsWithTimestamps({ topics: [topic], timestamp });
  return listed.get(topic)?.get(0)?.offset ?? assert.fail('no offset');
}

const client: ForeignClient = {
  name: '@platformatic/kafka',
  codecs: ['none', 'gzip', 'snappy', 'lz4', ...(hasZstd ? (['zstd'] as const) : [])],
  isPresent: () => true,
  async connect(bootstrapServers) {
    bootstrapBrokers = [bootstrapServers];
    admin = new Admin(options());
    consumer = new Consumer({ ...options(), groupId: 'interop' });
  },
  async close() {
    await admin.close();
    await consumer.close(true);
  },
  async createTopic(topic, partitions) {
    const created = await admin.createTopics({ topics: [topic], partitions, replicas: 1 });
    assert.equal(created[0]?.name, topic);
  },
  async produce(topic: string, records: KeyValue[], how: { codec: Codec; acks: Acks }) {
    const producer = new Producer({ ...options(), idempotent: how.acks === -1 });
    try {
      await producer.send({
        acks: how.acks,
        compression: how.codec,
        messages: records.map(({ key, value }) => ({
          topic,
          partition: 0,
          value: Buffer.from(value),
          ...(key === null ? {} : { key: Buffer.from(key) }),
        })),
      });
    } finally {
      await producer.close();
    }
  },
  async read(topic: string, from: ReadFrom, count: number) {
    const metadata = await consumer.metadata({ topics: [topic], forceUpdate: true });
    const described = metadata.topics.get(topic) ?? assert.fail('no metadata');
    const read: KeyValue[] = [];
    let fetchOffset = await firstOffset(topic, from);
    while (read.length < count) {
      const response = await consumer.fetch({
        node: described.partitions[0]?.leader as number,
        maxWaitTime: 500,
        topics: [
          {
            topicId: described.id,
            partitions: [
              {
                partition: 0,
                currentLeaderEpoch: described.partitions[0]?.leaderEpoch as number,
                fetchOffset,
                lastFetchedEpoch: -1,
                partitionMaxBytes: 1_048_576,
              },
            ],
          },
        ],
      });
      for (const batch of response.responses[0]?.partitions[0]?.records ?? []) {
        for (const record of batch.records) {
          const offset = batch.firstOffset + BigInt(record.offsetDelta);
          if (offset < fetchOffset) continue;
          fetchOffset = offset + 1n;
          const key = record.key as Buffer | null;
          read.push({ key: key?.toString() ?? null, value: (record.value as Buffer).toString() });
        }
      }
    }
    return read.slice(0, count);
  },
};

describeForeignClient(client);
