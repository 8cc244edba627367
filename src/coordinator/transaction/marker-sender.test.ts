// The sender of markers alone: how often it asks, and that it stops when it is told to.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simulate } from '../../../sim/index.ts';
import type { Io } from '../../io/index.ts';
import { MetadataImage, type TopicImage } from '../../metadata/index.ts';
import { ErrorCode } from '../../protocol/index.ts';
import { MarkerSender, type TransactionMarker } from './marker-sender.ts';
import type { Transaction } from './transaction.ts';

class Scene {
  readonly sent: (readonly TransactionMarker[])[] = [];
  readonly completed: string[] = [];
  readonly sender: MarkerSender;
  errorCode: number = ErrorCode.NONE;

  constructor(io: Io) {
    const topicsByName = MetadataImage.empty('cluster').topicsByName.set('t', topic);
    const image = new MetadataImage({ ...MetadataImage.empty('cluster'), topicsByName });
    this.sender = new MarkerSender(io, {
      coordinatorEpoch: 0,
      image: () => image,
      send: async (_, markers) => this.#answer(markers),
      onComplete: ({ transactionalId }) => this.completed.push(transactionalId),
      onBug: (error) => {
        throw error;
      },
    });
  }

  #answer(markers: readonly TransactionMarker[]) {
    this.sent.push(markers);
    const { errorCode } = this;
    const partitions = [{ partitionIndex: 0, errorCode }];
    return markers.map(({ producerId }) => ({ producerId, topics: [{ name: 't', partitions }] }));
  }
}

const topic: TopicImage = {
  ...{ name: 't', id: 't' },
  partitions: [
    {
      ...{
        replicas: [1],
        directories: [],
        isr: [1],
        ...{ eligibleLeaderReplicas: [], lastKnownElr: [] },
        addingReplicas: [],
        removingReplicas: [],
      },
      ...({ leader: 1, leaderEpoch: 0, partitionEpoch: 0, leaderRecoveryState: 0 } as const),
    },
  ],
};

function prepared(transactionalId: string): Transaction {
  return {
    ...{ transactionalId, producerId: 1, previousProducerId: 1, nextProducerId: -1 },
    ...{ producerEpoch: 1, lastProducerEpoch: 0, timeoutMs: 1000, startMs: 0, lastUpdateMs: 0 },
    ...({ state: 'PrepareCommit', transactionVersion: 2 } as const),
    partitions: new Map([['t', new Set([0])]]),
  };
}

test('markers that wait for one partition are sent again together', async () => {
  await simulate(async (io) => {
    const at = new Scene(io);
    at.errorCode = ErrorCode.NOT_LEADER_OR_FOLLOWER;
    for (let count = 0; count < 50; count++) {
      at.sender.begin(prepared(`tx-${count}`));
      await io.clock.sleep(1);
    }
    at.sent.length = 0;
    await io.clock.sleep(1000);
    assert.ok(at.sent.length >= 9 && at.sent.length <= 11, `${at.sent.length} requests`);
    assert.equal(at.sent.at(-1)?.length, 50);
    at.errorCode = ErrorCode.NONE;
    await io.clock.sleep(200);
    assert.equal(at.completed.length, 50);
    assert.equal(at.sender.pendingCount, 0);
  });
});

test('a sender that is closed sends nothing, whatever it is told', async () => {
  await simulate(async (io) => {
    const at = new Scene(io);
    at.errorCode = ErrorCode.NOT_LEADER_OR_FOLLOWER;
    at.sender.begin(prepared('waits'));
    await io.clock.sleep(10);
    at.sender.close();
    at.sent.length = 0;
    at.sender.begin(prepared('late'));
    await io.clock.sleep(1000);
    assert.deepEqual(at.sent, []);
    assert.deepEqual(at.completed, []);
  });
});
