// The performance and verifiable tools, as scripts that cut their output apart use them. Layouts
// and counts are asserted, speeds never.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { BrokerProcess } from '../broker-process.ts';
import { projectRoot } from '../root.ts';
import { type ProgramResult, runProgram } from '../run-program.ts';

let broker: BrokerProcess;
let directory: string;

const script = (name: string): string => join(projectRoot, 'bin', `${name}.sh`);

function tool(name: string, args: readonly string[]): Promise<ProgramResult> {
  return runProgram(script(name), args, { timeoutMs: 60_000 });
}

async function lines(name: string, args: readonly string[]): Promise<string[]> {
  const server = ['--bootstrap-server', broker.bootstrapServers];
  const { code, stdout, stderr } = await tool(name, [...server, ...args]);
  assert.equal(code, 0, `${stdout}\n${stderr}`);
  assert.equal(stderr, '');
  return stdout.trimEnd().split('\n');
}

type Event = Readonly<Record<string, unknown>> & { readonly name: string };

async function events(name: string, args: readonly string[]): Promise<Event[]> {
  return (await lines(name, args)).map((line) => JSON.parse(line) as Event);
}

const names = (all: readonly Event[]): string[] => all.map((event) => event.name);
const only = (all: readonly Event[], name: string): Event[] =>
  all.filter((event) => event.name === name);

const windowLine = new RegExp(
  '^\\d+ records sent, \\d+\\.\\d records/sec \\(\\d+\\.\\d\\d MB/sec\\), ' +
    '\\d+\\.\\d ms avg latency, \\d+\\.\\d ms max latency\\.$',
);
const total = (what: string): RegExp =>
  new RegExp(
    `^${what} sent, \\d+\\.\\d{6} records/sec \\(\\d+\\.\\d\\d MB/sec\\), ` +
      '\\d+\\.\\d\\d ms avg latency, \\d+\\.\\d\\d ms max latency, ' +
      '\\d+ ms 50th, \\d+ ms 95th, \\d+ ms 99th, \\d+ ms 99\\.9th\\.$',
  );

before(async () => {
  directory = mkdtempSync(join(tmpdir(), 'partita-perf-'));
  broker = await BrokerProcess.start({ config: { 'group.initial.rebalance.delay.ms': '0' } });
});
after(async () => {
  await broker.dispose();
  rmSync(directory, { recursive: true, force: true });
});

describe('kafka-producer-perf-test', () => {
  const base = ['--topic', 'perf', '--throughput', '-1'];

  test('sends what it was told to and ends with the totals', async () => {
    const said = await lines('kafka-producer-perf-test', [
      ...base,
      ...['--num-records', '3000', '--record-size', '100'],
    ]);
    assert.match(said.at(-1) ?? '', total('3000 records'));
    const ends = await lines('kafka-get-offsets', ['--topic', 'perf']);
    assert.deepEqual(ends, ['perf:0:3000']);
  });

  test('reports intervals, and what comes after the warm-up by itself', async () => {
    const said = await lines('kafka-producer-perf-test', [
      ...['--topic', 'warm', '--throughput', '1000', '--num-records', '600'],
      ...['--record-size', '10', '--warmup-records', '200', '--reporting-interval', '50'],
    ]);
    assert.match(said[0] ?? '', /^Warmup first 200 records\. Steady state results will print /);
    assert.ok(said.filter((line) => windowLine.test(line)).length > 1, said.join('\n'));
    assert.ok(said.includes('In steady state.'));
    assert.match(said.at(-2) ?? '', total('600 records'));
    assert.match(said.at(-1) ?? '', total('400 steady state records'));
  });

  test('takes the old spellings, and the cluster from the properties', async () => {
    const file = join(directory, 'producer.properties');
    writeFileSync(file, 'acks=0\nlinger.ms=1\n');
    const { code, stdout, stderr } = await tool('kafka-producer-perf-test', [
      ...['--topic', 'numbers', '--throughput', '-1', '--num-records', '5'],
      ...['--producer-props', `bootstrap.servers=${broker.bootstrapServers}`, 'acks=1'],
      ...['--producer.config', file, '--payload-monotonic'],
    ]);
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^Option --producer-props has been deprecated and will be removed in a /);
    const numbers = ['--topic', 'numbers', '--from-beginning', '--max-messages', '5'];
    const server = ['--bootstrap-server', broker.bootstrapServers];
    const read = await tool('kafka-console-consumer', [...server, ...numbers]);
    assert.equal(read.stdout, '0\n1\n2\n3\n4\n');
  });

  test('takes values from a file', async () => {
    const file = join(directory, 'payload');
    writeFileSync(file, 'one;two');
    const payload = ['--payload-file', file, '--payload-delimiter', ';'];
    const rest = ['--topic', 'words', '--throughput', '-1', '--num-records', '40'];
    await lines('kafka-producer-perf-test', [...rest, ...payload]);
    const server = ['--bootstrap-server', broker.bootstrapServers];
    const all = ['--topic', 'words', '--from-beginning', '--max-messages', '40'];
    const read = await tool('kafka-console-consumer', [...server, ...all]);
    assert.deepEqual(new Set(read.stdout.trim().split('\n')), new Set(['one', 'two']));
  });

  test('refuses what contradicts itself in one line', async () => {
    const refused: [args: string[], reason: RegExp][] = [
      [['--num-records', '5'], /one of the arguments --record-size --payload-file/],
      [['--num-records', '5', '--record-size', '0'], /--record-size should be greater than zero/],
      [['--num-records', '5', '--record-size', '1', '--payload-monotonic'], /can't be used with/],
      [['--num-records', '5', '--record-size', '1', '--warmup-records', '5'], /strictly fewer/],
      [['--num-records', '5', '--record-size', '1'], /--bootstrap-server or the property/],
      [['--record-size', '1'], /Missing required argument "\[num-records\]"/],
    ];
    for (const [args, reason] of refused) {
      const { code, stderr } = await tool('kafka-producer-perf-test', [...base, ...args]);
      assert.equal(code, 1);
      assert.match(stderr, reason);
      assert.equal(stderr.trimEnd().split('\n').length, 1);
    }
  });
});

describe('kafka-consumer-perf-test', () => {
  const header =
    'data.consumed.in.MB, MB.sec, data.consumed.in.nMsg, nMsg.sec, ' +
    'rebalance.time.ms, fetch.time.ms, fetch.MB.sec, fetch.nMsg.sec';

  before(async () => {
    await lines('kafka-producer-perf-test', [
      ...['--topic', 'read', '--num-records', '2000', '--record-size', '100'],
      ...['--throughput', '-1'],
    ]);
  });

  test('prints the header and a line of figures', async () => {
    const [first, figures, ...more] = await lines('kafka-consumer-perf-test', [
      ...['--topic', 'read', '--num-records', '2000'],
    ]);
    assert.deepEqual([first, more], [`start.time, end.time, ${header}`, []]);
    const cells = (figures ?? '').split(', ');
    assert.equal(cells.length, 10);
    assert.match(cells[0] ?? '', /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d:\d{3}$/);
    assert.deepEqual([cells[2], cells[4]], ['0.1907', '2000']);
    for (const rate of [3, 5, 8, 9]) assert.match(cells[rate] ?? '', /^\d+\.\d{4}$/);
  });

  test('prints a line per interval if asked to, without a summary', async () => {
    const said = await lines('kafka-consumer-perf-test', [
      ...['--include', 'rea.', '--num-records', '2000', '--show-detailed-stats'],
      ...['--reporting-interval', '1', '--date-format', 'HHmm'],
    ]);
    assert.equal(said[0], `time, threadId, ${header}`);
    assert.match(said[1] ?? '', /^\d{4}, 0, /);
    for (const line of said.slice(1)) assert.equal(line.split(', ').length, 10);
  });

  test('says that less came than was asked for', async () => {
    const said = await lines('kafka-consumer-perf-test', [
      ...['--topic', 'read', '--messages', '5000', '--hide-header', '--timeout', '500'],
    ]);
    assert.equal(said[0], 'Warning: --messages is deprecated. Use --num-records instead.');
    assert.match(
      said[1] ?? '',
      /^WARNING: Exiting before consuming .* timeout \(500 ms\) exceeded/,
    );
    assert.match(said[2] ?? '', /^[-\d :]+, [-\d :]+, 0\.1907, [\d.]+, 2000, /);
  });
});

describe('the verifiable tools', () => {
  test('say what was acknowledged, read and committed', async () => {
    const produced = await events('kafka-verifiable-producer', [
      ...['--topic', 'checked', '--max-messages', '5'],
      ...['--value-prefix', '7', '--repeating-keys', '2'],
    ]);
    const sent = only(produced, 'producer_send_success');
    assert.deepEqual(names(produced), [
      'startup_complete',
      ...sent.map(() => 'producer_send_success'),
      'shutdown_complete',
      'tool_data',
    ]);
    assert.deepEqual(
      sent.map(({ timestamp: _, ...rest }) => JSON.stringify(rest)),
      [0, 1, 2, 3, 4].map(
        (index) =>
          `{"name":"producer_send_success","key":"${index % 2}","value":"7.${index}",` +
          `"offset":${index},"topic":"checked","partition":0}`,
      ),
    );
    const { sent: count, acked, target_throughput } = produced.at(-1) as Event;
    assert.deepEqual([count, acked, target_throughput], [5, 5, -1]);

    const consumed = await events('kafka-verifiable-consumer', [
      ...['--topic', 'checked', '--group-id', 'checkers', '--max-messages', '5', '--verbose'],
    ]);
    assert.deepEqual(
      only(consumed, 'record_data').map(({ key, value, offset }) => [key, value, offset]),
      [0, 1, 2, 3, 4].map((index) => [String(index % 2), `7.${index}`, index]),
    );
    const bare = consumed
      .filter((event) => event.name !== 'record_data')
      .map(({ timestamp: _, ...rest }) => rest);
    assert.deepEqual(bare, [
      { name: 'startup_complete' },
      { name: 'partitions_assigned', partitions: [{ topic: 'checked', partition: 0 }] },
      {
        name: 'records_consumed',
        count: 5,
        partitions: [{ topic: 'checked', partition: 0, count: 5, minOffset: 0, maxOffset: 4 }],
      },
      {
        name: 'offsets_committed',
        offsets: [{ topic: 'checked', partition: 0, offset: 5 }],
        success: true,
      },
      { name: 'partitions_revoked', partitions: [{ topic: 'checked', partition: 0 }] },
      { name: 'shutdown_complete' },
      { name: 'shutdown_requested' },
    ]);
    const server = ['--bootstrap-server', broker.bootstrapServers];
    const described = await tool('kafka-consumer-groups', [
      ...server,
      ...['--describe', '--group', 'checkers'],
    ]);
    assert.match(described.stdout, /^checkers +checked +0 +5 +5 +0 /m);
  });

  test('end cleanly when they are stopped', async () => {
    for (const [name, args, event] of [
      ['kafka-verifiable-producer', ['--throughput', '50'], 'producer_send_success'],
      ['kafka-verifiable-consumer', ['--group-id', 'stopped'], 'records_consumed'],
    ] as const) {
      const server = ['--bootstrap-server', broker.bootstrapServers, '--topic', 'endless'];
      const child = spawn(script(name), [...server, ...args], {
        stdio: ['ignore', 'pipe', 'ignore'],
      });
      let text = '';
      child.stdout.setEncoding('utf8').on('data', (piece: string) => {
        if (!text.includes(event) && piece.includes(event)) child.kill('SIGTERM');
        text += piece;
      });
      const code = await new Promise((resolve) => child.once('close', resolve));
      assert.equal(code, 143, text);
      const said = text
        .trimEnd()
        .split('\n')
        .map((line) => (JSON.parse(line) as Event).name);
      const ending = { 'kafka-verifiable-producer': 'tool_data' }[name as string];
      assert.equal(said.at(-1), ending ?? 'shutdown_complete');
      assert.ok(said.includes('shutdown_complete'));
    }
  });

  test('tell a record that was not acknowledged', async () => {
    const tooLarge = ['--config', 'max.message.bytes=1'];
    await lines('kafka-topics', ['--create', '--topic', 'narrow', ...tooLarge]);
    const args = ['--topic', 'narrow', '--max-messages', '1'];
    const said = await events('kafka-verifiable-producer', args);
    const [failed] = only(said, 'producer_send_error');
    assert.equal(failed?.exception, 'MESSAGE_TOO_LARGE');
    assert.deepEqual([failed?.topic, failed?.key, failed?.value], ['narrow', null, '0']);
    assert.equal(said.at(-1)?.acked, 0);
  });
});
