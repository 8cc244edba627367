// Consumer groups as scripts use them: the console consumer in a group, and kafka-consumer-groups
// with the layouts that scripts cut into columns.

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { BrokerProcess } from '../broker-process.ts';
import { projectRoot } from '../root.ts';
import { type ProgramResult, runProgram } from '../run-program.ts';

let broker: BrokerProcess;
const background: ChildProcess[] = [];

function tool(name: string, args: readonly string[], input = ''): Promise<ProgramResult> {
  const script = join(projectRoot, 'bin', `${name}.sh`);
  const all = ['--bootstrap-server', broker.bootstrapServers, ...args];
  return runProgram(script, all, { input, timeoutMs: 60_000 });
}

async function ok(name: string, args: readonly string[], input = ''): Promise<string> {
  const result = await tool(name, args, input);
  assert.equal(result.code, 0, `${result.stdout}\n${result.stderr}`);
  return result.stdout;
}

const groups = (args: readonly string[]): Promise<string> => ok('kafka-consumer-groups', args);

async function topicWith(topic: string, partitions: number, lines: number): Promise<void> {
  await ok('kafka-topics', ['--create', '--topic', topic, '--partitions', String(partitions)]);
  const input = Array.from({ length: lines }, (_, index) => `k${index}:v${index}\n`).join('');
  const keyed = ['--reader-property', 'parse.key=true', '--reader-property', 'key.separator=:'];
  await ok('kafka-console-producer', ['--topic', topic, ...keyed], input);
}

/** A console consumer that goes on until it is ended; its output grows meanwhile. */
function consumeInBackground(args: readonly string[]): { child: ChildProcess; text: () => string } {
  const script = join(projectRoot, 'bin/kafka-console-consumer.sh');
  const child = spawn(script, ['--bootstrap-server', broker.bootstrapServers, ...args], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  background.push(child);
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (piece: string) => {
    text += piece;
  });
  return { child, text: () => text };
}

async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  for (let waitedMs = 0; !(await holds()); waitedMs += 100) {
    assert.ok(waitedMs < 30_000, `waited in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

function ended(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => child.once('exit', () => resolve()));
}

describe('consumer groups on the command line', () => {
  before(async () => {
    broker = await BrokerProcess.start({ config: { 'group.initial.rebalance.delay.ms': '0' } });
  });
  after(async () => {
    // A test that failed leaves its consumers behind.
    for (const child of background) child.kill('SIGKILL');
    await broker.dispose();
  });

  test('a group goes on where it stopped, also after a restart of the broker', async () => {
    await topicWith('resumed', 1, 30);
    const args = ['--topic', 'resumed', '--group', 'resumer', '--from-beginning'];
    const first = await ok('kafka-console-consumer', [...args, '--max-messages', '10']);
    assert.equal(first.trim().split('\n').length, 10);
    await broker.kill9();
    await broker.start();
    const rest = await ok('kafka-console-consumer', [...args, '--max-messages', '20']);
    const lines = `${first}${rest}`.trim().split('\n');
    assert.deepEqual(
      lines,
      Array.from({ length: 30 }, (_, index) => `v${index}`),
    );
  });

  test('offsets, members and state are described in columns', async () => {
    await topicWith('described', 2, 20);
    const consumer = consumeInBackground([
      '--topic',
      'described',
      '--group',
      'd1',
      '--from-beginning',
    ]);
    await until('all records', () => consumer.text().trim().split('\n').length === 20);
    await until(
      'a commit',
      async () => !(await groups(['--describe', '--group', 'd1'])).includes(' - '),
    );
    const offsets = await groups(['--describe', '--group', 'd1']);
    assert.match(
      offsets,
      /^\nGROUP {11}TOPIC {11}PARTITION {2}CURRENT-OFFSET {2}LOG-END-OFFSET {2}LAG {13}CONSUMER-ID/,
    );
    assert.match(offsets, /^d1 +described +0 +(\d+) +\1 +0 +console-consumer-\S+ \/127\.0\.0\.1/m);
    const members = await groups(['--describe', '--group', 'd1', '--members', '--verbose']);
    assert.match(members, /CURRENT-ASSIGNMENT {3}TARGET-EPOCH/);
    assert.match(members, /^d1 .* 2 +- +described:0,1 +- +-/m);
    const state = await groups(['--describe', '--group', 'd1', '--state']);
    assert.match(state, /^d1 +127\.0\.0\.1:\d+ {2}\(1\) +range +Stable +1$/m);
    assert.match(await groups(['--list', '--state', 'stable']), /^d1 +Stable/m);
    const refused = await tool('kafka-consumer-groups', ['--delete', '--group', 'd1']);
    assert.equal(refused.code, 1);
    assert.match(refused.stdout, /Error: Deletion of some consumer groups failed:\n\* Group 'd1'/);
    consumer.child.kill('SIGINT');
    await ended(consumer.child);
    await until('the group to be empty', async () =>
      /Empty/.test(await groups(['--describe', '--group', 'd1', '--state'])),
    );
    assert.match(
      await groups(['--delete', '--group', 'd1']),
      /^Deletion of requested consumer groups \('d1'\) was successful\.$/m,
    );
  });

  test('two members share the partitions, and one takes over from the other', async () => {
    await topicWith('shared', 4, 40);
    const args = ['--topic', 'shared', '--group', 'sharers', '--from-beginning'];
    const one = consumeInBackground(args);
    const two = consumeInBackground(args);
    // Until the first of them has joined there is no such group.
    const counts = async (): Promise<number[]> =>
      (
        await tool('kafka-consumer-groups', ['--describe', '--group', 'sharers', '--members'])
      ).stdout
        .trim()
        .split('\n')
        .slice(1)
        .map((line) => Number(line.trim().split(/\s+/).at(-1)));
    await until('an even share', async () => (await counts()).join() === '2,2');
    two.child.kill('SIGKILL');
    one.child.kill('SIGINT');
    await Promise.all([ended(one.child), ended(two.child)]);
  });

  test('offsets are reset in every way, and only with --execute', async () => {
    await topicWith('reset', 1, 30);
    const consumed = ['--topic', 'reset', '--group', 'r1', '--from-beginning'];
    await ok('kafka-console-consumer', [...consumed, '--max-messages', '12']);
    const current = async (): Promise<string> =>
      /^r1 +reset +0 +(\S+)/m.exec(await groups(['--describe', '--group', 'r1']))?.[1] ?? '';
    const reset = (...args: string[]): Promise<string> =>
      groups(['--reset-offsets', '--group', 'r1', ...args]);
    assert.equal(await current(), '12');
    assert.match(
      await reset('--topic', 'reset', '--to-earliest', '--dry-run'),
      /^\nGROUP {11}TOPIC {11}PARTITION {2}NEW-OFFSET\nr1 +reset +0 +0\n$/,
    );
    assert.equal(await current(), '12');
    const steps: [string[], string][] = [
      [['--topic', 'reset', '--to-earliest'], '0'],
      [['--topic', 'reset:0', '--to-offset', '20'], '20'],
      [['--all-topics', '--shift-by', '-5'], '15'],
      [['--all-topics', '--shift-by', '100'], '30'],
      [['--topic', 'reset', '--by-duration', 'PT1H'], '0'],
      [['--topic', 'reset', '--to-latest'], '30'],
      [['--topic', 'reset', '--to-datetime', '2020-01-01T00:00:00.000'], '0'],
      [['--all-topics', '--to-current'], '0'],
    ];
    for (const [args, expected] of steps) {
      await reset(...args, '--execute');
      assert.equal(await current(), expected, args.join(' '));
    }
    assert.equal(await reset('--topic', 'reset', '--to-latest', '--export'), 'reset,0,30\n\n');
    assert.match(
      await groups(['--delete-offsets', '--group', 'r1', '--topic', 'reset']),
      /^Request succeeded for deleting offsets from group r1\.\n\nTOPIC {11}PARTITION {2}STATUS/,
    );
  });

  test('several topics are read by a pattern', async () => {
    await topicWith('pattern-a', 1, 3);
    await topicWith('pattern-b', 1, 3);
    const args = ['--include', 'pattern-.*', '--from-beginning', '--max-messages', '6'];
    const text = await ok('kafka-console-consumer', args);
    assert.deepEqual(text.trim().split('\n').sort(), ['v0', 'v0', 'v1', 'v1', 'v2', 'v2']);
  });

  const mistakes: [string, string[], RegExp][] = [
    ['no action', [], /exactly one action/],
    ['two actions', ['--list', '--describe'], /exactly one action/],
    ['no group', ['--describe'], /--group and --all-groups/],
    ['a group that is not there', ['--describe', '--group', 'none'], /'none' does not exist/],
    ['no scenario', ['--reset-offsets', '--group', 'g', '--topic', 't'], /exactly one of --to-/],
    [
      'a topic that is not there',
      ['--reset-offsets', '--group', 'g', '--topic', 'nowhere', '--to-latest'],
      /nowhere/,
    ],
    ['a misspelt flag', ['--lits'], /--list/],
  ];
  for (const [what, args, message] of mistakes) {
    test(`${what} is told in a line`, async () => {
      const result = await tool('kafka-consumer-groups', args);
      assert.equal(result.code, 1);
      assert.match(`${result.stdout}${result.stderr}`, message);
    });
  }
});
