// Transactions against a coordinator and leaders that fail in every way between receiving and
// answering, in both protocols.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { simulate } from '../../../sim/index.ts';
import {
  type ProduceVerdict,
  ScriptedCluster,
} from '../../../tests/doubles/client/scripted-cluster.ts';
import {
  ScriptedTransactions,
  type TransactionApi,
  type TransactionVerdict,
} from '../../../tests/doubles/client/scripted-transactions.ts';
import { Prng } from '../../base/prng.ts';
import type { Io } from '../../io/index.ts';
import { ErrorCode, type ErrorName, initProducerId } from '../../protocol/index.ts';
import { Consumer, type GroupMetadata, type OffsetToCommit } from '../consumer/index.ts';
import { Producer } from './producer.ts';
import type { ProducerOptions } from './producer-options.ts';
import { TransactionError } from './transaction-error.ts';

interface Scene {
  readonly io: Io;
  readonly cluster: ScriptedCluster;
  readonly transactions: ScriptedTransactions;
  create(options?: Partial<ProducerOptions>): Producer;
  /** What a read_committed consumer sees of topic t, partition by partition. */
  committed(): Promise<string[]>;
}

type Protocol = 1 | 2;
const protocols: readonly Protocol[] = [1, 2];
const member: GroupMetadata = {
  groupId: 'g',
  generationId: 3,
  memberId: 'm',
  groupInstanceId: null,
};

function play(protocol: Protocol, act: (scene: Scene) => Promise<void>, seed = 0): Promise<void> {
  return simulate(
    async (io) => {
      const cluster = await ScriptedCluster.start(io, 2);
      cluster.addTopic('t', [1, 2]);
      const transactions = new ScriptedTransactions(cluster, protocol);
      const { bootstrapServers } = cluster;
      await act({
        io,
        cluster,
        transactions,
        create: (options = {}) =>
          new Producer({ bootstrapServers, transactionalId: 'x', ...options }, io),
        committed: () => readCommitted(io, cluster),
      });
    },
    { seed },
  );
}

async function readCommitted(io: Io, cluster: ScriptedCluster): Promise<string[]> {
  const { bootstrapServers } = cluster;
  const consumer = new Consumer({ bootstrapServers, isolationLevel: 'read_committed' }, io);
  const places = [0, 1].map((partition) => ({ topic: 't', partition }));
  await consumer.assign(places.map((place) => ({ ...place, offset: 'earliest' })));
  const ends = await consumer.endOffsets(places);
  const values: string[][] = [[], []];
  for (;;) {
    for (const { partition, value } of await consumer.poll(50)) {
      values[partition]?.push(String(value));
    }
    const positions = await Promise.all(places.map((place) => consumer.position(place)));
    if (ends.every(({ offset }, i) => (positions[i] as number) >= offset)) break;
  }
  await consumer.close();
  return values.flat();
}

const sendPair = (producer: Producer, name: string): void => {
  for (const partition of [0, 1]) void producer.send({ topic: 't', partition, value: name });
};

/** A transaction that ends as one would expect. */
async function succeed(producer: Producer, name: string): Promise<void> {
  await producer.transaction((transaction) => {
    for (const partition of [0, 1]) void transaction.send({ topic: 't', partition, value: name });
  });
}

for (const protocol of protocols) {
  describe(`with transaction.version ${protocol}`, () => {
    test('what is committed is seen, what is aborted is not, and nothing between', () =>
      play(protocol, async ({ create, committed, cluster }) => {
        const producer = create();
        await producer.initTransactions();
        producer.beginTransaction();
        sendPair(producer, 'a');
        await producer.flush();
        assert.deepEqual(await committed(), []);
        await producer.commitTransaction();
        producer.beginTransaction();
        sendPair(producer, 'b');
        await producer.flush();
        await producer.abortTransaction();
        producer.beginTransaction();
        await producer.commitTransaction();
        await succeed(producer, 'c');
        assert.deepEqual(await committed(), ['a', 'c', 'a', 'c']);
        assert.equal(cluster.partition('t', 0).records().length, 3);
        await producer.close();
      }));

    test('a function that throws aborts its transaction, and what it threw is thrown', () =>
      play(protocol, async ({ create, committed }) => {
        const producer = create({ lingerMs: 50 });
        const thrown = new Error('no');
        let kept: { send(record: { topic: string }): unknown } | null = null;
        const failing = producer.transaction(async (transaction) => {
          kept = transaction;
          await transaction.send({ topic: 't', partition: 0, value: 'sent' });
          void transaction.send({ topic: 't', partition: 1, value: 'not sent' });
          throw thrown;
        });
        await assert.rejects(failing, thrown);
        assert.throws(() => kept?.send({ topic: 't' }), /this transaction is over/);
        assert.equal(await producer.transaction(() => 'result'), 'result');
        await succeed(producer, 'good');
        assert.deepEqual(await committed(), ['good', 'good']);
        await producer.close();
      }));

    test('offsets are committed with the transaction, or not at all', () =>
      play(protocol, async ({ create, transactions }) => {
        const producer = create();
        const send = (offset: number) =>
          producer.sendOffsetsToTransaction([{ topic: 't', partition: 1, offset }], member);
        await producer.initTransactions();
        producer.beginTransaction();
        await send(7);
        assert.equal(transactions.committedOffsets.size, 0);
        await producer.commitTransaction();
        producer.beginTransaction();
        await send(9);
        await producer.abortTransaction();
        assert.deepEqual([...transactions.committedOffsets], [['1 t', 7]]);
        producer.beginTransaction();
        await assert.rejects(send(-1), /t-1: -1 is no offset/);
        await producer.close();
      }));

    test('a second producer of the id fences the first, which says so from then on', () =>
      play(protocol, async ({ create, committed }) => {
        const first = create();
        await first.initTransactions();
        first.beginTransaction();
        sendPair(first, 'left open');
        await first.flush();
        const second = create();
        await succeed(second, 'new');
        sendPair(first, 'zombie');
        const fenced = { name: 'TransactionError', errorName: 'PRODUCER_FENCED', isFatal: true };
        await assert.rejects(async () => {
          try {
            await first.commitTransaction();
          } catch (error) {
            // A leader knows the old epoch only: the coordinator has the last word.
            if (!(error instanceof TransactionError) || error.isFatal) throw error;
            await first.abortTransaction();
          }
        }, fenced);
        assert.throws(() => first.beginTransaction(), fenced);
        await assert.rejects(first.send({ topic: 't', value: 'x' }), fenced);
        assert.throws(() => first.write({ topic: 't', value: 'x' }), fenced);
        await assert.rejects(first.abortTransaction(), fenced);
        await first.close();
        await succeed(second, 'again');
        assert.deepEqual(await committed(), ['new', 'again', 'new', 'again']);
        await second.close();
      }));

    test('a transaction that took too long is fenced by its coordinator', () =>
      play(protocol, async ({ create, transactions, committed }) => {
        const producer = create();
        await producer.initTransactions();
        producer.beginTransaction();
        sendPair(producer, 'late');
        await producer.flush();
        transactions.timeOut('x');
        await assert.rejects(producer.commitTransaction(), { isFatal: true });
        assert.deepEqual(await committed(), []);
        await producer.close();
      }));

    const accidents: [string, TransactionVerdict][] = [
      ['a request that was lost', 'lose'],
      ['an answer that was lost', 'doAndLose'],
      ['silence', 'silent'],
      ['another operation under way', ErrorCode.CONCURRENT_TRANSACTIONS],
      ['a coordinator that has moved', ErrorCode.NOT_COORDINATOR],
      ['a coordinator that is loading', ErrorCode.COORDINATOR_LOAD_IN_PROGRESS],
    ];
    for (const [accident, verdict] of accidents) {
      test(`${accident} costs time only, whatever was asked`, () =>
        play(protocol, async ({ create, transactions, committed }) => {
          const met = new Map<TransactionApi, number>();
          transactions.verdict = (api) => {
            const count = (met.get(api) ?? 0) + 1;
            met.set(api, count);
            if (count % 3 !== 1) return 'do';
            if (verdict === ErrorCode.NOT_COORDINATOR) transactions.coordinator = 2;
            return verdict;
          };
          const producer = create({ requestTimeoutMs: 1000 });
          for (let offset = 0; offset < 6; offset++) {
            await producer.transaction(async (transaction) => {
              void transaction.send({ topic: 't', partition: 0, value: `${offset}` });
              await transaction.sendOffsets([{ topic: 't', partition: 0, offset }], member);
            });
          }
          assert.deepEqual(await committed(), ['0', '1', '2', '3', '4', '5']);
          assert.deepEqual([...transactions.committedOffsets], [['0 t', 5]]);
          await producer.close();
        }));
    }

    test('a commit whose time is up goes on, and is waited for by calling it again', () =>
      play(protocol, async ({ io, create, transactions, committed }) => {
        const producer = create({ maxBlockMs: 2000, requestTimeoutMs: 1000 });
        await producer.initTransactions();
        producer.beginTransaction();
        sendPair(producer, 'a');
        transactions.verdict = (api) => (api === 'end' ? 'doAndLose' : 'do');
        const late = { errorName: 'REQUEST_TIMED_OUT', message: /call it again to wait for it/ };
        await assert.rejects(producer.commitTransaction(), late);
        await assert.rejects(producer.commitTransaction(), late);
        assert.throws(() => producer.beginTransaction(), /commitTransaction\(\) is under way/);
        await assert.rejects(producer.abortTransaction(), /commitTransaction\(\) is under way/);
        transactions.verdict = () => 'do';
        await io.clock.sleep(5000);
        await producer.commitTransaction();
        assert.deepEqual(await committed(), ['a', 'a']);
        await producer.close();
      }));

    const produceFailures: [ErrorName, boolean][] = [
      ['OUT_OF_ORDER_SEQUENCE_NUMBER', false],
      ['UNKNOWN_PRODUCER_ID', false],
      ['INVALID_PRODUCER_EPOCH', false],
      ['INVALID_TXN_STATE', false],
      ['TRANSACTION_ABORTABLE', false],
      ['INVALID_RECORD', false],
      ['TOPIC_AUTHORIZATION_FAILED', false],
      ['PRODUCER_FENCED', true],
      ['CLUSTER_AUTHORIZATION_FAILED', true],
      ['TRANSACTIONAL_ID_AUTHORIZATION_FAILED', true],
      ['INVALID_PRODUCER_ID_MAPPING', true],
    ];
    for (const [errorName, isFatal] of produceFailures) {
      const end = isFatal ? 'ends the producer' : 'is got over by aborting';
      test(`${errorName} for a batch ${end}`, () =>
        play(protocol, async ({ create, cluster, committed }) => {
          const producer = create();
          await succeed(producer, 'before');
          producer.beginTransaction();
          cluster.onProduce = () => ErrorCode[errorName];
          await assert.rejects(producer.send({ topic: 't', value: 'x' }), { errorName });
          cluster.onProduce = () => 'store';
          const failure = { name: 'TransactionError', errorName, isFatal };
          await assert.rejects(producer.send({ topic: 't', value: 'y' }), failure);
          await assert.rejects(producer.sendOffsetsToTransaction([], member), failure);
          await assert.rejects(producer.commitTransaction(), failure);
          if (isFatal) await assert.rejects(producer.abortTransaction(), failure);
          else {
            await producer.abortTransaction();
            await succeed(producer, 'after');
          }
          const expected = isFatal ? ['before'] : ['before', 'after'];
          assert.deepEqual(await committed(), [...expected, ...expected]);
          await producer.close();
        }));
    }

    test('records that were not delivered in time cost the transaction, not the producer', () =>
      play(protocol, async ({ create, cluster, committed }) => {
        const producer = create({ requestTimeoutMs: 500, deliveryTimeoutMs: 1000 });
        await producer.initTransactions();
        producer.beginTransaction();
        cluster.onProduce = () => 'storeAndLose';
        producer.write({ topic: 't', partition: 0, value: 'nobody asks' });
        const failure = { errorName: 'TRANSACTION_ABORTABLE', isFatal: false };
        await assert.rejects(producer.commitTransaction(), failure);
        cluster.onProduce = () => 'store';
        await producer.abortTransaction();
        await succeed(producer, 'after');
        assert.deepEqual(await committed(), ['after', 'after']);
        await producer.close();
      }));

    test('a record too large for any batch costs the transaction', () =>
      play(protocol, async ({ create, committed }) => {
        const producer = create({ maxRequestSizeBytes: 1000 });
        const large = producer.transaction((transaction) => {
          transaction.write({ topic: 't', partition: 0, value: 'small' });
          transaction.write({ topic: 't', partition: 0, value: Buffer.alloc(2000) });
        });
        await assert.rejects(large, { errorName: 'MESSAGE_TOO_LARGE', isFatal: false });
        await succeed(producer, 'a');
        assert.deepEqual(await committed(), ['a', 'a']);
        await producer.close();
      }));

    test('closing a producer aborts what is open', () =>
      play(protocol, async ({ create, transactions, committed }) => {
        const producer = create();
        await producer.initTransactions();
        producer.beginTransaction();
        sendPair(producer, 'open');
        await producer.flush();
        await producer.close();
        assert.equal(transactions.producer('x').state, 'aborted');
        assert.deepEqual(await committed(), []);
      }));

    test('a close that takes too long gives the transaction up', () =>
      play(protocol, async ({ io, create, transactions }) => {
        const producer = create();
        await producer.initTransactions();
        producer.beginTransaction();
        sendPair(producer, 'open');
        await producer.flush();
        transactions.verdict = () => 'silent';
        const beganMs = io.clock.monotonic();
        await assert.rejects(producer.close({ timeoutMs: 2000 }), { name: 'TransactionError' });
        assert.ok(io.clock.monotonic() - beganMs < 5000);
      }));

    const refusals: [TransactionApi, ErrorName, boolean][] = [
      ['init', 'INVALID_TRANSACTION_TIMEOUT', true],
      ['init', 'TRANSACTIONAL_ID_AUTHORIZATION_FAILED', true],
      ['init', 'INVALID_PRODUCER_EPOCH', true],
      ['init', 'TRANSACTION_ABORTABLE', false],
      ['commitOffsets', 'GROUP_AUTHORIZATION_FAILED', false],
      ['commitOffsets', 'ILLEGAL_GENERATION', false],
      ['commitOffsets', 'UNKNOWN_MEMBER_ID', false],
      ['commitOffsets', 'FENCED_INSTANCE_ID', false],
      ['commitOffsets', 'STALE_MEMBER_EPOCH', false],
      ['commitOffsets', 'TRANSACTION_ABORTABLE', false],
      ['commitOffsets', 'UNSUPPORTED_FOR_MESSAGE_FORMAT', true],
      ['commitOffsets', 'INVALID_PRODUCER_EPOCH', true],
      ['end', 'TRANSACTION_ABORTABLE', false],
      ['end', 'UNKNOWN_PRODUCER_ID', false],
      ['end', 'INVALID_PRODUCER_ID_MAPPING', true],
      ['end', 'INVALID_PRODUCER_EPOCH', true],
    ];
    const refusalsBefore: [TransactionApi, ErrorName, boolean][] = [
      ['addPartitions', 'TOPIC_AUTHORIZATION_FAILED', false],
      ['addPartitions', 'UNKNOWN_PRODUCER_ID', false],
      ['addPartitions', 'INVALID_TXN_STATE', true],
      ['addPartitions', 'INVALID_PRODUCER_EPOCH', true],
      ['addOffsets', 'GROUP_AUTHORIZATION_FAILED', false],
      ['addOffsets', 'INVALID_TXN_STATE', true],
    ];
    for (const [api, errorName, isFatal] of [
      ...refusals,
      ...(protocol === 1 ? refusalsBefore : []),
    ]) {
      const end = isFatal ? 'ends the producer' : 'leaves it usable';
      test(`${errorName} as the answer to ${api} ${end}`, () =>
        play(protocol, async ({ create, transactions, committed }) => {
          const producer = create();
          let isRefused = true;
          transactions.verdict = (asked) => {
            if (asked !== api || !isRefused) return 'do';
            isRefused = false;
            return ErrorCode[errorName];
          };
          const attempt = producer.transaction(async (transaction) => {
            void transaction.send({ topic: 't', partition: 0, value: 'refused' });
            await transaction.sendOffsets([{ topic: 't', partition: 0, offset: 1 }], member);
          });
          const name = errorName === 'INVALID_PRODUCER_EPOCH' ? 'PRODUCER_FENCED' : errorName;
          await assert.rejects(attempt, { name: 'TransactionError', errorName: name, isFatal });
          if (isFatal)
            await assert.rejects(
              producer.transaction(() => {}),
              { errorName: name },
            );
          else await succeed(producer, 'after');
          assert.deepEqual(await committed(), isFatal ? [] : ['after', 'after']);
          await producer.close();
        }));
    }

    test('whatever fails at random, a transaction is seen whole, or not at all', async () => {
      let committedCount = 0;
      let failedCount = 0;
      for (let seed = 0; seed < 30; seed++) {
        await play(
          protocol,
          async (scene) => {
            const counts = await endure(scene, `${protocol} ${seed}`);
            committedCount += counts.committed;
            failedCount += counts.failed;
          },
          seed,
        );
      }
      assert.ok(committedCount > 100, `${committedCount} transactions were committed`);
      assert.ok(failedCount > 100, `${failedCount} transactions failed`);
    });
  });
}

/** Transactions under accidents of every kind; compares what they promised with what is seen. */
async function endure(
  { cluster, transactions, create, committed }: Scene,
  seed: string,
): Promise<{ committed: number; failed: number }> {
  const prng = new Prng(`transactions ${seed}`);
  const chance = prng.float() * 0.3;
  const { NOT_LEADER_OR_FOLLOWER, INVALID_RECORD, CONCURRENT_TRANSACTIONS } = ErrorCode;
  const produceVerdicts: ProduceVerdict[] = [
    'lose',
    'storeAndLose',
    'silent',
    NOT_LEADER_OR_FOLLOWER,
    CONCURRENT_TRANSACTIONS,
    INVALID_RECORD,
  ];
  const verdicts: TransactionVerdict[] = ['lose', 'doAndLose', 'silent', CONCURRENT_TRANSACTIONS];
  cluster.onProduce = () => (prng.chance(chance) ? prng.pick(produceVerdicts) : 'store');
  transactions.verdict = () => {
    if (prng.chance(chance / 4)) transactions.coordinator = 1 + prng.int(2);
    return prng.chance(chance) ? prng.pick(verdicts) : 'do';
  };
  const patience = { requestTimeoutMs: 300, deliveryTimeoutMs: 320, maxBlockMs: 60_000 };
  const producer = create({ ...patience, lingerMs: 2, batchSizeBytes: 200 });
  const promised: string[][] = [[], []];
  const outcomes = { committed: 0, failed: 0 };
  for (let number = 0; number < 25; number++) {
    const values: [number, string][] = [];
    try {
      await producer.transaction(async (transaction) => {
        const count = prng.int(12);
        for (let i = 0; i < count; i++) {
          const partition = prng.int(2);
          const value = `${number}/${i}`.padEnd(60);
          values.push([partition, value]);
          const sent = transaction.send({ topic: 't', partition, value });
          if (prng.chance(0.2)) await sent;
        }
        await transaction.sendOffsets([{ topic: 't', partition: 0, offset: number }], member);
        if (prng.chance(0.2)) throw new Error('changed its mind');
      });
      outcomes.committed++;
      for (const [partition, value] of values) promised[partition]?.push(value);
      assert.equal(transactions.committedOffsets.get('0 t'), number, seed);
    } catch (error) {
      if (error instanceof assert.AssertionError) throw error;
      const isExpected = !(error instanceof TransactionError) || !error.isFatal;
      assert.ok(isExpected, `seed ${seed}: ${(error as Error).message}`);
      assert.notEqual(transactions.committedOffsets.get('0 t'), number, seed);
      outcomes.failed++;
    }
  }
  cluster.onProduce = () => 'store';
  transactions.verdict = () => 'do';
  await producer.close();
  assert.deepEqual(await committed(), promised.flat(), `seed ${seed}`);
  return outcomes;
}

test('each call says what is wrong with its moment, and the remedy', () =>
  play(2, async ({ io, create, cluster }) => {
    const plain = new Producer({ bootstrapServers: cluster.bootstrapServers }, io);
    await assert.rejects(plain.initTransactions(), /transactionalId is not set/);
    await plain.close();
    const producer = create();
    assert.throws(() => producer.beginTransaction(), /before initTransactions\(\): call that/);
    await assert.rejects(producer.send({ topic: 't', value: 'x' }), /before initTransactions/);
    await producer.initTransactions();
    const again = 'initTransactions() was called again: once is enough';
    await assert.rejects(producer.initTransactions(), { message: again });
    const outside = 'was called outside of a transaction: call beginTransaction() first';
    await assert.rejects(producer.commitTransaction(), {
      message: `commitTransaction() ${outside}`,
    });
    await assert.rejects(producer.abortTransaction(), /outside of a transaction/);
    await assert.rejects(producer.send({ topic: 't', value: 'x' }), /outside of a transaction/);
    assert.throws(() => producer.write({ topic: 't', value: 'x' }), /outside of a transaction/);
    producer.beginTransaction();
    assert.throws(() => producer.beginTransaction(), /within a transaction: commit or abort it/);
    const commit = producer.commitTransaction();
    await assert.rejects(producer.send({ topic: 't', value: 'x' }), /is under way: await it/);
    await commit;
    await producer.close();
    assert.throws(() => producer.beginTransaction(), /the producer is closed/);
  }));

test('offsets and groups that are none are refused, and cost nothing of the transaction', () =>
  play(2, async ({ create, committed }) => {
    const producer = create();
    await producer.initTransactions();
    producer.beginTransaction();
    const commit = (offsets: unknown, group: unknown): Promise<void> =>
      producer.sendOffsetsToTransaction(offsets as OffsetToCommit[], group as GroupMetadata);
    const offset = { topic: 't', partition: 0, offset: 1 };
    await assert.rejects(commit([offset], 'a group'), /give consumer\.groupMetadata\(\)/);
    await assert.rejects(commit([offset], undefined), /give consumer\.groupMetadata\(\)/);
    await assert.rejects(commit(new Map(), member), /give consumer\.positions\(\)/);
    await assert.rejects(commit([{ ...offset, offset: 1n }], member), /t-0: 1 is no offset/);
    void producer.send({ topic: 't', partition: 0, value: 'x' });
    await producer.commitTransaction();
    await producer.close();
    assert.deepEqual(await committed(), ['x']);
  }));

test('options that contradict transactions are refused', () => {
  const options = { bootstrapServers: 'h:1', transactionalId: 'x' };
  assert.throws(() => new Producer({ ...options, acks: 1 }), /transactionalId needs/);
  assert.throws(() => new Producer({ ...options, enableIdempotence: false }), /transactionalId/);
  assert.throws(() => new Producer({ ...options, transactionalId: '' }), /is empty/);
  assert.throws(() => new Producer({ ...options, transactionTimeoutMs: 0 }), /above 0/);
  const properties = new Map([
    ['transactional.id', 'x'],
    ['transaction.timeout.ms', '5'],
  ]);
  const { options: read } = Producer.optionsFromProperties(properties);
  assert.deepEqual(read, { transactionalId: 'x', transactionTimeoutMs: 5 });
});

test('brokers that cannot begin a new epoch for us end the producer when a batch was lost', () =>
  play(1, async ({ create, cluster }) => {
    cluster.versionsMax.set(initProducerId.key, 2);
    const producer = create();
    await succeed(producer, 'a');
    producer.beginTransaction();
    cluster.onProduce = () => ErrorCode.INVALID_RECORD;
    await assert.rejects(producer.send({ topic: 't', value: 'x' }));
    const failure = { errorName: 'UNSUPPORTED_VERSION', isFatal: true };
    await assert.rejects(producer.abortTransaction(), failure);
    await producer.close();
  }));

test('partitions of one turn are added with one request, before anything is sent to them', () =>
  play(1, async ({ create, cluster }) => {
    const producer = create();
    for (let i = 0; i < 3; i++) await succeed(producer, `${i}`);
    assert.equal(cluster.requestCounts.get('AddPartitionsToTxn'), 3);
    assert.equal(cluster.requestCounts.get('InitProducerId'), 1);
    await producer.close();
  }));

test('a partition that could not be added in time costs the transaction, not the producer', () =>
  play(1, async ({ create, transactions, committed }) => {
    const producer = create({ requestTimeoutMs: 500, deliveryTimeoutMs: 1000 });
    await succeed(producer, 'before');
    const code = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
    transactions.verdict = (api) => (api === 'addPartitions' ? code : 'do');
    const failure = { errorName: 'TRANSACTION_ABORTABLE', isFatal: false };
    // The coordinator knows of no transaction to abort: that is no reason to give up.
    await assert.rejects(succeed(producer, 'never'), failure);
    transactions.verdict = () => 'do';
    await succeed(producer, 'after');
    assert.deepEqual(await committed(), ['before', 'after', 'before', 'after']);
    await producer.close();
  }));

test('an abort while partitions are being added waits for that and takes it for no failure', () =>
  play(1, async ({ io, create, transactions, committed }) => {
    const producer = create();
    await producer.initTransactions();
    const code = ErrorCode.CONCURRENT_TRANSACTIONS;
    transactions.verdict = (api) => (api === 'addPartitions' ? code : 'do');
    producer.beginTransaction();
    sendPair(producer, 'never');
    await io.clock.sleep(30);
    await producer.abortTransaction();
    transactions.verdict = () => 'do';
    await succeed(producer, 'after');
    assert.deepEqual(await committed(), ['after', 'after']);
    await producer.close();
  }));

test('every transaction of the second protocol has an epoch, and needs no request to begin', () =>
  play(2, async ({ create, cluster }) => {
    const producer = create();
    const epochs = new Set<number>();
    cluster.onProduce = ({ header }) => {
      epochs.add(header.producerEpoch);
      return 'store';
    };
    for (let i = 0; i < 3; i++) await succeed(producer, `${i}`);
    assert.deepEqual([...epochs], [0, 1, 2]);
    assert.equal(cluster.requestCounts.get('AddPartitionsToTxn'), undefined);
    await producer.close();
  }));

test('a cluster that upgrades is spoken to in the second protocol after a reconnection', () =>
  play(1, async ({ create, cluster, transactions, committed }) => {
    const producer = create();
    await succeed(producer, 'first');
    transactions.upgrade(2);
    await succeed(producer, 'still first');
    await cluster.stopNode(1);
    await cluster.startNode(1);
    await succeed(producer, 'learns');
    const before = cluster.requestCounts.get('AddPartitionsToTxn');
    await succeed(producer, 'second');
    await succeed(producer, 'third');
    assert.equal(cluster.requestCounts.get('AddPartitionsToTxn'), before);
    const all = ['first', 'still first', 'learns', 'second', 'third'];
    assert.deepEqual(await committed(), [...all, ...all]);
    await producer.close();
  }));
