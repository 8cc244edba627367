// What every foreign client is asked to do, whatever language it is written in: create a topic,
// produce with every codec and acks setting, and read back by assignment from the beginning, from
// the end and from a timestamp. An adapter per client says how; this file says what must hold.
//
// INTEROP_BOOTSTRAP_SERVERS=host:port runs the same tests against another broker, such as Apache
// Kafka itself, to tell a fault of ours from one of the test or of the client.

import assert from 'node:assert/strict';
import { after, before, describe, type TestContext, test } from 'node:test';
import { BrokerProcess } from '../broker-process.ts';

export type Codec = 'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd';
export type Acks = 0 | 1 | -1;
/** A number is an absolute offset; a timestamp is in milliseconds. */
export type ReadFrom = 'beginning' | 'end' | number | { readonly timestamp: number };

export interface KeyValue {
  readonly key: string | null;
  readonly value: string;
}

export interface ForeignClient {
  readonly name: string;
  readonly codecs: readonly Codec[];
  /** False if the client cannot ask for a timestamp; true if not given. */
  readonly hasTimestamps?: boolean;
  /** False if the client's toolchain is missing (the test is then skipped). */
  isPresent(t: TestContext): boolean;
  connect(bootstrapServers: string): Promise<void>;
  close(): Promise<void>;
  createTopic(topic: string, partitions: number): Promise<void>;
  /** To partition 0, in order. */
  produce(topic: string, records: KeyValue[], how: { codec: Codec; acks: Acks }): Promise<void>;
  /** From partition 0; returns when `count` records have arrived. */
  read(topic: string, from: ReadFrom, count: number): Promise<KeyValue[]>;
}

function records(label: string, count: number): KeyValue[] {
  return Array.from({ length: count }, (_, index) => ({
    key: `key-${index % 7}`,
    value: `${label} ${index} ${'compressible '.repeat(index % 9)}`.trim(),
  }));
}

export function describeForeignClient(client: ForeignClient): void {
  describe(client.name, { concurrency: 1 }, () => {
    const elsewhere = process.env.INTEROP_BOOTSTRAP_SERVERS;
    // Topics of their own for every run, since a broker elsewhere keeps them.
    const topic = (name: string): string =>
      `${client.name.replace(/[^a-z0-9]/gi, '-')}-${name}-${process.pid}`;
    let broker: BrokerProcess | null = null;

    before(async () => {
      broker = elsewhere === undefined ? await BrokerProcess.start() : null;
      await client.connect(broker?.bootstrapServers ?? (elsewhere as string));
    });
    after(async () => {
      await client.close();
      await broker?.dispose();
    });

    const settings: { codec: Codec; acks: Acks }[] = [
      ...client.codecs.map((codec) => ({ codec, acks: -1 as const })),
      { codec: 'none', acks: 1 },
      { codec: 'none', acks: 0 },
    ];
    for (const how of settings) {
      test(`reads back what it produced with ${how.codec}, acks=${how.acks}`, async (t) => {
        if (!client.isPresent(t)) return;
        const name = topic(`${how.codec}${how.acks}`);
        await client.createTopic(name, 1);
        const sent = records(how.codec, 60);
        await client.produce(name, sent, how);
        assert.deepEqual(await client.read(name, 'beginning', sent.length), sent);
        assert.deepEqual(await client.read(name, 57, 3), sent.slice(57));
      });
    }

    const testOfTimestamps = client.hasTimestamps === false ? null : test;
    testOfTimestamps?.('reads from a timestamp on', async (t) => {
      if (!client.isPresent(t)) return;
      const name = topic('timestamp');
      await client.createTopic(name, 1);
      const how = { codec: 'none', acks: -1 } as const;
      await client.produce(name, records('before', 5), how);
      await new Promise((resolve) => setTimeout(resolve, 20));
      const timestamp = Date.now();
      await new Promise((resolve) => setTimeout(resolve, 20));
      const later = records('after', 5);
      await client.produce(name, later, how);
      assert.deepEqual(await client.read(name, { timestamp }, later.length), later);
    });

    test('reads from the end on', async (t) => {
      if (!client.isPresent(t)) return;
      const name = topic('end');
      await client.createTopic(name, 1);
      const how = { codec: 'none', acks: -1 } as const;
      await client.produce(name, records('before', 5), how);
      let isDone = false;
      const reading = client.read(name, 'end', 2).finally(() => {
        isDone = true;
      });
      // A reader does not tell when it has found the end: go on producing until it has enough.
      for (let index = 0; !isDone; index++) {
        await client.produce(name, [{ key: null, value: `after ${index}` }], how);
        await Promise.race([reading, new Promise((resolve) => setTimeout(resolve, 300))]);
      }
      const read = await reading;
      assert.equal(read.length, 2);
      for (const { value } of read) assert.match(value, /^after \d+$/);
    });
  });
}
