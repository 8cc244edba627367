// Kafka's own cleaner and ours on the same log: every kind of batch, tombstones, transactions that
// committed and aborted, idempotent producers, two cleanings with time in between. Kafka's dump
// tool must find the same batches and records in both, and nothing wrong with ours.

import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Prng } from '../../src/base/prng.ts';
import { createNodeIo, type Io } from '../../src/io/index.ts';
import {
  type CompressionCodec,
  encodeBatch,
  encodeEndTransactionMarker,
} from '../../src/protocol/index.ts';
import { defaultLogConfig, LogResources, PartitionLog } from '../../src/storage/index.ts';
import { projectRoot } from '../root.ts';
import { runProgram } from '../run-program.ts';
import { hasKafka, kafkaProgram, kafkaTool } from './toolchain.ts';

const startMs = 1_795_000_000_000;
const hourMs = 3_600_000;
const program = join(projectRoot, 'tests/interop/kafka-cleaner/CleanLog.java');

const config = {
  ...defaultLogConfig,
  cleanupPolicy: ['compact'] as const,
  segmentBytesMax: 20_000,
  indexIntervalBytes: 500,
  deleteRetentionMs: hourMs,
  fileDeleteDelayMs: 0,
  segmentMs: 1e15,
};

function openLog(io: Io, directory: string, wasCleanShutdown: boolean): Promise<PartitionLog> {
  const resources = new LogResources(io, { tailCacheBytesMax: 0 });
  const name = { directory, topic: 'compacted', partition: 0 };
  return PartitionLog.open(io, { ...name, config, wasCleanShutdown, resources });
}

function fill(log: PartitionLog, prng: Prng): void {
  const sequences = new Map<number, number>();
  const open = new Set<number>();
  const append = (bytes: Buffer): void => {
    const options = { leaderEpoch: log.logEndOffset >> 10, timestampNow: startMs };
    log.appendAsLeader(bytes, { ...options, origin: 'coordinator' });
  };
  const end = (producerId: number, isCommit: boolean): void => {
    const marker = { producerId, producerEpoch: 1, isCommit, coordinatorEpoch: 3 };
    append(encodeEndTransactionMarker({ ...marker, timestamp: startMs }));
    open.delete(producerId);
  };
  for (let i = 0; i < 900; i++) {
    const records = Array.from({ length: 1 + prng.int(6) }, (_, at) => ({
      key: Buffer.from(`k${prng.int(150)}`),
      value: prng.chance(0.12) ? null : Buffer.from(`${i}/${at}`.padEnd(prng.int(80), 'v')),
      timestamp: startMs - 1e6 + i * 10 + prng.int(30),
      headers: prng.chance(0.1) ? [{ key: 'h', value: Buffer.from('x') }] : [],
    }));
    const compression = prng.int(5) as CompressionCodec;
    const producerId = prng.pick([-1, -1, 100, 101, 200, 201, 202]);
    if (producerId < 0) {
      append(encodeBatch({ records, compression }));
      continue;
    }
    const baseSequence = sequences.get(producerId) ?? 0;
    sequences.set(producerId, baseSequence + records.length);
    const isTransactional = producerId >= 200;
    const producer = { producerId, producerEpoch: 1, baseSequence, isTransactional };
    append(encodeBatch({ records, compression, ...producer }));
    if (isTransactional) open.add(producerId);
    if (isTransactional && prng.chance(0.5)) end(producerId, prng.chance(0.5));
  }
  for (const producerId of open) end(producerId, false);
  log.configure({ ...config, segmentMs: -1 });
  log.maybeRoll(Number.MAX_SAFE_INTEGER);
  log.configure(config);
}

/** Cleans the first half, and all of it two hours later; returns what Kafka is to do. */
async function cleanTwice(io: Io, directory: string): Promise<string[]> {
  let nowMs = startMs;
  const clock = new Proxy(io.clock, {
    get(target, name) {
      if (name === 'now') return () => nowMs;
      const value = Reflect.get(target, name, target) as unknown;
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  const log = await openLog({ ...io, clock }, directory, true);
  const steps: string[] = [];
  for (const lastStableOffset of [log.logEndOffset >> 1, log.logEndOffset]) {
    const range = log.dirtyRange({ nowMs, lastStableOffset });
    steps.push(`${nowMs},${range.firstDirtyOffset},${range.firstUncleanableOffset}`);
    const result = await log.clean({
      lastStableOffset,
      dedupeBufferBytes: 5_000_000,
      loadFactor: 0.9,
      ioBufferBytes: 524_288,
      bytesPerSecondMax: () => Number.MAX_VALUE,
      mayForget: () => true,
    });
    assert.ok(result !== null && result.recordsKept < result.recordsRead / 2);
    nowMs += 2 * hourMs;
  }
  await log.close();
  return steps;
}

/** What Kafka's tool prints for all files of the kind, without what depends on compressed sizes. */
async function dumpOf(folder: string, suffix: string): Promise<string> {
  const names = readdirSync(folder).filter((name) => name.endsWith(suffix));
  const files = names.sort().map((name) => join(folder, name));
  const args = ['--deep-iteration', '--print-data-log', '--files', files.join(',')];
  const { code, stdout, stderr } = await kafkaTool('kafka-dump-log', args, { timeoutMs: 60_000 });
  assert.equal(code, 0, stderr);
  assert.doesNotMatch(stdout, /isvalid: false|mismatch|Found/i);
  return stdout.replaceAll(folder, '').replace(/(position|size|crc): \d+ ?/g, '');
}

for (const seed of [1, 2]) {
  test(`Kafka's cleaner leaves the same of a log as ours, seed ${seed}`, async (t) => {
    if (!hasKafka(t)) return;
    const folder = mkdtempSync(join(tmpdir(), 'partita-clean-'));
    t.after(() => rmSync(folder, { recursive: true, force: true }));
    const io = createNodeIo({ logLevel: 'warn' });
    const [ours, kafkas] = [join(folder, 'ours/compacted-0'), join(folder, 'kafka/compacted-0')];
    const log = await openLog(io, ours, false);
    fill(log, new Prng(`compaction ${seed}`));
    await log.close();
    cpSync(ours, kafkas, { recursive: true });
    const steps = await cleanTwice(io, ours);
    const [java, ...args] = await kafkaProgram(program, kafkas, ...steps);
    const cleaned = await runProgram(java, args, { timeoutMs: 120_000 });
    assert.equal(cleaned.code, 0, cleaned.stderr);
    for (const suffix of ['.log', '.txnindex']) {
      assert.equal(await dumpOf(ours, suffix), await dumpOf(kafkas, suffix));
    }
    await dumpOf(ours, '.index');
    await dumpOf(ours, '.timeindex');
  });
}
