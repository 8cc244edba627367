// `partita start --brokers N` as its users see it: real processes, of which some are killed. One
// process keeps the store, and the brokers are its children.

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { BrokerProcess } from '../broker-process.ts';
import { projectRoot } from '../root.ts';
import { type ProgramResult, runProgram } from '../run-program.ts';

const launcher = join(projectRoot, 'bin/partita.js');
const brokerPattern = /^partita ready PLAINTEXT:\/\/127\.0\.0\.1:(\d+) .* node=(\d+) /gm;

let directory = '';
const started: Started[] = [];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'partita-brokers-'));
});
afterEach(async () => {
  for (const each of started.splice(0)) await each.dispose();
  rmSync(directory, { recursive: true, force: true });
});

/** A process of ours and what it printed. */
class Started {
  readonly child: ChildProcess;
  readonly ended: Promise<number | string | null>;
  output = '';

  constructor(command: string, args: readonly string[]) {
    // A group of its own: signals reach what it started, too, as from a terminal.
    this.child = spawn(command, args, { detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
    started.push(this);
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.output += text;
      });
    }
    this.ended = new Promise((resolve) => {
      this.child.once('close', (code, signal) => resolve(code ?? signal));
    });
  }

  async prints(pattern: RegExp): Promise<RegExpExecArray> {
    for (let waitedMs = 0; waitedMs < 60_000; waitedMs += 50) {
      const match = pattern.exec(this.output);
      if (match !== null) return match;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error(`no ${pattern} in:\n${this.output}`);
  }

  signalAll(signal: NodeJS.Signals): void {
    process.kill(-(this.child.pid as number), signal);
  }

  async dispose(): Promise<void> {
    try {
      this.signalAll('SIGKILL');
    } catch {
      // They have ended.
    }
    await this.ended;
  }
}

function argumentsWith(...more: string[]): string[] {
  const overrides = ['listeners=PLAINTEXT://127.0.0.1:0', `log.dirs=${directory}`];
  const flags = overrides.flatMap((override) => ['--override', override]);
  return [launcher, 'start', ...flags, ...more];
}

async function startThree(): Promise<{ parent: Started; ports: Map<number, number> }> {
  const parent = new Started(process.execPath, argumentsWith('--brokers', '3'));
  await parent.prints(/Ctrl-C stops all of them/);
  const ready = [...parent.output.matchAll(brokerPattern)];
  return { parent, ports: new Map(ready.map(([, port, node]) => [Number(node), Number(port)])) };
}

async function childOf(parent: Started, number: number): Promise<number> {
  const { stdout } = await runProgram('ps', ['-o', 'pid=,args=', '--ppid', `${parent.child.pid}`]);
  const line = stdout.split('\n').find((each) => each.includes(`node.id=${number}`)) ?? '';
  return Number.parseInt(line, 10);
}

function tool(name: string, port: number | undefined, ...args: string[]): Promise<ProgramResult> {
  const server = ['--bootstrap-server', `127.0.0.1:${port}`];
  return runProgram(process.execPath, [launcher, name, ...server, ...args]);
}

function tryStart(...args: string[]): Promise<ProgramResult> {
  return runProgram(process.execPath, args, { timeoutMs: 60_000 });
}

function assertRefusal({ code, stdout, stderr }: ProgramResult, pattern: RegExp): void {
  assert.equal(code, 1, `${stdout}${stderr}`);
  assert.match(stderr, pattern);
  assert.equal(stderr.trim().split('\n').length, 1, stderr);
  assert.doesNotMatch(stdout, /ready/);
}

describe('three brokers on one machine', () => {
  test('serve as one cluster, say what they are for, and end together on Ctrl-C', async () => {
    const { parent, ports } = await startThree();
    assert.match(parent.output, /for trying only/);
    assert.deepEqual([...ports.keys()].sort(), [1, 2, 3]);
    const made = await tool(
      'kafka-topics',
      ports.get(1),
      '--create',
      '--topic',
      't',
      '--partitions',
      '3',
      '--replication-factor',
      '3',
    );
    assert.equal(made.code, 0, made.stderr);
    const described = await tool('kafka-topics', ports.get(3), '--describe', '--topic', 't');
    assert.match(described.stdout, /ReplicationFactor: 3/);
    assert.equal(new Set(described.stdout.match(/Leader: \d/g)).size, 3);

    const second = await tryStart(...argumentsWith('--brokers', '3'));
    assertRefusal(second, /store is in use/);

    parent.signalAll('SIGINT');
    assert.equal(await parent.ended, 0, parent.output);
    assert.doesNotMatch(parent.output, /is killed/);
    for (const name of ['broker1', 'broker2', 'broker3']) {
      assert.ok(existsSync(join(directory, name, '.kafka_cleanshutdown')), name);
    }
  });

  test('go on without one that was killed, which the line that is said starts again', async () => {
    const { parent, ports } = await startThree();
    process.kill(await childOf(parent, 2), 'SIGKILL');
    const [, command] = await parent.prints(
      /broker 2 ended \(SIGKILL\); this starts it again: (.+)/,
    );
    const listed = await tool('kafka-topics', ports.get(1), '--list');
    assert.equal(listed.code, 0, listed.stderr);
    const again = new Started('sh', ['-c', command as string]);
    await again.prints(/^partita ready .* node=2 /m);
    parent.child.kill('SIGTERM');
    assert.equal(await parent.ended, 0, parent.output);
  });

  test('go on for a while without the process that keeps the store', async () => {
    const { parent, ports } = await startThree();
    await tool(
      'kafka-topics',
      ports.get(1),
      '--create',
      '--topic',
      't',
      '--replication-factor',
      '3',
    );
    const brokers = await Promise.all([1, 2, 3].map((number) => childOf(parent, number)));
    process.kill(parent.child.pid as number, 'SIGKILL');
    await parent.prints(/the cluster store at \S+ is away/);
    const servers = [...ports.values()].map((port) => `127.0.0.1:${port}`).join(',');
    const produced = await runProgram(
      process.execPath,
      [
        launcher,
        'kafka-console-producer',
        '--bootstrap-server',
        servers,
        '--topic',
        't',
        // Idempotent, as producers are: each broker has had producer ids since it joined.
        '--producer-property',
        'acks=all',
      ],
      { input: 'a\nb\n' },
    );
    assert.equal(produced.code, 0, produced.stderr);
    const consumed = await tool(
      'kafka-console-consumer',
      ports.get(2),
      '--topic',
      't',
      '--from-beginning',
      '--max-messages',
      '2',
    );
    assert.deepEqual(consumed.stdout.split('\n').sort(), ['', 'a', 'b']);
    for (const pid of brokers) process.kill(pid, 'SIGTERM');
    await parent.ended;
  });
});

describe('what cannot be started', () => {
  test('a number that is none, and a store of somebody else', async () => {
    assertRefusal(
      await tryStart(...argumentsWith('--brokers', 'many')),
      /from 1 to 16, not 'many'/,
    );
    const other = ['--override', 'cluster.store=shared://127.0.0.1:1'];
    assertRefusal(await tryStart(...argumentsWith(...other, '--brokers', '3')), /leave out/);
  });

  test('brokers where a single one has its data', async () => {
    const single = await BrokerProcess.start({ directory });
    await single.stop();
    assertRefusal(await tryStart(...argumentsWith('--brokers', '3')), /of a single broker/);
  });

  test('a single broker where several have their data', async () => {
    const { parent } = await startThree();
    parent.signalAll('SIGINT');
    await parent.ended;
    const before = readdirSync(directory).sort();
    const remedy = /--brokers 3 --override log.dirs=\S+, or use another log.dirs/;
    assertRefusal(await tryStart(...argumentsWith()), remedy);
    const one = `log.dirs=${join(directory, 'broker1')}`;
    const args = [launcher, 'start', '--override', one];
    assertRefusal(await tryStart(...args, '--override=listeners=PLAINTEXT://127.0.0.1:0'), remedy);
    assert.deepEqual(readdirSync(directory).sort(), before);
  });

  test('listeners whose ports would meet', async () => {
    const listeners = 'listeners=PLAINTEXT://127.0.0.1:19092,OTHER://127.0.0.1:19093';
    const map = 'listener.security.protocol.map=PLAINTEXT:PLAINTEXT,OTHER:PLAINTEXT';
    const args = argumentsWith('--override', listeners, '--override', map, '--brokers=2');
    assertRefusal(await tryStart(...args), /port 19093 would come twice/);
  });

  test('a broker that names another cluster, or whose directory is of another one', async () => {
    const { parent, ports } = await startThree();
    const [, store] = await parent.prints(/Metadata: (shared:\S+)/);
    const member = (folder: string, id: number): string[] => [
      ...[launcher, 'start', '--override', `cluster.store=${store}`, '--override', `node.id=${id}`],
      ...['--override', 'listeners=PLAINTEXT://127.0.0.1:0'],
      ...['--override', `log.dirs=${join(directory, folder)}`],
    ];
    const single = await BrokerProcess.start({ directory: join(directory, 'single') });
    await single.stop();
    assertRefusal(await tryStart(...member('single', 1)), /single belongs to cluster/);
    assertRefusal(await tryStart(...member('broker1', 7)), /broker1 is in use|belongs to/);
    const client = await tool('kafka-topics', ports.get(1), '--list');
    assert.equal(client.code, 0, 'nobody was harmed');
  });
});
