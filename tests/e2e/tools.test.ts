// The command-line tools as scripts use them: real processes against a real broker, judged by
// what they print, where, and with which exit code.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { BrokerProcess } from '../broker-process.ts';
import { projectRoot } from '../root.ts';
import { type ProgramResult, runProgram } from '../run-program.ts';

let broker: BrokerProcess;
let directory = '';

before(async () => {
  broker = await BrokerProcess.start();
  directory = mkdtempSync(join(tmpdir(), 'partita-tools-'));
});
after(async () => {
  await broker.dispose();
  rmSync(directory, { recursive: true, force: true });
});

const launcher = (tool: string): string => join(projectRoot, 'bin', `kafka-${tool}.sh`);

function bare(tool: string, args: readonly string[], input = ''): Promise<ProgramResult> {
  return runProgram(launcher(tool), args, { input, timeoutMs: 60_000 });
}

/** Runs a tool against the broker. */
function run(tool: string, args: string, input = ''): Promise<ProgramResult> {
  const words = args.split(' ').filter((word) => word !== '');
  return bare(tool, ['--bootstrap-server', broker.bootstrapServers, ...words], input);
}

/** Its standard output, if it succeeds. */
async function outputOf(tool: string, args: string, input = ''): Promise<string> {
  const { code, stdout, stderr } = await run(tool, args, input);
  assert.equal(code, 0, `${tool} ${args}\n${stderr}${stdout}`);
  return stdout;
}

async function assertRefused(result: Promise<ProgramResult>, pattern: RegExp): Promise<void> {
  const { code, stdout, stderr } = await result;
  assert.equal(code, 1, stdout);
  assert.match(stderr, pattern);
  assert.equal(stderr.trim().split('\n').length, 1, stderr);
}

describe('kafka-topics', () => {
  test('creates, lists, describes, grows and deletes a topic in the words of Kafka', async () => {
    assert.equal(
      await outputOf('topics', '--create --topic first --partitions 2 --config flush.ms=5'),
      'Created topic first.\n',
    );
    assert.match(await outputOf('topics', '--list'), /^first$/m);
    const described = await outputOf('topics', '--describe --topic first');
    const [head = '', ...lines] = described.split('\n');
    assert.match(
      head,
      /^Topic: first\tTopicId: \S{22}\tPartitionCount: 2\tReplicationFactor: 1\t.*: flush\.ms=5,/,
    );
    const line = (partition: number): string =>
      `\tTopic: first\tPartition: ${partition}\tLeader: 1\tReplicas: 1\tIsr: 1` +
      '\tElr: \tLastKnownElr: ';
    assert.deepEqual(lines, [line(0), line(1), '']);
    assert.equal(await outputOf('topics', '--alter --topic first --partitions 3'), '');
    assert.match(await outputOf('topics', '--describe --topic first'), /PartitionCount: 3/);
    assert.equal(await outputOf('topics', '--delete --topic first'), '');
    assert.doesNotMatch(await outputOf('topics', '--list'), /^first$/m);
  });

  test('says on standard output what the cluster refuses', async () => {
    await outputOf('topics', '--create --topic there');
    const refusals: [args: string, text: RegExp][] = [
      ['--create --topic there', /Topic 'there' already exists\.$/],
      ['--describe --topic gone', /Topic 'gone' does not exist as expected$/],
      ['--delete --topic gone', /Topic 'gone' does not exist as expected$/],
      ['--create --topic a/b', /a\/b/],
      ['--create --topic more --replication-factor 3', /3/],
      ['--create --topic none --partitions 0', /The partitions must be greater than 0$/],
      ['--create --topic odd --config no.such.config=1', /no\.such\.config/],
    ];
    for (const [args, text] of refusals) {
      const { code, stdout } = await run('topics', args);
      assert.equal(code, 1, args);
      const last = stdout.trimEnd().split('\n').at(-1) ?? '';
      assert.match(last, /^Error while executing topic command : /, args);
      assert.match(last, text);
    }
    assert.equal(await outputOf('topics', '--create --topic there --if-not-exists'), '');
    assert.equal(await outputOf('topics', '--delete --topic gone --if-exists'), '');
  });

  test('warns of names that collide as metrics', async () => {
    const text = await outputOf('topics', '--create --topic with.dot');
    assert.match(
      text,
      /^WARNING: Due to limitations in metric names, .*\nCreated topic with.dot.\n$/,
    );
  });

  test('selects topics by expression', async () => {
    for (const name of ['exp-a', 'exp-b']) await outputOf('topics', `--create --topic ${name}`);
    assert.equal(await outputOf('topics', '--list --topic exp-.*'), 'exp-a\nexp-b\n');
    assert.equal(await outputOf('topics', '--delete --topic exp-[ab]'), '');
    assert.equal(await outputOf('topics', '--list --topic exp-.*'), '');
  });
});

describe('the console producer and consumer', () => {
  test('carry headers, keys and values from line to line', async () => {
    await outputOf('topics', '--create --topic keyed');
    const reader = '--property parse.key=true --reader-property parse.headers=true';
    await outputOf('console-producer', `--topic keyed ${reader}`, 'h1:1,h2:2\tk\tv\n');
    const shown = ['timestamp', 'partition', 'offset', 'epoch', 'headers', 'key']
      .map((name) => `--formatter-property print.${name}=true`)
      .join(' ');
    const result = await run(
      'console-consumer',
      `--topic keyed --from-beginning --max-messages 1 ${shown}`,
    );
    assert.match(
      result.stdout,
      /^CreateTime:\d{13}\tPartition:0\tOffset:0\tEpoch:0\th1:1,h2:2\tk\tv\n$/,
    );
    assert.equal(result.stderr, 'Processed a total of 1 messages\n');
  });

  test('end lines as Java does, and keep bytes that are no text', async () => {
    await outputOf('topics', '--create --topic lines');
    const input = Buffer.from('a\r\nb\rc\n\nd\xff\xfe', 'latin1');
    const producer = ['--broker-list', broker.bootstrapServers, '--topic', 'lines'];
    const sent = await runProgram(launcher('console-producer'), producer, { input });
    assert.equal(sent.code, 0, sent.stderr);
    const text = await outputOf('get-offsets', '--topic lines');
    assert.equal(text, 'lines:0:5\n');
    const read = await outputOf(
      'console-consumer',
      '--topic lines --partition 0 --offset 1 --max-messages 3',
    );
    assert.equal(read, 'b\nc\n\n');
  });

  for (const codec of ['', 'none', 'snappy', 'lz4', 'zstd']) {
    test(`--compression-codec ${codec || 'alone'} sends and reads back`, async () => {
      const topic = `codec-${codec || 'gzip'}`;
      const input = Array.from({ length: 500 }, (_, i) => `line ${i % 7}\n`).join('');
      await outputOf('console-producer', `--topic ${topic} --compression-codec ${codec}`, input);
      const args = `--topic ${topic} --from-beginning --max-messages 500`;
      assert.equal(await outputOf('console-consumer', args), input);
    });
  }

  test('stop at a line without separator, after what came before it', async () => {
    const parse = '--property parse.key=true --property key.separator=:';
    const result = await run('console-producer', `--topic half ${parse}`, 'k:v\nnosep\nk:w\n');
    assert.equal(result.code, 1);
    assert.match(result.stderr, /No key separator found on line number 2: 'nosep'/);
    assert.equal(await outputOf('get-offsets', '--topic half'), 'half:0:1\n');
  });

  test('name the lines that could not be delivered, and go on', async () => {
    await outputOf('topics', '--create --topic small --config max.message.bytes=1048576');
    const input = `a\n${'x'.repeat(2 * 1024 * 1024)}\nb\n`;
    const result = await run('console-producer', '--topic small', input);
    assert.equal(result.code, 1);
    assert.match(
      result.stderr,
      /^kafka-console-producer: line 2 was not delivered to small: .+\n$/,
    );
    assert.equal(await outputOf('get-offsets', '--topic small'), 'small:0:2\n');
  });

  test('end after a silence, or with the program that reads them', async () => {
    const input = Array.from({ length: 200_000 }, (_, i) => `line ${i}\n`).join('');
    await outputOf('console-producer', '--topic many', input);
    const silent = await run('console-consumer', '--topic many --timeout-ms 300');
    assert.deepEqual([silent.code, silent.stdout], [0, '']);
    const server = `--bootstrap-server ${broker.bootstrapServers}`;
    const consumer = `${launcher('console-consumer')} ${server}`;
    const script = `set -o pipefail; ${consumer} --topic many --from-beginning | head -n 2`;
    const { code, stdout, stderr } = await runProgram('bash', ['-c', script], {
      timeoutMs: 30_000,
    });
    assert.deepEqual([code, stdout], [0, 'line 0\nline 1\n']);
    assert.match(stderr, /^Processed a total of \d+ messages\n$/);
  });

  test('Ctrl-C ends the consumer cleanly', async () => {
    await outputOf('console-producer', '--topic waiting', 'one\n');
    const args = ['--bootstrap-server', broker.bootstrapServers, '--topic', 'waiting'];
    const child = spawn(launcher('console-consumer'), [...args, '--from-beginning'], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let stderr = '';
    child.stderr.on('data', (chunk: Buffer) => {
      stderr += chunk.toString();
    });
    await new Promise((resolve) => child.stdout.once('data', resolve));
    const ended = new Promise((resolve) => child.once('close', resolve));
    child.kill('SIGINT');
    assert.equal(await ended, 130);
    assert.equal(stderr, 'Processed a total of 1 messages\n');
  });
});

describe('kafka-configs', () => {
  test('changes and describes the configs of a topic', async () => {
    await outputOf('topics', '--create --topic configured');
    const title = 'Dynamic configs for topic configured are:\n';
    assert.equal(await outputOf('configs', '--describe --topic configured'), title);
    assert.equal(
      await outputOf(
        'configs',
        '--alter --entity-type topics --entity-name configured ' +
          '--add-config flush.ms=5,cleanup.policy=[compact,delete]',
      ),
      'Completed updating config for topic configured.\n',
    );
    assert.equal(
      await outputOf('configs', '--describe --topic configured'),
      `${title}  cleanup.policy=compact,delete sensitive=false synonyms={DYNAMIC_TOPIC_CONFIG:` +
        'cleanup.policy=compact,delete, DEFAULT_CONFIG:log.cleanup.policy=delete}\n' +
        '  flush.ms=5 sensitive=false synonyms={DYNAMIC_TOPIC_CONFIG:flush.ms=5}\n',
    );
    await outputOf('configs', '--alter --topic configured --delete-config flush.ms,cleanup.policy');
    assert.equal(await outputOf('configs', '--describe --topic configured'), title);
    const all = await outputOf('configs', '--describe --all --topic configured');
    assert.match(all, /^All configs for topic configured are:\n {2}cleanup\.policy=delete sens/);
  });

  test('changes and describes the configs of brokers', async () => {
    assert.equal(
      await outputOf('configs', '--alter --broker-defaults --add-config log.cleaner.threads=2'),
      'Completed updating default config for brokers in the cluster.\n',
    );
    assert.equal(
      await outputOf('configs', '--describe --entity-type brokers'),
      'Dynamic configs for broker 1 are:\nDefault configs for brokers in the cluster are:\n' +
        '  log.cleaner.threads=2 sensitive=false synonyms={DYNAMIC_DEFAULT_BROKER_CONFIG:' +
        'log.cleaner.threads=2}\n' +
        '  min.insync.replicas=1 sensitive=false synonyms={DYNAMIC_DEFAULT_BROKER_CONFIG:' +
        'min.insync.replicas=1}\n',
    );
  });

  test('repeats the arguments when the cluster refuses', async () => {
    await outputOf('topics', '--create --topic strict');
    const args = '--alter --topic strict --add-config segment.bytes=abc';
    const { code, stderr } = await run('configs', args);
    assert.equal(code, 1);
    const [first, second] = stderr.split('\n');
    const all = `--bootstrap-server ${broker.bootstrapServers} ${args}`;
    assert.equal(first, `Error while executing config command with args '${all}'`);
    assert.match(second ?? '', /^Invalid value abc for configuration segment\.bytes: /);
    // As with Kafka: what is not set may be deleted.
    assert.equal(
      await outputOf('configs', '--alter --topic strict --delete-config flush.ms'),
      'Completed updating config for topic strict.\n',
    );
  });
});

describe('kafka-get-offsets and kafka-delete-records', () => {
  test('print ends and beginnings, and move the beginnings', async () => {
    await outputOf('topics', '--create --topic counted --partitions 2');
    await outputOf('console-producer', '--topic counted --property parse.key=true', 'k\t1\nk\t2\n');
    const ends = await outputOf('get-offsets', '--topic counted');
    const filled = ends.startsWith('counted:0:2') ? 0 : 1;
    assert.match(ends, /^counted:0:[02]\ncounted:1:[02]\n$/);
    const newest = await outputOf('get-offsets', '--topic counted --time max-timestamp');
    // Both may have been sent in the same millisecond: then it is the first.
    assert.match(newest, new RegExp(`^counted:${filled}:[01]\n$`));
    const path = join(directory, 'delete.json');
    const partitions = [
      { topic: 'counted', partition: filled, offset: 1 },
      { topic: 'gone', partition: 0, offset: 1 },
    ];
    writeFileSync(path, JSON.stringify({ partitions, version: 1 }));
    const deleted = await outputOf('delete-records', `--offset-json-file ${path}`);
    assert.match(
      deleted,
      new RegExp(
        '^Executing records delete operation\nRecords delete operation completed:\n' +
          `partition: counted-${filled}\tlow_watermark: 1\n` +
          'partition: gone-0\terror: \\S+UnknownTopicOrPartitionException: .+\n$',
      ),
    );
    const first = `--topic-partitions counted:${filled} --time earliest`;
    assert.equal(await outputOf('get-offsets', first), `counted:${filled}:1\n`);
  });

  test('say why the records of a compacted topic stay', async () => {
    await outputOf('topics', '--create --topic kept --config cleanup.policy=compact');
    const path = join(directory, 'kept.json');
    writeFileSync(path, '{"partitions":[{"topic":"kept","partition":0,"offset":0}]}');
    assert.match(
      await outputOf('delete-records', `--offset-json-file ${path}`),
      /^partition: kept-0\terror: .*PolicyViolationException: .*cleanup\.policy is compact/m,
    );
  });

  test('refuse what they cannot read', async () => {
    const path = join(directory, 'bad.json');
    writeFileSync(path, '{"partitions":');
    await assertRefused(run('delete-records', `--offset-json-file ${path}`), /not a valid JSON/);
    await assertRefused(run('delete-records', '--offset-json-file no.json'), /no file no\.json/);
    await assertRefused(run('get-offsets', '--topic gone'), /^Error occurred: Could not match any/);
  });
});

describe('every tool', () => {
  const tools = [
    ['topics', '--list'],
    ['console-producer', '--topic t'],
    ['console-consumer', '--topic t'],
    ['configs', '--describe --topic t'],
    ['get-offsets', ''],
    ['delete-records', '--offset-json-file x'],
  ] as const;

  for (const [tool, action] of tools) {
    const words = action.split(' ').filter((word) => word !== '');

    test(`kafka-${tool} explains itself and its mistakes in a line`, async () => {
      const help = await bare(tool, ['--help']);
      assert.equal(help.code, 0);
      assert.match(help.stdout, /^Usage: kafka-[\s\S]*--bootstrap-server/);
      await assertRefused(
        bare(tool, words, 'x\n'),
        /Missing required argument "\[bootstrap-server\]"/,
      );
      await assertRefused(bare(tool, ['--comand-config', 'x']), /did you mean --command-config\?/);
      await assertRefused(bare(tool, ['--zookeeper', 'x']), /--zookeeper was removed from Kafka/);
    });

    test(`kafka-${tool} gives up on a broker that does not answer`, async () => {
      const unreachable = ['--bootstrap-server', '127.0.0.1:1', '--command-property'];
      const path = join(directory, 'place.json');
      writeFileSync(path, '{"partitions":[{"topic":"t","partition":0,"offset":1}]}');
      const all = [...unreachable, 'default.api.timeout.ms=600']
        .concat(tool === 'console-producer' ? ['--max-block-ms', '600'] : [])
        .concat(words.map((word) => (word === 'x' ? path : word)));
      const startedMs = performance.now();
      const { code, stdout, stderr } = await bare(tool, all, 'x\n');
      assert.equal(code, 1);
      assert.match(`${stdout}${stderr}`, /127\.0\.0\.1:1\b/);
      assert.doesNotMatch(stderr, /\n\s+at /);
      assert.ok(performance.now() - startedMs < 10_000);
    });
  }

  test('is in bin under its name', () => {
    const names = readdirSync(join(projectRoot, 'bin'));
    for (const [tool] of tools) assert.ok(names.includes(`kafka-${tool}.sh`));
  });
});

describe('kafka-storage', () => {
  test('formats a directory that the broker then takes', async () => {
    const data = join(directory, 'formatted');
    const config = join(directory, 'server.properties');
    writeFileSync(config, `log.dirs=${data}\nlisteners=PLAINTEXT://127.0.0.1:0\n`);
    const uuid = (await bare('storage', ['random-uuid'])).stdout.trim();
    assert.match(uuid, /^[\w-]{22}$/);
    const format = ['format', '--cluster-id', uuid, '--config', config, '--standalone'];
    const first = await bare('storage', format);
    assert.equal(first.code, 0, first.stderr);
    await assertRefused(
      bare('storage', format),
      /^Log directory .* is already formatted\. Use --ignore-formatted to ignore this/,
    );
    assert.equal((await bare('storage', [...format, '--ignore-formatted'])).code, 0);
    const info = await bare('storage', ['info', '--config', config]);
    assert.equal(info.code, 0);
    assert.match(
      info.stdout,
      new RegExp(
        `^Found log directory:\n {2}${data}\n\nFound metadata: \\{cluster\\.id=${uuid}, ` +
          'directory\\.id=\\S{22}, node\\.id=1, version=1\\}\n\n$',
      ),
    );
    const started = await BrokerProcess.start({ directory: data });
    assert.match(started.output, new RegExp(`cluster=${uuid} `));
    await started.dispose();
  });
});
