// Transactional batches and a coordinator that answers when and what the test says.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simulate } from '../../sim/index.ts';
import { RemoteBrokers } from '../../tests/doubles/broker/remote-brokers.ts';
import { Deferred } from '../base/deferred.ts';
import { ZERO_UUID } from '../base/uuid.ts';
import { loadBrokerConfig } from '../config/index.ts';
import type { Io } from '../io/index.ts';
import {
  ErrorCode,
  type ErrorName,
  encodeBatch,
  type KafkaError,
  readBatchHeader,
} from '../protocol/index.ts';
import { Partition } from '../replication/index.ts';
import { defaultLogConfig, LogResources, PartitionLog } from '../storage/index.ts';
import type { RequestContext } from './handler.ts';
import { BrokerRequests } from './requests/index.ts';
import { appendTransactional } from './transactional-produce.ts';

type Ask = Parameters<RequestContext['broker']['transactions']['addPartitions']>[0];

const coordinator = { role: 'coordinator', transactionalId: 'id' } as const;

interface Asked {
  readonly ask: Ask;
  readonly answered: Deferred<ErrorName>;
}

class Scene {
  readonly io: Io;
  readonly partitions: Partition[] = [];
  readonly asked: Asked[] = [];
  /** Answers at once when set. */
  answers: ErrorName[] | null = null;
  config: Record<string, string> = {};
  /** The coordinator is among them, or, as long as nobody says so, this broker. */
  readonly others: RemoteBrokers;

  constructor(io: Io) {
    this.io = io;
    this.others = new RemoteBrokers(io);
    this.others.isAlone = true;
    this.others.move(coordinator, 1);
  }

  static async open(io: Io, count = 1): Promise<Scene> {
    const scene = new Scene(io);
    for (let index = 0; index < count; index++)
      scene.partitions.push(await openPartition(io, index));
    return scene;
  }

  context(apiVersion: number): RequestContext {
    const overrides = Object.entries({ 'log.dirs': '/data', ...this.config });
    const broker = {
      io: this.io,
      config: loadBrokerConfig({ overrides }).config,
      requests: new BrokerRequests(this.io, {
        ...{ nodeId: 1, whereabouts: this.others, peer: this.others.peer },
        timeoutMs: () => 5000,
      }),
      transactions: { addPartitions: (ask: Ask) => this.#answer(ask) },
    };
    return { apiVersion, broker } as unknown as RequestContext;
  }

  async #answer(ask: Ask) {
    const asked = { ask, answered: new Deferred<ErrorName>() };
    this.asked.push(asked);
    if (this.answers !== null) asked.answered.resolve(this.answers.shift() ?? 'NONE');
    const errorCode = ErrorCode[await asked.answered.promise];
    return ask.topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map((partitionIndex) => ({ partitionIndex, errorCode })),
    }));
  }

  /** One request; resolves with the offset or the error of each partition. */
  async produce(
    baseSequence: number,
    {
      version = 12,
      epoch = 0,
      transactionalId = 'id' as string | null,
      partitions = [0],
      ids = [7],
    } = {},
  ): Promise<(number | string)[]> {
    const outcomes: (number | string)[] = [];
    const appends = partitions.map((index, place) => {
      const records = [{ value: Buffer.from('v'), timestamp: this.io.clock.now() }];
      const identity = { producerId: ids[place] ?? 7, producerEpoch: epoch, baseSequence };
      const batch = encodeBatch({ records, ...identity, isTransactional: true });
      return {
        partition: this.partitions[index] as Partition,
        batch,
        header: readBatchHeader(batch, 0),
        onTurn: (append: () => { baseOffset: number }) => {
          try {
            outcomes[place] = append().baseOffset;
          } catch (error) {
            outcomes[place] = (error as KafkaError).errorName;
          }
        },
      };
    });
    await appendTransactional(appends, transactionalId, this.context(version));
    return outcomes;
  }

  end(transactionVersion = 2, producerEpoch = 1) {
    const marker = { producerId: 7, producerEpoch, coordinatorEpoch: 0, isCommit: true };
    this.partitions[0]?.appendTransactionMarker({ ...marker, transactionVersion });
  }
}

async function openPartition(io: Io, index: number): Promise<Partition> {
  const log = await PartitionLog.open(io, {
    directory: `/data/t-${index}`,
    topic: 't',
    partition: index,
    config: defaultLogConfig,
    wasCleanShutdown: true,
    resources: new LogResources(io),
  });
  const identity = { topic: 't', topicId: ZERO_UUID, partition: index };
  const partition = new Partition(io, { ...identity, nodeId: 1, log, highWatermark: 0 });
  const epochs = { metadataOffset: 0, leaderEpoch: 0, partitionEpoch: 0 };
  partition.becomeLeader({ ...epochs, leader: 1, replicas: [1], isr: [1] });
  return partition;
}

const turn = (io: Io): Promise<void> => io.clock.sleep(0);

test('the first batch waits for the coordinator, those of the open transaction for nobody', () =>
  simulate(async (io) => {
    const scene = await Scene.open(io);
    const first = scene.produce(0);
    await turn(io);
    assert.equal(scene.partitions[0]?.logEndOffset, 0);
    scene.asked[0]?.answered.resolve('NONE');
    assert.deepEqual(await first, [0]);
    assert.deepEqual(await scene.produce(1), [1]);
    assert.equal(scene.asked.length, 1);
    const { verifyOnly, topics, producerId } = (scene.asked[0] as Asked).ask;
    assert.deepEqual(
      { verifyOnly, topics, producerId },
      {
        verifyOnly: false,
        topics: [{ name: 't', partitions: [0] }],
        producerId: 7,
      },
    );
  }));

test('a request of two producers is refused as a whole', () =>
  simulate(async (io) => {
    const scene = await Scene.open(io, 2);
    scene.answers = [];
    const outcomes = await scene.produce(0, { partitions: [0, 1], ids: [7, 8] });
    assert.deepEqual(outcomes, ['INVALID_PRODUCER_ID_MAPPING', 'INVALID_PRODUCER_ID_MAPPING']);
    assert.deepEqual(scene.asked, []);
  }));

test('batches that were sent behind the first one keep their order, and ask nobody', () =>
  simulate(async (io) => {
    const scene = await Scene.open(io);
    const sent = [0, 1, 2, 3].map((sequence) => scene.produce(sequence));
    await turn(io);
    assert.equal(scene.asked.length, 1);
    scene.asked[0]?.answered.resolve('NONE');
    assert.deepEqual(await Promise.all(sent), [[0], [1], [2], [3]]);
    assert.equal(scene.asked.length, 1);
    assert.ok(!scene.partitions[0]?.turns.isWaitedFor(7));
  }));

test('when the first is refused, those behind it do not open the transaction in its place', () =>
  simulate(async (io) => {
    const scene = await Scene.open(io);
    scene.answers = ['COORDINATOR_LOAD_IN_PROGRESS'];
    const sent = await Promise.all([scene.produce(0), scene.produce(1)]);
    assert.deepEqual(sent, [['NOT_ENOUGH_REPLICAS'], ['OUT_OF_ORDER_SEQUENCE_NUMBER']]);
    assert.deepEqual(await scene.produce(0), [0]);
    assert.deepEqual(await scene.produce(1), [1]);
  }));

test('partitions of one request are asked for together, and requests wait for each other', () =>
  simulate(async (io) => {
    const scene = await Scene.open(io, 3);
    const first = scene.produce(0, { partitions: [0, 1] });
    const second = scene.produce(1, { partitions: [1, 0] });
    const other = scene.produce(0, { partitions: [2] });
    await turn(io);
    assert.deepEqual(
      scene.asked.map(({ ask }) => ask.topics),
      [[{ name: 't', partitions: [0, 1] }], [{ name: 't', partitions: [2] }]],
    );
    scene.asked[1]?.answered.resolve('NONE');
    assert.deepEqual(await other, [0]);
    scene.asked[0]?.answered.resolve('NONE');
    assert.deepEqual(
      [await first, await second],
      [
        [0, 0],
        [1, 1],
      ],
    );
  }));

test('a batch whose transaction ended while it waited is refused', () =>
  simulate(async (io) => {
    const scene = await Scene.open(io);
    const sent = scene.produce(0, { version: 11 });
    await turn(io);
    scene.end(1, 0);
    scene.asked[0]?.answered.resolve('NONE');
    assert.deepEqual(await sent, ['INVALID_TXN_STATE']);
    assert.equal(scene.partitions[0]?.lastStableOffset, 1);
  }));

test('a coordinator that still ends the transaction before is asked again for a moment', () =>
  simulate(async (io) => {
    const scene = await Scene.open(io);
    scene.answers = ['CONCURRENT_TRANSACTIONS', 'CONCURRENT_TRANSACTIONS'];
    assert.deepEqual(await scene.produce(0), [0]);
    assert.equal(scene.asked.length, 3);
  }));

test('the moment is add.partitions.to.txn.retry.backoff.max.ms, and clients are told by age', () =>
  simulate(async (io) => {
    const scene = await Scene.open(io);
    scene.config = {
      'add.partitions.to.txn.retry.backoff.ms': '30',
      'add.partitions.to.txn.retry.backoff.max.ms': '50',
    };
    const told = new Map<number, unknown>();
    for (const version of [12, 11]) {
      scene.answers = Array.from({ length: 9 }, () => 'CONCURRENT_TRANSACTIONS' as const);
      const beganMs = io.clock.monotonic();
      told.set(version, await scene.produce(0, { version }));
      assert.equal(9 - scene.answers.length, 3);
      assert.ok(io.clock.monotonic() - beganMs < 70);
    }
    assert.deepEqual(told.get(12), ['CONCURRENT_TRANSACTIONS']);
    assert.deepEqual(told.get(11), ['NOT_ENOUGH_REPLICAS']);
  }));

test('what the coordinator refuses is said in words that the client knows', () =>
  simulate(async (io) => {
    const scene = await Scene.open(io);
    const told = async (error: ErrorName, version: number) => {
      scene.answers = [error];
      return (await scene.produce(0, { version }))[0];
    };
    assert.equal(await told('TRANSACTION_ABORTABLE', 10), 'INVALID_TXN_STATE');
    assert.equal(await told('TRANSACTION_ABORTABLE', 11), 'TRANSACTION_ABORTABLE');
    assert.equal(await told('PRODUCER_FENCED', 12), 'INVALID_PRODUCER_EPOCH');
    assert.equal(await told('NOT_COORDINATOR', 12), 'NOT_ENOUGH_REPLICAS');
    const mapping = 'INVALID_PRODUCER_ID_MAPPING';
    assert.equal(await told(mapping, 12), mapping);
    assert.equal(scene.partitions[0]?.logEndOffset, 0);
  }));

test('an epoch that is over is refused before anybody is asked', () =>
  simulate(async (io) => {
    const scene = await Scene.open(io);
    scene.end(2, 3);
    assert.deepEqual(await scene.produce(0, { epoch: 2 }), ['INVALID_PRODUCER_EPOCH']);
    assert.equal(scene.asked.length, 0);
  }));

test('without verification older clients are believed, newer ones still add their partitions', () =>
  simulate(async (io) => {
    const scene = await Scene.open(io);
    scene.config = { 'transaction.partition.verification.enable': 'false' };
    assert.deepEqual(await scene.produce(0, { version: 11 }), [0]);
    assert.equal(scene.asked.length, 0);
    scene.end();
    scene.answers = [];
    assert.deepEqual(await scene.produce(0, { epoch: 1 }), [2]);
    assert.equal(scene.asked.length, 1);
  }));

test('a transactional batch needs a transactional id', () =>
  simulate(async (io) => {
    const scene = await Scene.open(io);
    assert.deepEqual(await scene.produce(0, { transactionalId: null }), [
      'TRANSACTIONAL_ID_AUTHORIZATION_FAILED',
    ]);
  }));

test('a partition that is named twice is refused the second time', () =>
  simulate(async (io) => {
    const scene = await Scene.open(io);
    scene.answers = [];
    assert.deepEqual(await scene.produce(0, { partitions: [0, 0] }), [0, 'INVALID_REQUEST']);
  }));

test('a coordinator that is another broker is asked there, also when it moves meanwhile', () =>
  simulate(async (io) => {
    const scene = await Scene.open(io);
    scene.others.isAlone = false;
    scene.others.move(coordinator, 2);
    scene.others.refuse(2, 'COORDINATOR_LOAD_IN_PROGRESS');
    const first = scene.produce(0);
    await io.clock.sleep(10);
    scene.others.move(coordinator, 3, { knownAfterMs: 30 });
    assert.deepEqual(await first, [0]);
    assert.deepEqual(scene.others.carriedOut, ['3 addPartitions']);
    assert.deepEqual(await scene.produce(1), [1]);
    assert.equal(scene.asked.length + scene.others.carriedOut.length, 1);
  }));

test('what cannot be asked in time is said as what producers try again after', () =>
  simulate(async (io) => {
    const scene = await Scene.open(io);
    scene.others.isAlone = false;
    scene.others.move(coordinator, 2);
    scene.others.takeDown(2);
    assert.deepEqual(await scene.produce(0), ['NOT_ENOUGH_REPLICAS']);
    assert.equal(scene.partitions[0]?.logEndOffset, 0);
    scene.others.bringUp(2);
    scene.others.silence(2);
    assert.deepEqual(await scene.produce(0), ['NOT_ENOUGH_REPLICAS']);
  }));
