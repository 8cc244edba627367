// A partition that follows, over a real log on a simulated disk: what it takes of its leader's
// answers, where it cuts its log, and what a change of role in the middle of that does.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { simulate } from '../../sim/index.ts';
import { logOf } from '../../tests/doubles/replication/logs.ts';
import { ZERO_UUID } from '../base/uuid.ts';
import type { Io } from '../io/index.ts';
import { encodeBatch } from '../protocol/index.ts';
import { defaultLogConfig, type LogConfig, LogResources, PartitionLog } from '../storage/index.ts';
import { type FollowerState, truncationOffset } from './follower-state.ts';
import { Partition } from './partition.ts';
import type { PartitionState } from './partition-state.ts';

let newestOffset = 0;

function state(leader: number, leaderEpoch: number): PartitionState {
  const metadataOffset = newestOffset++;
  return {
    ...{ metadataOffset, leader, leaderEpoch, partitionEpoch: metadataOffset },
    ...{ replicas: [1, 2], isr: [1, 2] },
  };
}

/** One record of the epoch. */
function batch(baseOffset: number, partitionLeaderEpoch: number): Buffer {
  const records = [{ value: Buffer.from(`${baseOffset}`), timestamp: 0 }];
  return encodeBatch({ records, baseOffset, partitionLeaderEpoch });
}

interface Following {
  readonly partition: Partition;
  readonly follower: FollowerState;
  readonly late: { count: number };
}

/** It has the epochs' records from offset 0 on, all committed but the last three. */
async function follow(io: Io, epochs: number[], config: Partial<LogConfig> = {}) {
  const log = await PartitionLog.open(io, {
    ...{ directory: '/data/t-0', topic: 't', partition: 0 },
    config: { ...defaultLogConfig, segmentBytesMax: 500, ...config },
    wasCleanShutdown: true,
    resources: new LogResources(io),
  });
  const late = { count: 0 };
  const onLeadingLate = (): void => {
    late.count++;
  };
  const identity = { topic: 't', topicId: ZERO_UUID, partition: 0, nodeId: 1, highWatermark: 0 };
  const partition = new Partition(io, { ...identity, log, onLeadingLate });
  partition.becomeFollower(state(2, epochs.at(-1) as number));
  const follower = partition.following as FollowerState;
  const records = Buffer.concat(epochs.map((epoch, offset) => batch(offset, epoch)));
  follower.append({ fetchOffset: 0, records, highWatermark: Math.max(0, epochs.length - 3) });
  await log.flush();
  return { partition, follower, late } satisfies Following;
}

const none = Buffer.alloc(0);

describe('a follower', () => {
  test('takes the watermark with the records, no further than it has them, and not back', () =>
    simulate(async (io) => {
      const { partition, follower } = await follow(io, [0, 0, 0, 0]);
      assert.equal(partition.highWatermark, 1);
      follower.append({ fetchOffset: 4, records: batch(4, 0), highWatermark: 3 });
      assert.equal(partition.highWatermark, 3);
      follower.append({ fetchOffset: 5, records: none, highWatermark: 100 });
      assert.equal(partition.highWatermark, 5);
      follower.append({ fetchOffset: 5, records: none, highWatermark: 2 });
      assert.equal(partition.highWatermark, 5);
    }));

  test('says where it goes on, and in which epoch its last record is', () =>
    simulate(async (io) => {
      const { follower } = await follow(io, [0, 0, 3]);
      const position = { fetchOffset: 3, lastFetchedEpoch: 3, logStartOffset: 0 };
      assert.deepEqual(follower.fetchPosition(), position);
      assert.deepEqual([follower.leader, follower.leaderEpoch], [2, 3]);
    }));

  test('drops answers that were asked for in another epoch', () =>
    simulate(async (io) => {
      const { partition, follower } = await follow(io, [0, 0, 0, 0]);
      partition.becomeFollower(state(3, 1));
      assert.equal(
        follower.append({ fetchOffset: 4, records: batch(4, 0), highWatermark: 5 }),
        null,
      );
      assert.equal(await follower.truncateTo({ epoch: 0, endOffset: 1 }), false);
      assert.equal(await follower.startAnewAt(50), false);
      assert.equal(follower.fetchPosition(), null);
      assert.deepEqual([partition.logEndOffset, partition.highWatermark], [4, 1]);
      assert.equal(
        partition.following?.append({ fetchOffset: 4, records: batch(4, 1), highWatermark: 5 })
          ?.lastOffset,
        4,
      );
    }));

  test('drops answers that were asked for where its log does not end any more', () =>
    simulate(async (io) => {
      const { partition, follower } = await follow(io, [0, 0, 0, 0]);
      await follower.truncateTo({ epoch: 0, endOffset: 2 });
      assert.equal(
        follower.append({ fetchOffset: 4, records: batch(4, 0), highWatermark: 5 }),
        null,
      );
      assert.deepEqual([partition.logEndOffset, partition.highWatermark], [2, 1]);
      follower.append({ fetchOffset: 2, records: batch(2, 0), highWatermark: 3 });
      assert.equal(
        follower.append({ fetchOffset: 2, records: batch(2, 0), highWatermark: 9 }),
        null,
      );
      assert.deepEqual([partition.logEndOffset, partition.highWatermark], [3, 3]);
    }));

  test('leaves what its leader wrote in a newer epoch to a fetch of that epoch', () =>
    simulate(async (io) => {
      const { partition, follower } = await follow(io, [0, 0]);
      const records = Buffer.concat([batch(2, 0), batch(3, 1)]);
      follower.append({ fetchOffset: 2, records, highWatermark: 4 });
      assert.deepEqual([partition.logEndOffset, partition.highWatermark], [3, 3]);
    }));

  test('appends nothing of an answer in which a batch is damaged', () =>
    simulate(async (io) => {
      const { partition, follower } = await follow(io, [0]);
      const damaged = batch(2, 0);
      damaged.writeUInt8(damaged.readUInt8(damaged.length - 2) ^ 4, damaged.length - 2);
      const records = Buffer.concat([batch(1, 0), damaged]);
      assert.throws(() => follower.append({ fetchOffset: 1, records, highWatermark: 3 }), {
        errorName: 'CORRUPT_MESSAGE',
        message: /offset 2/,
      });
      assert.deepEqual([partition.logEndOffset, partition.highWatermark], [1, 0]);
    }));

  test('does not say that it has what the topic wants on the platter before it is', () =>
    simulate(
      async (io) => {
        const { partition, follower } = await follow(io, [0]);
        logOf(partition).configure({ ...defaultLogConfig, flushMessages: 1 });
        follower.append({ fetchOffset: 1, records: batch(1, 0), highWatermark: 1 });
        assert.equal(follower.fetchPosition(), null);
        await partition.offsetFlushed(2, io.clock.monotonic() + 10_000);
        assert.equal(follower.fetchPosition()?.fetchOffset, 2);
      },
      { faults: { disk: { syncMsMean: 10 } } },
    ));

  test('cuts what its leader does not have, and the watermark with it', () =>
    simulate(async (io) => {
      const { partition } = await follow(io, [0, 0, 0, 1, 1, 1]);
      // The leader has three records of epoch 0 and went on in epoch 2.
      partition.becomeFollower(state(3, 2));
      const follower = partition.following as FollowerState;
      assert.equal(await follower.truncateTo({ epoch: 0, endOffset: 3 }), true);
      assert.deepEqual(follower.fetchPosition(), {
        ...{ fetchOffset: 3, lastFetchedEpoch: 0, logStartOffset: 0 },
      });
      follower.append({ fetchOffset: 3, records: batch(3, 2), highWatermark: 4 });
      assert.equal(partition.highWatermark, 4);
      assert.equal(await follower.truncateTo({ epoch: 0, endOffset: 2 }), true);
      assert.deepEqual([partition.highWatermark, partition.logEndOffset], [2, 2]);
    }));

  test('takes answers of more than a segment, and a batch that is larger than one', () =>
    simulate(async (io) => {
      const { partition, follower } = await follow(io, [0], { segmentBytesMax: 200 });
      const value = Buffer.alloc(300);
      const large = encodeBatch({
        records: [{ value, timestamp: 0 }],
        ...{ baseOffset: 4, partitionLeaderEpoch: 0 },
      });
      const records = Buffer.concat([1, 2, 3, 5, 6].map((offset) => batch(offset, 0)));
      const all = Buffer.concat([
        records.subarray(0, 3 * batch(1, 0).length),
        large,
        records.subarray(3 * batch(1, 0).length),
      ]);
      follower.append({ fetchOffset: 1, records: all, highWatermark: 7 });
      assert.deepEqual([partition.logEndOffset, partition.highWatermark], [7, 7]);
      assert.equal(logOf(partition).segmentCount, 5);
      const read = await logOf(partition).read(1, 10_000, { upperBound: 7, atLeastOneBatch: true });
      assert.deepEqual(Buffer.concat(read.buffers), all);
    }));

  test('keeps what its leader keeps, whatever its own clock and size say', () =>
    simulate(async (io) => {
      const config: Partial<LogConfig> = {
        ...{ segmentBytesMax: 100, retentionMs: 1000, retentionBytes: 100 },
        ...{ cleanupPolicy: ['delete'], fileDeleteDelayMs: 0 },
      };
      const { partition, follower } = await follow(io, [0, 0, 0, 0, 0, 0], config);
      await io.clock.sleep(20 * 3_600_000);
      assert.equal(await partition.upkeep.applyRetention(), 0);
      assert.equal(partition.logStartOffset, 0);
      await follower.followLogStart(5);
      assert.equal(follower.followLogStart(2), null);
      // No further than what is committed.
      assert.deepEqual([partition.logStartOffset, partition.highWatermark], [3, 3]);
      assert.equal(await partition.upkeep.applyRetention(), 0);
      partition.becomeLeader({ ...state(1, 1), isr: [1] });
      assert.ok((await partition.upkeep.applyRetention()) > 0);
    }));

  test('says of its log start only what a crash does not take back', () =>
    simulate(
      async (io) => {
        const { follower } = await follow(io, [0, 0, 0, 0, 0, 0], { cleanupPolicy: ['delete'] });
        const checkpointed = follower.followLogStart(2);
        assert.equal(follower.fetchPosition()?.logStartOffset, 0);
        const again = follower.followLogStart(3);
        await checkpointed;
        await again;
        assert.equal(follower.fetchPosition()?.logStartOffset, 3);
      },
      { faults: { disk: { syncMsMean: 10 } } },
    ));

  test('starts anew where its leader begins, and log start and watermark move there', () =>
    simulate(async (io) => {
      const { partition, follower } = await follow(io, [0, 0, 0, 0]);
      await follower.startAnewAt(70);
      const { logStartOffset, logEndOffset, highWatermark } = partition;
      assert.deepEqual([logStartOffset, logEndOffset, highWatermark], [70, 70, 70]);
      assert.equal(follower.fetchPosition()?.lastFetchedEpoch, -1);
    }));

  test('whose records had to be on the platter fetches on where it has started anew', () =>
    simulate(async (io) => {
      const { partition, follower } = await follow(io, [0, 0, 0, 0]);
      logOf(partition).configure({ ...defaultLogConfig, flushMessages: 1 });
      follower.append({ fetchOffset: 4, records: batch(4, 0), highWatermark: 5 });
      await follower.untilFetchable();
      await follower.startAnewAt(70);
      assert.equal(follower.fetchPosition()?.fetchOffset, 70);
    }));

  test('that never wrote in its own epoch as leader forgets that it had one', () =>
    simulate(async (io) => {
      const { partition } = await follow(io, [0, 0, 0, 0]);
      partition.becomeLeader(state(1, 1));
      partition.becomeFollower(state(2, 2));
      const follower = partition.following as FollowerState;
      assert.equal(follower.fetchPosition()?.lastFetchedEpoch, 1);
      // Otherwise the leader, which knows no epoch 1, would say the same for ever.
      await follower.truncateTo({ epoch: 0, endOffset: 4 });
      assert.equal(follower.fetchPosition()?.lastFetchedEpoch, 0);
      assert.equal(partition.logEndOffset, 4);
    }));

  test('that is elected during a truncation leads when that is over, from where it ends', () =>
    simulate(async (io) => {
      const { partition, follower, late } = await follow(io, [0, 0, 0, 0, 0, 0]);
      const truncation = follower.truncateTo({ epoch: 0, endOffset: 4 });
      assert.equal(follower.fetchPosition(), null);
      partition.becomeLeader(state(1, 1));
      assert.throws(() => partition.appendAsLeader(batch(0, 0)), {
        errorName: 'NOT_LEADER_OR_FOLLOWER',
      });
      assert.equal(await truncation, true);
      await io.clock.sleep(1);
      assert.equal(partition.isLeader, true);
      assert.equal(partition.leading?.epochStartOffset, 4);
      assert.equal(late.count, 1);
      assert.equal(partition.appendAsLeader(batch(0, 0)).baseOffset, 4);
      assert.equal(partition.logView.leaderEpochs.epochForOffset(4), 1);
    }));

  test('that is deposed again before the truncation is over does not lead', () =>
    simulate(async (io) => {
      const { partition, follower, late } = await follow(io, [0, 0, 0, 0]);
      const truncation = follower.truncateTo({ epoch: 0, endOffset: 2 });
      partition.becomeLeader(state(1, 1));
      partition.becomeFollower(state(2, 2));
      await truncation;
      await io.clock.sleep(1);
      assert.deepEqual([partition.role, late.count], ['follower', 0]);
      assert.equal(partition.following?.fetchPosition()?.fetchOffset, 2);
    }));
});

describe('a log that parts from its leader is cut', () => {
  /** Epochs and where each begins. */
  const logWith = (logEndOffset: number, epochs: [number, number][]) => ({
    logEndOffset,
    endOffsetForEpoch(epoch: number) {
      const next = epochs.findIndex(([each]) => each > epoch);
      if (next < 0 && epoch > (epochs.at(-1)?.[0] ?? -1)) return { epoch: -1, endOffset: -1 };
      const known = next < 0 ? epochs.length - 1 : next - 1;
      const endOffset = next < 0 ? logEndOffset : (epochs[next]?.[1] as number);
      return { epoch: epochs[known]?.[0] ?? -1, endOffset };
    },
  });

  test('at the shorter end of the epoch that both have', () => {
    const log = logWith(20, [
      [0, 0],
      [2, 10],
    ]);
    assert.equal(truncationOffset(log, { epoch: 2, endOffset: 15 }, 5), 15);
    assert.equal(truncationOffset(log, { epoch: 0, endOffset: 12 }, 5), 10);
    assert.equal(truncationOffset(log, { epoch: 0, endOffset: 8 }, 5), 8);
  });

  test('at the end of its own older epoch where the leader has one that it has not', () => {
    const log = logWith(20, [
      [0, 0],
      [3, 10],
    ]);
    assert.equal(truncationOffset(log, { epoch: 2, endOffset: 18 }, 5), 10);
  });

  test('at the watermark where the leader knows of no epoch that old', () => {
    const log = logWith(20, [[3, 0]]);
    assert.equal(truncationOffset(log, { epoch: -1, endOffset: -1 }, 5), 5);
  });

  test('at the end of the leader where it has no epoch that old itself', () => {
    const log = logWith(20, [[3, 0]]);
    assert.equal(truncationOffset(log, { epoch: 1, endOffset: 7 }, 5), 7);
  });
});
