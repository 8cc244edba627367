// Incremental fetch sessions without a broker around them.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simulate } from '../../sim/index.ts';
import { ZERO_UUID } from '../base/uuid.ts';
import type { Io } from '../io/index.ts';
import {
  type FetchContext,
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
    highWatermarkSent: -1,
    logStartOffsetSent: -1,
  };
}

interface Step {
  readonly id?: number;
  readonly epoch: number;
  readonly targets?: readonly FetchTarget[];
  readonly forgotten?: readonly number[];
  readonly usesTopicIds?: boolean;
}

function begin(sessions: FetchSessions, step: Step): FetchContext {
  return sessions.begin({
    sessionId: step.id ?? 0,
    sessionEpoch: step.epoch,
    usesTopicIds: step.usesTopicIds ?? false,
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
    errorCode: 0,
    highWatermark: 10,
    logStartOffset: 0,
    recordsBytes: 0,
    isDiverging: false,
    ...changes,
  };
}

function finish(context: FetchContext, changes: Partial<FetchOutcome> = {}) {
  const outcomes = [...context.targets()].map((one) => outcome(one, changes));
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
    const offsets = [...third.targets()].map((one) => one.fetchOffset);
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
      [...second.targets()].map((one) =>
        outcome(one, { recordsBytes: one.partition === 0 ? 9 : 0 }),
      ),
    );
    const order = [...begin(sessions, { id, epoch: 2 }).targets()].map((one) => one.partition);
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
