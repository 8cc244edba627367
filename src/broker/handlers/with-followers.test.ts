// What clients are answered by the leader of a partition that others follow.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  type LeaderBroker,
  partitionOf,
  withLeader,
} from '../../../tests/doubles/broker/leader-broker.ts';
import type { Io } from '../../io/index.ts';
import { type ErrorName, encodeBatch, errorName } from '../../protocol/index.ts';
import { deleteRecordsHandler } from './delete-records.ts';
import { listOffsetsHandler } from './list-offsets.ts';
import { produceHandler } from './produce.ts';

interface Sent {
  readonly acks?: number;
  readonly version?: number;
  readonly records?: Buffer;
}

async function produce(
  leader: LeaderBroker,
  io: Io,
  { acks = -1, version = 12, records }: Sent = {},
) {
  const timestamp = io.clock.now();
  const batch = records ?? encodeBatch({ records: [{ value: Buffer.from('a'), timestamp }] });
  const topic = { name: 't', partitionData: [{ index: 0, records: batch }] };
  const request = { acks, timeoutMs: 1000, topicData: [topic] };
  const answer = await leader.ask(produceHandler, request, version);
  const partition = answer.responses[0]?.partitionResponses[0];
  return { answer, partition, error: errorName(partition?.errorCode ?? -1) };
}

describe('acks=all', () => {
  test('is answered when each member of the in-sync set has the records', () =>
    withLeader(async (leader, io) => {
      const beganMs = io.clock.monotonic();
      const waiting = produce(leader, io);
      await io.clock.sleep(300);
      await leader.fetch({ partitions: [{ fetchOffset: 1 }] });
      assert.equal((await waiting).error, 'NONE');
      assert.equal(Math.round(io.clock.monotonic() - beganMs), 300);
      assert.equal((await produce(leader, io, { acks: 1 })).error, 'NONE');
    }));

  test('is refused, and nothing is appended, while too few are in sync', () =>
    withLeader(
      async (leader, io) => {
        assert.equal((await produce(leader, io)).error, 'NOT_ENOUGH_REPLICAS');
        assert.equal(leader.partition().logEndOffset, 0);
        assert.equal((await produce(leader, io, { acks: 1 })).error, 'NONE');
        assert.equal(leader.partition().highWatermark, 0, 'but nobody sees it');
      },
      { isr: [1], config: { minInSyncReplicas: 2 } },
    ));

  test('says at the end of its time if too few are in sync by then', () =>
    withLeader(
      async (leader, io) => {
        const late = produce(leader, io);
        await io.clock.sleep(100);
        leader.alter({ isr: [1] });
        assert.equal((await late).error, 'NOT_ENOUGH_REPLICAS_AFTER_APPEND');
        leader.alter({ isr: [1, 2] });
        assert.equal((await produce(leader, io)).error, 'REQUEST_TIMED_OUT');
        const waiting = produce(leader, io);
        leader.alter({ isr: [1] });
        await io.clock.sleep(100);
        leader.alter({ isr: [1, 2] });
        await leader.fetch({ partitions: [{ fetchOffset: 3 }] });
        assert.equal((await waiting).error, 'NONE', 'there are enough again in time');
      },
      { config: { minInSyncReplicas: 2 } },
    ));

  test('a repeated batch is acknowledged when its first copy is, not before', () =>
    withLeader(async (leader, io) => {
      const batch = () => {
        const records = [{ value: Buffer.from('a'), timestamp: io.clock.now() }];
        return encodeBatch({ records, producerId: 7, producerEpoch: 0, baseSequence: 0 });
      };
      assert.equal((await produce(leader, io, { records: batch() })).error, 'REQUEST_TIMED_OUT');
      const again = produce(leader, io, { records: batch() });
      let isAnswered = false;
      void again.then(() => {
        isAnswered = true;
      });
      await io.clock.sleep(500);
      assert.equal(isAnswered, false);
      assert.equal(leader.partition().logEndOffset, 1);
      await leader.fetch({ partitions: [{ fetchOffset: 1 }] });
      assert.deepEqual([(await again).error, (await again).partition?.baseOffset], ['NONE', 0]);
    }));
});

// KIP-951.
test('who comes to the wrong broker is told of the right one, and where that is', () =>
  withLeader(async (leader, io) => {
    leader.alter({ leader: 2, leaderEpoch: 3 });
    const { answer, partition, error } = await produce(leader, io);
    assert.equal(error, 'NOT_LEADER_OR_FOLLOWER');
    assert.deepEqual(partition?.currentLeader, { leaderId: 2, leaderEpoch: 3 });
    assert.deepEqual(
      answer.nodeEndpoints.map(({ nodeId, host }) => [nodeId, host]),
      [[2, 'host-2']],
    );
    const older = await produce(leader, io, { version: 9 });
    assert.deepEqual([older.error, older.answer.nodeEndpoints], ['NOT_LEADER_OR_FOLLOWER', []]);
    const waiting = leader.fetch({ replica: null, version: 10 });
    assert.equal(partitionOf(await waiting)?.currentLeader.leaderId, -1);
    const fetched = await leader.fetch({ partitions: [{ currentLeaderEpoch: 0 }] });
    assert.deepEqual(partitionOf(fetched)?.currentLeader, { leaderId: 2, leaderEpoch: 3 });
    assert.deepEqual(
      fetched.nodeEndpoints.map(({ nodeId }) => nodeId),
      [2],
    );
  }));

test('who waits for an append when another broker is elected is told of that', () =>
  withLeader(async (leader, io) => {
    const waiting = produce(leader, io);
    await io.clock.sleep(10);
    leader.alter({ leader: 2, leaderEpoch: 1 });
    const { partition, error } = await waiting;
    assert.equal(error, 'NOT_LEADER_OR_FOLLOWER');
    assert.deepEqual(partition?.currentLeader, { leaderId: 2, leaderEpoch: 1 });
  }));

// KIP-207.
test('the end is not told before the watermark has passed the start of the epoch', () =>
  withLeader(async (leader) => {
    const ask = async (timestamp: number, { version = 11, replicaId = -1 } = {}) => {
      const count = version === 0 ? { maxNumOffsets: 9 } : {};
      const partitions = [{ partitionIndex: 0, timestamp, ...count }];
      const request = { replicaId, topics: [{ name: 't', partitions }] };
      const answer = await leader.ask(listOffsetsHandler, request, version);
      const found = answer.topics[0]?.partitions[0];
      const error: ErrorName = errorName(found?.errorCode ?? -1);
      return error === 'NONE' ? (found?.offset ?? -1) : error;
    };
    leader.append(['a', 'b']);
    assert.equal(await ask(-1), 0, 'in the epoch of the append nobody saw more');
    leader.alter({ leaderEpoch: 1 });
    assert.equal(await ask(-1), 'OFFSET_NOT_AVAILABLE');
    assert.equal(await ask(-1, { version: 4 }), 'LEADER_NOT_AVAILABLE');
    assert.equal(await ask(-1, { version: 0 }), 'LEADER_NOT_AVAILABLE');
    assert.equal(await ask(0), 'OFFSET_NOT_AVAILABLE');
    assert.equal(await ask(-3), 'OFFSET_NOT_AVAILABLE');
    assert.equal(await ask(-2), 0);
    assert.equal(await ask(-1, { replicaId: 2 }), 2, 'followers see the whole log');
    await leader.fetch({ partitions: [{ fetchOffset: 1, currentLeaderEpoch: 1 }] });
    assert.equal(await ask(0), 0);
    assert.equal(await ask(-1), 'OFFSET_NOT_AVAILABLE');
    await leader.fetch({ partitions: [{ fetchOffset: 2, currentLeaderEpoch: 1 }] });
    assert.equal(await ask(-1), 2);
  }));

test('a consumer between the watermark and the end of the log finds nothing', () =>
  withLeader(async (leader) => {
    leader.append(['a', 'b', 'c']);
    for (const [fetchOffset, error] of [
      [0, 'NONE'],
      [3, 'NONE'],
      [4, 'OFFSET_OUT_OF_RANGE'],
    ] as const) {
      const answer = partitionOf(
        await leader.fetch({ replica: null, partitions: [{ fetchOffset }] }),
      );
      assert.equal(errorName(answer?.errorCode ?? -1), error);
      assert.equal(answer?.records?.length ?? 0, 0);
    }
  }));

describe('DeleteRecords', () => {
  async function remove(leader: LeaderBroker, offset: number) {
    const topics = [{ name: 't', partitions: [{ partitionIndex: 0, offset }] }];
    const answer = await leader.ask(deleteRecordsHandler, { topics, timeoutMs: 2000 });
    const { lowWatermark, errorCode } = answer.topics[0]?.partitions[0] ?? {};
    return [errorName(errorCode ?? -1), lowWatermark];
  }
  const has = (logStartOffset: number) => ({ partitions: [{ fetchOffset: 5, logStartOffset }] });

  test('waits until the living replicas begin there, and says where the lowest does', () =>
    withLeader(async (leader, io) => {
      leader.setAlive([1, 2]);
      leader.append(['a', 'b', 'c', 'd', 'e']);
      await leader.fetch(has(0));
      const waiting = remove(leader, 3);
      let isAnswered = false;
      void waiting.then(() => {
        isAnswered = true;
      });
      await io.clock.sleep(600);
      await leader.fetch(has(2));
      await io.clock.sleep(600);
      assert.equal(isAnswered, false);
      await leader.fetch(has(3));
      assert.deepEqual(await waiting, ['NONE', 3]);
    }));

  test('waits for nobody who is dead, or dies meanwhile', () =>
    withLeader(async (leader, io) => {
      leader.append(['a', 'b', 'c', 'd', 'e']);
      await leader.fetch(has(0));
      assert.deepEqual(await remove(leader, 1), ['NONE', 1]);
      leader.setAlive([1, 2]);
      const waiting = remove(leader, 2);
      await io.clock.sleep(100);
      leader.setAlive([1]);
      assert.deepEqual(await waiting, ['NONE', 2]);
    }));

  test('ends with its time, and with our leadership', () =>
    withLeader(async (leader, io) => {
      leader.setAlive([1, 2]);
      leader.append(['a', 'b', 'c', 'd', 'e']);
      await leader.fetch(has(0));
      assert.deepEqual(await remove(leader, 1), ['REQUEST_TIMED_OUT', -1]);
      const waiting = remove(leader, 2);
      await io.clock.sleep(100);
      leader.alter({ leader: 2, leaderEpoch: 1 });
      assert.deepEqual(await waiting, ['NOT_LEADER_OR_FOLLOWER', -1]);
    }));
});

// KIP-392.
describe('a consumer in the rack of a follower', () => {
  const brokerConfig = {
    'broker.rack': 'r1',
    'replica.selector.class': 'org.apache.kafka.common.replica.RackAwareReplicaSelector',
  };
  const consumer = (fetchOffset: number, rackId: string) => ({
    ...{ replica: null, rackId },
    partitions: [{ fetchOffset }],
  });

  test('is sent there, if that is in sync and has the offset', () =>
    withLeader(
      async (leader) => {
        leader.append(['a', 'b']);
        await leader.fetch({ partitions: [{ fetchOffset: 1, logStartOffset: 0 }] });
        const preferredOf = async (offset: number, rackId: string) => {
          const request = { ...consumer(offset, rackId), maxWaitMs: 500 };
          return partitionOf(await leader.fetch(request))?.preferredReadReplica;
        };
        const answer = partitionOf(await leader.fetch(consumer(0, 'r2')));
        assert.deepEqual([answer?.preferredReadReplica, answer?.errorCode], [2, 0]);
        assert.equal(answer?.records?.length ?? 0, 0);
        assert.equal(await preferredOf(2, 'r2'), -1, 'it does not have the offset');
        assert.equal(await preferredOf(0, 'r1'), -1);
        assert.equal(await preferredOf(0, 'r3'), -1, 'nobody is there');
        assert.equal(await preferredOf(0, ''), -1);
        leader.alter({ isr: [1] });
        assert.equal(await preferredOf(0, 'r2'), -1);
      },
      { brokerConfig },
    ));

  test('is sent nowhere by a leader that is not asked to', () =>
    withLeader(async (leader) => {
      leader.append(['a']);
      await leader.fetch({ partitions: [{ fetchOffset: 1, logStartOffset: 0 }] });
      const answer = partitionOf(await leader.fetch(consumer(0, 'r2')));
      assert.equal(answer?.preferredReadReplica, -1);
      assert.ok((answer?.records?.length ?? 0) > 0);
    }));

  test('reads at a follower up to the watermark that this has heard of, and waits for it', () =>
    withLeader(async (leader, io) => {
      leader.alter({ leader: 2, leaderEpoch: 1 });
      const take = (value: string, highWatermark: number): void => {
        const { following, logEndOffset: fetchOffset } = leader.partition();
        const records = encodeBatch({
          records: [{ value: Buffer.from(value), timestamp: io.clock.now() }],
          baseOffset: fetchOffset,
          partitionLeaderEpoch: 1,
        });
        following?.append({ records, highWatermark, fetchOffset });
      };
      take('a', 0);
      const at = (fetchOffset: number, more = {}) => ({
        replica: null,
        partitions: [{ fetchOffset, currentLeaderEpoch: 1 }],
        ...more,
      });
      const first = partitionOf(await leader.fetch(at(0)));
      assert.deepEqual([first?.errorCode, first?.records?.length ?? 0], [0, 0]);
      const waiting = leader.fetch(at(0, { maxWaitMs: 500 }));
      await io.clock.sleep(100);
      const beforeMs = io.clock.monotonic();
      take('b', 1);
      const found = partitionOf(await waiting);
      assert.ok((found?.records?.length ?? 0) > 0);
      assert.ok(io.clock.monotonic() - beforeMs < 10, 'it was woken');
      assert.equal(found?.highWatermark, 1);
      const code = async (of: Parameters<typeof leader.fetch>[0]) =>
        errorName(partitionOf(await leader.fetch(of))?.errorCode ?? -1);
      assert.equal(await code(at(3)), 'OFFSET_OUT_OF_RANGE');
      assert.equal(await code(at(0, { version: 10 })), 'NOT_LEADER_OR_FOLLOWER');
      assert.equal(
        await code({ partitions: [{ currentLeaderEpoch: 1 }] }),
        'NOT_LEADER_OR_FOLLOWER',
      );
    }));
});
