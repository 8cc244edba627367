// Incremental fetch sessions without a broker around them.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simulate } from '../../sim/index.ts';
import { ZERO_UUID } from '../base/uuid.ts';
import type { Io } from '../io/index.ts';
import type { VisibleBytesListener } from '../replication/index.ts';
import {
  type FetchContext,
  type FetchedPartition,
  type FetchingReplica,
  type FetchOutcome,
  FetchSessions,
  type FetchTarget,
} from './fetch-sessions.ts';

function target(partition: number, fetchOffset = 0): FetchTarget {
  return {
    topic: 't',
    topicId: ZERO_UUID,
    partition,
    fetchOffset,
    bytesMax: 100,
    currentLeaderEpoch: -1,
    lastFetchedEpoch: -1,
    readerLogStartOffset: -1,
    highWatermarkSent: -1,
    logStartOffsetSent: -1,
  };
}

/** As much of a partition as a session sees: moves when it is told to. */
class OnePartition implements FetchedPartition {
  role: FetchedPartition['role'] = 'leader';
  logStartOffset = 0;
  readonly listeners = new Set<VisibleBytesListener>();
  highWatermark: number;

  constructor(highWatermark = 10) {
    this.highWatermark = highWatermark;
  }

  readableEnd(): number {
    return this.highWatermark;
  }

  addListener(listener: VisibleBytesListener): void {
    this.listeners.add(listener);
  }

  removeListener(listener: VisibleBytesListener): void {
    this.listeners.delete(listener);
  }

  append(count: number): void {
    this.highWatermark += count;
    for (const listener of this.listeners) listener.onVisible(count);
  }

  deleteBefore(offset: number): void {
    this.logStartOffset = offset;
    for (const listener of this.listeners) listener.onMoved();
  }

  close(): void {
    this.role = 'offline';
    for (const listener of this.listeners) listener.onInterrupted();
  }
}

interface Step {
  readonly id?: number;
  readonly epoch: number;
  readonly targets?: readonly FetchTarget[];
  readonly forgotten?: readonly number[];
  readonly usesTopicIds?: boolean;
  readonly isCommittedOnly?: boolean;
  readonly replica?: FetchingReplica;
  readonly owner?: string;
  readonly aclsVersion?: number;
}

function begin(sessions: FetchSessions, step: Step): FetchContext {
  return sessions.begin({
    sessionId: step.id ?? 0,
    sessionEpoch: step.epoch,
    usesTopicIds: step.usesTopicIds ?? false,
    isCommittedOnly: step.isCommittedOnly ?? false,
    replica: step.replica ?? null,
    owner: step.owner ?? null,
    aclsVersion: step.aclsVersion ?? 0,
    targets: step.targets ?? [],
    forgotten: (step.forgotten ?? []).map((partition) => ({
      topic: 't',
      topicId: ZERO_UUID,
      partition,
    })),
  });
}

function outcome(of: FetchTarget, changes: Partial<FetchOutcome> = {}): FetchOutcome {
  return {
    target: of,
    partition: null,
    errorCode: 0,
    highWatermark: 10,
    logStartOffset: 0,
    isHeldBack: false,
    recordsBytes: 0,
    isRedirected: false,
    ...changes,
  };
}

function finish(context: FetchContext, changes: Partial<FetchOutcome> = {}) {
  const outcomes = [...context.take()].map((one) => outcome(one, changes));
  const done = context.finish(outcomes);
  return { id: done.sessionId, partitions: done.outcomes.map((one) => one.target.partition) };
}

function withSessions(run: (sessions: FetchSessions, io: Io) => Promise<void> | void, max = 2) {
  return simulate((io) => run(new FetchSessions(io, max), io));
}

test('a full fetch opens a session and later answers name only what changed', async () => {
  await withSessions((sessions) => {
    const first = finish(begin(sessions, { epoch: 0, targets: [target(0), target(1)] }));
    assert.notEqual(first.id, 0);
    assert.deepEqual(first.partitions, [0, 1]);
    const second = finish(begin(sessions, { id: first.id, epoch: 1 }));
    assert.deepEqual(second, { id: first.id, partitions: [] });
    const third = begin(sessions, { id: first.id, epoch: 2, targets: [target(1, 5)] });
    const offsets = [...third.take()].map((one) => one.fetchOffset);
    assert.deepEqual(offsets, [0, 5]);
    assert.deepEqual(finish(third, { highWatermark: 11 }).partitions, [0, 1]);
  });
});

test('a client without a session, or one that ends it, gets whole answers and no id', async () => {
  await withSessions((sessions) => {
    const { id } = finish(begin(sessions, { epoch: 0, targets: [target(0)] }));
    assert.equal(sessions.count, 1);
    const last = finish(begin(sessions, { id, epoch: -1, targets: [target(0)] }));
    assert.deepEqual(last, { id: 0, partitions: [0] });
    assert.equal(sessions.count, 0);
  });
});

test('nobody ends a session of somebody else', async () => {
  await withSessions((sessions) => {
    const { id } = finish(begin(sessions, { epoch: 0, targets: [target(0)], owner: 'User:a' }));
    for (const epoch of [-1, 0]) finish(begin(sessions, { id, epoch, owner: 'User:b' }));
    assert.deepEqual(finish(begin(sessions, { id, epoch: 1, owner: 'User:a' })).id, id);
  });
});

test('an unknown id, a wrong epoch and a change from names to ids have their errors', async () => {
  await withSessions((sessions) => {
    const { id } = finish(begin(sessions, { epoch: 0, targets: [target(0)] }));
    assert.throws(() => begin(sessions, { id: id + 1, epoch: 1 }), {
      errorName: 'FETCH_SESSION_ID_NOT_FOUND',
    });
    assert.throws(() => begin(sessions, { id, epoch: 2 }), {
      errorName: 'INVALID_FETCH_SESSION_EPOCH',
    });
    assert.throws(() => begin(sessions, { id, epoch: 1, usesTopicIds: true }), {
      errorName: 'FETCH_SESSION_TOPIC_ID_ERROR',
    });
    assert.deepEqual(finish(begin(sessions, { id, epoch: 1 })).partitions, []);
  });
});

test('forgotten partitions leave the session, and an empty session ends', async () => {
  await withSessions((sessions) => {
    const { id } = finish(begin(sessions, { epoch: 0, targets: [target(0), target(1)] }));
    const second = begin(sessions, { id, epoch: 1, forgotten: [0] });
    assert.deepEqual(finish(second, { highWatermark: 99 }).partitions, [1]);
    assert.equal(finish(begin(sessions, { id, epoch: 2, forgotten: [1] })).id, 0);
    assert.equal(sessions.count, 0);
  });
});

test('an error is told again and again, and so is the recovery from it', async () => {
  await withSessions((sessions) => {
    const { id } = finish(begin(sessions, { epoch: 0, targets: [target(0)] }));
    const bad = { errorCode: 6, highWatermark: -1, logStartOffset: -1 };
    assert.deepEqual(finish(begin(sessions, { id, epoch: 1 }), bad).partitions, [0]);
    assert.deepEqual(finish(begin(sessions, { id, epoch: 2 }), bad).partitions, [0]);
    assert.deepEqual(finish(begin(sessions, { id, epoch: 3 })).partitions, [0]);
    assert.deepEqual(finish(begin(sessions, { id, epoch: 4 })).partitions, []);
  });
});

test('a partition that had records is read last the next time', async () => {
  await withSessions((sessions) => {
    const targets = [target(0), target(1), target(2)];
    const { id } = finish(begin(sessions, { epoch: 0, targets }));
    const second = begin(sessions, { id, epoch: 1 });
    second.finish(
      [...second.take()].map((one) => outcome(one, { recordsBytes: one.partition === 0 ? 9 : 0 })),
    );
    const order = [...begin(sessions, { id, epoch: 2 }).take()].map((one) => one.partition);
    assert.deepEqual(order, [1, 2, 0]);
  });
});

test('a full cache refuses newcomers until a session was not used for two minutes', async () => {
  await withSessions(async (sessions, io) => {
    const open = (count = 1) =>
      finish(
        begin(sessions, {
          epoch: 0,
          targets: Array.from({ length: count }, (_, index) => target(index)),
        }),
      ).id;
    const [a, b] = [open(), open()];
    assert.equal(open(), 0);
    await io.clock.sleep(121_000);
    finish(begin(sessions, { id: b, epoch: 1 }));
    assert.notEqual(open(), 0);
    assert.throws(() => begin(sessions, { id: a, epoch: 1 }), {
      errorName: 'FETCH_SESSION_ID_NOT_FOUND',
    });
    assert.equal(sessions.count, 2);
    // Both are in use, but b is old and the newcomer saves more.
    assert.notEqual(open(5), 0);
    assert.equal(sessions.count, 2);
  });
});

/** Reads what the session hands out, from these partitions; says which that was. */
function read(context: FetchContext, partitions: readonly OnePartition[]): number[] {
  const taken = context.take();
  context.finish(
    taken.map((one) => {
      const partition = partitions[one.partition] as OnePartition;
      const { highWatermark, logStartOffset } = partition;
      const recordsBytes = Math.max(0, highWatermark - one.fetchOffset);
      return outcome(one, { partition, highWatermark, logStartOffset, recordsBytes });
    }),
  );
  return taken.map((one) => one.partition);
}

test('a session reads only the partitions with news, however many it has', async () => {
  await withSessions((sessions) => {
    const partitions = Array.from({ length: 1000 }, () => new OnePartition());
    const targets = partitions.map((_, index) => target(index, 10));
    const { id } = finish(begin(sessions, { epoch: 0, targets }));
    assert.equal(read(begin(sessions, { id, epoch: 1 }), partitions).length, 1000);
    assert.deepEqual(read(begin(sessions, { id, epoch: 2 }), partitions), []);
    partitions[7]?.append(5);
    assert.deepEqual(read(begin(sessions, { id, epoch: 3 }), partitions), [7]);
    // Until its reader has what is there.
    assert.deepEqual(read(begin(sessions, { id, epoch: 4 }), partitions), [7]);
    const after = begin(sessions, { id, epoch: 5, targets: [target(7, 15)] });
    assert.deepEqual(read(after, partitions), [7]);
    assert.deepEqual(read(begin(sessions, { id, epoch: 6 }), partitions), []);
    partitions[3]?.deleteBefore(2);
    partitions[9]?.close();
    assert.deepEqual(read(begin(sessions, { id, epoch: 7 }), partitions), [3, 9]);
    assert.deepEqual(read(begin(sessions, { id, epoch: 8 }), partitions), [9]);
  });
});

test('what moves while a fetch is under way is news of the next one', async () => {
  await withSessions((sessions) => {
    const partitions = [new OnePartition(), new OnePartition()];
    const targets = [target(0, 10), target(1, 10)];
    const { id } = finish(begin(sessions, { epoch: 0, targets }));
    read(begin(sessions, { id, epoch: 1 }), partitions);
    const slow = begin(sessions, { id, epoch: 2, targets: [target(0, 10)] });
    const [taken] = slow.take() as [FetchTarget];
    const partition = partitions[0] as OnePartition;
    const found = outcome(taken, { partition, highWatermark: 10 });
    partition.append(1);
    slow.finish([found]);
    assert.deepEqual(read(begin(sessions, { id, epoch: 3 }), partitions), [0]);
  });
});

test('a fetch that waits hears of quiet partitions, and then reads them, too', async () => {
  await withSessions((sessions) => {
    const partitions = [new OnePartition(), new OnePartition()];
    const targets = [target(0, 10), target(1, 10)];
    const { id } = finish(begin(sessions, { epoch: 0, targets }));
    read(begin(sessions, { id, epoch: 1 }), partitions);
    const waiting = begin(sessions, { id, epoch: 2 });
    assert.deepEqual(waiting.take(), []);
    let heard = 0;
    const waiter: VisibleBytesListener = {
      isCommittedOnly: false,
      isFollower: false,
      onVisible: (bytes) => {
        heard += bytes;
      },
      onMoved: () => {},
      onInterrupted: () => {},
    };
    for (const source of waiting.sources([])) source.addListener(waiter);
    partitions[1]?.append(3);
    assert.equal(heard, 3);
    assert.deepEqual(read(waiting, partitions), [1]);
  });
});

test('a fetch that comes behind one that waits ends that one, and takes over', async () => {
  await withSessions((sessions) => {
    const partitions = [new OnePartition(), new OnePartition()];
    const { id } = finish(begin(sessions, { epoch: 0, targets: [target(0, 10)] }));
    read(begin(sessions, { id, epoch: 1 }), partitions);
    const waiting = begin(sessions, { id, epoch: 2 });
    assert.deepEqual(waiting.take(), []);
    let isInterrupted = false;
    const waiter: VisibleBytesListener = {
      ...{ isCommittedOnly: false, isFollower: true },
      onVisible: () => {},
      onMoved: () => {},
      onInterrupted: () => {
        isInterrupted = true;
      },
    };
    for (const source of waiting.sources([])) source.addListener(waiter);
    const next = begin(sessions, { id, epoch: 3, targets: [target(1)] });
    assert.equal(isInterrupted, true);
    assert.deepEqual(waiting.take(), []);
    assert.deepEqual(read(next, partitions), [1]);
  });
});

test('what a client was not told after all is read again', async () => {
  await withSessions((sessions) => {
    const partitions = [new OnePartition()];
    const { id } = finish(begin(sessions, { epoch: 0, targets: [target(0, 10)] }));
    read(begin(sessions, { id, epoch: 1 }), partitions);
    partitions[0]?.append(1);
    const throttled = begin(sessions, { id, epoch: 2 });
    assert.equal(throttled.take().length, 1);
    throttled.putBack();
    const lost = begin(sessions, { id, epoch: 3 });
    assert.equal(lost.take().length, 1);
    // Its client is gone and asks again on another connection.
    const next = begin(sessions, { id, epoch: 4 });
    assert.deepEqual(lost.take(), []);
    assert.deepEqual(read(next, partitions), [0]);
  });
});

test('a change of the isolation level asks every partition anew', async () => {
  await withSessions((sessions) => {
    const partitions = [new OnePartition(), new OnePartition()];
    const targets = [target(0, 10), target(1, 10)];
    const { id } = finish(begin(sessions, { epoch: 0, targets }));
    read(begin(sessions, { id, epoch: 1 }), partitions);
    const committed = begin(sessions, { id, epoch: 2, isCommittedOnly: true });
    assert.deepEqual(read(committed, partitions), [0, 1]);
  });
});

test('a session that ended, or forgot a partition, no longer listens', async () => {
  await withSessions((sessions) => {
    const partitions = [new OnePartition(), new OnePartition()];
    const targets = [target(0, 10), target(1, 10)];
    const { id } = finish(begin(sessions, { epoch: 0, targets }));
    read(begin(sessions, { id, epoch: 1 }), partitions);
    const listening = () => partitions.map(({ listeners }) => listeners.size);
    assert.deepEqual(listening(), [1, 1]);
    const late = begin(sessions, { id, epoch: 2, forgotten: [0] });
    assert.deepEqual(listening(), [0, 1]);
    begin(sessions, { id, epoch: -1 });
    assert.deepEqual(listening(), [0, 0]);
    read(late, partitions);
    assert.deepEqual(listening(), [0, 0]);
  });
});
