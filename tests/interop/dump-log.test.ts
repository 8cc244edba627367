// The files of our broker are Kafka's files: Kafka's own dump tool reads them, and prints the
// same as ours.

import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { BrokerProcess } from '../broker-process.ts';
import { projectRoot } from '../root.ts';
import { runProgram } from '../run-program.ts';
import { ServerProcess } from './kafka-files/server-process.ts';
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
  return filesIn(join(broker.directory, folder), ending);
}

function filesIn(path: string, ending: string): string[] {
  return readdirSync(path)
    .filter((name) => name.endsWith(ending))
    .sort()
    .map((name) => join(path, name));
}

describe('the files of a stopped broker', { concurrency: 2 }, () => {
  describe('ours, with records of every codec', { concurrency: 1 }, () => {
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

  for (const product of ['partita', 'kafka'] as const) {
    describe(`${product}, with everything there is`, { concurrency: 1 }, () => {
      let server: ServerProcess | null = null;
      let filled: Promise<ServerProcess> | null = null;
      const fill = async (): Promise<ServerProcess> => {
        server = await ServerProcess.prepare({ quorum: 'in log' });
        if (product === 'kafka') await server.format();
        await server.start(product);
        await server.content('write', 'more');
        await server.stop();
        return server;
      };
      const files = async (folder: RegExp, ending: string): Promise<string[]> => {
        filled ??= fill();
        const { data } = await filled;
        return readdirSync(data)
          .filter((name) => folder.test(name))
          .sort()
          .flatMap((name) => filesIn(join(data, name), ending));
      };
      after(() => server?.dispose());

      test('offsets and groups are decoded alike', { timeout: 300_000 }, async (t) => {
        if (!hasKafka(t)) return;
        const logs = await files(/^__consumer_offsets-\d+$/, '.log');
        const text = await assertSameDump(logs, ['--offsets-decoder']);
        // Classic groups and their members, those of KIP-848, offsets, and what was removed.
        for (const type of [1, 2, 3, 5, 6, 7, 8])
          assert.match(text, new RegExp(`"type":"${type}"`));
        assert.match(text, /payload: <DELETE>/);
        assert.match(text, /"subscription":\{"topics":\[/);
        assert.match(text, /endTxnMarker: COMMIT/);
      });

      test('transactions are decoded alike', { timeout: 300_000 }, async (t) => {
        if (!hasKafka(t)) return;
        const logs = await files(/^__transaction_state-\d+$/, '.log');
        const text = await assertSameDump(logs, ['--transaction-log-decoder']);
        assert.match(text, /"transactionalId":"open"/);
      });

      test('metadata and its snapshots are decoded alike', { timeout: 300_000 }, async (t) => {
        if (!hasKafka(t)) return;
        for (const ending of ['.log', '.checkpoint']) {
          const logs = await files(/^__cluster_metadata-0$/, ending);
          assert.ok(logs.length > 0, ending);
          await assertSameDump(logs, ['--cluster-metadata-decoder']);
        }
      });

      test('every segment, index and snapshot is printed alike', {
        timeout: 300_000,
      }, async (t) => {
        if (!hasKafka(t)) return;
        const all = /^[a-z_]+(-[a-z]+)*-\d+$/;
        const segments = await files(all, '.log');
        assert.doesNotMatch(await assertSameDump(segments, ['--deep-iteration']), /isvalid: false/);
        // Internal records, and the random values of the compacted topic, are no text: what is
        // printed for bytes that are no UTF-8 is each language's own.
        const texts = segments.filter((path) => !/\/(__.*|compacted-0)\/\d+\.log$/.test(path));
        const text = await assertSameDump(texts, ['--print-data-log']);
        assert.match(text, /LogAppendTime: \d+/);
        const indexes = await files(all, '.index');
        for (const flags of [[], ['--index-sanity-check'], ['--verify-index-only']]) {
          await assertSameDump(indexes, flags);
        }
        for (const ending of ['.timeindex', '.snapshot']) {
          await assertSameDump(await files(all, ending), []);
        }
        const aborted = await assertSameDump(await files(all, '.txnindex'), []);
        assert.match(aborted, /version: 0 producerId: \d+ firstOffset: \d+ lastOffset: \d+/);
      });
    });
  }
});
