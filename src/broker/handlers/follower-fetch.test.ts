// Fetches of followers: how far they read, what is noted of what they have, when they wait and are
// answered, and what is refused.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type FetchOf,
  follower,
  partitionOf,
  withLeader,
} from '../../../tests/doubles/broker/leader-broker.ts';
import { ErrorCode } from '../../protocol/index.ts';

const at = (fetchOffset: number, more: FetchOf = {}): FetchOf => ({
  ...more,
  partitions: [{ fetchOffset }],
});

test('a follower reads to the end of the log, and so lets the watermark move', async () => {
  await withLeader(async (leader) => {
    leader.append(['a', 'b']);
    const first = partitionOf(await leader.fetch());
    assert.deepEqual([first?.errorCode, first?.highWatermark], [0, 0]);
    assert.ok((first?.records?.length ?? 0) > 0);
    const consumer = partitionOf(await leader.fetch({ replica: null }));
    assert.equal(consumer?.records?.length ?? 0, 0, 'consumers see what is committed');
    const second = partitionOf(await leader.fetch(at(2)));
    assert.equal(second?.highWatermark, 2);
    assert.equal(leader.partition().highWatermark, 2);
    assert.deepEqual(leader.noted, ['2 0', '2 0']);
  });
});

test('what a follower of older versions has counts as well', async () => {
  await withLeader(async (leader) => {
    leader.append(['a']);
    for (const version of [9, 12, 14]) await leader.fetch(at(1, { version }));
    assert.equal(leader.partition().highWatermark, 1);
    assert.equal(leader.partition().leading?.remote(2)?.brokerEpoch, -1);
  });
});

test('a follower whose log is another one is told where, and has nothing', async () => {
  await withLeader(async (leader) => {
    leader.append(['a']);
    leader.alter({ leaderEpoch: 1 });
    leader.append(['b', 'c']);
    const partition = { fetchOffset: 3, lastFetchedEpoch: 0, currentLeaderEpoch: 1 };
    const answer = partitionOf(await leader.fetch({ partitions: [partition], maxWaitMs: 500 }));
    assert.deepEqual(answer?.divergingEpoch, { epoch: 0, endOffset: 1 });
    assert.deepEqual([answer?.errorCode, answer?.records?.length ?? 0], [0, 0]);
    assert.deepEqual(leader.noted, []);
    assert.equal(leader.partition().highWatermark, 0);
    await leader.fetch({ partitions: [{ ...partition, fetchOffset: 1 }] });
    assert.equal(leader.partition().highWatermark, 1);
  });
});

test('a follower outside our log is told where that begins, and has nothing', async () => {
  await withLeader(
    async (leader) => {
      leader.append(['a', 'b', 'c']);
      await leader.partition().upkeep.deleteRecordsBefore(2);
      for (const fetchOffset of [1, 4]) {
        // Below the start there is nothing of ours that its log could part from.
        const partition = { fetchOffset, lastFetchedEpoch: fetchOffset === 1 ? 0 : -1 };
        const answer = partitionOf(await leader.fetch({ partitions: [partition] }));
        assert.equal(answer?.errorCode, ErrorCode.OFFSET_OUT_OF_RANGE);
        assert.equal(answer?.logStartOffset, 2);
      }
      assert.deepEqual(leader.noted, []);
    },
    { isr: [1] },
  );
});

test('who comes in another epoch, or is not the replica it says it is, is refused', async () => {
  await withLeader(async (leader) => {
    leader.alter({ leaderEpoch: 4 });
    leader.append(['a']);
    const codeOf = async (currentLeaderEpoch: number, replicaId = 2, more: FetchOf = {}) => {
      const replica = { ...follower, replicaId };
      const partitions = [{ fetchOffset: 1, currentLeaderEpoch }];
      const answer = partitionOf(await leader.fetch({ replica, partitions, ...more }));
      assert.equal(answer?.records?.length ?? 0, 0);
      return answer?.errorCode;
    };
    assert.equal(await codeOf(3), ErrorCode.FENCED_LEADER_EPOCH);
    assert.equal(await codeOf(5), ErrorCode.UNKNOWN_LEADER_EPOCH);
    assert.equal(await codeOf(4, 3), ErrorCode.UNKNOWN_LEADER_EPOCH);
    assert.equal(await codeOf(4, 1), ErrorCode.UNKNOWN_LEADER_EPOCH, 'we do not follow ourselves');
    assert.equal(await codeOf(-1, 3), ErrorCode.NOT_LEADER_OR_FOLLOWER);
    assert.equal(leader.partition().highWatermark, 0);
    assert.equal(await codeOf(4), 0);
    const stale = { replica: { ...follower, replicaEpoch: 6 } };
    assert.equal(
      await codeOf(4, 2, stale),
      ErrorCode.NOT_LEADER_OR_FOLLOWER,
      'a life that is over',
    );
    leader.alter({ leaderEpoch: 5, leader: 2 });
    assert.equal(await codeOf(5), ErrorCode.NOT_LEADER_OR_FOLLOWER);
  });
});

test('a follower waits for appends, not for the watermark', async () => {
  await withLeader(async (leader, io) => {
    leader.alter({ replicas: [1, 2, 3], isr: [1, 2, 3] });
    leader.append(['a']);
    const beganMs = io.clock.monotonic();
    const waiting = leader.fetch(at(1, { maxWaitMs: 500 }));
    await io.clock.sleep(100);
    await leader.fetch(at(1, { replica: { replicaId: 3, replicaEpoch: 7 } }));
    assert.equal(leader.partition().highWatermark, 1);
    await io.clock.sleep(100);
    leader.append(['b']);
    const answer = partitionOf(await waiting);
    assert.equal(Math.round(io.clock.monotonic() - beganMs), 200);
    assert.deepEqual([answer?.highWatermark, (answer?.records?.length ?? 0) > 0], [1, true]);
  });
});

test('the appends of one turn travel together', async () => {
  await withLeader(
    async (leader, io) => {
      const one = { fetchOffset: 0 };
      const waiting = leader.fetch({ partitions: [one, one], maxWaitMs: 500 });
      let isAnswered = false;
      void waiting.then(() => {
        isAnswered = true;
      });
      leader.append(['a'], 0);
      // What other connections ask for in this turn is handled after microtasks of the first.
      for (let i = 0; i < 20; i++) await null;
      assert.equal(isAnswered, false);
      leader.append(['b'], 1);
      leader.append(['c'], 0);
      const answer = await waiting;
      assert.ok((partitionOf(answer, 1)?.records?.length ?? 0) > 0);
      await leader.fetch({ partitions: [{ fetchOffset: 2 }, { fetchOffset: 1 }] });
      assert.equal(leader.partition(0).highWatermark, 2, 'both appends were in the answer');
      assert.ok(io.clock.monotonic() >= 0);
    },
    { partitions: 2 },
  );
});

test('what a follower had when it began to wait is not noted with its answer', async () => {
  await withLeader(async (leader, io) => {
    leader.append(['a']);
    const waiting = leader.fetch(at(1, { maxWaitMs: 500 }));
    await io.clock.sleep(300);
    const before = leader.partition().leading?.remote(2)?.lastFetchMs;
    leader.append(['b']);
    await waiting;
    assert.deepEqual(leader.noted, ['2 0']);
    assert.equal(leader.partition().leading?.remote(2)?.lastFetchMs, before);
  });
});

test('an incremental fetch of a follower reads what changed, with the watermark', async () => {
  await withLeader(
    async (leader) => {
      const all = [{}, {}, {}].map(() => ({ fetchOffset: 0 }));
      const { sessionId } = await leader.fetch({ partitions: all, sessionEpoch: 0 });
      assert.ok(sessionId > 0);
      const next = (sessionEpoch: number, more: FetchOf = {}) =>
        leader.fetch({ partitions: [], sessionId, sessionEpoch, ...more });
      await next(1);
      leader.noted.length = 0;
      leader.append(['a'], 1);
      const records = await next(2);
      assert.deepEqual(
        records.responses[0]?.partitions.map(({ partitionIndex }) => partitionIndex),
        [1],
      );
      assert.deepEqual(leader.noted, ['2 1'], 'the others were not even looked at');
      const has = await next(3, { partitions: [{ partition: 1, fetchOffset: 1 }] });
      assert.equal(partitionOf(has, 1)?.highWatermark, 1);
      assert.deepEqual((await next(4)).responses, []);
    },
    { partitions: 3 },
  );
});

test('a session of a follower in a new life notes all of its partitions', async () => {
  await withLeader(
    async (leader) => {
      const all = [{ fetchOffset: 0 }, { fetchOffset: 0 }];
      const { sessionId } = await leader.fetch({ partitions: all, sessionEpoch: 0 });
      const quiet = { partitions: [], sessionId };
      await leader.fetch({ ...quiet, sessionEpoch: 1 });
      leader.noted.length = 0;
      await leader.fetch({ ...quiet, sessionEpoch: 2 });
      assert.deepEqual(leader.noted, []);
      const replica = { ...follower, replicaEpoch: 8 };
      await leader.fetch({ ...quiet, sessionEpoch: 3, replica });
      assert.deepEqual(leader.noted, ['2 0', '2 1']);
      assert.equal(leader.partition(1).leading?.remote(2)?.brokerEpoch, 8);
      const consumer = leader.fetch({ ...quiet, sessionEpoch: 4, replica: null });
      await assert.rejects(consumer, { errorName: 'FETCH_SESSION_ID_NOT_FOUND' });
    },
    { partitions: 2 },
  );
});

test('a fetch that lay in the network while its follower went on elsewhere is late', () =>
  withLeader(async (leader) => {
    leader.append(['a', 'b']);
    await leader.fetch({ ...at(0), sessionEpoch: 0, connection: 1 });
    // Its answer was lost, and the next fetch, which names everything as this one does, is late.
    const begun = { ...at(0), sessionEpoch: 0 };
    const { sessionId } = await leader.fetch({ ...begun, connection: 3 });
    await leader.fetch({ ...at(2), sessionId, sessionEpoch: 1, connection: 3 });
    const has = { ...leader.partition().leading?.remote(2) };
    const late = partitionOf(await leader.fetch({ ...begun, connection: 2 }));
    assert.equal(late?.errorCode, ErrorCode.NOT_LEADER_OR_FOLLOWER);
    assert.deepEqual(leader.partition().leading?.remote(2), has);
    assert.equal(leader.partition().highWatermark, 2);
    leader.append(['c']);
    const next = { partitions: [], sessionId, sessionEpoch: 2, connection: 3 };
    assert.ok((partitionOf(await leader.fetch(next))?.records?.length ?? 0) > 0);
  }));

test('a replica that comes back to a partition is noted, though it has no news', async () => {
  await withLeader(async (leader) => {
    const { sessionId } = await leader.fetch({ ...at(0), sessionEpoch: 0 });
    const quiet = { partitions: [], sessionId };
    await leader.fetch({ ...quiet, sessionEpoch: 1 });
    leader.alter({ replicas: [1], isr: [1] });
    leader.alter({ replicas: [1, 2], isr: [1] });
    assert.equal(leader.partition().leading?.remote(2)?.logEndOffset, -1);
    await leader.fetch({ ...quiet, sessionEpoch: 2 });
    assert.equal(leader.partition().leading?.remote(2)?.logEndOffset, 0);
  });
});

test('what the quota of replication holds back ends no wait, and is sent later', async () => {
  let isHeld = true;
  const counted: number[] = [];
  const quota = {
    holdsBack: ({ partition }: { partition: number }) => partition === 0 && isHeld,
    record: ({ partition }: { partition: number }) => counted.push(partition),
  };
  await withLeader(
    async (leader, io) => {
      leader.append(['a'], 0);
      const all = [{ fetchOffset: 0 }, { fetchOffset: 0 }];
      const { sessionId } = await leader.fetch({ partitions: all, sessionEpoch: 0 });
      const next = async (sessionEpoch: number, more: FetchOf = {}) => {
        const beganMs = io.clock.monotonic();
        const request = { partitions: [], sessionId, sessionEpoch, maxWaitMs: 500, ...more };
        const answer = await leader.fetch(request);
        const waitedMs = Math.round(io.clock.monotonic() - beganMs);
        const sizes = [0, 1].map((index) => partitionOf(answer, index)?.records?.length ?? 0);
        return { waitedMs, hasRecords: sizes.map((size) => size > 0) };
      };
      io.clock.after(100, () => leader.append(['b'], 0));
      assert.deepEqual(await next(1), { waitedMs: 500, hasRecords: [false, false] });
      io.clock.after(100, () => leader.append(['c'], 1));
      assert.deepEqual(await next(2), { waitedMs: 100, hasRecords: [false, true] });
      isHeld = false;
      const moved = [{ partition: 1, fetchOffset: 1 }];
      assert.deepEqual((await next(3, { partitions: moved })).hasRecords, [true, false]);
      assert.deepEqual(counted, [1, 0]);
    },
    { partitions: 2, quota, isr: [1] },
  );
});
