// ListOffsets and OffsetForLeaderEpoch.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type TestBroker, withBroker } from '../../../tests/doubles/broker/brokers.ts';
import { ErrorCode, encodeBatch, listOffsets, offsetForLeaderEpoch } from '../../protocol/index.ts';

const baseMs = 1_700_000_000_000;

/** Three batches, a second apart; the second has the newest record. */
async function fill({ createTopic, produce }: TestBroker): Promise<void> {
  await createTopic('t');
  for (const [index, timestamp] of [baseMs, baseMs + 2000, baseMs + 1000].entries()) {
    const records = [{ value: Buffer.from(String(index)), timestamp }];
    assert.equal((await produce('t', [], { records: encodeBatch({ records }) })).errorCode, 0);
  }
}

async function ask({ client }: TestBroker, timestamp: number, version = 11) {
  const answer = await client.request(
    listOffsets,
    { replicaId: -1, topics: [{ name: 't', partitions: [{ partitionIndex: 0, timestamp }] }] },
    { versionMax: version },
  );
  const { errorCode, offset, timestamp: found } = answer.topics[0]?.partitions[0] ?? {};
  return [errorCode, offset, found];
}

test('the ends of the log, a moment and the newest record are found', async () => {
  await withBroker(async (at) => {
    await fill(at);
    assert.deepEqual(await ask(at, -2), [0, 0, -1]);
    assert.deepEqual(await ask(at, -1), [0, 3, -1]);
    assert.deepEqual(await ask(at, -3), [0, 1, baseMs + 2000]);
    assert.deepEqual(await ask(at, -4), [0, 0, -1]);
    assert.deepEqual(await ask(at, -5), [0, -1, -1]);
    assert.deepEqual(await ask(at, -6), [0, -1, -1]);
    assert.deepEqual(await ask(at, baseMs + 1), [0, 1, baseMs + 2000]);
    assert.deepEqual(await ask(at, 0), [0, 0, baseMs]);
    assert.deepEqual(await ask(at, baseMs + 60_000), [0, -1, -1]);
  });
});

test('a place that came in a later version is not known to an earlier one', async () => {
  await withBroker(async (at) => {
    await fill(at);
    for (const [place, since] of [
      [-3, 7],
      [-4, 8],
      [-5, 9],
      [-6, 11],
    ] as const) {
      assert.equal((await ask(at, place, since - 1))[0], ErrorCode.UNSUPPORTED_VERSION);
      assert.equal((await ask(at, place, since))[0], 0);
    }
    assert.equal((await ask(at, -7))[0], ErrorCode.UNSUPPORTED_VERSION);
  });
});

test('a partition that is unknown or named twice has its own error', async () => {
  await withBroker(async ({ client, createTopic }) => {
    await createTopic('t');
    const wanted = (partitionIndex: number, currentLeaderEpoch = -1) => ({
      partitionIndex,
      currentLeaderEpoch,
      timestamp: -1,
    });
    const answer = await client.request(listOffsets, {
      replicaId: -1,
      topics: [
        { name: 't', partitions: [wanted(0), wanted(0), wanted(5)] },
        { name: 'nope', partitions: [wanted(0)] },
      ],
    });
    const codes = answer.topics.map((topic) => topic.partitions.map((one) => one.errorCode));
    const { INVALID_REQUEST, UNKNOWN_TOPIC_OR_PARTITION } = ErrorCode;
    assert.deepEqual(codes, [
      [INVALID_REQUEST, INVALID_REQUEST, UNKNOWN_TOPIC_OR_PARTITION],
      [UNKNOWN_TOPIC_OR_PARTITION],
    ]);
    const fenced = await client.request(listOffsets, {
      replicaId: -1,
      topics: [{ name: 't', partitions: [wanted(0, 99)] }],
    });
    const [partition] = fenced.topics[0]?.partitions ?? [];
    assert.equal(partition?.errorCode, ErrorCode.UNKNOWN_LEADER_EPOCH);
  });
});

test('a consumer learns where a leader epoch ended', async () => {
  await withBroker(async (at) => {
    await fill(at);
    const end = async (leaderEpoch: number) => {
      const partitions = [{ partition: 0, leaderEpoch, currentLeaderEpoch: -1 }];
      const answer = await at.client.request(offsetForLeaderEpoch, {
        topics: [{ topic: 't', partitions }],
      });
      const [found] = answer.topics[0]?.partitions ?? [];
      return [found?.errorCode, found?.leaderEpoch, found?.endOffset];
    };
    assert.deepEqual(await end(0), [0, 0, 3]);
    assert.deepEqual(await end(7), [0, -1, -1]);
  });
});
