// Groups of two, in the life that every client's users know: one joins, another joins, one leaves,
// one dies, the broker restarts, and what was committed is where the next one goes on.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Admin } from '../../src/client/index.ts';
import type { ClientProgram, ProgramMember, Properties, SentRecord } from './client-program.ts';
import { type ClientKind, clientKinds, javaClients } from './client-programs.ts';
import { newTopic, RunningClients } from './running-clients.ts';

type Protocol = 'classic' | 'consumer';

const newest = javaClients[0] as ClientKind;
const brokerConfig = {
  'group.initial.rebalance.delay.ms': '0',
  'group.min.session.timeout.ms': '1000',
  'group.consumer.min.session.timeout.ms': '1000',
  'group.consumer.session.timeout.ms': '3000',
  'group.consumer.min.heartbeat.interval.ms': '200',
  'group.consumer.heartbeat.interval.ms': '300',
};

function memberProperties(protocol: Protocol): Properties {
  if (protocol === 'consumer') return { 'group.protocol': 'consumer' };
  return { 'session.timeout.ms': 3_000, 'heartbeat.interval.ms': 300 };
}

/** What the broker says that the group lives by. */
async function typeOf(running: RunningClients, group: string): Promise<string> {
  const admin = new Admin({ bootstrapServers: running.bootstrapServers });
  try {
    const [described] = await admin.describeConsumerGroups([group]);
    return described?.type ?? 'nothing';
  } finally {
    await admin.close();
  }
}

/** One per partition, so that both members see some. */
async function produce(writer: ClientProgram, topic: string, label: string): Promise<void> {
  for (const partition of [0, 1]) {
    const records: SentRecord[] = [{ key: null, value: `${label} ${partition}` }];
    await writer.produce(topic, records, { partition });
  }
}

async function becomesAssigned(member: ProgramMember, ...expected: string[]): Promise<void> {
  let last: string[] = [];
  for (const startMs = performance.now(); performance.now() - startMs < 30_000; ) {
    last = await member.assignment();
    if (last.join() === expected.join()) return;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  assert.deepEqual(last, expected);
}

/** Each has one of the two partitions, and not the same one. */
async function becomeShared(first: ProgramMember, second: ProgramMember): Promise<void> {
  let last: string[][] = [];
  for (const startMs = performance.now(); performance.now() - startMs < 30_000; ) {
    last = await Promise.all([first.assignment(), second.assignment()]);
    if (last.every(({ length }) => length === 1) && new Set(last.flat()).size === 2) return;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  assert.fail(`not shared: ${last.join(' and ')}`);
}

async function takes(member: ProgramMember, ...expected: string[]): Promise<void> {
  const values = (await member.take(expected.length)).map(({ value }) => value);
  assert.deepEqual(values.sort(), expected);
}

/** Both together; who has which partition is for the assignor to say. */
async function takeTogether(
  members: readonly ProgramMember[],
  ...expected: string[]
): Promise<void> {
  const taken = await Promise.all(members.map((member) => member.take(1)));
  const values = taken.flat().map(({ value }) => value);
  assert.deepEqual(values.sort(), expected);
}

function describeGroup(kind: ClientKind, protocol: Protocol): void {
  test(`${kind.name} in the ${protocol} protocol`, async (t) => {
    if (!kind.isPresent(t) || !newest.isPresent(t)) return;
    const running = await RunningClients.start(brokerConfig);
    try {
      await liveInGroup(running, kind, protocol);
    } finally {
      await running.dispose();
    }
  });
}

async function liveInGroup(
  running: RunningClients,
  kind: ClientKind,
  protocol: Protocol,
): Promise<void> {
  const topic = newTopic('grouped');
  const group = `${topic}-group`;
  const properties = memberProperties(protocol);
  const writer = await running.get(newest, 'writer');
  await writer.create(topic, 2);
  const partitions = [`${topic}-0`, `${topic}-1`] as const;

  // One joins alone, then shares with another.
  const first = await (await running.get(kind)).join(group, topic, properties);
  await becomesAssigned(first, ...partitions);
  assert.equal(await typeOf(running, group), protocol);
  await produce(writer, topic, 'alone');
  await takes(first, 'alone 0', 'alone 1');
  await first.commit();
  const second = await (await running.get(kind)).join(group, topic, properties);
  await becomeShared(first, second);
  await produce(writer, topic, 'shared');
  await takeTogether([first, second], 'shared 0', 'shared 1');
  await Promise.all([first.commit(), second.commit()]);

  // One leaves, and one that came in its place dies.
  await second.leave();
  await becomesAssigned(first, ...partitions);
  const mortal = await (await running.get(kind, 'mortal')).join(group, topic, properties);
  await becomeShared(first, mortal);
  await produce(writer, topic, 'mortal');
  await takeTogether([first, mortal], 'mortal 0', 'mortal 1');
  await Promise.all([first.commit(), mortal.commit()]);
  await running.kill(kind, 'mortal');
  await becomesAssigned(first, ...partitions);

  // The broker restarts under the one that is left; then another goes on where it stopped.
  if (running.broker !== null) {
    await running.broker.stop();
    await running.broker.start();
  }
  await produce(writer, topic, 'restarted');
  await takes(first, 'restarted 0', 'restarted 1');
  await first.commit();
  await first.leave();
  await produce(writer, topic, 'resumed');
  const next = await (await running.get(kind)).join(group, topic, properties);
  await takes(next, 'resumed 0', 'resumed 1');
  await next.leave();
}

describe('a group of two', { concurrency: 2 }, () => {
  for (const kind of clientKinds) {
    describeGroup(kind, 'classic');
    if (kind.hasConsumerProtocol) describeGroup(kind, 'consumer');
  }
});
