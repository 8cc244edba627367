// Plans of kafka-reassign-partitions as text.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KafkaError } from '../../protocol/index.ts';
import { logDirectoriesJson } from '../kafka-log-dirs.ts';
import { metadataVersionLevel, metadataVersionName } from '../metadata-versions.ts';
import { splitAction } from '../sub-command.ts';
import { parsePlan, parseTopicsToMove, planJson } from './assignment.ts';
import { moveStates } from './moves.ts';
import { proposePlan } from './placement.ts';

test('a plan that was written is read back, sorted', () => {
  const plans = [
    { topic: 't', partition: 10, replicas: [1, 2], logDirs: ['any', '/d'] },
    { topic: 't', partition: 2, replicas: [2, 1], logDirs: ['any', 'any'] },
  ];
  assert.deepEqual(parsePlan(planJson(plans)), [plans[1], plans[0]]);
  assert.deepEqual(parsePlan('{"partitions":[{"topic":"t","partition":0,"replicas":[3]}]}'), [
    { topic: 't', partition: 0, replicas: [3], logDirs: ['any'] },
  ]);
});

test('a plan that is none is refused with what is wrong', () => {
  const of = (text: string): string => `{"version":1,"partitions":[${text}]}`;
  const refused: [text: string, reason: RegExp][] = [
    ['{', /JSON/],
    ['{"version":2,"partitions":[]}', /version/],
    ['{"version":1}', /no partitions/],
    [of(''), /cannot be empty/],
    [of('{"topic":"t","replicas":[1]}'), /partition number/],
    [of('{"topic":"t","partition":0}'), /list of replicas/],
    [of('{"topic":"t","partition":0,"replicas":[]}'), /empty/],
    [of('{"topic":"t","partition":0,"replicas":[1,1]}'), /t-0 contains multiple entries for 1/],
    [of('{"topic":"t","partition":0,"replicas":[1],"log_dirs":["/a","/b"]}'), /number of log_dirs/],
    [of('{"topic":"t","partition":0,"replicas":[1]},null'), /has no topic/],
  ];
  for (const [text, reason] of refused) assert.throws(() => parsePlan(text), reason, text);
  const one = '{"topic":"t","partition":0,"replicas":[1]}';
  assert.throws(() => parsePlan(of(`${one},${one}`)), /duplicate topic partitions: t-0/);
  assert.throws(() => parseTopicsToMove('{"topics":[{"topic":"t"},{"topic":"t"}]}'), /duplicate/);
});

test('replicas are proposed evenly and never twice on one broker', () => {
  let draw = 0;
  const random = { float: () => 0, bytes: Buffer.alloc, int: (bound: number) => draw++ % bound };
  const size = { topic: 't', partitions: 12, replicationFactor: 3 };
  const plans = proposePlan(size, [4, 5, 6, 7], random);
  const leaders = plans.map(({ replicas }) => replicas[0]);
  for (const id of [4, 5, 6, 7]) assert.equal(leaders.filter((each) => each === id).length, 3);
  for (const { replicas } of plans) assert.equal(new Set(replicas).size, 3);
  assert.throws(() => proposePlan(size, [1, 2], random), /larger than available brokers: 2/);
});

test('the state of a move is told by where the replica and its copy are', () => {
  const move = { topic: 't', partition: 0, nodeId: 1, path: '/b' };
  const directory = (path: string, isFuture: boolean) => ({
    nodeId: 1,
    path,
    error: null,
    totalBytes: -1,
    usableBytes: -1,
    replicas: [{ topic: 't', partition: 0, sizeBytes: 5, offsetLag: 0, isFuture }],
  });
  const cases: [directories: ReturnType<typeof directory>[], text: RegExp, areDone: boolean][] = [
    [[directory('/b', false)], /completed successfully/, true],
    [[directory('/a', false), directory('/b', true)], /still in progress/, false],
    [[directory('/a', false)], /not being moved from log dir \/a to \/b/, true],
    [[directory('/a', false), directory('/c', true)], /to log dir \/c instead of \/b/, true],
    [[], /not found in any live log dir on broker 1/, true],
  ];
  for (const [directories, text, areDone] of cases) {
    const state = moveStates([move], directories);
    assert.match(state.text, text);
    assert.equal(state.areDone, areDone);
  }
});

test('a log directory that failed is shown with the name of its error', () => {
  const failed = {
    nodeId: 1,
    path: '/d',
    error: new KafkaError('KAFKA_STORAGE_ERROR'),
    totalBytes: -1,
    usableBytes: -1,
    replicas: [],
  };
  const text = logDirectoriesJson([1], [failed], []);
  const error = 'org.apache.kafka.common.errors.KafkaStorageException';
  assert.equal(
    text,
    `{"brokers":[{"broker":1,"logDirs":[{"partitions":[],"error":"${error}","logDir":"/d"}]}],` +
      '"version":1}',
  );
});

test('levels of metadata.version have the names of releases', () => {
  assert.equal(metadataVersionName(25), '4.0-IV3');
  assert.equal(metadataVersionName(99), '99');
  assert.equal(metadataVersionLevel('4.0'), 25);
  assert.equal(metadataVersionLevel('3.3-IV3'), 7);
  assert.equal(metadataVersionLevel('1.0'), null);
});

test('an action is found before, between and behind flags', () => {
  const actions = ['describe', 'upgrade'];
  for (const args of ['describe --a b', '--a b describe', '--a=b describe', '--dry describe']) {
    assert.equal(splitAction(args.split(' '), actions).action, 'describe');
  }
  assert.deepEqual(splitAction(['-b', 'host:1', 'upgrade'], actions).flags, [
    '--bootstrap-server',
    'host:1',
  ]);
  assert.throws(() => splitAction(['--a', 'b'], actions), /too few arguments/);
  assert.throws(() => splitAction(['nope'], actions), /no action 'nope'/);
  assert.equal(splitAction(['--help'], actions).action, null);
});
