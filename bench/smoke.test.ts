// Every bench runs with tiny inputs, so that none rots; what it measures then means nothing.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { runProgram } from '../tests/run-program.ts';
import { median, Rounds } from './figures.ts';
import { countsOf, parseFlags } from './flags.ts';

const main = fileURLToPath(new URL('./main.js', import.meta.url));
const tiny = '--rounds 1 --batches 1024 --mib-max 1 --requests-max 20';

async function bench(line: string): Promise<string> {
  const { code, stdout, stderr } = await runProgram(process.execPath, [main, ...line.split(' ')]);
  assert.equal(code, 0, stderr);
  assert.match(stdout, /^checksum [0-9a-f]{8}$/m);
  return stdout;
}

test('counts are measured in turns, round by round', () => {
  assert.deepEqual([...countsOf({ rounds: 2, counts: '1,100' })], [1, 100, 1, 100]);
});

test('what takes long says each figure at once, and counts when it is whole', (t) => {
  const log = t.mock.method(console, 'log', () => {});
  const rounds = new Rounds();
  const round = rounds.begin('many');
  round.note({ createMs: 100 });
  assert.match(`${log.mock.calls[0]?.arguments[0]}`, /^ {2}many +createMs=100$/);
  assert.deepEqual(rounds.names, []);
  round.note({ startMs: 200 });
  round.end();
  assert.deepEqual(rounds.medians('many'), { createMs: 100, startMs: 200 });
});

test('the data path is measured without sockets, and twice with the same checksum', async () => {
  const line = `data-path --where memory ${tiny}`;
  const first = await bench(line);
  assert.match(first, /^produce acks=all 1 KiB +MB\/s=/m);
  const checksum = (output: string) => /^checksum .*$/m.exec(output)?.[0];
  assert.equal(checksum(await bench(line)), checksum(first));
});

test('the data path is measured over loopback', async () => {
  const output = await bench(`data-path --where loopback ${tiny}`);
  assert.match(output, /^fetch file 1 KiB .*broker-cpu-us\/request=/m);
});

test('the start is measured', async () => {
  assert.match(await bench('startup --rounds 1 --load-mib 1 --kafka no'), /^partita again/m);
});

test('partitions are measured', async () => {
  assert.match(await bench('partitions --rounds 1 --counts 1,3 --per-topic 2'), /^3 partitions/m);
});

test('compaction is measured, down to the last value of each key', async () => {
  const line = 'compaction --mib 3 --keys 500 --segment-mib 1 --seconds 1 --rate 50';
  assert.match(await bench(line), /^live set +keys=/m);
});

test('connections, groups and readers that never read are measured', async () => {
  const tiny = '--idle 5 --active 2 --groups 4 --partitions 4 --per-topic 2 --seconds 1';
  const output = await bench(`connections ${tiny} --unread-mib 2`);
  assert.match(output, /^100 fetches of 100 MiB, never read +grownMib=/m);
});

test('fetch sessions with idle partitions are measured', async () => {
  assert.match(await bench('sessions --rounds 1 --counts 1,3 --requests 20'), /^3 partitions/m);
});

test('replicated appends with idle partitions are measured', async () => {
  assert.match(await bench('replicated --rounds 1 --counts 1,3 --requests 10'), /^3 partitions/m);
});

test('many partitions in a real store are measured where there is one', async () => {
  await bench('metadata-store --rounds 1 --counts 3 --per-topic 2');
});

test('the comparison with Kafka runs over our broker alone', async () => {
  const line = 'kafka --rounds 1 --products partita --client wire --mib 1 --record-bytes 100';
  assert.match(await bench(line), /^partita produce/m);
});

test('TLS is measured over our broker alone, and what rights cost', async () => {
  const line = 'security --rounds 1 --products partita --mib 1 --requests 20 --acls 5';
  assert.match(await bench(line), /^partita TLS produce 15 KiB /m);
});

test('what an honest client notices of strangers is measured', async () => {
  const line = 'handshakes --rounds 1 --seconds 0.2 --unfinished 10 --addresses 2 --at-a-time 2';
  assert.match(await bench(line), /^honest client beside handshakes .*handshakes\/s=/m);
});

test('very many ACLs are measured', async () => {
  const line = 'acls --rounds 1 --acls 200 --batch 100';
  assert.match(await bench(line), /^taken away, each by itself .*othersWaitMsMax=/m);
});

test('latency is measured over our broker alone', async () => {
  const line = 'latency --rounds 1 --products partita --tools ours --rate 200 --seconds 1';
  assert.match(await bench(line), /^partita paced e2e, acks=all +p50Ms=/m);
});

test('transactions are measured over our broker alone', async () => {
  const few = '--transactions 5 --records-per-transaction 2';
  const line = `transactions --rounds 1 --products partita --tools ours ${few}`;
  assert.match(await bench(line), /^partita whole transactions +transactions\/s=/m);
});

test('replicated produce is measured over our brokers alone', async () => {
  const line = 'replicated-produce --rounds 1 --products partita --mib 1 --batch-bytes 16384';
  assert.match(await bench(line), /^partita produce 15 KiB +MB\/s=/m);
});

test('a failover is measured over our brokers alone', async () => {
  const line = 'failover --rounds 1 --products partita --rate 100 --seconds 1';
  assert.match(await bench(line), /^partita failover +ackMs=/m);
});

test('many replicated partitions are measured over our brokers alone', async () => {
  const line = 'cluster-partitions --products partita --counts 3 --per-topic 2';
  assert.match(await bench(line), /^partita 3 partitions +createMs=/m);
});

test('a misspelt flag is an error', () => {
  assert.throws(() => parseFlags({ rounds: 1 }, ['--round', '2']), /--rounds 1/);
  assert.deepEqual(parseFlags({ rounds: 1 }, ['--rounds', '2']), { rounds: 2 });
});

test('figures are medians of rounds', () => {
  assert.equal(median([5, 1, 9]), 5);
  assert.equal(median([5, 1]), 3);
  const rounds = new Rounds();
  for (const value of [1, 2, 30]) rounds.add('a', { x: value });
  assert.deepEqual(rounds.medians('a'), { x: 2 });
});

test('clients are measured, each in a process of its own', async () => {
  const line = 'clients --rounds 1 --products partita --clients partita,kafkajs';
  const output = await bench(`${line} --rows awaited,consume --records 200 --awaited-records 10`);
  assert.match(output, /^partita awaited kafkajs .* loop-p99-ms=/m);
  assert.match(output, /^partita consume partita +records\/s=/m);
});
