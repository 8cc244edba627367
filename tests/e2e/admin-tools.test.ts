// The tools of operators against a broker with two log directories: log directories, leaders,
// reassignments, features, the cluster, the quorum.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { BrokerProcess } from '../broker-process.ts';
import { projectRoot } from '../root.ts';
import { type ProgramResult, runProgram } from '../run-program.ts';

let directory = '';
let broker: BrokerProcess;
const path = (name: string): string => join(directory, name);

before(async () => {
  directory = mkdtempSync(join(tmpdir(), 'partita-admin-'));
  broker = await BrokerProcess.start({ config: { 'log.dirs': `${path('a')},${path('b')}` } });
  await outputOf('topics', '--create --topic t --partitions 2');
});
after(async () => {
  await broker.dispose();
  rmSync(directory, { recursive: true, force: true });
});

function run(tool: string, args: string, input = ''): Promise<ProgramResult> {
  const words = args.split(' ').filter((word) => word !== '');
  const all = [...words, '--bootstrap-server', broker.bootstrapServers];
  const launcher = join(projectRoot, 'bin', `kafka-${tool}.sh`);
  return runProgram(launcher, all, { input, timeoutMs: 60_000 });
}

async function outputOf(tool: string, args: string, input = ''): Promise<string> {
  const { code, stdout, stderr } = await run(tool, args, input);
  assert.equal(code, 0, `${tool} ${args}\n${stderr}${stdout}`);
  return stdout;
}

async function refusal(tool: string, args: string): Promise<string> {
  const { code, stderr } = await run(tool, args);
  assert.equal(code, 1);
  assert.equal(stderr.trim().split('\n').length, 1, stderr);
  return stderr;
}

function file(name: string, content: unknown): string {
  writeFileSync(path(name), JSON.stringify(content));
  return path(name);
}

interface LogDirs {
  readonly brokers: {
    readonly logDirs: { readonly logDir: string; readonly partitions: { partition: string }[] }[];
  }[];
}

async function directoryOf(partition: string): Promise<string> {
  const text = await outputOf('log-dirs', '--describe --topic-list t');
  const lines = text.split('\n');
  assert.equal(lines[0], 'Querying brokers for log directories information');
  assert.equal(lines[1], 'Received log directory information from brokers 1');
  const json = JSON.parse(lines[2] as string) as LogDirs;
  const found = json.brokers[0]?.logDirs.find(({ partitions }) =>
    partitions.some((each) => each.partition === partition),
  );
  return found?.logDir ?? '';
}

test('kafka-log-dirs refuses brokers that are not there', async () => {
  assert.match(
    await refusal('log-dirs', '--describe --broker-list 1,7'),
    /brokers do not exist from --broker-list: 7\. Current existent brokers: 1/,
  );
  assert.match(await refusal('log-dirs', ''), /\[describe\]/);
});

test('kafka-reassign-partitions proposes, moves, verifies and lists', async () => {
  await outputOf('console-producer', '--topic t', 'one\ntwo\n');
  const from = await directoryOf('t-0');
  const to = from === path('a') ? path('b') : path('a');
  const topics = file('topics.json', { topics: [{ topic: 't' }], version: 1 });
  assert.match(
    await outputOf(
      'reassign-partitions',
      `--generate --topics-to-move-json-file ${topics} --broker-list 1`,
    ),
    /^Current partition replica assignment\n\{"version":1,.*\n\nProposed .*\n\{"version":1,/,
  );
  const plan = { topic: 't', partition: 0, replicas: [1], log_dirs: [to] };
  const move = file('move.json', { version: 1, partitions: [plan] });
  const begun = await outputOf(
    'reassign-partitions',
    `--execute --reassignment-json-file ${move} --replica-alter-log-dirs-throttle 10000000`,
  );
  const back = JSON.stringify({ version: 1, partitions: [{ ...plan, log_dirs: [from] }] });
  assert.equal(
    begun,
    `Current partition replica assignment\n\n${back}\n\n` +
      'Save this to use as the --reassignment-json-file option during rollback\n' +
      'Warning: You must run --verify periodically, until the reassignment completes, to ensure ' +
      'the throttle is removed.\n' +
      'The replica-alter-dir throttle limit was set to 10000000 B/s\n' +
      'Successfully started partition reassignment for t-0\n' +
      `Successfully started moving log directory to ${to} for replica t-0 with broker 1 \n`,
  );
  const rate = 'replica.alter.log.dirs.io.max.bytes.per.second';
  const limits = '--describe --entity-type brokers --entity-name 1';
  assert.match(await outputOf('configs', limits), new RegExp(`${rate}=10000000`));
  let verified = '';
  do {
    verified = await outputOf('reassign-partitions', `--verify --reassignment-json-file ${move}`);
  } while (/still in progress/.test(verified));
  assert.equal(
    verified,
    'Status of partition reassignment:\nReassignment of partition t-0 is completed.\n' +
      'Reassignment of replica t-0-1 completed successfully.\n' +
      'Clearing broker-level throttles on broker 1\nClearing topic-level throttles on topic t\n',
  );
  assert.equal(await directoryOf('t-0'), to);
  assert.doesNotMatch(await outputOf('configs', limits), new RegExp(rate));
  assert.equal(
    await outputOf('reassign-partitions', '--list'),
    'No partition reassignments found.\n',
  );
  const read = await outputOf('console-consumer', '--topic t --from-beginning --max-messages 2');
  assert.deepEqual(read.trim().split('\n').sort(), ['one', 'two']);
});

test('kafka-reassign-partitions refuses what cannot be', async () => {
  const plan = (name: string, change: object): string => {
    const partition = { topic: 't', partition: 0, replicas: [1], ...change };
    return `--execute --reassignment-json-file ${file(name, { partitions: [partition] })}`;
  };
  const refused: [args: string, text: RegExp][] = [
    [plan('broker.json', { replicas: [9] }), /Unknown broker id 9/],
    [plan('topic.json', { topic: 'gone' }), /Topic gone not found/],
    [plan('path.json', { log_dirs: ['/gone'] }), /Failed to alter dir for t-0-1/],
    ['--execute', /\[reassignment-json-file\]/],
    ['', /exactly one action/],
    ['--list --verify', /exactly one action/],
  ];
  for (const [args, text] of refused) {
    const { code, stderr } = await run('reassign-partitions', args);
    assert.equal(code, 1, args);
    assert.match(stderr, text);
  }
});

test('kafka-leader-election says what is elected already and what is not there', async () => {
  assert.equal(
    await outputOf('leader-election', '--election-type preferred --topic t --partition 0'),
    'Valid replica already elected for partitions t-0\n',
  );
  const all = '--election-type unclean --all-topic-partitions';
  assert.equal(await outputOf('leader-election', all), '');
  const partitions = [
    { topic: 't', partition: 1 },
    { topic: 'gone', partition: 0 },
  ];
  const list = `--path-to-json-file ${file('elect.json', { partitions })}`;
  const { code, stdout, stderr } = await run(
    'leader-election',
    `--election-type PREFERRED ${list}`,
  );
  assert.equal(code, 1);
  assert.match(stdout, /^Valid replica already elected for partitions t-1\n/);
  assert.match(stdout, /\(PREFERRED\) for partition: gone-0: .*UnknownTopicOrPartitionException/);
  assert.match(stderr, /1 replica\(s\) could not be elected/);
  assert.match(await refusal('leader-election', '--election-type odd --topic t'), /'odd'/);
  assert.match(
    await refusal('leader-election', '--election-type unclean --topic t'),
    /partition$/m,
  );
  assert.match(await refusal('leader-election', '--election-type unclean'), /One and only one/);
});

test('kafka-features describes, lowers and raises', async () => {
  const before = await outputOf('features', 'describe');
  assert.match(before, /^Feature: eligible\.leader\.replicas\.version {10}SupportedMinVersion: 0 /);
  assert.match(before, /^Feature: group\.version {29}SupportedMinVersion: 0 {16}Supported/m);
  assert.match(before, /metadata\.version +SupportedMinVersion: 3\.3-IV3 /);
  const lower = 'downgrade --feature group.version=0';
  assert.equal(
    await outputOf('features', `${lower} --dry-run`),
    'group.version can be downgraded to 0.\n',
  );
  assert.equal(await outputOf('features', lower), 'group.version was downgraded to 0.\n');
  assert.equal(
    await outputOf('features', 'upgrade --feature group.version=1'),
    'group.version was upgraded to 1.\n',
  );
  const { code, stdout, stderr } = await run('features', 'upgrade --feature nope=3');
  assert.equal(code, 1);
  assert.match(stdout, /^Could not upgrade nope to 3\. The update failed for all features /);
  assert.equal(stderr, '1 out of 1 operation(s) failed.\n');
});

test('kafka-cluster tells the id and the endpoints, and forgets only who was there', async () => {
  assert.match(await outputOf('cluster', 'cluster-id'), /^Cluster ID: \S{22}\n$/);
  assert.equal(
    await outputOf('cluster', 'list-endpoints'),
    'ID         HOST      PORT       RACK       STATE      ENDPOINT_TYPE  \n' +
      `1          127.0.0.1 ${`${broker.port}`.padEnd(10)} null       unfenced   broker         \n`,
  );
  assert.match(
    await refusal('cluster', 'unregister --id 5'),
    /Broker ID 5 is not currently registered/,
  );
  assert.match(await refusal('cluster', 'unregister'), /\[id\]/);
});

test('kafka-broker-api-versions and kafka-cluster api-versions list what is served', async () => {
  const text = await outputOf('broker-api-versions', '');
  assert.match(
    text,
    /^127\.0\.0\.1:\d+ \(id: 1 rack: null isFenced: false\) -> \(\n\tProduce\(0\): /,
  );
  assert.match(text, /\n\tElectLeaders\(43\): 0 to 2 \[usable: 2\],\n/);
  assert.match(text, /\n\)\n$/);
  assert.equal(await outputOf('cluster', 'api-versions'), text);
});

test('kafka-metadata-quorum describes its one voter', async () => {
  const status = await outputOf('metadata-quorum', 'describe --status');
  assert.match(status, /^ClusterId: {14}\S{22}\nLeaderId: {15}1\nLeaderEpoch: {12}\d+\n/);
  assert.match(status, /\nCurrentVoters: {10}\[\{"id": 1, .*\}\]\nCurrentObservers: {7}\[\]\n$/);
  const table = await outputOf('metadata-quorum', 'describe --replication --human-readable');
  assert.match(table, /^NodeId\tDirectoryId {11}\tLogEndOffset\tLag\t.*\tStatus\t\n1 {5}\t/);
  assert.match(table, / ms ago +\tLeader\t\n$/);
  assert.match(await refusal('metadata-quorum', 'describe'), /One of --status or --replication/);
});
