// What a follower makes of its leaders' answers, over real logs and a scripted leader: what is
// fetched when, and what roles, refusals and lost connections change.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { simulate } from '../../../sim/index.ts';
import { logOf } from '../../../tests/doubles/replication/logs.ts';
import {
  openReplica,
  produce,
  stateOf,
  topicId,
} from '../../../tests/doubles/replication/replicas-of-one.ts';
import { ScriptedLeader } from '../../../tests/doubles/replication/scripted-leader.ts';
import { contentOf } from '../../../tests/doubles/storage/logs.ts';
import type { Io } from '../../io/index.ts';
import type { LogConfig } from '../../storage/index.ts';
import type { Partition } from '../partition.ts';
import type { FetcherSettings } from './fetcher-options.ts';
import { ReplicaFetchers } from './replica-fetchers.ts';

const settings: FetcherSettings = {
  fetchersPerLeader: 1,
  partitionBytesMax: 1000,
  responseBytesMax: 10_000,
  responseBytesMin: 1,
  waitMsMax: 500,
  backoffMs: 1000,
  requestTimeoutMs: 30_000,
};

interface Copy {
  readonly leader: Partition;
  readonly follower: Partition;
}

/** Broker 1, which follows, and those that it follows. */
class Brokers {
  readonly io: Io;
  readonly leaders: readonly ScriptedLeader[];
  readonly fetchers: ReplicaFetchers;
  readonly bugs: Error[] = [];
  settings = settings;
  brokerEpoch = 7;
  /** Partitions whose budget is used up. */
  readonly heldBack = new Set<number>();
  readonly recorded: number[] = [];

  constructor(io: Io, leaderIds: readonly number[] = [2]) {
    this.io = io;
    this.leaders = leaderIds.map((id) => new ScriptedLeader(io, id));
    this.fetchers = new ReplicaFetchers(io, {
      nodeId: 1,
      replicas: { all: () => [].values() },
      connect: (id) => this.leader(id).connect(id),
      brokerEpoch: () => this.brokerEpoch,
      settings: () => this.settings,
      throttle: {
        holdsBack: ({ partition }) => this.heldBack.has(partition),
        record: ({ partition }, sizeBytes) => {
          if (sizeBytes > 0) this.recorded.push(partition);
        },
      },
      onBug: (error) => this.bugs.push(error),
    });
  }

  leader(id = 2): ScriptedLeader {
    return this.leaders.find(({ nodeId }) => nodeId === id) as ScriptedLeader;
  }

  /** Broker 2 leads it in epoch 1. */
  async replicate(partition = 0, config: Partial<LogConfig> = {}): Promise<Copy> {
    const leader = await openReplica(this.io, 2, { partition, config });
    const follower = await openReplica(this.io, 1, { partition, config });
    leader.becomeLeader(stateOf(2, 1));
    this.leader().host(leader);
    this.follow(follower, 2, 1);
    return { leader, follower };
  }

  follow(follower: Partition, leader: number, epoch: number): void {
    follower.becomeFollower(stateOf(leader, epoch));
    this.fetchers.onRoleChanged(follower);
  }

  produce(leader: Partition, ...values: string[]): void {
    produce(leader, values);
    for (const each of this.leaders) each.onNews();
  }

  async close(): Promise<void> {
    await this.fetchers.close();
    assert.deepEqual(this.bugs, []);
    for (const leader of this.leaders) assert.equal(leader.openConnections, 0);
  }
}

/** What each fetch named, as `0@3`: partition 0 from offset 3 on. */
function named(leader: ScriptedLeader): string[] {
  return leader.fetches.map(({ sessionEpoch, topics, forgottenTopicsData }) => {
    const asked = topics.flatMap(({ partitions }) =>
      partitions.map(({ partition, fetchOffset }) => `${partition}@${fetchOffset}`),
    );
    const left = forgottenTopicsData.flatMap(({ partitions }) =>
      partitions.map((each) => `-${each}`),
    );
    return [`#${sessionEpoch}`, ...asked, ...left].join(' ');
  });
}

async function same({ leader, follower }: Copy): Promise<void> {
  assert.deepEqual(await contentOf(logOf(follower)), await contentOf(logOf(leader)));
  assert.equal(follower.highWatermark, leader.highWatermark);
}

describe('fetchers of a follower', () => {
  test('leave a partition alone whose budget is used up, and fetch the others', () =>
    simulate(async (io) => {
      const at = new Brokers(io);
      const spared = await at.replicate(0);
      const other = await at.replicate(1);
      await io.clock.sleep(50);
      at.produce(spared.leader, 'a');
      await io.clock.sleep(50);
      at.heldBack.add(0);
      at.produce(spared.leader, 'b');
      await io.clock.sleep(700);
      at.produce(spared.leader, 'c');
      at.produce(other.leader, 'd');
      await io.clock.sleep(2000);
      assert.ok(spared.follower.logEndOffset < 3, 'what was asked for before may still come');
      await same(other);
      at.heldBack.delete(0);
      await io.clock.sleep(200);
      assert.equal(spared.follower.logEndOffset, 3);
      assert.ok(at.recorded.filter((partition) => partition === 0).length >= 2);
      await at.close();
    }));

  test('take what their leader has, and its watermark, and say who asks', () =>
    simulate(async (io) => {
      const brokers = new Brokers(io);
      const copy = await brokers.replicate();
      for (let i = 0; i < 40; i++) brokers.produce(copy.leader, `a${i}`, `b${i}`);
      await io.clock.sleep(600);
      await same(copy);
      assert.equal(copy.leader.highWatermark, 80);
      const [first] = brokers.leader().fetches;
      assert.deepEqual(
        [first?.replicaState.replicaId, Number(first?.replicaState.replicaEpoch)],
        [1, 7],
      );
      const asked = first?.topics[0]?.partitions[0];
      assert.deepEqual([asked?.currentLeaderEpoch, asked?.partitionMaxBytes], [1, 1000]);
      assert.deepEqual(
        [first?.maxWaitMs, first?.minBytes, first?.maxBytes],
        [settings.waitMsMax, 1, settings.responseBytesMax],
      );
      await brokers.close();
    }));

  test('name in a fetch only what changed', () =>
    simulate(async (io) => {
      const brokers = new Brokers(io);
      const busy = await brokers.replicate(0);
      await brokers.replicate(1);
      await io.clock.sleep(100);
      brokers.produce(busy.leader, 'a');
      await io.clock.sleep(600);
      // The second one says that it has the record; it comes back with the watermark.
      assert.deepEqual(named(brokers.leader()), ['#0 0@0 1@0', '#1', '#2 0@1', '#3', '#4']);
      await same(busy);
      await brokers.close();
    }));

  test('fetch what comes while a fetch waits without waiting for its end', () =>
    simulate(async (io) => {
      const brokers = new Brokers(io);
      await brokers.replicate(0);
      await io.clock.sleep(600);
      const beganMs = io.clock.monotonic();
      const copies = [await brokers.replicate(1), await brokers.replicate(2)];
      for (const { leader } of copies) brokers.produce(leader, 'a');
      await io.clock.sleep(10);
      for (const { follower } of copies) assert.equal(follower.logEndOffset, 1);
      assert.ok(io.clock.monotonic() - beganMs < 100);
      assert.ok(named(brokers.leader()).some((each) => each.endsWith(' 1@0 2@0')));
      // Nor does what rested, or was cut meanwhile.
      const [{ leader, follower }] = copies as [Copy];
      await io.clock.sleep(600);
      brokers.follow(follower, 2, 2);
      await io.clock.sleep(5);
      leader.becomeLeader(stateOf(2, 2));
      brokers.produce(leader, 'b');
      await io.clock.sleep(50);
      await same({ leader, follower });
      await brokers.close();
    }));

  test('begin a new session with everything when the old one is gone', () =>
    simulate(async (io) => {
      const brokers = new Brokers(io);
      const copy = await brokers.replicate(0);
      await brokers.replicate(1);
      brokers.produce(copy.leader, 'a');
      await io.clock.sleep(100);
      brokers.leader().forgetSessions();
      brokers.produce(copy.leader, 'b');
      await io.clock.sleep(10);
      await same(copy);
      assert.ok(named(brokers.leader()).includes('#0 0@2 1@0'));
      await brokers.close();
    }));

  test('get on where a leader keeps no sessions', () =>
    simulate(async (io) => {
      const brokers = new Brokers(io);
      brokers.leader().hasNoSessions = true;
      const copy = await brokers.replicate(0);
      await brokers.replicate(1);
      brokers.produce(copy.leader, 'a');
      await io.clock.sleep(600);
      await same(copy);
      for (const each of named(brokers.leader())) assert.match(each, /^#0 .*0@.*1@|^#0 .*1@.*0@/);
      await brokers.close();
    }));

  test('go on where they were after a lost connection', () =>
    simulate(async (io) => {
      const brokers = new Brokers(io);
      const copy = await brokers.replicate();
      brokers.produce(copy.leader, 'a');
      await io.clock.sleep(100);
      brokers.leader().isDown = true;
      brokers.leader().cutConnections();
      brokers.produce(copy.leader, 'b');
      await io.clock.sleep(5000);
      assert.equal(copy.follower.logEndOffset, 1);
      brokers.leader().isDown = false;
      await io.clock.sleep(1100);
      await same(copy);
      await brokers.close();
    }));

  test('fetch a partition that moved from its new leader only, and close what is not needed', () =>
    simulate(async (io) => {
      const brokers = new Brokers(io, [2, 3]);
      const moved = await brokers.replicate(0);
      await brokers.replicate(1);
      brokers.produce(moved.leader, 'a');
      await io.clock.sleep(10);
      const leader = await openReplica(io, 3, { partition: 0 });
      leader.becomeFollower(stateOf(2, 1, [1, 2, 3]));
      leader.becomeLeader(stateOf(3, 2, [1, 2, 3]));
      brokers.leader(3).host(leader);
      brokers.follow(moved.follower, 3, 2);
      brokers.produce(leader, 'x');
      await io.clock.sleep(600);
      await same({ leader, follower: moved.follower });
      assert.deepEqual(named(brokers.leader(2)).at(-1), '#3 -0');
      brokers.follow(moved.follower, -1, 3);
      await io.clock.sleep(1);
      assert.equal(brokers.leader(3).openConnections, 0);
      await brokers.close();
    }));

  test('drop an answer that was asked for in an older leader epoch', () =>
    simulate(async (io) => {
      const brokers = new Brokers(io);
      const { leader, follower } = await brokers.replicate();
      await io.clock.sleep(10);
      brokers.leader().delayMs = () => 50;
      brokers.produce(leader, 'a');
      await io.clock.sleep(20);
      // The answer is on its way.
      follower.becomeFollower(stateOf(2, 2));
      brokers.fetchers.onRoleChanged(follower);
      await io.clock.sleep(31);
      assert.equal(follower.logEndOffset, 0);
      leader.becomeLeader(stateOf(2, 2));
      await io.clock.sleep(300);
      await same({ leader, follower });
      await brokers.close();
    }));

  test('let a partition that is refused rest, without holding up the others', () =>
    simulate(async (io) => {
      const brokers = new Brokers(io);
      const refused = await brokers.replicate(0);
      const other = await brokers.replicate(1);
      await io.clock.sleep(10);
      brokers.leader().refuse(refused.leader, 'UNKNOWN_SERVER_ERROR', 2);
      const before = brokers.leader().fetches.length;
      for (let i = 0; i < 5; i++) {
        brokers.produce(refused.leader, `a${i}`);
        brokers.produce(other.leader, `b${i}`);
        await io.clock.sleep(10);
      }
      assert.equal(other.follower.logEndOffset, 5);
      assert.equal(refused.follower.logEndOffset, 0);
      await io.clock.sleep(1500);
      assert.equal(refused.follower.logEndOffset, 0);
      await io.clock.sleep(1000);
      await same(refused);
      const asked = named(brokers.leader()).slice(before);
      assert.equal(asked.filter((each) => each.includes(' 0@0')).length, 2);
      await brokers.close();
    }));

  test('wait for a leader that has not heard of its epoch yet, and do not spin', () =>
    simulate(async (io) => {
      const brokers = new Brokers(io);
      const { leader, follower } = await brokers.replicate();
      brokers.produce(leader, 'a');
      await io.clock.sleep(10);
      brokers.follow(follower, 2, 2);
      await io.clock.sleep(100);
      leader.becomeLeader(stateOf(2, 2));
      brokers.produce(leader, 'b');
      await io.clock.sleep(100);
      await same({ leader, follower });
      // Nor for one that will never be it.
      leader.becomeFollower(stateOf(3, 3));
      brokers.leader().onNews();
      const before = brokers.leader().fetches.length;
      await io.clock.sleep(60_000);
      assert.ok(brokers.leader().fetches.length - before < 80);
      await brokers.close();
    }));

  test('cut what their leader does not have, over several epochs', () =>
    simulate(async (io) => {
      const brokers = new Brokers(io, [2]);
      const { leader, follower } = await brokers.replicate();
      brokers.produce(leader, 'a', 'b');
      brokers.produce(leader, 'c');
      await io.clock.sleep(600);
      // Both lead for a while without being heard.
      for (const [replica, epochs] of [
        [follower, [2, 4, 6]],
        [leader, [3, 5]],
      ] as const) {
        for (const epoch of epochs) {
          const self = replica === leader ? 2 : 1;
          replica.becomeLeader(stateOf(self, epoch));
          brokers.fetchers.onRoleChanged(follower);
          produce(replica, [`${self} in ${epoch}`]);
          produce(replica, [`${self} in ${epoch} again`]);
        }
      }
      leader.becomeLeader(stateOf(2, 7));
      brokers.follow(follower, 2, 7);
      brokers.produce(leader, 'z');
      await io.clock.sleep(2000);
      await same({ leader, follower });
      assert.deepEqual(
        logOf(follower).leaderEpochs.entries,
        logOf(leader).leaderEpochs.entries.filter(({ epoch }) => epoch !== 6),
      );
      await brokers.close();
    }));

  test('take the watermark of a leader whose log parts from theirs when theirs is cut', () =>
    simulate(async (io) => {
      const brokers = new Brokers(io, [2]);
      const { leader, follower } = await brokers.replicate();
      brokers.produce(leader, 'a');
      await io.clock.sleep(600);
      follower.becomeLeader(stateOf(1, 2));
      brokers.fetchers.onRoleChanged(follower);
      produce(follower, ['nobody else', 'has these']);
      const alone = { ...stateOf(2, 3), isr: [2] };
      leader.becomeLeader(alone);
      brokers.produce(leader, 'b', 'c', 'd');
      assert.equal(leader.highWatermark, 4);
      follower.becomeFollower(alone);
      const following = follower.following as NonNullable<Partition['following']>;
      const truncateTo = following.truncateTo.bind(following);
      const shown: number[] = [];
      following.truncateTo = (diverging) => {
        shown.push(follower.highWatermark);
        return truncateTo(diverging);
      };
      brokers.fetchers.onRoleChanged(follower);
      await io.clock.sleep(2000);
      assert.deepEqual(shown, [1]);
      await same({ leader, follower });
      await brokers.close();
    }));

  test('start anew where their leader begins, and their watermark and log start move there', () =>
    simulate(async (io) => {
      const brokers = new Brokers(io);
      const leader = await openReplica(io, 2);
      const follower = await openReplica(io, 1);
      await logOf(leader).truncateFullyAndStartAt(100);
      leader.becomeLeader(stateOf(2, 1));
      brokers.leader().host(leader);
      brokers.follow(follower, 2, 1);
      await io.clock.sleep(10);
      const { logStartOffset, logEndOffset, highWatermark } = follower;
      assert.deepEqual([logStartOffset, logEndOffset, highWatermark], [100, 100, 100]);
      brokers.produce(leader, 'a');
      await io.clock.sleep(10);
      await same({ leader, follower });
      await brokers.close();
    }));

  test('follow the start of the leader, and say so once it is for good', () =>
    simulate(async (io) => {
      const brokers = new Brokers(io);
      const { leader, follower } = await brokers.replicate(0, { cleanupPolicy: ['delete'] });
      for (let i = 0; i < 10; i++) brokers.produce(leader, `a${i}`);
      await io.clock.sleep(600);
      await leader.upkeep.deleteRecordsBefore(6);
      brokers.leader().onNews();
      await io.clock.sleep(1100);
      assert.equal(follower.logStartOffset, 6);
      assert.equal(leader.leading?.remote(1)?.logStartOffset, 6);
      await same({ leader, follower });
      await brokers.close();
    }));

  test('do not append a damaged batch, and say so in one line', () => {
    const lines: string[] = [];
    return simulate(
      async (io) => {
        const brokers = new Brokers(io);
        const { leader, follower } = await brokers.replicate();
        let isDamaging = true;
        brokers.leader().onAnswer = (_, answer) => {
          const records = Buffer.from(answer.records as Buffer);
          if (isDamaging && records.length > 0)
            records.writeUInt8(records.readUInt8(records.length - 1) ^ 1, records.length - 1);
          return { ...answer, records };
        };
        brokers.produce(leader, 'a');
        await io.clock.sleep(3500);
        assert.deepEqual([follower.logEndOffset, follower.highWatermark], [0, 0]);
        assert.equal(lines.length, 1);
        assert.match(lines[0] as string, /offset 0 .* damaged/);
        isDamaging = false;
        await io.clock.sleep(1100);
        await same({ leader, follower });
        await brokers.close();
      },
      { onLog: (_, { message, fields }) => lines.push(`${message}: ${fields?.because}`) },
    );
  });

  test('spread over as many connections as are configured, and again when that changes', () =>
    simulate(async (io) => {
      const brokers = new Brokers(io);
      brokers.settings = { ...settings, fetchersPerLeader: 3 };
      brokers.fetchers.onSettings();
      const copies: Copy[] = [];
      for (let partition = 0; partition < 6; partition++) {
        copies.push(await brokers.replicate(partition));
      }
      await io.clock.sleep(10);
      assert.equal(brokers.leader().openConnections, 3);
      // A leader takes what comes on an older connection than before for late.
      for (const fetchersPerLeader of [1, 3, 1]) {
        brokers.settings = { ...settings, fetchersPerLeader };
        for (const { leader } of copies) brokers.produce(leader, 'a');
        await io.clock.sleep(600);
        assert.equal(brokers.leader().openConnections, fetchersPerLeader);
        for (const copy of copies) await same(copy);
      }
      await brokers.close();
    }));

  test('let go of a partition that is closed in the middle of an answer', () =>
    simulate(async (io) => {
      const brokers = new Brokers(io);
      const { leader, follower } = await brokers.replicate();
      await brokers.replicate(1);
      await io.clock.sleep(10);
      brokers.leader().delayMs = () => 50;
      brokers.produce(leader, 'a');
      await io.clock.sleep(20);
      follower.close();
      brokers.fetchers.onRoleChanged(follower);
      await io.clock.sleep(300);
      assert.equal(follower.logEndOffset, 0);
      assert.ok(named(brokers.leader()).at(-1)?.endsWith('-0'));
      assert.equal(topicId, follower.topicId);
      await brokers.close();
    }));
});
