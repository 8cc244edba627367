// kafkajs. Its consumer needs a group; its own cluster and broker objects, which that consumer
// stands on, fetch by assignment.

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import {
  lz4Compress,
  lz4Decompress,
  snappyCompress,
  snappyDecompress,
} from '@platformatic/wasm-utils';
import type { Admin, CompressionTypes, Kafka } from 'kafkajs';
import { compress, decompress } from '../../../src/protocol/index.ts';
import {
  type Acks,
  type Codec,
  describeForeignClient,
  type ForeignClient,
  type KeyValue,
  type ReadFrom,
} from '../foreign-client.ts';

interface Encoder {
  buffer: Buffer;
}
interface Fetched {
  responses: { partitions: { errorCode: number; messages: Message[] }[] }[];
}
interface Message {
  offset: string;
  key: Buffer | null;
  value: Buffer;
}
interface FetchBroker {
  fetch(request: object): Promise<Fetched>;
}
interface Cluster {
  connect(): Promise<void>;
  disconnect(): Promise<void>;
  addTargetTopic(topic: string): Promise<void>;
  findLeaderForPartitions(topic: string, partitions: number[]): Record<string, number[]>;
  findBroker(options: { nodeId: string }): Promise<FetchBroker>;
}

const load = createRequire(import.meta.url);
const kafkajs = load('kafkajs') as typeof import('kafkajs');
const ClusterClass = load('kafkajs/src/cluster') as new (options: object) => Cluster;
const socketFactory = load('kafkajs/src/network/socketFactory') as () => unknown;

const zstd = 4;
const sizeBytesMax = 64 * 1024 * 1024;
// kafkajs leaves these codecs to its users: two come from another project, zstd from ours.
kafkajs.CompressionCodecs[kafkajs.CompressionTypes.Snappy] = () => ({
  compress: async (encoder: Encoder) => Buffer.from(snappyCompress(encoder.buffer)),
  decompress: async (buffer: Buffer) => Buffer.from(snappyDecompress(buffer)),
});
kafkajs.CompressionCodecs[kafkajs.CompressionTypes.LZ4] = () => ({
  compress: async (encoder: Encoder) => Buffer.from(lz4Compress(encoder.buffer)),
  decompress: async (buffer: Buffer) => Buffer.from(lz4Decompress(buffer)),
});
kafkajs.CompressionCodecs[kafkajs.CompressionTypes.ZSTD] = () => ({
  compress: async (encoder: Encoder) => compress(zstd, encoder.buffer),
  decompress: async (buffer: Buffer) => decompress(zstd, buffer, sizeBytesMax),
});

const compressionTypes: Record<Codec, CompressionTypes> = {
  none: kafkajs.CompressionTypes.None,
  gzip: kafkajs.CompressionTypes.GZIP,
  snappy: kafkajs.CompressionTypes.Snappy,
  lz4: kafkajs.CompressionTypes.LZ4,
  zstd: kafkajs.CompressionTypes.ZSTD,
};

let kafka: Kafka;
let admin: Admin;
let brokers: string[] = [];

async function firstOffset(topic: string, from: ReadFrom): Promise<number> {
  if (typeof from === 'number') return from;
  const seek =
    typeof from === 'object'
      ? (await admin.fetchTopicOffsetsByTimestamp(topic, from.timestamp))[0]
      : (await admin.fetchTopicOffsets(topic))[0];
  const low = from === 'beginning' && seek !== undefined && 'low' in seek;
  return Number(low ? seek.low : (seek?.offset ?? assert.fail('no offset')));
}

const client: ForeignClient = {
  name: 'kafkajs',
  codecs: ['none', 'gzip', 'snappy', 'lz4', 'zstd'],
  isPresent: () => true,
  async connect(bootstrapServers) {
    brokers = [bootstrapServers];
    kafka = new kafkajs.Kafka({
      clientId: 'interop',
      brokers,
      logLevel: kafkajs.logLevel.NOTHING,
    });
    admin = kafka.admin();
    await admin.connect();
  },
  async close() {
    await admin.disconnect();
  },
  async createTopic(topic, numPartitions) {
    const created = await admin.createTopics({
      topics: [{ topic, numPartitions }],
      waitForLeaders: true,
    });
    assert.equal(created, true);
  },
  async produce(topic: string, records: KeyValue[], how: { codec: Codec; acks: Acks }) {
    const producer = kafka.producer({
      idempotent: how.acks === -1,
      createPartitioner: () => () => 0,
    });
    await producer.connect();
    try {
      await producer.send({
        topic,
        acks: how.acks,
        compression: compressionTypes[how.codec],
        messages: records,
      });
    } finally {
      await producer.disconnect();
    }
  },
  async read(topic: string, from: ReadFrom, count: number) {
    const cluster = new ClusterClass({
      brokers,
      clientId: 'interop',
      connectionTimeout: 1_000,
      requestTimeout: 30_000,
      metadataMaxAge: 300_000,
      retry: { retries: 5 },
      socketFactory: socketFactory(),
      isolationLevel: 1,
      logger: kafka.logger().namespace('interop'),
    });
    await cluster.connect();
    try {
      await cluster.addTargetTopic(topic);
      const nodeId = Object.keys(cluster.findLeaderForPartitions(topic, [0]))[0] as string;
      const broker = await cluster.findBroker({ nodeId });
      const read: KeyValue[] = [];
      let fetchOffset = await firstOffset(topic, from);
      while (read.length < count) {
        const fetched = await broker.fetch({
          isolationLevel: 1,
          maxWaitTime: 500,
          topics: [{ topic, partitions: [{ partition: 0, fetchOffset, maxBytes: 1_048_576 }] }],
        });
        for (const message of fetched.responses[0]?.partitions[0]?.messages ?? []) {
          if (Number(message.offset) < fetchOffset) continue;
          fetchOffset = Number(message.offset) + 1;
          read.push({ key: message.key?.toString() ?? null, value: message.value.toString() });
        }
      }
      return read.slice(0, count);
    } finally {
      await cluster.disconnect();
    }
  },
};

describeForeignClient(client);
