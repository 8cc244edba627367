// Transaction markers on their way to the leaders of partitions, which move and die meanwhile.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simulate } from '../../../sim/index.ts';
import { BrokerRequests } from '../../../src/broker/requests/broker-requests.ts';
import type { Target } from '../../../src/broker/requests/whereabouts.ts';
import { MarkerSender } from '../../../src/coordinator/transaction/marker-sender.ts';
import type { Transaction } from '../../../src/coordinator/transaction/transaction.ts';
import { MetadataImage, type TopicImage } from '../../../src/metadata/index.ts';
import { RemoteBrokers } from './remote-brokers.ts';

const leader: Target = { role: 'leader', topic: 't', partition: 0 };
const own = { writeTransactionMarkers: () => assert.fail('this broker leads nothing') };

function ledBy(node: number): TopicImage {
  return {
    ...{ name: 't', id: 't' },
    partitions: [
      {
        ...{
          replicas: [2, 3],
          directories: [],
          isr: [2, 3],
          ...{ eligibleLeaderReplicas: [], lastKnownElr: [] },
          addingReplicas: [],
        },
        ...{ removingReplicas: [], leader: node, leaderEpoch: 0, partitionEpoch: 0 },
        leaderRecoveryState: 0,
      },
    ],
  };
}

const prepared: Transaction = {
  ...{ transactionalId: 'tx', producerId: 1, previousProducerId: 1, nextProducerId: -1 },
  ...{ producerEpoch: 1, lastProducerEpoch: 0, timeoutMs: 1000, startMs: 0, lastUpdateMs: 0 },
  ...({ state: 'PrepareCommit', transactionVersion: 2 } as const),
  partitions: new Map([['t', new Set([0])]]),
};

test('markers reach the leader, wherever it moves, and are written where an answer is lost', () =>
  simulate(async (io) => {
    const others = new RemoteBrokers(io);
    const { peer } = others;
    const options = { nodeId: 1, whereabouts: others, peer, timeoutMs: () => 5000 };
    const requests = new BrokerRequests(io, options);
    const completed: string[] = [];
    const sender = new MarkerSender(io, {
      coordinatorEpoch: 0,
      image: () => {
        const empty = MetadataImage.empty('cluster');
        const topicsByName = empty.topicsByName.set('t', ledBy(others.nodeOf(leader)));
        return new MetadataImage({ ...empty, topicsByName });
      },
      send: (nodeId, markers) =>
        requests.ask('writeTransactionMarkers', markers, { to: { role: 'node', nodeId }, own }),
      onComplete: ({ transactionalId }) => completed.push(transactionalId),
      onBug: (error) => assert.fail(error),
    });
    others.takeDown(2);
    others.move(leader, 2);
    sender.begin(prepared);
    await io.clock.sleep(250);
    others.bringUp(2);
    others.move(leader, 3, { knownAfterMs: 250 });
    others.loseAnswer(3);
    await io.clock.sleep(1000);
    assert.deepEqual(completed, ['tx']);
    const asked = others.asked.map((each) => each[0]);
    assert.deepEqual(
      [asked.slice(0, 2), asked.slice(-2)],
      [
        ['2', '2'],
        ['3', '3'],
      ],
    );
  }));
