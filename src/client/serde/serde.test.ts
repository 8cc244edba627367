// The built-in serdes: Java's bytes, values that go round without loss, and what is refused.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { noHeaders } from '../headers.ts';
import {
  boolean,
  bytes,
  float32,
  float64,
  int16,
  int32,
  int64,
  json,
  type SchemaIssue,
  type Serde,
  SerdeError,
  type StandardSchema,
  serdeOfJavaClass,
  string,
  uuid,
} from './index.ts';

const write = <T>(serde: Serde<unknown, T>, value: T): Uint8Array =>
  serde.serialize('t', value, noHeaders) as Uint8Array;
const hex = <T>(serde: Serde<unknown, T>, value: T): string =>
  Buffer.from(write(serde, value)).toString('hex');
const read = <T>(serde: Serde<T, never>, text: string): T =>
  serde.deserialize('t', Buffer.from(text, 'hex'), noHeaders);
const round = <T>(serde: Serde<T>, value: T): T =>
  serde.deserialize('t', Buffer.from(write(serde, value)), noHeaders);

/** As Java's serializers of Kafka 4.3.1 wrote them (JDK 17). */
const javaBytes: readonly [name: string, value: unknown, hex: string][] = [
  ['Short', -2, 'fffe'],
  ['Short', 32767, '7fff'],
  ['Integer', 1, '00000001'],
  ['Integer', -2147483648, '80000000'],
  ['Long', 9223372036854775807n, '7fffffffffffffff'],
  ['Long', -9223372036854775808n, '8000000000000000'],
  ['Float', 1.5, '3fc00000'],
  ['Float', 0.1, '3dcccccd'],
  ['Float', -0, '80000000'],
  ['Float', Number.NaN, '7fc00000'],
  ['Double', 0.1, '3fb999999999999a'],
  ['Double', -0, '8000000000000000'],
  ['Double', Number.NaN, '7ff8000000000000'],
  ['Double', Number.NEGATIVE_INFINITY, 'fff0000000000000'],
  ['Boolean', true, '01'],
  ['Boolean', false, '00'],
  ['String', 'é😀', 'c3a9f09f9880'],
  ['String', '', ''],
  ['ByteArray', Uint8Array.of(0, 255), '00ff'],
  [
    'UUID',
    '0D0C0B0A-0908-0706-0504-030201000000',
    Buffer.from('0d0c0b0a-0908-0706-0504-030201000000').toString('hex'),
  ],
];

test('numbers, texts and uuids have the bytes that Java gives them', () => {
  for (const [name, value, expected] of javaBytes) {
    const serializer = `org.apache.kafka.common.serialization.${name}Serializer`;
    const serde = serdeOfJavaClass(serializer) as Serde<unknown, unknown>;
    assert.equal(hex(serde, value), expected, `${name} ${String(value)}`);
    const deserializer = serializer.replace('Serializer', 'Deserializer');
    const back = read(serdeOfJavaClass(deserializer) as Serde<unknown, never>, expected);
    const again = name === 'UUID' ? String(value).toLowerCase() : value;
    if (name === 'Float') assert.ok(Object.is(back, Math.fround(value as number)));
    else if (name === 'ByteArray') assert.deepEqual(back, Buffer.from(expected, 'hex'));
    else assert.ok(Object.is(back, again), `${name} ${String(value)}`);
  }
  const streams = 'org.apache.kafka.common.serialization.Serdes$StringSerde';
  assert.equal(serdeOfJavaClass(streams)?.deserialize('t', Buffer.from('a'), noHeaders), 'a');
  assert.equal(serdeOfJavaClass('com.example.StockPriceSerializer'), null);
});

test('the not-a-number that a processor makes has the bits of Java’s', () => {
  const zero = Number('0');
  assert.equal(hex(float64(), zero / zero), '7ff8000000000000');
  assert.equal(hex(float32(), -(zero / zero)), '7fc00000');
});

test('every value of a type goes round', () => {
  const same = <T>(serde: Serde<T>, values: fc.Arbitrary<T>): void =>
    fc.assert(
      fc.property(values, (value) => assert.deepStrictEqual(round(serde, value), value)),
      { numRuns: 40 },
    );
  const codePoint = fc.oneof(fc.nat(0xd7ff), fc.integer({ min: 0xe000, max: 0x10ffff }));
  const character = codePoint.map((each) => String.fromCodePoint(each));
  const edges = [-0, Number.NaN, Number.POSITIVE_INFINITY, 5e-324, 2 ** 53];
  same(int16(), fc.integer({ min: -32768, max: 32767 }));
  same(int32(), fc.integer());
  same(int64(), fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }));
  same(int64({ int64: 'number' }), fc.maxSafeInteger());
  same(float32(), fc.float());
  same(float64(), fc.oneof(fc.double(), fc.constantFrom(...edges)));
  same(boolean(), fc.boolean());
  same(string(), fc.string({ unit: character }));
  same(uuid(), fc.uuid());
  same(
    bytes() as Serde<Uint8Array>,
    fc.uint8Array().map((each) => Buffer.from(each)),
  );
  const halves = fc.constantFrom('\ud800', 'a\udfff', '😀');
  const leaf = fc.oneof(halves, fc.constantFrom(-0, 0, null, 1e21), fc.string(), fc.boolean());
  const { tree } = fc.letrec((tie) => ({
    tree: fc.oneof(
      { maxDepth: 3 },
      leaf,
      fc.array(tie('tree'), { maxLength: 4 }),
      fc.dictionary(fc.string(), tie('tree'), { maxKeys: 4 }),
    ),
  }));
  fc.assert(
    fc.property(tree, (value) => {
      // A dictionary of fast-check has no prototype.
      assert.deepEqual(zeros(round(json(), value)), zeros(value));
    }),
    { numRuns: 60 },
  );
});

/** With -0 told from 0 and prototypes left out. */
const zeros = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value, (_key, each) => (Object.is(each, -0) ? 'minus zero' : each)));

test('what a type cannot hold is refused and never changed', () => {
  const refused: readonly [Serde<never, never>, unknown, RegExp][] = [
    [int16() as never, 32768, /32768 \(number\) is not an int16: -32768 to 32767/],
    [int32() as never, 1.5, /1.5 \(number\) is not an int32/],
    [int32() as never, '5', /"5" is not an int32/],
    [int64() as never, 5, /an int64 is a bigint \(5n\), not 5 \(number\)/],
    [int64() as never, 2n ** 63n, /is not an int64/],
    [int64({ int64: 'number' }) as never, 2 ** 53, /below 2\^53: use a bigint/],
    [float32() as never, 1e39, /too large for a float32/],
    [float64() as never, 1n, /a float64 is a number/],
    [boolean() as never, 1, /is not true or false/],
    [bytes() as never, 'text', /bytes are a Uint8Array/],
    [string() as never, 5, /takes text, not a value of type number/],
    [string() as never, 'a\ud800', /half of a surrogate pair/],
    [uuid() as never, 'x', /is not a uuid/],
    [json() as never, undefined, /type undefined has no JSON/],
    [json() as never, { a: [1, { b: Number.NaN }] }, /a\[1\]\.b is NaN, which JSON cannot hold/],
    [json() as never, Number.POSITIVE_INFINITY, /the value is Infinity/],
    [json() as never, { at: new Date(Number.NaN) }, /at is an invalid Date/],
    [json() as never, { n: 5n }, /BigInt/],
  ];
  for (const [serde, value, message] of refused) {
    assert.throws(() => serde.serialize('t', value as never, noHeaders), message);
  }
  const unreadable: readonly [Serde<unknown, never>, string, RegExp][] = [
    [int16(), '01', /an int16 has 2 bytes, not 1/],
    [int64(), '', /an int64 has 8 bytes, not 0/],
    [int64({ int64: 'number' }), '7fffffffffffffff', /9223372036854775807 is beyond 2\^53/],
    [boolean(), '02', /a byte of 0 or 1, not 2/],
    [uuid(), '78', /is not a uuid/],
    [json(), '7b', /JSON/],
  ];
  for (const [serde, text, message] of unreadable) assert.throws(() => read(serde, text), message);
});

interface Order {
  readonly item: string;
  readonly count: number;
}

/** As a library of schemas would make it: a count that is absent is 1. */
function orderSchema(
  answer: (result: unknown) => unknown = (result) => result,
): StandardSchema<{ item: string; count?: number }, Order> {
  const issues: SchemaIssue[] = [{ message: 'expected text', path: ['item'] }];
  return {
    '~standard': {
      version: 1,
      vendor: 'test',
      validate: (value) => {
        const { item, count = 1 } = value as Order;
        const isValid = typeof item === 'string';
        return answer(isValid ? { value: { item, count } } : { issues }) as never;
      },
    },
  };
}

test('json checks its schema on both ends, writes what was given, fills in what is absent', () => {
  const serde = json(orderSchema());
  const written = Buffer.from(write(serde, { item: 'tea' }));
  assert.equal(written.toString(), '{"item":"tea"}');
  const order: Order = serde.deserialize('t', written, noHeaders);
  assert.deepEqual(order, { item: 'tea', count: 1 });
  const refusal = { name: 'SchemaError', message: 'item: expected text' };
  assert.throws(() => serde.serialize('t', { item: 5 } as never, noHeaders), refusal);
  assert.throws(() => serde.deserialize('t', Buffer.from('{"item":5}'), noHeaders), refusal);
  const late = json(orderSchema((result) => Promise.resolve(result)));
  assert.throws(() => late.serialize('t', { item: 'tea' }, noHeaders), /validates asynchronously/);
});

test('the error of a record says which, which part of it, and why', () => {
  let cause: unknown;
  try {
    json(orderSchema()).deserialize('t', Buffer.from('{}'), noHeaders);
  } catch (error) {
    cause = error;
  }
  const read = new SerdeError({ topic: 't', partition: 2, offset: 7, part: 'value' }, cause);
  const because = 'cannot be deserialized: item: expected text';
  assert.equal(read.message, `the value at offset 7 of t-2 ${because}`);
  assert.deepEqual(read.issues, [{ message: 'expected text', path: ['item'] }]);
  assert.deepEqual([read.topic, read.partition, read.offset, read.part], ['t', 2, 7, 'value']);
  assert.equal(read.cause, cause);
  assert.match(read.hint, /Seek to 8/);
  const sent = new SerdeError({ topic: 't', part: 'key' }, 'no');
  assert.equal(sent.message, 'the key of a record for topic t cannot be serialized: no');
  assert.deepEqual([sent.partition, sent.offset, sent.issues], [null, null, []]);
});
