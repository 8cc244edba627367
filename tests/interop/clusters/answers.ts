// What the tools print for a cluster of three brokers while it changes: a script of their commands
// and, between them, of what happens to brokers; and what Apache Kafka's tools printed for Apache
// Kafka 4.3.1, as recorded in answers.txt. What only a moment says (ids, ports, directories) has a
// name in place of it, and what comes in the order of a Java map is sorted.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Admin, Producer } from '../../../src/client/index.ts';
import { projectRoot } from '../../root.ts';
import { type ProgramResult, runProgram } from '../../run-program.ts';
import { type KafkaTool, kafkaTool, kafkaToolCommand } from '../toolchain.ts';
import { Processes } from './processes.ts';
import type { TestCluster } from './test-cluster.ts';

export interface Step {
  /** '> ' and a command, without "kafka-"; or '~ ' and what happens. */
  readonly line: string;
  readonly answer: readonly string[];
}

export type Tools = 'kafka' | 'partita';

/** Of the brokers, so that a death is soon noticed and no leader moves by itself. */
export const answersConfig = {
  'broker.session.timeout.ms': '3000',
  'broker.heartbeat.interval.ms': '500',
  'replica.lag.time.max.ms': '3000',
  'auto.leader.rebalance.enable': 'false',
};

const recorded = join(projectRoot, 'tests/interop/clusters/answers.txt');
const settleMsMax = 60_000;
/** A tool that goes on for ever is read for so long. */
const watchMsMax = 60_000;

export function recordedSteps(): Step[] {
  const blocks = readFileSync(recorded, 'utf8')
    .trimEnd()
    .split(/^(?=[>~] )/m);
  return blocks.map((block) => {
    const [line = '', ...answer] = block.trimEnd().split('\n');
    return { line, answer };
  });
}

export function writeSteps(steps: readonly Step[]): void {
  writeFileSync(
    recorded,
    steps.map(({ line, answer }) => `${[line, ...answer].join('\n')}\n`).join(''),
  );
}

/** Plays the script; `onStep` hears of each step in turn. */
export async function play(
  cluster: TestCluster,
  tools: Tools,
  lines: readonly string[],
  onStep: (step: Step) => void | Promise<void>,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'partita-script-'));
  const admin = new Admin({ bootstrapServers: cluster.bootstrapServers });
  try {
    for (const line of lines) {
      if (line.startsWith('~ ')) {
        await happen(cluster, admin, line.slice(2).split(' '));
        await onStep({ line, answer: [] });
        continue;
      }
      const answer = await ask(cluster, tools, line.slice(2), folder);
      await onStep({ line, answer });
    }
  } finally {
    await admin.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function happen(cluster: TestCluster, admin: Admin, words: readonly string[]): Promise<void> {
  const [verb, first = '', ...rest] = words;
  const id = Number(first);
  if (verb === 'produce') {
    const producer = new Producer({ bootstrapServers: cluster.bootstrapServers });
    await producer.send({ topic: first, partition: Number(rest[0]), value: rest[1] as string });
    await producer.close();
  } else if (verb === 'kill' || verb === 'stop') {
    await cluster.end(id, verb === 'kill' ? 'SIGKILL' : 'SIGTERM');
    await settled(cluster, admin, async (partitions) =>
      partitions.every(({ leader, isr }) => leader !== id && !isr.includes(id)),
    );
  } else if (verb === 'start') {
    await cluster.startBroker(id);
    await settled(cluster, admin, async (partitions) => {
      const mine = partitions.filter(({ replicas }) => replicas.includes(id));
      return mine.every(({ isr, leader }) => leader < 0 || isr.includes(id));
    });
  } else if (verb === 'reassigned') {
    await settled(
      cluster,
      admin,
      async () => (await admin.cluster.listReassignments()).length === 0,
    );
  } else throw new Error(`nothing is called ${verb}`);
}

type Partitions = Awaited<ReturnType<Admin['describeTopics']>>[number]['partitions'];

async function settled(
  cluster: TestCluster,
  admin: Admin,
  isSettled: (partitions: Partitions) => Promise<boolean>,
): Promise<void> {
  let seen = '';
  let times = 0;
  for (let waitedMs = 0; waitedMs < settleMsMax; waitedMs += 200) {
    await new Promise((resolve) => setTimeout(resolve, 200));
    const partitions = (await admin.describeTopics(null)).flatMap((topic) => topic.partitions);
    const text = JSON.stringify(partitions);
    times = text === seen ? times + 1 : 0;
    seen = text;
    // A broker that has not read the newest metadata yet may have answered.
    if (times >= 3 && (await isSettled(partitions))) return;
  }
  throw new Error(`the cluster does not settle: ${seen}\n${cluster.output}`);
}

async function ask(
  cluster: TestCluster,
  tools: Tools,
  command: string,
  folder: string,
): Promise<string[]> {
  const [short = '', ...given] = command.split(' ');
  const tool = `kafka-${short}` as KafkaTool;
  const args = given.map((word) => {
    if (!word.startsWith('{')) return word;
    const path = join(folder, 'plan.json');
    writeFileSync(path, word);
    return path;
  });
  const flag = short === 'replica-verification' ? '--broker-list' : '--bootstrap-server';
  // To the brokers that live: a tool that meets another first may take long.
  const alive = cluster.brokerIds.filter((id) => cluster.pidsOf(id).length > 0);
  const all = [...args, flag, alive.map((id) => cluster.addressOf(id)).join(',')];
  const launcher = join(projectRoot, 'bin', `${tool}.sh`);
  if (short === 'replica-verification') {
    const command = tools === 'kafka' ? kafkaToolCommand(tool, all) : [launcher, ...all];
    return shown(cluster, await watched(command));
  }
  const result =
    tools === 'kafka'
      ? await kafkaTool(tool, all)
      : await runProgram(launcher, all, { timeoutMs: 120_000 });
  return shown(cluster, result);
}

/** What a tool says first, and when all replicas have been compared: it goes on for ever. */
async function watched(command: readonly string[]): Promise<ProgramResult> {
  const processes = new Processes();
  const isDone = /max lag is 0 /;
  await processes.start('tool', command, isDone, watchMsMax).ready.catch(() => {});
  await processes.endAll();
  const lines = processes.output.split('\n').filter((line) => !line.startsWith('SLF4J'));
  const told = [lines[0], lines.find((line) => isDone.test(line))].filter(Boolean);
  return { code: 0, stdout: told.join('\n'), stderr: '' };
}

/** What was printed, the first line of an error, and the exit code. */
function shown(cluster: TestCluster, { code, stdout, stderr }: ProgramResult): string[] {
  const isStack = (line: string): boolean => /^(\tat |Caused by|org\.apache|java\.)/.test(line);
  const lines = stdout.split('\n').map((line) => masked(cluster, line).trimEnd());
  const kept = lines.filter(
    (line) => line !== '' && !isStack(line) && !/^\t\w+\(\d+\)|^\)/.test(line),
  );
  const [told] = stderr
    .split('\n')
    .filter((line) => !/^(SLF4J|\s*$)|: waiting for /.test(line) && !isStack(line));
  // Ours says its name and writes no error to standard output, which changes nothing for a script.
  const isError = (line: string): boolean => /^Error: /.test(line);
  const wrong = [kept.find(isError), told]
    .filter((line) => line !== undefined)
    .map(
      (line) =>
        `! ${masked(cluster, line).replace(/^(kafka-[a-z-]+: |Error: |\S+Exception: )+/, '')}`,
    );
  const printed = sorted(kept.filter((line) => !isError(line)));
  return [...printed, ...wrong, `= ${code}`];
}

function masked(cluster: TestCluster, line: string): string {
  let text = line
    .replace(/TopicId: \S{22}/, 'TopicId: ID')
    // Where replicas are eligible, Kafka keeps the default as a config of the whole cluster.
    .replace(/\bmin\.insync\.replicas=1\b( sensitive.*)?/, '')
    .replace(/for partition \S+ at offset \d+/, 'for partition P at offset N')
    .replace(/^\d{4}-\d\d-\d\d [\d:,]+: /, 'TIME: ');
  for (const id of cluster.brokerIds) {
    const [host, port] = cluster.addressOf(id).split(':') as [string, string];
    text = text
      .replaceAll(`${host}:${port}`, `SERVER-${id}`)
      .replace(new RegExp(`\\b${port} +`), `PORT-${id} `)
      .replaceAll(`${cluster.dataOf(id)}"`, `DIRECTORY-${id}"`);
  }
  return text.startsWith('{"brokers"') ? sortedDirectories(text) : text;
}

/** Kafka tells partitions in the order of a map. */
function sortedDirectories(text: string): string {
  type Named = { partition: string };
  const json = JSON.parse(text) as { brokers: { logDirs: { partitions: Named[] }[] }[] };
  for (const { logDirs } of json.brokers) {
    for (const { partitions } of logDirs) {
      partitions.sort((x, y) => (x.partition < y.partition ? -1 : 1));
    }
  }
  return JSON.stringify(json);
}

function sorted(lines: readonly string[]): string[] {
  const isOfMap = (line: string): boolean =>
    /^(Error completing leader election|SERVER-\d)/.test(line);
  const errors = lines.filter(isOfMap).sort();
  return lines
    .map((line) => (isOfMap(line) ? (errors.shift() as string) : line))
    .map((line) => {
      const [, before, names] = /^(.* for partitions )(.*)$/.exec(line) ?? [];
      if (before === undefined || names === undefined) return line;
      return `${before}${names.split(', ').sort().join(', ')}`;
    });
}
