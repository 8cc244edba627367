// What every foreign client is asked to do in a group: share a topic between two members, take over
// from one that leaves and from one that dies, and go on where it was after the broker restarted.
// A member is a process that prints each value it consumes on a line of its own, leaves when it is
// told to end (SIGTERM) and dies when it is killed; what makes such a process is the adapter's.

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { after, before, describe, type TestContext, test } from 'node:test';
import type { Admin, Kafka, Producer } from 'kafkajs';
import { BrokerProcess } from '../broker-process.ts';

const { Kafka: KafkaClass, logLevel } = createRequire(import.meta.url)(
  'kafkajs',
) as typeof import('kafkajs');

export interface GroupClient {
  readonly name: string;
  /** False if the client's toolchain is missing (the test is then skipped). */
  isPresent(t: TestContext): boolean;
  /** A broker that is killed under its members leaves them in the group, reading nothing. */
  readonly goesDeafWithItsBroker?: boolean;
  /** The command of a member, with a session of six seconds, that begins at the beginning. */
  member(at: { servers: string; group: string; topic: string }): readonly [string, ...string[]];
}

const partitions = 4;
const waitMs = 60_000;

async function eventually(what: string, isTrue: () => boolean | Promise<boolean>): Promise<void> {
  for (const startMs = Date.now(); !(await isTrue()); ) {
    assert.ok(Date.now() - startMs < waitMs, `not in ${waitMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

class Member {
  readonly values: string[] = [];
  readonly #child: ChildProcess;
  readonly #ended: Promise<void>;

  constructor([command, ...args]: readonly [string, ...string[]]) {
    this.#child = spawn(command, args, { stdio: ['ignore', 'pipe', 'ignore'] });
    this.#ended = new Promise((resolve) => this.#child.once('close', () => resolve()));
    let rest = '';
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      this.values.push(...lines.map((line) => line.trim()));
    });
  }

  async end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    this.#child.kill(signal);
    await this.#ended;
  }
}

export function describeGroupClient(client: GroupClient): void {
  // Its tests follow each other: the broker restarts in some.
  describe(`${client.name} in a group`, { concurrency: 1 }, () => {
    const members: Member[] = [];
    let broker: BrokerProcess;
    let kafka: Kafka;
    let admin: Admin;
    let producer: Producer;

    const connect = async (): Promise<void> => {
      const brokers = [broker.bootstrapServers];
      kafka = new KafkaClass({ clientId: 'suite', brokers, logLevel: logLevel.NOTHING });
      admin = kafka.admin();
      producer = kafka.producer();
      await Promise.all([admin.connect(), producer.connect()]);
    };
    const disconnect = (): Promise<unknown> =>
      Promise.all([admin.disconnect(), producer.disconnect()]);

    before(async () => {
      broker = await BrokerProcess.start({ config: { 'group.initial.rebalance.delay.ms': '300' } });
      await connect();
    });
    after(async () => {
      for (const member of members) await member.end('SIGKILL');
      await disconnect();
      await broker.dispose();
    });

    const join = (group: string, topic: string): Member => {
      const member = new Member(client.member({ servers: broker.bootstrapServers, group, topic }));
      members.push(member);
      return member;
    };
    /** Spread over all partitions; returns the values. */
    const produce = async (topic: string, label: string): Promise<string[]> => {
      const values = Array.from({ length: 40 }, (_, index) => `${label}-${index}`);
      const messages = values.map((value, index) => ({ value, partition: index % partitions }));
      await producer.send({ topic, messages });
      return values;
    };
    const hasMembers = async (group: string, count: number): Promise<boolean> => {
      const described = (await admin.describeGroups([group])).groups[0];
      return described?.state === 'Stable' && described.members.length === count;
    };
    const have = (values: readonly string[], ...readers: Member[]): Promise<void> =>
      eventually(`${values[0]} … are consumed`, () => {
        const seen = new Set(readers.flatMap((reader) => reader.values));
        return values.every((value) => seen.has(value));
      });

    test('shares a topic, and takes over from members that leave or die', async (t) => {
      if (!client.isPresent(t)) return;
      const [group, topic] = ['shared', 'shared'];
      await admin.createTopics({ topics: [{ topic, numPartitions: partitions }] });
      const first = join(group, topic);
      await have(await produce(topic, 'alone'), first);
      const second = join(group, topic);
      await eventually('two members', () => hasMembers(group, 2));
      // A client may deliver what it asked for before it gave a partition up: that ends.
      let round = 0;
      await eventually('two members share the partitions evenly', async () => {
        const label = `both${round++}`;
        const both = await produce(topic, label);
        await have(both, first, second);
        return [first, second].every(({ values }) => {
          const own = values.filter((value) => value.startsWith(`${label}-`));
          return own.length === both.length / 2;
        });
      });
      await second.end('SIGTERM');
      await eventually('one member', () => hasMembers(group, 1));
      await have(await produce(topic, 'left'), first);
      const third = join(group, topic);
      await eventually('two members again', () => hasMembers(group, 2));
      await third.end('SIGKILL');
      await have(await produce(topic, 'died'), first);
      await first.end('SIGTERM');
    });

    test('goes on where it committed after the broker restarted', async (t) => {
      if (!client.isPresent(t)) return;
      const [group, topic] = ['resumed', 'resumed'];
      await admin.createTopics({ topics: [{ topic, numPartitions: partitions }] });
      const first = join(group, topic);
      await have(await produce(topic, 'before'), first);
      await first.end('SIGTERM');
      const committed = async (): Promise<number> => {
        const [offsets] = await admin.fetchOffsets({ groupId: group, topics: [topic] });
        const known = offsets?.partitions.map(({ offset }) => Math.max(0, Number(offset))) ?? [];
        return known.reduce((sum, offset) => sum + offset, 0);
      };
      assert.equal(await committed(), 40);
      await disconnect();
      await broker.stop();
      await broker.start();
      await connect();
      assert.equal(await committed(), 40);
      const after = await produce(topic, 'after');
      const second = join(group, topic);
      await have(after, second);
      assert.deepEqual(second.values.toSorted(), after.toSorted());
    });

    // Nothing to ask of a client that also stops reading partitions of Apache Kafka when it dies.
    if (client.goesDeafWithItsBroker === true) return;
    test('stays in the group while the broker is away', async (t) => {
      if (!client.isPresent(t)) return;
      const [group, topic] = ['away', 'away'];
      await admin.createTopics({ topics: [{ topic, numPartitions: partitions }] });
      const member = join(group, topic);
      await have(await produce(topic, 'before'), member);
      await disconnect();
      await broker.kill9();
      await broker.start();
      await connect();
      await have(await produce(topic, 'after'), member);
    });
  });
}
