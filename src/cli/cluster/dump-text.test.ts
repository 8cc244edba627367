// A dump is the same for the same metadata, is read back as it was written, or is refused.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { sampleMetadata, sampleRecords } from '../../../tests/doubles/metadata/sample-metadata.ts';
import { dumpLines, readDump } from './dump-text.ts';

const lines = [...dumpLines(sampleMetadata())];
const textOf = (changed: readonly string[]): string => `${changed.join('\n')}\n`;

function refused(changed: readonly string[], message: RegExp): void {
  assert.throws(
    () => readDump(textOf(changed), 'a.dump'),
    (error: Error) => {
      assert.match(error.message, message);
      assert.ok(!error.message.includes('\n'));
      return true;
    },
  );
}

describe('a dump of metadata', () => {
  test('says first whose they are, and that it is to be kept as passwords are', () => {
    const head = JSON.parse(lines[0] as string);
    assert.equal(head.clusterId, 'sampleClusterAAAAAAAAA');
    assert.equal(head.historyId, 'sampleHistoryAAAAAAAAA');
    assert.deepEqual([head.endOffset, head.controllerEpoch], [5_000, 7]);
    assert.match(head.warning, /as you keep passwords/);
  });

  test('has every record under its name in Kafka, topics before their partitions', () => {
    const names = lines.slice(1, -1).map((line) => JSON.parse(line).type as string);
    assert.deepEqual(
      [...new Set(names)],
      [
        'FEATURE_LEVEL_RECORD',
        'REGISTER_BROKER_RECORD',
        'TOPIC_RECORD',
        'PARTITION_RECORD',
        'CONFIG_RECORD',
        'CLIENT_QUOTA_RECORD',
        'PRODUCER_IDS_RECORD',
        'USER_SCRAM_CREDENTIAL_RECORD',
        'ACCESS_CONTROL_ENTRY_RECORD',
        'DELEGATION_TOKEN_RECORD',
      ],
    );
    const topics = lines.filter((line) => line.includes('"TOPIC_RECORD"'));
    assert.deepEqual(
      topics.map((line) => JSON.parse(line).data.name),
      ['orders', 'orders-2'],
    );
  });

  test('is the same however the metadata came about', () => {
    const isPartition = (type: string): boolean => type === 'PartitionRecord';
    const others = sampleRecords.filter(({ type }) => !isPartition(type)).reverse();
    const partitions = sampleRecords.filter(({ type }) => isPartition(type));
    assert.deepEqual([...dumpLines(sampleMetadata([...others, ...partitions]))], lines);
  });

  test('is read back as it was written', () => {
    const metadata = readDump(textOf(lines), 'a.dump');
    assert.deepEqual([...dumpLines(metadata)], lines);
    const user = metadata.records.find(({ type }) => type === 'UserScramCredentialRecord');
    assert.deepEqual((user as { salt: Buffer }).salt, Buffer.from('salt'));
  });

  test('that was cut short is refused, wherever it was cut', () => {
    for (let count = 0; count < lines.length; count++) refused(lines.slice(0, count), /^a\.dump/);
    const without = lines.filter((_, index) => index !== 4);
    refused(without, /27? ?records were written|records were written, and \d+ are there/);
    assert.throws(() => readDump(textOf(lines).slice(0, -20), 'a.dump'), /a\.dump, line \d+/);
  });

  test('with what this release does not know is refused with the line', () => {
    const changed = (index: number, from: string | RegExp, to: string): string[] =>
      lines.map((line, at) => (at === index ? line.replace(from, to) : line));
    refused(changed(0, 'partitaMetadataDump', 'other'), /line 1: this is no dump/);
    refused(changed(0, /Dump":1/, 'Dump":2'), /line 1: a dump of format 2, and .* reads 1$/);
    refused(changed(1, 'FEATURE_LEVEL', 'NEW'), /line 2: NEW_RECORD is no record/);
    refused(changed(1, '"name"', '"more":1,"name"'), /line 2: expected .*nothing more/);
    refused(changed(1, /"name":"[^"]+",/, ''), /line 2: /);
    refused(changed(1, /"featureLevel":\d+/, '"featureLevel":"x"'), /line 2: /);
  });
});
