// Flags: abbreviations, what was removed, what is misspelt.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Command } from 'commander';
import {
  kafkaCommand,
  parseFlags,
  parsePairs,
  refuseTogether,
  repeatable,
  requireFlags,
} from './command-line.ts';
import { parseOffsetJson } from './kafka-delete-records.ts';

const command = (): Command =>
  kafkaCommand('tool', 'A tool.')
    .option('--topic <name>', 'a topic')
    .option('--topic-id <id>', 'an id')
    .option('--partitions <count>', 'a count')
    .option('--time <time>', 'a time')
    .option('--list', 'list')
    .option('--codec [name]', 'a codec')
    .addOption(repeatable('--config <k=v>', 'a config'));

const parse = (...args: string[]): object => parseFlags(command(), args);

describe('a command line', () => {
  test('takes flags in any order, with a space or an equal sign, repeated or alone', () => {
    assert.deepEqual(parse('--config', 'a=1', '--list', '--topic=t', '--config', 'b=2'), {
      config: ['a=1', 'b=2'],
      list: true,
      topic: 't',
    });
    assert.deepEqual(parse('--codec', '--list'), { codec: true, list: true });
  });

  test('takes a value that looks like a flag', () => {
    assert.deepEqual(parse('--time', '-1'), { time: '-1' });
    assert.deepEqual(parse('--topic', '--list'), { topic: '--list' });
  });

  test('understands the beginning of a flag if only one begins so', () => {
    assert.deepEqual(parse('--part', '3', '--conf=a=1'), { partitions: '3', config: ['a=1'] });
    assert.deepEqual(parse('--topic', 't'), { topic: 't' });
    assert.throws(() => parse('--t', 't'), /--t is not clear: it could be --topic or --topic-id/);
  });

  test('names the nearest flag for one that is misspelt', () => {
    assert.throws(() => parse('--partitons', '3'), /no option --partitons; did you mean --partit/);
    assert.throws(() => parse('--frobnicate'), /no option --frobnicate \(see --help\)/);
  });

  test('says what to use instead of a flag that Kafka has removed', () => {
    assert.throws(
      () => parse('--zookeeper', 'z:2181'),
      /--zookeeper was removed.*--bootstrap-serv/,
    );
  });

  test('says what is missing and what cannot go together', () => {
    const flags = { topicId: 'x', list: true };
    assert.throws(() => requireFlags(flags, 'topic'), /Missing required argument "\[topic\]"/);
    assert.doesNotThrow(() => requireFlags(flags, 'topic-id'));
    assert.throws(
      () => refuseTogether(flags, 'list', ['topic-id']),
      /Option "\[list\]" can't be used with option "\[topic-id\]"/,
    );
  });

  test('takes everything after the first equal sign as the value of a pair', () => {
    assert.deepEqual(parsePairs(['a=b=c', 'd='], '--p'), [
      ['a', 'b=c'],
      ['d', ''],
    ]);
    assert.throws(() => parsePairs(['a'], '--p'), /--p takes key=value, not 'a'/);
  });
});

describe('the file of kafka-delete-records', () => {
  const parseJson = (json: unknown): unknown => parseOffsetJson(JSON.stringify(json), 'f.json');
  const place = { topic: 't', partition: 0, offset: 5 };

  test('lists partitions with the offsets to delete up to', () => {
    assert.deepEqual(parseJson({ partitions: [place], version: 1 }), [place]);
    assert.deepEqual(parseJson({ partitions: [{ ...place, offset: -1 }] }), [
      { ...place, offset: -1 },
    ]);
  });

  test('is refused with what is wrong in it', () => {
    assert.throws(() => parseOffsetJson('{', 'f.json'), /^UsageError: f.json: .*not a valid JSON/);
    assert.throws(() => parseJson({}), /Missing partitions field/);
    assert.throws(() => parseJson(null), /Missing partitions field/);
    assert.throws(() => parseJson({ partitions: [], version: 2 }), /version field value 2/);
    assert.throws(
      () => parseJson({ partitions: [place, place] }),
      /duplicate topic partitions: t-0/,
    );
    assert.throws(() => parseJson({ partitions: [{ ...place, offset: 'x' }] }), /\[0\].offset/);
    assert.throws(() => parseJson({ partitions: [null] }), /\[0\].topic is not a string/);
  });
});
