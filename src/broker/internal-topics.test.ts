// What becomes of coordinators when their topics are deleted under them.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  deleteTopics,
  errorName,
  findCoordinator,
  initProducerId,
  offsetCommit,
} from '../protocol/index.ts';
import { withBroker } from './broker-fixture.test.ts';

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
