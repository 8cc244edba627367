// kcat, which stands on librdkafka.

import assert from 'node:assert/strict';
import {
  type Acks,
  type Codec,
  describeForeignClient,
  type ForeignClient,
  type KeyValue,
  type ReadFrom,
} from './foreign-client.ts';
import { hasKcat, kcat } from './toolchain.ts';

const separator = '\u0001';
let servers = '';

async function run(args: readonly string[], input = ''): Promise<string> {
  const result = await kcat(['-b', servers, ...args], { input, timeoutMs: 60_000 });
  assert.equal(result.code, 0, result.stderr);
  return result.stdout;
}

function offsetOption(from: ReadFrom): string {
  return typeof from === 'object' ? `s@${from.timestamp}` : String(from);
}

const client: ForeignClient = {
  name: 'kcat',
  codecs: ['none', 'gzip', 'snappy', 'lz4', 'zstd'],
  isPresent: hasKcat,
  async connect(bootstrapServers) {
    servers = bootstrapServers;
  },
  async close() {},
  // kcat has no command to create a topic: asking for its metadata does, as with any client.
  async createTopic(topic) {
    for (let attempt = 0; attempt < 50; attempt++) {
      const listed = await run(['-L', '-t', topic, '-X', 'allow.auto.create.topics=true']);
      if (/partition 0, leader \d/.test(listed)) return;
    }
    assert.fail(`${topic} was not created`);
  },
  async produce(topic: string, records: KeyValue[], how: { codec: Codec; acks: Acks }) {
    const lines = records.map(({ key, value }) => `${key ?? ''}${separator}${value}\n`).join('');
    const args = ['-P', '-t', topic, '-p', '0', '-K', separator, '-z', how.codec, '-Z'];
    await run([...args, '-X', `topic.acks=${how.acks}`], lines);
  },
  async read(topic: string, from: ReadFrom, count: number) {
    const args = ['-C', '-t', topic, '-p', '0', '-c', String(count), '-q', '-Z'];
    const format = `%k${separator}%s\\n`;
    const text = await run([...args, '-f', format, '-o', offsetOption(from)]);
    return text
      .trimEnd()
      .split('\n')
      .map((line) => {
        const [key, value] = line.split(separator) as [string, string];
        return { key: key === 'NULL' ? null : key, value };
      });
  },
};

describeForeignClient(client);
