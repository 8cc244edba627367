// Topics with types: which serdes the keys and values of each topic have, and what the compiler
// makes of that for producers, consumers and transactions.

import { nearestName } from '../base/nearest-name.ts';
import { ClientConfigError } from './client-config-error.ts';
import { InvalidArgumentError } from './errors.ts';
import type { Serde } from './serde/index.ts';

/** How one topic's records are read and written. What is left out is bytes. */
export interface TopicDefinition<Key = unknown, Value = unknown, SentKey = Key, SentValue = Value> {
  readonly key?: Serde<Key, SentKey>;
  readonly value?: Serde<Value, SentValue>;
}

/** By topic name. */
export type TopicTable = {
  // biome-ignore lint/suspicious/noExplicitAny: any serde will do, and a Serde takes what it gives
  readonly [topic: string]: TopicDefinition<any, any, any, any>;
};

/** Of a client without a table: all topics are bytes. */
export type Untyped = Record<never, never>;

/**
 * A table of topics for `new Producer({ topics })` and `new Consumer({ topics })`.
 *
 *     const topics = defineTopics({
 *       orders: { key: string(), value: json(OrderSchema) },
 *       clicks: { value: json<Click>() },
 *     });
 *
 * Throws a ClientConfigError for a name no topic can have and for what is not a serde.
 */
export function defineTopics<const Topics extends TopicTable>(topics: Topics): Topics {
  assertTopics(topics);
  return topics;
}

/** Throws a ClientConfigError for a table that makes no sense. */
export function assertTopics(topics: TopicTable): void {
  if (typeof topics !== 'object' || topics === null) {
    throw new ClientConfigError('topics is not a table: use defineTopics({ name: { value } })');
  }
  for (const [topic, definition] of Object.entries(topics)) {
    if (!/^[a-zA-Z0-9._-]{1,249}$/.test(topic) || topic === '.' || topic === '..') {
      throw new ClientConfigError(
        `topics has "${topic}": a topic's name has 1 to 249 letters, digits, dots, _ and -`,
      );
    }
    for (const [part, serde] of Object.entries(definition ?? { '': null })) {
      if (part !== 'key' && part !== 'value') {
        throw new ClientConfigError(`topics.${topic} has "${part}": expected { key, value }`);
      }
      if (serde === undefined || isSerde(serde)) continue;
      const hint = typeof serde === 'function' ? ': call it, as string()' : '';
      throw new ClientConfigError(
        `topics.${topic}.${part} is not a serde (an object with serialize and deserialize)${hint}`,
      );
    }
  }
}

/** The serdes of a topic. Throws a TypeError, with the nearest name, for one not in the table. */
export function definitionOf(topics: TopicTable, topic: string): TopicDefinition {
  if (Object.hasOwn(topics, topic)) return topics[topic] as TopicDefinition;
  const names = Object.keys(topics);
  const nearest = nearestName(topic, names);
  const hint = nearest === null ? `there are ${names.sort().join(', ')}` : `is ${nearest} meant?`;
  throw new InvalidArgumentError(`the topic ${topic} is not in the table of topics: ${hint}`);
}

/** How many clients use a serde, which is closed behind the last of them. */
const users = new WeakMap<Serde<unknown>, number>();

/** Called by a client that begins to use a table. */
export function keepSerdes(topics: TopicTable): void {
  for (const serde of serdesOf(topics)) users.set(serde, (users.get(serde) ?? 0) + 1);
}

/** Called by a client that has closed. */
export function releaseSerdes(topics: TopicTable): void {
  for (const serde of serdesOf(topics)) {
    const left = (users.get(serde) ?? 1) - 1;
    users.set(serde, left);
    if (left === 0) serde.close?.();
  }
}

function serdesOf(topics: TopicTable): ReadonlySet<Serde<unknown>> {
  const all = Object.values(topics).flatMap(({ key, value }) => [key, value]);
  return new Set(all.filter((each) => each !== undefined));
}

function isSerde(serde: Partial<Serde<unknown>> | null): boolean {
  return typeof serde?.serialize === 'function' && typeof serde.deserialize === 'function';
}

type Part = 'key' | 'value';
type PartOf<Definition, Name extends Part> = Definition extends { readonly [N in Name]: infer S }
  ? S
  : never;

/** What a program may give as the key or value of a topic: bytes or text where it has no serde. */
export type Sent<Definition, Name extends Part> = [PartOf<Definition, Name>] extends [never]
  ? Uint8Array | string
  : PartOf<Definition, Name> extends Serde<unknown, infer Given>
    ? Given
    : never;

/** What a program gets as the key or value of a topic: bytes where it has no serde. */
export type Received<Definition, Name extends Part> = [PartOf<Definition, Name>] extends [never]
  ? Buffer
  : PartOf<Definition, Name> extends Serde<infer Got, never>
    ? Got
    : never;

/** Whether a client has a table of topics. */
export type IsTyped<Topics> = [keyof Topics] extends [never] ? false : true;

/**
 * A received record `Base` with the types of the table: a union, told apart by `record.topic`.
 * null is a tombstone (value) or a record without a key.
 */
export type ReceivedRecord<Base, Topics> =
  IsTyped<Topics> extends false
    ? Base
    : {
        [Topic in keyof Topics & string]: Omit<Base, 'topic' | 'key' | 'value'> & {
          readonly topic: Topic;
          readonly key: Received<Topics[Topic], 'key'> | null;
          readonly value: Received<Topics[Topic], 'value'> | null;
        };
      }[keyof Topics & string];

/** A record to be sent, `Base` with the types of the table: a union, told apart by `topic`. */
export type SentRecord<Base, Topics> =
  IsTyped<Topics> extends false
    ? Base
    : {
        [Topic in keyof Topics & string]: Omit<Base, 'topic' | 'key' | 'value'> & {
          readonly topic: Topic;
          readonly key?: Sent<Topics[Topic], 'key'> | null;
          readonly value?: Sent<Topics[Topic], 'value'> | null;
        };
      }[keyof Topics & string];
