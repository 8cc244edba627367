// Offsets in transactions: when they count, who may write them, and what becomes of them over
// restarts, deletions and time.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  idOf,
  TestConsumer,
  TestTopics,
  withConsumers,
} from '../../../../tests/doubles/coordinator/consumers.ts';
import {
  errorOf,
  type TestShard,
  withShard,
} from '../../../../tests/doubles/coordinator/group-shard.ts';
import { ZERO_UUID } from '../../../base/uuid.ts';
import { batchHeaders, errorName } from '../../../protocol/index.ts';
import {
  onDeleteOffsets,
  onEndOfTransaction,
  onFetch,
  onTransactionalCommit,
} from '../requests/offset-requests.ts';
import type { TransactionalCommitRequest } from './index.ts';

const minute = 60_000;
const briefly = { config: { 'offsets.retention.minutes': '60' } };

interface Commit extends Partial<TransactionalCommitRequest> {
  readonly offset?: number;
  readonly topic?: string;
  /** Left out, the commit shows the verification that was begun for it. */
  readonly isUnverified?: boolean;
}

function commit(at: TestShard, changes: Commit = {}) {
  const { offset = 1, topic = 't', isUnverified = false, ...rest } = changes;
  const request: TransactionalCommitRequest = {
    transactionalId: 'id',
    producerId: 7,
    producerEpoch: 0,
    groupId: 'g',
    memberId: '',
    groupInstanceId: null,
    generationIdOrMemberEpoch: -1,
    apiVersion: 5,
    topics: [named(topic, offset)],
    ...rest,
  };
  const { producerId, producerEpoch } = request;
  return errorOf(async () => {
    const opening = { producerId, producerEpoch, baseSequence: -1, hasOwnEpoch: true };
    const verification = isUnverified ? null : at.shard.beginVerification(opening);
    const [committed] = await at.decide((machine, outcome) =>
      onTransactionalCommit(machine, { request, verification }, outcome),
    );
    return committed?.partitions[0]?.errorCode ?? 0;
  });
}

const named = (name: string, committedOffset: number) => ({
  name,
  topicId: ZERO_UUID,
  partitions: [
    {
      partitionIndex: 0,
      committedOffset,
      committedLeaderEpoch: -1,
      committedMetadata: '',
      commitTimestamp: -1,
    },
  ],
});

function end(at: TestShard, isCommit: boolean, changes: { epoch?: number; by?: number } = {}) {
  const { epoch = 1, by = 7 } = changes;
  const marker = { producerId: by, producerEpoch: epoch, coordinatorEpoch: 3, isCommit };
  return errorOf(async () => {
    await at.decide((machine, outcome) =>
      onEndOfTransaction(machine, { ...marker, transactionVersion: 2 }, outcome),
    );
    return 0;
  });
}

async function fetched(at: TestShard, requireStable = true, topic = 't') {
  const topics = [{ name: topic, partitionIndexes: [0] }];
  const member = { memberId: null, memberEpoch: -1 };
  const [found] = await at.decide((machine) =>
    onFetch(machine, { groupId: 'g', topics, member, requireStable }),
  );
  const { errorCode, committedOffset } = found?.partitions[0] ?? {};
  return errorCode === 0 ? committedOffset : errorName(errorCode ?? -1);
}

test('an offset counts from the commit of its transaction on, also over restarts', () =>
  withShard(async (at) => {
    await at.commit({ offset: 5 });
    assert.equal(await commit(at, { offset: 9 }), 'NONE');
    for (let round = 0; round < 2; round++) {
      assert.equal(await fetched(at, false), 5);
      assert.equal(await fetched(at, true), 'UNSTABLE_OFFSET_COMMIT');
      await at.restart();
    }
    assert.equal(await end(at, true), 'NONE');
    for (let round = 0; round < 2; round++) {
      assert.equal(await fetched(at), 9);
      await at.restart();
    }
  }));

test('an aborted offset never counted', () =>
  withShard(async (at) => {
    await at.commit({ offset: 5 });
    await commit(at, { offset: 9 });
    await commit(at, { offset: 1, topic: 'new' });
    assert.equal(await fetched(at, true, 'new'), 'UNSTABLE_OFFSET_COMMIT');
    await end(at, false);
    for (let round = 0; round < 2; round++) {
      assert.equal(await fetched(at), 5);
      assert.equal(await fetched(at, true, 'new'), -1);
      await at.restart();
    }
  }));

test('of all commits the last one in the log counts, whenever its transaction ends', () =>
  withShard(async (at) => {
    await commit(at, { offset: 1, producerId: 7 });
    await commit(at, { offset: 2, producerId: 8 });
    await end(at, true, { by: 8 });
    assert.equal(await fetched(at, false), 2);
    await at.commit({ offset: 3 });
    await end(at, true, { by: 7 });
    for (let round = 0; round < 2; round++) {
      assert.equal(await fetched(at), 3);
      await at.restart();
    }
  }));

test('a transaction has batches of its producer, and a marker of its own', () =>
  withShard(async (at) => {
    await Promise.all([at.commit({ offset: 1 }), commit(at, { offset: 2 })]);
    await Promise.all([end(at, true), at.commit({ offset: 4, groupId: 'h' })]);
    const read = await at.partition.read(0, {
      bytesMax: 100_000,
      isCommittedOnly: false,
      atLeastOneBatch: true,
    });
    const headers = read.buffers.flatMap((buffer) => [...batchHeaders(buffer)]);
    const seen = headers.map(({ producerId, producerEpoch, isTransactional, isControl }) => {
      const kind = isControl ? 'marker' : isTransactional ? 'in' : 'out';
      return `${kind} ${producerId}.${producerEpoch}`;
    });
    assert.deepEqual(seen, ['out -1.-1', 'in 7.0', 'marker 7.1', 'out -1.-1']);
    assert.equal(at.partition.lastStableOffset, at.partition.logEndOffset);
  }));

test('epochs that are over are refused, before and after the log has heard of the new one', () =>
  withShard(async (at) => {
    await commit(at);
    const ended = end(at, true);
    // Decided in the same turn: the marker is not in the log yet.
    assert.equal(await commit(at), 'INVALID_PRODUCER_EPOCH');
    assert.equal(await ended, 'NONE');
    assert.equal(await commit(at), 'INVALID_PRODUCER_EPOCH');
    assert.equal(await commit(at, { producerEpoch: 1 }), 'NONE');
    assert.equal(await end(at, true, { epoch: 1 }), 'INVALID_PRODUCER_EPOCH');
    assert.equal(await end(at, true, { epoch: 2 }), 'NONE');
    await at.restart();
    assert.equal(await commit(at, { producerEpoch: 1 }), 'INVALID_PRODUCER_EPOCH');
  }));

test('a commit that was not verified opens no transaction, one behind it needs nothing', () =>
  withShard(async (at) => {
    assert.equal(await commit(at, { isUnverified: true }), 'INVALID_TXN_STATE');
    const first = commit(at, { offset: 1 });
    // Not in the log yet, but decided.
    assert.equal(await commit(at, { offset: 2, isUnverified: true }), 'NONE');
    assert.equal(await first, 'NONE');
    await at.restart();
    assert.equal(await commit(at, { offset: 3, isUnverified: true }), 'NONE');
    await end(at, true);
    assert.equal(await fetched(at), 3);
    assert.equal(at.partition.lastStableOffset, at.partition.logEndOffset);
  }));

test('an end that is decided meanwhile voids the verification, appended or not', () =>
  withShard(async (at) => {
    const opening = { producerId: 7, producerEpoch: 0, baseSequence: -1, hasOwnEpoch: false };
    const verification = at.shard.beginVerification(opening);
    const request = {
      ...{ transactionalId: 'id', producerId: 7, producerEpoch: 0, groupId: 'g', memberId: '' },
      ...{ groupInstanceId: null, generationIdOrMemberEpoch: -1, apiVersion: 4 },
      topics: [named('t', 1)],
    };
    const marker = { producerId: 7, producerEpoch: 0, coordinatorEpoch: 0, isCommit: false };
    const ended = at.decide((machine, outcome) =>
      onEndOfTransaction(machine, { ...marker, transactionVersion: 1 }, outcome),
    );
    const late = at.decide((machine, outcome) =>
      onTransactionalCommit(machine, { request, verification }, outcome),
    );
    await assert.rejects(late, { errorName: 'INVALID_TXN_STATE' });
    await ended;
    assert.equal(at.partition.lastStableOffset, at.partition.logEndOffset);
  }));

test('a coordinator that was replaced ends nothing', () =>
  withShard(async (at) => {
    await commit(at);
    await end(at, true);
    const marker = { producerId: 7, producerEpoch: 2, coordinatorEpoch: 2, isCommit: true };
    const late = at.decide((machine, outcome) =>
      onEndOfTransaction(machine, { ...marker, transactionVersion: 2 }, outcome),
    );
    await assert.rejects(late, { errorName: 'TRANSACTION_COORDINATOR_FENCED' });
  }));

test('members of a classic group commit in their generation, producers of old say nothing', () =>
  withShard(async (at) => {
    assert.equal(await commit(at, { generationIdOrMemberEpoch: 4 }), 'ILLEGAL_GENERATION');
    const member = at.member();
    await at.settle(member);
    const { memberId, generationId: generationIdOrMemberEpoch } = member;
    assert.equal(await commit(at, { memberId, generationIdOrMemberEpoch }), 'NONE');
    assert.equal(await commit(at), 'NONE');
    const later = generationIdOrMemberEpoch + 1;
    assert.equal(
      await commit(at, { memberId, generationIdOrMemberEpoch: later }),
      'ILLEGAL_GENERATION',
    );
    assert.equal(
      await commit(at, { memberId: 'stranger', generationIdOrMemberEpoch }),
      'UNKNOWN_MEMBER_ID',
    );
    // Between join and sync of the next generation, where other commits have to wait.
    await member.join();
    const next = { memberId, generationIdOrMemberEpoch: member.generationId };
    assert.equal(await commit(at, next), 'NONE');
  }));

test('a group lives as long as a transaction has offsets of it', () =>
  withShard(async (at) => {
    await commit(at, { groupId: 'g' });
    await at.io.clock.sleep(180 * minute);
    assert.equal(await at.state(), 'Empty');
    assert.equal(await fetched(at), 'UNSTABLE_OFFSET_COMMIT');
    await end(at, false);
    await at.io.clock.sleep(60 * minute);
    assert.equal(await at.state(), 'Dead');
  }, briefly));

test('an offset that a transaction is about to replace does not expire', () =>
  withShard(async (at) => {
    await at.commit({ offset: 5 });
    await commit(at, { offset: 9 });
    await at.io.clock.sleep(180 * minute);
    assert.equal(await fetched(at, false), 5);
    await end(at, false);
    await at.io.clock.sleep(60 * minute);
    assert.equal(await fetched(at), -1);
  }, briefly));

test('what is deleted is deleted for open transactions too', () =>
  withShard(async (at) => {
    await at.commit({ offset: 5, topics: [named('kept', 1)] });
    await commit(at, { offset: 9 });
    const topics = [{ name: 't', partitions: [{ partitionIndex: 0 }] }];
    await at.decide((machine, outcome) =>
      onDeleteOffsets(machine, { groupId: 'g', topics }, outcome),
    );
    await end(at, true);
    for (let round = 0; round < 2; round++) {
      assert.equal(await fetched(at), -1);
      assert.equal(await fetched(at, true, 'kept'), 1);
      await at.restart();
    }
    await commit(at, { offset: 9, producerEpoch: 1 });
    assert.equal(await at.decide((machine, outcome) => machine.deleteGroup('g', outcome)), 0);
    await end(at, true, { epoch: 2 });
    assert.equal(await at.state(), 'Dead');
    await at.restart();
    assert.equal(await at.state(), 'Dead');
  }));

test('members of a consumer group commit in their epoch, or since they have the partition', () => {
  const topics = new TestTopics({ t: 1, other: 1 });
  return withConsumers(topics, async (at) => {
    const consumer = new TestConsumer(at);
    await consumer.join();
    const { memberId } = consumer;
    const inEpoch = (epoch: number, topic = 't', apiVersion = 6) =>
      commit(at, {
        memberId,
        generationIdOrMemberEpoch: epoch,
        apiVersion,
        topics: [{ ...named(topic, 1), topicId: idOf(topic) }],
      });
    assert.equal(await inEpoch(1), 'NONE');
    assert.equal(await inEpoch(2), 'STALE_MEMBER_EPOCH');
    assert.equal(await inEpoch(2, 't', 5), 'ILLEGAL_GENERATION');
    consumer.topics = ['t', 'other'];
    await consumer.heartbeat();
    assert.equal(consumer.epoch, 2);
    assert.equal(await inEpoch(1), 'NONE');
    assert.equal(await inEpoch(1, 'other'), 'STALE_MEMBER_EPOCH');
    assert.equal(await inEpoch(1, 'other', 5), 'ILLEGAL_GENERATION');
    assert.equal(await commit(at, { memberId: 'stranger' }), 'UNKNOWN_MEMBER_ID');
    assert.equal(await commit(at), 'NONE');
  });
});

test('the offsets of a topic that is deleted go, those of open transactions with them', () => {
  const topics = new TestTopics({ t: 1 });
  return withConsumers(topics, async (at) => {
    await commit(at, { topics: [{ ...named('t', 9), topicId: idOf('t') }] });
    await commit(at, { topics: [{ ...named('gone', 9), topicId: idOf('gone') }] });
    // A restart looks for topics that went meanwhile, a running coordinator is told.
    await at.restart();
    await at.decide(() => null);
    at.shard.onTopicsDeleted([{ name: 't', id: idOf('t'), partitions: [] }]);
    await end(at, true);
    assert.equal(await fetched(at), -1);
    assert.equal(await fetched(at, true, 'gone'), -1);
  });
});
