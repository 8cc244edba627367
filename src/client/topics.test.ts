// Tables of topics: what is refused when a program runs, and what the compiler infers (this file
// does not compile when an inference is lost).

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { int64, json, type StandardSchema, string } from './serde/index.ts';
import {
  defineTopics,
  definitionOf,
  type Received,
  type ReceivedRecord,
  type Sent,
  type SentRecord,
  type TopicTable,
  type Untyped,
} from './topics.ts';

type Same<A, B> =
  (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const holds = <_ extends true>(): void => {};

declare const OrderSchema: StandardSchema<
  { id: string; count?: number },
  { id: string; count: number }
>;
const schema: typeof OrderSchema = {
  '~standard': { version: 1, vendor: 'test', validate: (value) => ({ value: value as never }) },
};

const topics = defineTopics({
  orders: { key: string(), value: json(schema) },
  clicks: { value: json<{ url: string }>() },
  totals: { key: string(), value: int64() },
});
type Table = typeof topics;

interface Plain {
  readonly topic: string;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly offset: number;
}

test('the types of keys and values follow from the serdes', () => {
  holds<Same<Sent<Table['orders'], 'value'>, { id: string; count?: number }>>();
  holds<Same<Received<Table['orders'], 'value'>, { id: string; count: number }>>();
  holds<Same<Sent<Table['orders'], 'key'>, string>>();
  holds<Same<Sent<Table['clicks'], 'key'>, Uint8Array | string>>();
  holds<Same<Received<Table['clicks'], 'key'>, Buffer>>();
  holds<Same<Received<Table['totals'], 'value'>, bigint>>();
  holds<Same<ReceivedRecord<Plain, Untyped>, Plain>>();
  holds<Same<SentRecord<Plain, Untyped>, Plain>>();
  const countOf = (record: ReceivedRecord<Plain, Table>): number | bigint | string | null => {
    switch (record.topic) {
      case 'orders':
        holds<Same<typeof record.key, string | null>>();
        return record.value?.count ?? null;
      case 'clicks':
        return record.value?.url ?? null;
      default:
        holds<Same<typeof record.topic, 'totals'>>();
        return record.value;
    }
  };
  const place = { key: 'k', offset: 0 };
  assert.equal(countOf({ ...place, topic: 'totals', value: 5n }), 5n);
  const sent: SentRecord<Plain, Table>[] = [
    { topic: 'orders', key: 'k', value: { id: 'a' }, offset: 0 },
    { topic: 'orders', value: null, offset: 0 },
    // @ts-expect-error: an id is text
    { topic: 'orders', value: { id: 1 }, offset: 0 },
    // @ts-expect-error: not a topic of the table
    { topic: 'order', value: { id: 'a' }, offset: 0 },
    // @ts-expect-error: an int64 is a bigint
    { topic: 'totals', value: 1, offset: 0 },
  ];
  assert.equal(sent.length, 5);
});

test('a table that makes no sense is refused with the place in it', () => {
  const refused: readonly [unknown, RegExp][] = [
    [null, /topics is not a table/],
    [{ 'a b': {} }, /topics has "a b"/],
    [{ '..': {} }, /topics has "\.\."/],
    [{ a: { values: string() } }, /topics\.a has "values": expected \{ key, value \}/],
    [{ a: { value: string } }, /topics\.a\.value is not a serde .*: call it, as string\(\)/],
    [{ a: { key: { serialize() {} } } }, /topics\.a\.key is not a serde/],
    [{ a: null }, /topics\.a has ""/],
  ];
  for (const [table, message] of refused) {
    const name = 'ClientConfigError';
    assert.throws(() => defineTopics(table as TopicTable), { name, message });
  }
  defineTopics({ a: {}, b: { key: undefined as never } });
});

test('a topic that is not in the table is refused with the nearest that is', () => {
  assert.equal(definitionOf(topics, 'orders'), topics.orders);
  const message = 'the topic order is not in the table of topics: is orders meant?';
  assert.throws(() => definitionOf(topics, 'order'), { name: 'InvalidArgumentError', message });
  assert.throws(() => definitionOf(topics, 'toString'), /there are clicks, orders, totals/);
});
