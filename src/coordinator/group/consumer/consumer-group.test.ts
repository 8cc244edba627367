// Groups of KIP-848 under virtual time: joins, reconciliation, fencing, static members, expressions
// and restarts.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  ownedLists,
  settle,
  TestConsumer,
  TestTopics,
  withConsumers,
} from '../../../../tests/doubles/coordinator/consumers.ts';
import { Prng } from '../../../base/prng.ts';
import { errorName } from '../../../protocol/index.ts';

describe('a consumer group', () => {
  test('gives a partition only when its former owner has let it go', async () => {
    await withConsumers(new TestTopics({ t: 2 }), async (at) => {
      const [a, b] = [new TestConsumer(at), new TestConsumer(at)];
      await a.join();
      await b.join();
      assert.deepEqual(b.owned, []);
      // Told to let go, and still an owner as far as it says.
      assert.equal(await a.heartbeat({ topicPartitions: ownedLists(['t-0', 't-1']) }), 'NONE');
      assert.equal(a.epoch, 1);
      assert.equal(a.owned.length, 1);
      await b.heartbeat();
      assert.deepEqual(b.owned, []);
      await a.heartbeat();
      assert.equal(a.epoch, 2);
      await b.heartbeat();
      assert.deepEqual([...a.owned, ...b.owned].sort(), ['t-0', 't-1']);
      assert.equal(await at.state(), 'Stable');
    });
  });

  test('fences a member that does not let go within its rebalance timeout', async () => {
    await withConsumers(new TestTopics({ t: 2 }), async (at) => {
      const [a, b] = [new TestConsumer(at, { rebalanceTimeoutMs: 5000 }), new TestConsumer(at)];
      await a.join();
      await b.join();
      await a.heartbeat({ topicPartitions: ownedLists(['t-0', 't-1']) });
      await at.io.clock.sleep(5001);
      assert.equal(await a.heartbeat(), 'UNKNOWN_MEMBER_ID');
      await settle(at, b);
      assert.deepEqual(b.owned, ['t-0', 't-1']);
    });
  });

  test('forgets a member after its session timeout', async () => {
    await withConsumers(new TestTopics({ t: 2 }), async (at) => {
      const [a, b] = [new TestConsumer(at), new TestConsumer(at)];
      await a.join();
      await b.join();
      await settle(at, a, b);
      for (let beat = 0; beat < 10; beat++) {
        await at.io.clock.sleep(5000);
        await a.heartbeat();
      }
      assert.equal(await b.heartbeat(), 'UNKNOWN_MEMBER_ID');
      await settle(at, a);
      assert.deepEqual(a.owned, ['t-0', 't-1']);
    });
  });

  test('fences epochs that are not the member’s own, and takes a repeated one', async () => {
    await withConsumers(new TestTopics({ t: 2 }), async (at) => {
      const [a, b] = [new TestConsumer(at), new TestConsumer(at)];
      await a.join();
      assert.equal(await a.heartbeat({ memberEpoch: 7 }), 'FENCED_MEMBER_EPOCH');
      await b.join();
      await settle(at, a, b);
      const epoch = a.epoch;
      assert.equal(await a.heartbeat({ memberEpoch: epoch - 1 }), 'NONE');
      assert.equal(a.epoch, epoch);
      const all = ownedLists(['t-0', 't-1']);
      const late = { memberEpoch: epoch - 1, topicPartitions: all };
      assert.equal(await a.heartbeat(late), 'FENCED_MEMBER_EPOCH');
      assert.equal(await new TestConsumer(at).heartbeat({ memberEpoch: 3 }), 'UNKNOWN_MEMBER_ID');
    });
  });

  test('refuses what a heartbeat must not say', async () => {
    await withConsumers(new TestTopics({ t: 1 }), async (at) => {
      const a = new TestConsumer(at);
      assert.equal(await a.heartbeat({ memberId: '' }), 'INVALID_REQUEST');
      assert.equal(await a.heartbeat({ groupId: '' }), 'INVALID_REQUEST');
      assert.equal(await a.heartbeat({ memberEpoch: -3 }), 'INVALID_REQUEST');
      assert.equal(await a.heartbeat({ memberEpoch: -2 }), 'INVALID_REQUEST');
      assert.equal(await a.heartbeat({ rebalanceTimeoutMs: -1 }), 'INVALID_REQUEST');
      assert.equal(await a.heartbeat({ subscribedTopicNames: null }), 'INVALID_REQUEST');
      assert.equal(await a.heartbeat({ topicPartitions: null }), 'INVALID_REQUEST');
      assert.equal(await a.heartbeat({ serverAssignor: 'mine' }), 'UNSUPPORTED_ASSIGNOR');
      assert.equal(await a.heartbeat({ memberEpoch: 1 }), 'GROUP_ID_NOT_FOUND');
      assert.equal(await at.state(), 'Dead');
    });
  });

  test('takes no more members than it may have', async () => {
    const config = { 'group.consumer.max.size': '1' };
    const topics = new TestTopics({ t: 1 });
    const run = async (at: Parameters<Parameters<typeof withConsumers>[1]>[0]) => {
      await new TestConsumer(at).join();
      assert.equal(await new TestConsumer(at).join(), 'GROUP_MAX_SIZE_REACHED');
    };
    await withConsumers(topics, run, { config });
  });

  test('keeps the place of a static member that is away, for whoever has its name', async () => {
    await withConsumers(new TestTopics({ t: 2 }), async (at) => {
      const a = new TestConsumer(at, { instanceId: 'i' });
      const b = new TestConsumer(at);
      await a.join();
      await b.join();
      await settle(at, a, b);
      const again = new TestConsumer(at, { instanceId: 'i' });
      assert.equal(await again.join(), 'UNRELEASED_INSTANCE_ID');
      const [had, epoch] = [a.owned, a.epoch];
      assert.equal(await a.leave(-2), 'NONE');
      assert.equal(await again.join(), 'NONE');
      assert.deepEqual([again.owned, again.epoch], [had, epoch]);
      a.epoch = epoch;
      assert.equal(await a.heartbeat(), 'FENCED_INSTANCE_ID');
      await settle(at, again, b);
      assert.deepEqual([...again.owned, ...b.owned].sort(), ['t-0', 't-1']);
    });
  });

  test('follows topics that are made, deleted and enlarged', async () => {
    const topics = new TestTopics({ t: 1 });
    await withConsumers(topics, async (at) => {
      const a = new TestConsumer(at, { topics: ['t', 'later'] });
      await a.join();
      assert.deepEqual(a.owned, ['t-0']);
      topics.set('t', 2);
      topics.set('later', 1);
      await settle(at, a);
      assert.deepEqual(a.owned, ['later-0', 't-0', 't-1']);
      topics.delete('later');
      await settle(at, a);
      assert.deepEqual(a.owned, ['t-0', 't-1']);
    });
  });

  test('subscribes by expression, and to what comes later', async () => {
    const topics = new TestTopics({ 'orders-1': 1, other: 1 });
    await withConsumers(topics, async (at) => {
      const a = new TestConsumer(at, { regex: 'orders-[0-9]+' });
      await a.join();
      assert.deepEqual(a.owned, ['orders-1-0']);
      topics.set('orders-2', 1);
      await at.io.clock.sleep(5000);
      await settle(at, a);
      assert.deepEqual(a.owned, ['orders-1-0', 'orders-2-0']);
    });
  });

  test('refuses expressions that are none, or that would run for ever', async () => {
    await withConsumers(new TestTopics({ ['a'.repeat(60)]: 1 }), async (at) => {
      for (const regex of [
        '[',
        '(?=x)a',
        '(a)\\1',
        'x'.repeat(5000),
        '(x{999}){1}(y{999})(z{99})',
      ]) {
        const a = new TestConsumer(at, { regex });
        assert.equal(await a.join(), 'INVALID_REGULAR_EXPRESSION', regex.slice(0, 30));
      }
      // It would take a backtracking engine ages.
      const slow = new TestConsumer(at, { regex: '(a*)*(a*)*(a*)*b' });
      assert.equal(await slow.join(), 'NONE');
      assert.deepEqual(slow.owned, []);
    });
  });

  test('is the same after a restart', async () => {
    await withConsumers(new TestTopics({ t: 3 }), async (at) => {
      const [a, b] = [new TestConsumer(at), new TestConsumer(at, { regex: 't.*' })];
      await a.join();
      await b.join();
      await settle(at, a, b);
      const before = [a.owned, b.owned, a.epoch];
      await at.restart();
      await settle(at, a, b);
      assert.deepEqual([a.owned, b.owned, a.epoch], before);
      await at.restart();
      await at.io.clock.sleep(45_001);
      assert.equal(await at.state(), 'Empty');
    });
  });

  test('takes commits of its members in their epochs only', async () => {
    await withConsumers(new TestTopics({ t: 1 }), async (at) => {
      const a = new TestConsumer(at);
      await a.join();
      assert.equal(await a.commit(), 'NONE');
      assert.equal(await a.commit(a.epoch + 1), 'STALE_MEMBER_EPOCH');
      assert.equal(await new TestConsumer(at).commit(1), 'UNKNOWN_MEMBER_ID');
      assert.equal(await at.committed(), 5);
      await new TestConsumer(at).join();
      await settle(at, a);
      // Late, but nobody else has had the partition since.
      assert.equal(await a.commit(1), 'NONE');
      assert.equal(await a.commit(0), 'STALE_MEMBER_EPOCH');
    });
  });

  test('waits the assignment interval between two assignments', async () => {
    const config = { 'group.consumer.assignment.interval.ms': '3000' };
    const run = async (at: Parameters<Parameters<typeof withConsumers>[1]>[0]) => {
      const [a, b] = [new TestConsumer(at), new TestConsumer(at)];
      await a.join();
      await b.join();
      assert.equal(await at.state(), 'Assigning');
      await a.heartbeat();
      assert.equal(a.epoch, 1);
      await at.io.clock.sleep(3000);
      await settle(at, a, b);
      assert.deepEqual([a.owned.length, b.owned.length], [1, 1]);
    };
    await withConsumers(new TestTopics({ t: 2 }), run, { config });
  });

  test('is deleted with its records once it is empty', async () => {
    await withConsumers(new TestTopics({ t: 1 }), async (at) => {
      const a = new TestConsumer(at, { regex: 't' });
      await a.join();
      const remove = () => at.decide((machine, outcome) => machine.deleteGroup('g', outcome));
      assert.notEqual(await remove(), 0);
      await a.leave();
      assert.equal(await remove(), 0);
      assert.equal(await at.state(), 'Dead');
      await at.restart();
      assert.equal(await at.state(), 'Dead');
    });
  });
});

test('members that disagree about the assignor do not keep a group from being stable', async () => {
  await withConsumers(new TestTopics({ t: 4 }), async (at) => {
    const members = [
      new TestConsumer(at, { assignor: 'range' }),
      new TestConsumer(at, { assignor: 'uniform' }),
    ] as const;
    for (const member of members) await member.join();
    const epochOf = () => at.decide((machine) => machine.consumerGroup('g')?.groupEpoch);
    for (let i = 0; i < 5; i++) for (const member of members) await member.heartbeat();
    const epoch = await epochOf();
    for (let i = 0; i < 5; i++) for (const member of members) await member.heartbeat();
    assert.equal(await epochOf(), epoch);
    assert.equal(await at.state(), 'Stable');
  });
});

describe('classic clients and a consumer group', () => {
  test('a group moves to the new protocol and back while its members stay', async () => {
    await withConsumers(new TestTopics({ t: 2 }), async (at) => {
      const classic = at.member();
      await classic.join();
      await classic.sync([]);
      const a = new TestConsumer(at);
      assert.equal(await a.join(), 'NONE');
      assert.equal((await at.decide((m) => m.groups.get('g')?.kind)) as string, 'consumer');
      assert.equal(await classic.heartbeat(), 'REBALANCE_IN_PROGRESS');
      assert.equal((await classic.join()).errorCode, 0);
      assert.equal((await classic.sync()).errorCode, 0);
      await a.heartbeat();
      assert.equal(a.owned.length, 1);
      await at.restart();
      assert.equal(await classic.heartbeat(), 'NONE');
      assert.equal(await a.leave(), 'NONE');
      assert.equal((await at.decide((m) => m.groups.get('g')?.kind)) as string, 'classic');
      assert.equal(await classic.heartbeat(), 'REBALANCE_IN_PROGRESS');
      await at.settle(classic);
      assert.equal(await at.state(), 'Stable');
      await at.restart();
      assert.equal(await classic.heartbeat(), 'NONE');
    });
  });

  test('a classic client in the place of the last other one finds a classic group', async () => {
    for (const isInterrupted of [false, true]) {
      await withConsumers(new TestTopics({ t: 2 }), async (at) => {
        const instanceId = 'one';
        assert.equal(await new TestConsumer(at, { instanceId }).join(), 'NONE');
        await new TestConsumer(at, { instanceId }).leave(-2);
        const classic = at.member({ instanceId });
        assert.equal((await classic.join()).errorCode, 0);
        if (isInterrupted) await at.restart();
        assert.equal(errorName((await classic.sync()).errorCode), 'REBALANCE_IN_PROGRESS');
        assert.equal(await classic.heartbeat(), 'REBALANCE_IN_PROGRESS');
        await at.settle(classic);
        assert.equal(await at.state(), 'Stable');
        assert.equal(await classic.heartbeat(), 'NONE');
      });
    }
  });

  test('a rebalance that the move to the new protocol interrupts is made up for', async () => {
    await withConsumers(new TestTopics({ t: 2 }), async (at) => {
      const instanceId = 'one';
      const classic = at.member({ instanceId });
      assert.equal((await classic.join()).errorCode, 0);
      const a = new TestConsumer(at, { instanceId });
      assert.equal(await a.join(), 'NONE');
      assert.deepEqual(a.owned, ['t-0', 't-1']);
    });
  });

  test('a classic client keeps what it has while the group moves back and forth', async () => {
    for (const isInterrupted of [false, true]) {
      await withConsumers(new TestTopics({ t: 2 }), async (at) => {
        const a = new TestConsumer(at);
        await a.join();
        const classic = at.member();
        assert.equal((await classic.join()).errorCode, 0);
        await a.heartbeat();
        a.owned = a.owned.slice(0, 1);
        await a.heartbeat();
        classic.owned = [0, 1].filter((partition) => !a.owned.includes(`t-${partition}`));
        assert.equal((await classic.join()).errorCode, 0);
        assert.equal((await classic.sync()).errorCode, 0);
        await a.leave();
        if (isInterrupted) await at.restart();
        assert.equal(await classic.heartbeat(), 'REBALANCE_IN_PROGRESS');
        const b = new TestConsumer(at);
        assert.equal(await b.join(), 'NONE');
        assert.ok(!b.owned.includes(`t-${classic.owned[0]}`));
      });
    }
  });

  test('what a classic client says that it has is its own between join and sync', async () => {
    await withConsumers(new TestTopics({ t: 2 }), async (at) => {
      const classic = at.member();
      await at.settle(classic);
      classic.owned = [0, 1];
      assert.equal((await classic.join()).errorCode, 0);
      const b = new TestConsumer(at);
      assert.equal(await b.join(), 'NONE');
      assert.deepEqual(b.owned, []);
    });
  });

  test('a classic client that was thrown out hears of it when it brings partitions', async () => {
    await withConsumers(new TestTopics({ t: 2 }), async (at) => {
      await new TestConsumer(at).join();
      const classic = at.member();
      assert.equal((await classic.join()).errorCode, 0);
      await classic.leave();
      classic.owned = [0];
      const { errorCode } = await classic.tryJoin();
      assert.equal(errorName(errorCode), 'UNKNOWN_MEMBER_ID');
      classic.owned = [];
      assert.equal((await classic.tryJoin()).errorCode, 0);
    });
  });

  test('an empty group is whatever its next member wants', async () => {
    await withConsumers(new TestTopics({ t: 2 }), async (at) => {
      const a = new TestConsumer(at);
      await a.join();
      await a.leave();
      const classic = at.member();
      await at.settle(classic);
      assert.equal((await at.decide((m) => m.groups.get('g')?.kind)) as string, 'classic');
      await classic.leave();
      await at.restart();
      assert.equal(await a.join(), 'NONE');
      assert.equal((await at.decide((m) => m.groups.get('g')?.kind)) as string, 'consumer');
    });
  });

  test('the migration can be forbidden', async () => {
    const config = { 'group.consumer.migration.policy': 'disabled' };
    const run = async (at: Parameters<Parameters<typeof withConsumers>[1]>[0]) => {
      await at.settle(at.member());
      assert.equal(await new TestConsumer(at).join(), 'GROUP_ID_NOT_FOUND');
    };
    await withConsumers(new TestTopics({ t: 1 }), run, { config });
  });
});

describe('reconciliation under churn', () => {
  test('a partition never has two owners, and each has one in the end', async () => {
    for (let seed = 0; seed < 25; seed++) {
      await churn(new Prng(`churn/${seed}`), seed);
    }
  });
});

async function churn(prng: Prng, seed: number): Promise<void> {
  const topics = new TestTopics({ t: 5, u: 3 });
  await withConsumers(topics, async (at) => {
    let consumers: TestConsumer[] = [];
    const assertExclusive = (): void => {
      const all = consumers.flatMap(({ owned }) => owned);
      assert.equal(new Set(all).size, all.length, `seed ${seed}: ${all.sort()}`);
    };
    const beat = async (one: TestConsumer): Promise<void> => {
      const error = await one.heartbeat();
      // A member that hears that it is out stops, and begins anew.
      if (error === 'UNKNOWN_MEMBER_ID' || error === 'FENCED_MEMBER_EPOCH') {
        one.owned = [];
        one.epoch = 0;
      } else assert.ok(['NONE', 'GROUP_ID_NOT_FOUND'].includes(error), error);
    };
    for (let step = 0; step < 60; step++) {
      const choice = prng.int(12);
      const one = consumers.length === 0 ? null : prng.pick(consumers);
      if (one === null || (choice === 0 && consumers.length < 5)) {
        const wanted = prng.chance(0.7) ? { topics: ['t', 'u'] } : { topics: ['t'] };
        const next = new TestConsumer(at, prng.chance(0.2) ? { regex: '.*' } : wanted);
        consumers.push(next);
        await next.join();
      } else if (choice === 1) {
        await one.leave();
        consumers = consumers.filter((other) => other !== one);
      } else if (choice === 2) {
        // It dies, and lets go of all the moment it does.
        consumers = consumers.filter((other) => other !== one);
      } else if (choice === 3) {
        await at.restart();
      } else if (choice === 4) {
        topics.set('t', (topics.image.topic('t')?.partitions.length ?? 0) + 1);
      } else if (choice === 5) {
        for (let part = 0; part < 12; part++) {
          await at.io.clock.sleep(4000);
          for (const each of consumers) await beat(each);
          assertExclusive();
        }
      } else {
        await beat(one);
      }
      assertExclusive();
    }
    for (let round = 0; round < 30; round++) {
      await at.io.clock.sleep(4000);
      for (const each of consumers) await beat(each);
      assertExclusive();
    }
    if (consumers.length === 0) return;
    assert.equal(await at.state(), 'Stable', `seed ${seed}`);
    const owned = new Set(consumers.flatMap((each) => each.owned));
    const count = topics.image.topic('t')?.partitions.length ?? 0;
    for (let index = 0; index < count; index++) assert.ok(owned.has(`t-${index}`), `seed ${seed}`);
  });
}
