// The official Java client, through Kafka's own console tools.

import assert from 'node:assert/strict';
import {
  type Acks,
  type Codec,
  describeForeignClient,
  type ForeignClient,
  type KeyValue,
  type ReadFrom,
} from './foreign-client.ts';
import { hasKafka, kafkaTool } from './toolchain.ts';

type Tool = Parameters<typeof kafkaTool>[0];
let servers = '';

async function run(tool: Tool, args: readonly string[], input = ''): Promise<string> {
  const all = ['--bootstrap-server', servers, ...args];
  const result = await kafkaTool(tool, all, { input, timeoutMs: 60_000 });
  assert.equal(result.code, 0, `${result.stderr}\n${result.stdout}`);
  return result.stdout;
}

/** The offset of the first record at or after the timestamp, as kafka-get-offsets prints it. */
async function offsetAt(topic: string, timestamp: number): Promise<string> {
  const text = await run('kafka-get-offsets', ['--topic', topic, '--time', String(timestamp)]);
  return (/:0:(\d+)/.exec(text) ?? assert.fail(text))[1] as string;
}

const client: ForeignClient = {
  name: 'Kafka console tools',
  codecs: ['none', 'gzip', 'snappy', 'lz4', 'zstd'],
  isPresent: hasKafka,
  async connect(bootstrapServers) {
    servers = bootstrapServers;
  },
  async close() {},
  async createTopic(topic, partitions) {
    const args = ['--create', '--topic', topic, '--partitions', String(partitions)];
    const text = await run('kafka-topics', args);
    assert.match(text, new RegExp(`Created topic ${topic}\\.`));
  },
  async produce(topic: string, records: KeyValue[], how: { codec: Codec; acks: Acks }) {
    const lines = records.map(({ key, value }) => `${key ?? 'NULL'}\t${value}\n`).join('');
    const properties = ['parse.key=true', 'null.marker=NULL'].flatMap((property) => [
      '--reader-property',
      property,
    ]);
    const idempotence = `enable.idempotence=${how.acks === -1}`;
    await run(
      'kafka-console-producer',
      ['--topic', topic, '--compression-codec', how.codec, '--request-required-acks']
        .concat([String(how.acks), '--command-property', idempotence])
        .concat(properties),
      lines,
    );
  },
  async read(topic: string, from: ReadFrom, count: number) {
    let offset: string;
    if (typeof from === 'object') offset = await offsetAt(topic, from.timestamp);
    else offset = from === 'beginning' ? 'earliest' : from === 'end' ? 'latest' : String(from);
    const text = await run('kafka-console-consumer', [
      ...['--topic', topic, '--partition', '0', '--offset', offset],
      ...['--max-messages', String(count), '--formatter-property', 'print.key=true'],
    ]);
    return text
      .trimEnd()
      .split('\n')
      .map((line) => {
        const [key, value] = line.split('\t') as [string, string];
        return { key: key === 'null' ? null : key, value };
      });
  },
};

describeForeignClient(client);
