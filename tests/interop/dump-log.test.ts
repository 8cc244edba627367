// The files of our broker are Kafka's files: Kafka's own dump tool reads them, and prints the
// same as ours.

import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { BrokerProcess } from '../broker-process.ts';
import { projectRoot } from '../root.ts';
import { runProgram } from '../run-program.ts';
import { hasKafka, kafkaTool } from './toolchain.ts';

const timeoutMs = 60_000;
const codecs = ['none', 'gzip', 'snappy', 'lz4', 'zstd'];
let broker: BrokerProcess;

async function ours(tool: string, args: readonly string[], input = ''): Promise<string> {
  const result = await runProgram(join(projectRoot, 'bin', `${tool}.sh`), args, {
    input,
    timeoutMs,
  });
  assert.equal(result.code, 0, result.stderr);
  return result.stdout;
}

/** What both tools print for the files; they must agree. */
async function assertSameDump(files: readonly string[], flags: readonly string[]): Promise<string> {
  const args = [...flags, '--files', files.join(',')];
  const kafkas = await kafkaTool('kafka-dump-log', args, { timeoutMs });
  assert.equal(kafkas.code, 0, kafkas.stderr);
  const text = await ours('kafka-dump-log', args);
  assert.equal(text, kafkas.stdout);
  return text;
}

function filesOf(folder: string, ending: string): string[] {
  const path = join(broker.directory, folder);
  return readdirSync(path)
    .filter((name) => name.endsWith(ending))
    .sort()
    .map((name) => join(path, name));
}

describe('the files of a stopped broker', () => {
  before(async () => {
    broker = await BrokerProcess.start({
      config: { 'log.segment.bytes': '1048576', 'log.index.interval.bytes': '1024' },
    });
    const target = ['--bootstrap-server', broker.bootstrapServers, '--topic', 'dumped'];
    const input = Array.from({ length: 4_000 }, (_, i) => {
      const value = `value ${i} `.repeat(1 + (i % 40));
      return i % 100 === 0 ? `h:${i}\tk${i}\tNIL\n` : `h:${i},g:NIL\tk${i}\t${value}\n`;
    }).join('');
    const reader = ['parse.key=true', 'parse.headers=true', 'null.marker=NIL'].flatMap(
      (property) => ['--reader-property', property],
    );
    for (const codec of codecs) {
      const how = ['--compression-codec', codec, '--batch-size', '16384'];
      await ours('kafka-console-producer', [...target, ...how, ...reader], input);
    }
    await broker.stop();
  });
  after(() => broker.dispose());

  test('segments are printed alike, batch by batch and record by record', async (t) => {
    if (!hasKafka(t)) return;
    const files = filesOf('dumped-0', '.log');
    assert.ok(files.length > 1, 'several segments');
    assert.doesNotMatch(await assertSameDump(files, []), /isvalid: false/);
    const text = await assertSameDump(files, ['--print-data-log']);
    for (const codec of codecs) assert.match(text, new RegExp(`compresscodec: ${codec} `));
    await assertSameDump(files.slice(0, 1), ['--deep-iteration']);
    await assertSameDump(files.slice(0, 1), ['--print-data-log', '--skip-record-metadata']);
  });

  test('indexes and producer snapshots are printed alike', async (t) => {
    if (!hasKafka(t)) return;
    const offsets = await assertSameDump(filesOf('dumped-0', '.index'), []);
    assert.match(offsets, /offset: \d+ position: \d+/);
    const times = await assertSameDump(filesOf('dumped-0', '.timeindex'), []);
    assert.match(times, /timestamp: \d+ offset: \d+/);
    await assertSameDump(filesOf('dumped-0', '.index'), ['--index-sanity-check']);
    await assertSameDump(filesOf('dumped-0', '.index'), ['--verify-index-only']);
    const snapshots = await assertSameDump(filesOf('dumped-0', '.snapshot'), []);
    assert.match(snapshots, /producerId: \d+ producerEpoch: 0 /);
  });

  test('the metadata log is printed alike', async (t) => {
    if (!hasKafka(t)) return;
    const files = filesOf('__cluster_metadata-0', '.log');
    const text = await assertSameDump(files, ['--cluster-metadata-decoder']);
    assert.match(text, /payload: \{"type":"TOPIC_RECORD","version":\d,"data":\{"name":"dumped"/);
  });
});
