// One group, different members: the Java client and ours side by side in the consumer protocol
// (KIP-848), and a group whose members move from the classic protocol to it and back, one at a
// time, without a record lost or a commit forgotten.
//
// INTEROP_BOOTSTRAP_SERVERS=host:port runs them against another broker.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Admin, Consumer, type GroupDescription } from '../../src/client/index.ts';
import type { ClientProgram, ProgramMember, Properties } from './client-program.ts';
import { type ClientKind, javaClients } from './client-programs.ts';
import { newTopic, RunningClients } from './running-clients.ts';

const newest = javaClients[0] as ClientKind;
const older = javaClients[1] as ClientKind;
const waitMs = 30_000;

let running: RunningClients;
let admin: Admin;
let java: ClientProgram;
let bootstrapServers = '';

type Protocol = 'classic' | 'consumer';

function propertiesOf(protocol: Protocol): Properties {
  if (protocol === 'consumer') return { 'group.protocol': 'consumer' };
  return { 'session.timeout.ms': 6_000, 'heartbeat.interval.ms': 300 };
}

async function eventually(what: string, isTrue: () => Promise<boolean>): Promise<void> {
  for (const startMs = performance.now(); !(await isTrue()); ) {
    assert.ok(performance.now() - startMs < waitMs, `not in ${waitMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function described(group: string): Promise<GroupDescription> {
  return (await admin.describeConsumerGroups([group]))[0] as GroupDescription;
}

async function becomes(group: string, type: Protocol, members: number): Promise<void> {
  let last = '';
  await eventually(`${group} is ${type} with ${members} members`, async () => {
    const found = await described(group);
    last = `${found.type} ${found.state} ${found.members.length}`;
    return last === `${type} Stable ${members}`;
  }).catch((error: Error) => assert.fail(`${error.message}; it is ${last}`));
}

/** Each has one of the two partitions, and not the same one. */
async function becomeShared(...members: { assignment(): Promise<string[]> }[]): Promise<void> {
  await eventually('two members have a partition each', async () => {
    const assigned = await Promise.all(members.map((member) => member.assignment()));
    return assigned.every(({ length }) => length === 1) && new Set(assigned.flat()).size === 2;
  });
}

async function produce(topic: string, label: string): Promise<void> {
  for (const partition of [0, 1]) {
    await java.produce(topic, [{ key: null, value: `${label} ${partition}` }], { partition });
  }
}

/** Our consumer with the methods of a program's member; it polls while it is asked. */
class OurMember {
  readonly #consumer: Consumer;
  readonly #arrived: (string | null)[] = [];
  #isLeaving = false;
  readonly #polling: Promise<void>;

  constructor(groupId: string, topic: string, protocol: Protocol) {
    this.#consumer = new Consumer({
      bootstrapServers,
      groupId,
      groupProtocol: protocol,
      enableAutoCommit: false,
      autoOffsetReset: 'earliest',
    });
    this.#consumer.subscribe([topic]);
    this.#polling = this.#poll();
  }

  async #poll(): Promise<void> {
    while (!this.#isLeaving) {
      const records = await this.#consumer.poll(50);
      this.#arrived.push(...records.map(({ value }) => value?.toString() ?? null));
    }
  }

  async assignment(): Promise<string[]> {
    return this.#consumer.assignment().map(({ topic, partition }) => `${topic}-${partition}`);
  }

  async take(count: number): Promise<{ value: string | null }[]> {
    await eventually(`${count} records`, async () => this.#arrived.length >= count);
    return this.#arrived.splice(0, count).map((value) => ({ value }));
  }

  async commit(): Promise<void> {
    await this.#consumer.commit();
  }

  async leave(): Promise<void> {
    this.#isLeaving = true;
    await this.#polling;
    await this.#consumer.close();
  }
}

type Member = ProgramMember | OurMember;

async function takeTogether(members: readonly Member[], ...expected: string[]): Promise<void> {
  const each = expected.length / members.length;
  const taken = await Promise.all(members.map((member) => member.take(each)));
  assert.deepEqual(
    taken
      .flat()
      .map(({ value }) => value)
      .sort(),
    expected,
  );
  await Promise.all(members.map((member) => member.commit()));
}

describe('a group', { concurrency: true }, () => {
  before(async () => {
    running = await RunningClients.start({
      'group.initial.rebalance.delay.ms': '0',
      'group.consumer.min.heartbeat.interval.ms': '200',
      'group.consumer.heartbeat.interval.ms': '300',
    });
    bootstrapServers = running.bootstrapServers;
    admin = new Admin({ bootstrapServers });
    java = await running.get(newest, 'writer');
  });
  after(async () => {
    await admin.close();
    await running.dispose();
  });

  test('of the consumer protocol is shared by the Java client and ours', async (t) => {
    if (!newest.isPresent(t)) return;
    const topic = newTopic('side-by-side');
    await java.create(topic, 2);
    const first = await java.join(topic, topic, propertiesOf('consumer'));
    await becomes(topic, 'consumer', 1);
    const second = new OurMember(topic, topic, 'consumer');
    await becomeShared(first, second);
    await becomes(topic, 'consumer', 2);
    const upgraded = (await described(topic)).members.map(({ isUpgraded }) => isUpgraded);
    assert.deepEqual(upgraded, [true, true]);
    await produce(topic, 'shared');
    await takeTogether([first, second], 'shared 0', 'shared 1');
    await first.leave();
    await produce(topic, 'ours');
    await takeTogether([second], 'ours 0', 'ours 1');
    const third = await java.join(topic, topic, propertiesOf('consumer'));
    await becomeShared(second, third);
    await second.leave();
    await produce(topic, 'java');
    await takeTogether([third], 'java 0', 'java 1');
    await third.leave();
  });

  for (const [kind, label] of [
    [newest, 'Java client'],
    [older, 'Java client, the classic members of an older release,'],
  ] as const) {
    test(`moves to the consumer protocol and back, under the ${label}`, async (t) => {
      if (!newest.isPresent(t) || !kind.isPresent(t)) return;
      const topic = newTopic('moving');
      await java.create(topic, 2);
      const classic = await running.get(kind, 'classic');
      const joinClassic = (): Promise<ProgramMember> =>
        classic.join(topic, topic, propertiesOf('classic'));
      const joinConsumer = (): Promise<ProgramMember> =>
        java.join(topic, topic, propertiesOf('consumer'));

      let [first, second] = [await joinClassic(), await joinClassic()];
      await becomeShared(first, second);
      await becomes(topic, 'classic', 2);
      await produce(topic, 'classic');
      await takeTogether([first, second], 'classic 0', 'classic 1');

      // The first member that comes with the new protocol takes the group with it.
      await second.leave();
      second = await joinConsumer();
      await becomeShared(first, second);
      await becomes(topic, 'consumer', 2);
      const upgraded = (await described(topic)).members.map(({ isUpgraded }) => isUpgraded);
      assert.deepEqual(upgraded.sort(), [false, true]);
      await produce(topic, 'mixed');
      await takeTogether([first, second], 'mixed 0', 'mixed 1');
      await first.leave();
      first = await joinConsumer();
      await becomeShared(first, second);
      await produce(topic, 'moved');
      await takeTogether([first, second], 'moved 0', 'moved 1');

      // And the last one that leaves it takes the group back.
      await first.leave();
      first = await joinClassic();
      await becomeShared(first, second);
      await becomes(topic, 'consumer', 2);
      await second.leave();
      second = await joinClassic();
      await becomeShared(first, second);
      await becomes(topic, 'classic', 2);
      await produce(topic, 'back');
      await takeTogether([first, second], 'back 0', 'back 1');
      await Promise.all([first.leave(), second.leave()]);
    });
  }

  test('of our client moves to the consumer protocol beside the Java client', async (t) => {
    if (!newest.isPresent(t)) return;
    const topic = newTopic('ours-moving');
    await java.create(topic, 2);
    let ours = new OurMember(topic, topic, 'classic');
    await becomes(topic, 'classic', 1);
    const theirs = await java.join(topic, topic, propertiesOf('consumer'));
    await becomeShared(ours, theirs);
    await becomes(topic, 'consumer', 2);
    await produce(topic, 'mixed');
    await takeTogether([ours, theirs], 'mixed 0', 'mixed 1');
    await ours.leave();
    ours = new OurMember(topic, topic, 'consumer');
    await becomeShared(ours, theirs);
    await produce(topic, 'moved');
    await takeTogether([ours, theirs], 'moved 0', 'moved 1');
    await theirs.leave();
    await ours.leave();
  });
});
