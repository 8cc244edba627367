// What becomes of coordinators when their topics are deleted under them.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { port, withBroker } from '../../tests/doubles/broker/brokers.ts';
import type { Io } from '../io/index.ts';
import { ClientConnection } from '../network/index.ts';
import {
  deleteTopics,
  encodeBatch,
  errorName,
  findCoordinator,
  initProducerId,
  offsetCommit,
  produce,
  writeTxnMarkers,
} from '../protocol/index.ts';

const keyTypes = { group: 0, transaction: 1 };

test('coordinators serve again over a topic that was deleted and made again', async () => {
  await withBroker(async ({ io, client, connect, createTopic }) => {
    const other = await connect();
    await createTopic('t');
    const find = (keyType: number) =>
      other.request(findCoordinator, { keyType, coordinatorKeys: ['k'] });
    const init = async (): Promise<string> => {
      const request = { transactionalId: 'k', transactionTimeoutMs: 60_000 };
      return errorName((await client.request(initProducerId, request)).errorCode);
    };
    const commit = async (): Promise<string> => {
      const partitions = [{ partitionIndex: 0, committedOffset: 1, committedMetadata: null }];
      const request = { groupId: 'k', topics: [{ name: 't', partitions }] };
      const answer = await client.request(offsetCommit, request, { versionMax: 9 });
      return errorName(answer.topics[0]?.partitions[0]?.errorCode ?? -1);
    };
    for (let round = 0; round < 8; round++) {
      await Promise.all([find(keyTypes.group), find(keyTypes.transaction)]);
      assert.deepEqual([await init(), await commit()], ['NONE', 'NONE'], `round ${round}`);
      const topicNames = ['__transaction_state', '__consumer_offsets'];
      // Whoever looks for a coordinator meanwhile has the topics made again at once.
      const deleting = client.request(deleteTopics, { topicNames, timeoutMs: 1000 });
      await io.clock.sleep(round / 4);
      await Promise.all([deleting, find(keyTypes.group), find(keyTypes.transaction)]);
    }
  });
});

describe('a client that writes where only a coordinator may', () => {
  const init = async (io: Io, client: ClientConnection): Promise<string> => {
    for (let attempt = 0; attempt < 100; attempt++) {
      const keys = { keyType: keyTypes.transaction, coordinatorKeys: ['k'] };
      await client.request(findCoordinator, keys);
      const request = { transactionalId: 'k', transactionTimeoutMs: 60_000 };
      const { errorCode } = await client.request(initProducerId, request);
      if (errorCode === 0) return 'NONE';
      await io.clock.sleep(100);
    }
    return 'never';
  };

  test('ends no transaction in the log of the coordinator', () =>
    withBroker(async ({ io, client }) => {
      assert.equal(await init(io, client), 'NONE');
      const marker = { producerId: 1, producerEpoch: 0, coordinatorEpoch: 0 };
      const topics = [
        { name: '__transaction_state', partitionIndexes: Array.from({ length: 50 }, (_, i) => i) },
      ];
      const answer = await client.request(writeTxnMarkers, {
        markers: [{ ...marker, transactionResult: false, topics }],
      });
      const codes = answer.markers[0]?.topics[0]?.partitions.map(({ errorCode }) =>
        errorName(errorCode),
      );
      assert.deepEqual([...new Set(codes)], ['UNSUPPORTED_FOR_MESSAGE_FORMAT']);
      assert.equal(await init(io, client), 'NONE');
    }));

  test('costs the coordinator a reload, and not the broker', () =>
    withBroker(async ({ io, client }) => {
      assert.equal(await init(io, client), 'NONE');
      const unknown = Buffer.from([0, 9, 9]);
      const torn = Buffer.from([0, 0, 127, 255, 1]);
      const admin = await ClientConnection.connect(io, {
        ...{ host: 'host', port, clientId: '__admin_client' },
      });
      for (let index = 0; index < 50; index++) {
        const [timestamp, value] = [io.clock.now(), Buffer.from([0, 1])];
        const records = [unknown, torn].map((key) => ({ key, value, timestamp }));
        const partitionData = [{ index, records: encodeBatch({ records }) }];
        const topicData = [{ name: '__transaction_state', partitionData }];
        const request = { acks: -1, timeoutMs: 1000, topicData };
        const answer = await admin.request(produce, request, { versionMax: 12 });
        assert.equal(answer.responses[0]?.partitionResponses[0]?.errorCode, 0);
      }
      assert.equal(await init(io, client), 'NONE');
      admin.close();
    }));
});
