// Records as the console consumer prints them.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type ConsumerRecord, Headers } from '../../client/index.ts';
import { createFormatter } from './formatter.ts';

const record: ConsumerRecord = {
  topic: 't',
  partition: 2,
  offset: 5,
  timestamp: 1795230484511,
  timestampType: 'createTime',
  key: Buffer.from('k'),
  value: Buffer.from('v'),
  headers: new Headers([
    { key: 'h1', value: Buffer.from('1') },
    { key: 'h2', value: null },
  ]),
  leaderEpoch: 4,
};

function print(
  properties: Record<string, string>,
  changes: Partial<ConsumerRecord> = {},
  className?: string,
): string {
  const pieces: Uint8Array[] = [];
  const formatter = createFormatter(className, new Map(Object.entries(properties)));
  formatter.format(
    { ...record, ...changes },
    {
      write: (bytes) => pieces.push(bytes),
      writeText: (text) => pieces.push(Buffer.from(text)),
    },
  );
  return Buffer.concat(pieces).toString('utf8');
}

const everything = Object.fromEntries(
  ['timestamp', 'partition', 'offset', 'epoch', 'headers', 'key'].map((name) => [
    `print.${name}`,
    'true',
  ]),
);

describe('a message formatter', () => {
  test('prints the value and a line end by default', () => {
    assert.equal(print({}), 'v\n');
    assert.equal(print({}, { value: null }), 'null\n');
  });

  test('prints the fields in the order of Kafka, with tabs between them', () => {
    assert.equal(
      print(everything),
      'CreateTime:1795230484511\tPartition:2\tOffset:5\tEpoch:4\th1:1,h2:null\tk\tv\n',
    );
  });

  test('says what a record does not have', () => {
    assert.equal(
      print(everything, {
        timestamp: -1,
        leaderEpoch: -1,
        headers: new Headers(),
        key: null,
        value: null,
      }),
      'NO_TIMESTAMP\tPartition:2\tOffset:5\tEpoch:NOT_PRESENT\tNO_HEADERS\tnull\tnull\n',
    );
    assert.match(print(everything, { timestampType: 'logAppendTime' }), /^LogAppendTime:1795/);
  });

  test('takes other separators and another word for null', () => {
    const properties = {
      ...everything,
      'key.separator': '|',
      'line.separator': ';',
      'headers.separator': '&',
      'null.literal': 'NIL',
      'print.timestamp': 'false',
    };
    assert.equal(print(properties), 'Partition:2|Offset:5|Epoch:4|h1:1&h2:NIL|k|v;');
  });

  test('ends the line although the value is not printed', () => {
    assert.equal(print({ 'print.key': 'true', 'print.value': 'false' }), 'k\n');
  });

  test('prints values as their deserializer reads them', () => {
    const long = Buffer.alloc(8);
    long.writeBigInt64BE(-9007199254740995n);
    const name = 'org.apache.kafka.common.serialization.LongDeserializer';
    const properties = { 'value.deserializer': name };
    assert.equal(print(properties, { value: long }), '-9007199254740995\n');
    assert.throws(() => print(properties), /LongDeserializer is not 8: these are 1 bytes/);
  });

  test('is found by the name of its class, old or new', () => {
    const noOp = 'org.apache.kafka.tools.consumer.NoOpMessageFormatter';
    assert.equal(print({}, {}, noOp), '');
    assert.equal(print({}, {}, 'kafka.tools.DefaultMessageFormatter'), 'v\n');
    assert.throws(() => print({}, {}, 'com.example.Mine'), /no formatter com.example.Mine/);
    assert.throws(() => print({ 'key.deserializer': 'Avro' }), /no deserializer Avro/);
  });
});
