// Markers until every partition has its own, restarts in every state, and what time does.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { errorOf, withShard } from '../../../tests/doubles/coordinator/transaction-shard.ts';
import { ErrorCode } from '../../protocol/index.ts';

describe('markers', () => {
  test('are sent again to partitions that could not take them, and to no others', async () => {
    await withShard(async (at) => {
      const refused: number[] = [
        ErrorCode.NOT_LEADER_OR_FOLLOWER,
        ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
        ErrorCode.CORRUPT_MESSAGE,
        ErrorCode.COORDINATOR_LOAD_IN_PROGRESS,
      ];
      at.answerOf = (_, index) => (index === 1 ? (refused.pop() ?? 0) : 0);
      await at.end(await at.begin(['t-0', 't-1']), false);
      await at.io.clock.sleep(350);
      assert.equal(await at.state(), 'PrepareAbort 4000/1');
      assert.deepEqual(at.takeSent(), [
        '1: abort 4000/1 t-0 t-1',
        ...Array.from({ length: 3 }, () => '1: abort 4000/1 t-1'),
      ]);
      const described = await at.shard.describe('tx');
      assert.deepEqual([...described.partitions], [['t', new Set([1])]]);
      await at.io.clock.sleep(200);
      assert.equal(await at.state(), 'CompleteAbort 4000/1');
    });
  });

  test('follow a partition to its next leader', async () => {
    await withShard(async (at) => {
      at.topic('t', [-1]);
      await at.end(await at.begin(['t-0']));
      await at.io.clock.sleep(250);
      assert.deepEqual(at.takeSent(), []);
      at.topic('t', [3]);
      await at.io.clock.sleep(150);
      assert.deepEqual(at.takeSent(), ['3: commit 4000/1 t-0']);
      assert.equal(await at.state(), 'CompleteCommit 4000/1');
    });
  });

  test('are not needed by partitions that were deleted', async () => {
    await withShard(async (at) => {
      at.topic('gone', [1]);
      const producer = await at.begin(['t-0', 'gone-0']);
      at.deleteTopic('gone');
      await at.end(producer);
      await at.io.clock.sleep(10);
      assert.deepEqual(at.takeSent(), ['1: commit 4000/1 t-0']);
      assert.equal(await at.state(), 'CompleteCommit 4000/1');
    });
  });

  test('of a broker that answers nobody do not hold up those of others', async () => {
    await withShard(async (at) => {
      at.answerOf = (_, index) => (index === 2 ? new Promise(() => {}) : 0);
      const stuck = await at.begin(['t-2'], 'stuck');
      const other = await at.begin(['t-0'], 'other');
      await Promise.all([at.end(stuck, true, 'stuck'), at.end(other, true, 'other')]);
      await at.io.clock.sleep(1000);
      assert.equal(await at.state('stuck'), 'PrepareCommit 4000/1');
      assert.equal(await at.state('other'), 'CompleteCommit 4001/1');
    });
  });

  test('for one broker go together when they come up together', async () => {
    await withShard(async (at) => {
      const a = await at.begin(['t-0'], 'a');
      const b = await at.begin(['t-1'], 'b');
      at.takeSent();
      await Promise.all([at.end(a, true, 'a'), at.end(b, false, 'b')]);
      await at.io.clock.sleep(10);
      assert.equal(at.sent.length, 1);
      assert.deepEqual(at.takeSent(), ['1: commit 4000/1 t-0', '1: abort 4001/1 t-1']);
    });
  });

  test('are not for partitions that keep no transactions', async () => {
    await withShard(async (at) => {
      at.answerOf = () => ErrorCode.UNSUPPORTED_FOR_MESSAGE_FORMAT;
      await at.end(await at.begin(['t-0']));
      await at.io.clock.sleep(10);
      assert.equal(await at.state(), 'CompleteCommit 4000/1');
    });
  });

  test('of many partitions cost what their number says', async () => {
    await withShard(async (at) => {
      const count = 20_000;
      at.topic(
        'wide',
        Array.from({ length: count }, () => 1),
      );
      const producer = await at.begin(['t-0']);
      const partitions = Array.from({ length: count }, (_, index) => `wide-${index}`);
      await at.add(producer, partitions);
      await at.end(producer);
      await at.io.clock.sleep(10);
      assert.equal(at.sent[0]?.markers[0]?.topics[1]?.partitionIndexes.length, count);
      assert.equal(await at.state(), 'CompleteCommit 4000/1');
    });
  });

  test('of a coordinator that was overtaken are not sent for ever', async () => {
    await withShard(async (at) => {
      at.answerOf = () => ErrorCode.TRANSACTION_COORDINATOR_FENCED;
      await at.end(await at.begin(['t-0']));
      await at.io.clock.sleep(5000);
      assert.equal(at.sent.length, 1);
      assert.equal(await at.state(), 'PrepareCommit 4000/1');
    });
  });

  test('carry the epoch of the coordinator and the protocol of the transaction', async () => {
    await withShard(async (at) => {
      await at.restart();
      await at.restart();
      await at.end(await at.begin(['t-0']));
      await at.io.clock.sleep(10);
      const [marker] = at.sent[0]?.markers ?? [];
      assert.equal(marker?.coordinatorEpoch, 2);
      assert.equal(marker?.transactionVersion, 2);
    });
  });
});

describe('a coordinator that takes over', () => {
  for (const isCommit of [true, false]) {
    const verb = isCommit ? 'commit' : 'abort';
    test(`carries out a decision to ${verb}`, async () => {
      await withShard(async (at) => {
        at.answerOf = (_, index) => (index === 1 ? ErrorCode.NOT_LEADER_OR_FOLLOWER : 0);
        const producer = await at.begin(['t-0', 't-1']);
        await at.end(producer, isCommit);
        await at.io.clock.sleep(10);
        at.takeSent();
        at.answerOf = () => 0;
        await at.restart();
        assert.equal(await errorOf(at.end(producer, isCommit)), 'CONCURRENT_TRANSACTIONS');
        await at.io.clock.sleep(10);
        assert.deepEqual(at.takeSent(), [`1: ${verb} 4000/1 t-0 t-1`]);
        assert.match(await at.state(), isCommit ? /^CompleteCommit/ : /^CompleteAbort/);
        // Its answer was lost: the producer asks again, and hears the same.
        assert.deepEqual(await at.end(producer, isCommit), { producerId: 4000, producerEpoch: 1 });
      });
    });
  }

  test('goes on with a transaction that is open, and its timeout', async () => {
    await withShard(async (at) => {
      const producer = await at.begin(['t-0']);
      await at.io.clock.sleep(30_000);
      await at.restart();
      await at.add(producer, ['t-1']);
      assert.equal(await at.state(), 'Ongoing 4000/0');
      await at.io.clock.sleep(45_000);
      assert.equal(await at.state(), 'CompleteAbort 4000/1');
      assert.deepEqual(at.takeSent(), ['1: abort 4000/1 t-0 t-1']);
    });
  });

  test('knows ids that are at rest', async () => {
    await withShard(async (at) => {
      await at.init('empty');
      await at.end(await at.begin(['t-0'], 'committed'), true, 'committed');
      await at.end(await at.begin(['t-0'], 'aborted'), false, 'aborted');
      await at.io.clock.sleep(10);
      at.takeSent();
      await at.restart();
      assert.equal(await at.state('empty'), 'Empty 4000/0');
      assert.equal(await at.state('committed'), 'CompleteCommit 4001/1');
      assert.equal(await at.state('aborted'), 'CompleteAbort 4002/1');
      await at.io.clock.sleep(1000);
      assert.deepEqual(at.takeSent(), []);
      assert.deepEqual(await at.init('committed'), { producerId: 4001, producerEpoch: 2 });
    });
  });

  test('is asked to wait while the log is replayed, and by nobody after it closed', async () => {
    await withShard(async (at) => {
      await at.begin(['t-0']);
      const restarting = at.restart();
      assert.equal(await errorOf(at.state()), 'COORDINATOR_LOAD_IN_PROGRESS');
      await restarting;
      at.shard.close();
      assert.equal(await errorOf(at.state()), 'NOT_COORDINATOR');
    });
  });

  test('hears of markers that its predecessor sent, and is not confused', async () => {
    await withShard(async (at) => {
      const pending: (() => void)[] = [];
      at.answerOf = () => new Promise((resolve) => pending.push(() => resolve(0)));
      await at.end(await at.begin(['t-0']));
      await at.io.clock.sleep(10);
      await at.restart();
      for (const answer of pending.splice(0, 1)) answer();
      await at.io.clock.sleep(10);
      assert.equal(await at.state(), 'PrepareCommit 4000/1');
      for (const answer of pending.splice(0)) answer();
      await at.io.clock.sleep(10);
      assert.equal(await at.state(), 'CompleteCommit 4000/1');
    });
  });
});

describe('time', () => {
  test('aborts a transaction that takes too long, and fences its producer', async () => {
    await withShard(async (at) => {
      const producer = await at.init('tx', 5000);
      assert.ok(producer);
      await at.io.clock.sleep(20_000);
      await at.add(producer, ['t-0']);
      await at.io.clock.sleep(4000);
      assert.equal(await at.state(), 'Ongoing 4000/0');
      await at.io.clock.sleep(11_000);
      assert.equal(await at.state(), 'CompleteAbort 4000/1');
      assert.equal(await errorOf(at.end(producer)), 'INVALID_TXN_STATE');
      assert.equal(await errorOf(at.add(producer, ['t-1'])), 'PRODUCER_FENCED');
    });
  });

  test('looks for such transactions as often as it is told', async () => {
    const key = 'transaction.abort.timed.out.transaction.cleanup.interval.ms';
    const run = withShard(
      async (at) => {
        const producer = await at.init('tx', 100);
        assert.ok(producer);
        await at.add(producer, ['t-0']);
        await at.io.clock.sleep(350);
        assert.equal(await at.state(), 'CompleteAbort 4000/1');
      },
      { config: { [key]: '50' } },
    );
    await run;
  });

  test('moves a producer whose epochs are used up to another id', async () => {
    await withShard(async (at) => {
      const transactionalId = 'tx';
      const producer = await at.begin(['t-0']);
      await at.shard.decide(({ transactions }) => {
        const known = transactions.get(transactionalId);
        assert.ok(known);
        const transaction = { ...known, producerEpoch: 32_766, timeoutMs: 100 };
        return { records: [{ transactionalId, transaction }], response: undefined };
      });
      await at.io.clock.sleep(15_000);
      assert.deepEqual(at.takeSent(), [`1: abort ${producer.producerId}/32767 t-0`]);
      assert.equal(await at.state(), 'CompleteAbort 4001/0');
    });
  });

  const hour = 3_600_000;
  const retention = { 'transactional.id.expiration.ms': String(3 * hour) };

  test('forgets an id that nobody uses, for good', async () => {
    await withShard(
      async (at) => {
        await at.init('unused');
        await at.end(await at.begin(['t-0'], 'used'), true, 'used');
        await at.io.clock.sleep(2 * hour);
        const producer = await at.init('used');
        assert.ok(producer);
        await at.io.clock.sleep(2 * hour);
        assert.equal(await at.state('unused'), 'none');
        assert.equal(await at.state('used'), 'Empty 4001/2');
        await at.restart();
        assert.equal(await at.state('unused'), 'none');
        const { producerId } = (await at.init('unused')) ?? {};
        assert.equal(producerId, 4002);
      },
      { config: retention },
    );
  });

  test('does not forget an id whose transaction is not over', async () => {
    const config = {
      'transactional.id.expiration.ms': '20000',
      'transaction.remove.expired.transaction.cleanup.interval.ms': '5000',
    };
    await withShard(
      async (at) => {
        at.answerOf = () => ErrorCode.NOT_LEADER_OR_FOLLOWER;
        await at.end(await at.begin(['t-0']));
        await at.io.clock.sleep(60_000);
        assert.equal(await at.state(), 'PrepareCommit 4000/1');
        at.answerOf = () => ErrorCode.NONE;
        await at.io.clock.sleep(60_000);
        assert.equal(await at.state(), 'none');
      },
      { config },
    );
  });
});

test('a log that cannot be written to gives the transactions to the next attempt', async () => {
  await withShard(async (at) => {
    const producer = await at.begin(['t-0']);
    const leaderEpoch = at.partition.leaderEpoch + 1;
    at.partition.becomeLeader({
      ...{ metadataOffset: leaderEpoch, leader: 1, leaderEpoch, partitionEpoch: 0 },
      ...{ replicas: [1], isr: [1] },
    });
    assert.equal(await errorOf(at.end(producer)), 'NOT_COORDINATOR');
    await at.restart();
    await at.restart();
    assert.equal(await at.state(), 'Ongoing 4000/0');
    assert.deepEqual(await at.end(producer), { producerId: 4000, producerEpoch: 1 });
  });
});

test('a transaction that outgrows a record is refused, and the others are served', async () => {
  await withShard(async (at) => {
    const producer = await at.begin(['t-0']);
    const other = await at.begin(['t-1'], 'other');
    const partitions = Array.from({ length: 300_000 }, (_, index) => `wide-${index}`);
    assert.equal(await errorOf(at.add(producer, partitions)), 'UNKNOWN_SERVER_ERROR');
    assert.deepEqual(await at.end(other, true, 'other'), { producerId: 4001, producerEpoch: 1 });
    assert.deepEqual(await at.end(producer), { producerId: 4000, producerEpoch: 1 });
  });
});
