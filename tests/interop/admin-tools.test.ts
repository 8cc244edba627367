// Kafka's own tools for operators against our broker, and ours beside them: what they print is the
// same, but for what only a moment says (times, offsets of the metadata log).

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { BrokerProcess } from '../broker-process.ts';
import { projectRoot } from '../root.ts';
import { type ProgramResult, runProgram } from '../run-program.ts';
import { hasKafka, kafkaTool } from './toolchain.ts';

type Tool = Parameters<typeof kafkaTool>[0];

let directory = '';
let broker: BrokerProcess;
const path = (name: string): string => join(directory, name);

function ours(tool: Tool, args: string): Promise<ProgramResult> {
  const launcher = join(projectRoot, 'bin', `${tool}.sh`);
  return runProgram(launcher, words(tool, args), { timeoutMs: 60_000 });
}

function theirs(tool: Tool, args: string): Promise<ProgramResult> {
  return kafkaTool(tool, words(tool, args), { timeoutMs: 60_000 });
}

/** Tools with an action take the address before it, or behind it. */
function words(tool: Tool, args: string): string[] {
  const given = args.split(' ').filter((word) => word !== '');
  const address = ['--bootstrap-server', broker.bootstrapServers];
  const isBefore = tool === 'kafka-features' || tool === 'kafka-metadata-quorum';
  return isBefore ? [...address, ...given] : [...given, ...address];
}

async function assertSame(tool: Tool, args: string, code = 0): Promise<string> {
  const [mine, kafkas] = await Promise.all([ours(tool, args), theirs(tool, args)]);
  assert.equal(kafkas.code, code, `${tool} ${args}\n${kafkas.stderr}${kafkas.stdout}`);
  assert.equal(mine.code, code, `${tool} ${args}\n${mine.stderr}${mine.stdout}`);
  assert.equal(mine.stdout, kafkas.stdout, `${tool} ${args}`);
  return kafkas.stdout;
}

/** They tell directories in the order of a Java map. */
async function assertSameDirectories(args: string): Promise<void> {
  const texts = await Promise.all([ours('kafka-log-dirs', args), theirs('kafka-log-dirs', args)]);
  const [mine, kafkas] = texts.map(({ stdout }) => {
    const [first, second, json] = stdout.split('\n');
    const { brokers, version } = JSON.parse(json as string) as {
      brokers: { broker: number; logDirs: { logDir: string }[] }[];
      version: number;
    };
    for (const { logDirs } of brokers) logDirs.sort((x, y) => (x.logDir < y.logDir ? -1 : 1));
    return { first, second, brokers, version };
  });
  assert.deepEqual(mine, kafkas);
}

function plan(name: string, logDir: string): string {
  const partitions = [{ topic: 't', partition: 0, replicas: [1], log_dirs: [logDir] }];
  writeFileSync(path(name), JSON.stringify({ version: 1, partitions }));
  return `--reassignment-json-file ${path(name)}`;
}

describe("Kafka's tools for operators", () => {
  before(async () => {
    directory = mkdtempSync(join(tmpdir(), 'partita-admin-'));
    broker = await BrokerProcess.start({ config: { 'log.dirs': `${path('a')},${path('b')}` } });
    const created = await ours('kafka-topics', '--create --topic t --partitions 2');
    assert.equal(created.code, 0, created.stderr);
  });
  after(async () => {
    await broker.dispose();
    rmSync(directory, { recursive: true, force: true });
  });

  test('print the same as ours', async (t) => {
    if (!hasKafka(t)) return;
    await assertSameDirectories('--describe');
    await assertSameDirectories('--describe --topic-list t,gone --broker-list 1');
    await assertSame('kafka-leader-election', '--election-type preferred --topic t --partition 0');
    await assertSame('kafka-leader-election', '--election-type unclean --all-topic-partitions');
    await assertSame('kafka-leader-election', '--election-type unclean --topic x --partition 0', 1);
    await assertSame('kafka-reassign-partitions', '--list');
    await assertSame('kafka-features', 'upgrade --feature group.version=1');
    await assertSame('kafka-features', 'upgrade --feature nope=3', 1);
    await assertSame('kafka-cluster', 'cluster-id');
    await assertSame('kafka-cluster', 'list-endpoints --include-fenced-brokers');
    const quorum = await theirs('kafka-metadata-quorum', 'describe --status');
    assert.match(quorum.stdout, /LeaderId: {15}1\n/);
    const replication = await theirs('kafka-metadata-quorum', 'describe --replication');
    assert.match(replication.stdout, /\tLeader\t\n$/);
  });

  test('describe features as ours do', async (t) => {
    if (!hasKafka(t)) return;
    const [mine, kafkas] = await Promise.all([
      ours('kafka-features', 'describe'),
      theirs('kafka-features', 'describe'),
    ]);
    // Their tools are a release older, and have no name for the newest level yet.
    const named = kafkas.stdout.replace('UNKNOWN 33'.padEnd(17), '4.4-IV2'.padEnd(17));
    assert.equal(mine.stdout, named);
  });

  test('see the requests that ours see', async (t) => {
    if (!hasKafka(t)) return;
    const [mine, kafkas] = await Promise.all([
      ours('kafka-broker-api-versions', ''),
      theirs('kafka-broker-api-versions', ''),
    ]);
    assert.equal(kafkas.code, 0, kafkas.stderr);
    const served = ({ stdout }: ProgramResult): string[] =>
      stdout
        .split('\n')
        .map((line) => line.replace(/ \[.*/, ''))
        .filter((line) => /\(\d+\): \d/.test(line));
    assert.deepEqual(served(mine), served(kafkas));
  });

  test('move a partition between log directories, and ours move it back', async (t) => {
    if (!hasKafka(t)) return;
    const held = await ours('kafka-log-dirs', '--describe --topic-list t');
    const isInA = new RegExp(`"t-0".*"logDir":"${path('a')}"`).test(
      held.stdout.slice(0, held.stdout.indexOf(`"logDir":"${path('a')}"`) + 200),
    );
    const [from, to] = isInA ? [path('a'), path('b')] : [path('b'), path('a')];
    const there = plan('there.json', to);
    const begun = await theirs('kafka-reassign-partitions', `--execute ${there}`);
    assert.equal(begun.code, 0, begun.stderr);
    assert.match(begun.stdout, /Successfully started moving log directory to /);
    await completed(there);
    const back = plan('back.json', from);
    const mine = await ours('kafka-reassign-partitions', `--execute ${back}`);
    assert.equal(mine.code, 0, mine.stderr);
    await completed(back);
    await assertSame('kafka-reassign-partitions', `--execute ${plan('same.json', 'any')}`);
    await assertSame('kafka-reassign-partitions', `--verify ${there}`);
    await assertSame('kafka-reassign-partitions', `--cancel ${there}`);
  });
});

async function completed(args: string): Promise<void> {
  for (;;) {
    const text = await assertSame('kafka-reassign-partitions', `--verify ${args}`);
    if (/completed successfully/.test(text)) return;
    assert.match(text, /in progress/);
  }
}
