// A coordinator of transactions for the tests of this folder, in both protocols: it fences, adds,
// commits, aborts and writes markers at once, moves to another broker, and misbehaves on command
// (answers with an error, loses the answer or the request, stays silent).
//
// Invariant that it asserts of the clients: a transactional batch goes to a partition only within
// a transaction that the partition is part of.

import assert from 'node:assert/strict';
import { keyOf } from '../../../src/client/leader-requests.ts';
import {
  type Api,
  addOffsetsToTxn,
  addPartitionsToTxn,
  ErrorCode,
  endTxn,
  initProducerId,
  type ResponseInput,
  txnOffsetCommit,
} from '../../../src/protocol/index.ts';
import type { ProduceEvent, ScriptedCluster, ScriptedRequest } from './scripted-cluster.ts';
import { serveFindCoordinator } from './scripted-offsets.ts';

export type TransactionApi = 'init' | 'addPartitions' | 'addOffsets' | 'commitOffsets' | 'end';

/** What becomes of a request: done, done or not with the connection lost, refused, ignored. */
export type TransactionVerdict = 'do' | 'lose' | 'doAndLose' | 'silent' | number;

const throttleTimeMs = 0;
const refused = { throttleTimeMs, producerId: -1, producerEpoch: -1 };

interface Producer {
  readonly producerId: number;
  epoch: number;
  state: 'empty' | 'ongoing' | 'committed' | 'aborted';
  readonly partitions: Map<string, { topic: string; partition: number }>;
  /** By `partition topic`. */
  readonly offsets: Map<string, number>;
}

export class ScriptedTransactions {
  coordinator = 1;
  verdict: (api: TransactionApi) => TransactionVerdict = () => 'do';
  /** By `partition topic`. */
  readonly committedOffsets = new Map<string, number>();
  readonly #cluster: ScriptedCluster;
  #protocol: 1 | 2 = 1;
  readonly #producers = new Map<string, Producer>();
  #nextProducerId = 5000;

  constructor(cluster: ScriptedCluster, protocol: 1 | 2) {
    this.#cluster = cluster;
    this.upgrade(protocol);
    serveFindCoordinator(cluster, () => this.coordinator);
    cluster.admit = (event) => this.#admit(event);
    this.#serve(initProducerId, 'init', (request) => this.#onInit(request));
    this.#serve(endTxn, 'end', (request) => this.#onEnd(request));
    this.#serve(addOffsetsToTxn, 'addOffsets', ({ body }, refusal) => {
      const errorCode = refusal || this.#begin(body, body.transactionalId);
      return { throttleTimeMs, errorCode };
    });
    this.#serve(addPartitionsToTxn, 'addPartitions', (request, refusal) =>
      this.#onAddPartitions(request, refusal),
    );
    this.#serve(txnOffsetCommit, 'commitOffsets', (request, refusal) =>
      this.#onCommitOffsets(request, refusal),
    );
  }

  producer(transactionalId: string): Producer {
    return this.#producers.get(transactionalId) as Producer;
  }

  /** The second protocol understands the first. Clients learn of it with their connections. */
  upgrade(protocol: 1 | 2): void {
    this.#protocol = protocol;
    this.#cluster.featureLevels.set('transaction.version', protocol);
  }

  /** The coordinator gives up a transaction that has taken too long, and fences its producer. */
  timeOut(transactionalId: string): void {
    const producer = this.producer(transactionalId);
    producer.epoch++;
    this.#complete(producer, false);
  }

  /** `answer` does what the request asks for, and is given the code to refuse with, or 0. */
  #serve<A extends Api>(
    api: A,
    name: TransactionApi,
    answer: (request: ScriptedRequest<A>, refusal: number) => ResponseInput<A>,
  ): void {
    this.#cluster.serve(api, (request) => {
      const verdict = request.nodeId === this.coordinator ? this.verdict(name) : 16;
      if (verdict === 'silent') return;
      if (verdict === 'lose') {
        request.lose();
        return;
      }
      const response =
        typeof verdict === 'number' && (name === 'init' || name === 'end')
          ? ({ ...refused, errorCode: verdict } as unknown as ResponseInput<A>)
          : answer(request, typeof verdict === 'number' ? verdict : 0);
      if (verdict === 'doAndLose') request.lose();
      else request.respond(response);
    });
  }

  #onInit({ body }: ScriptedRequest<typeof initProducerId>): ResponseInput<typeof initProducerId> {
    const transactionalId = body.transactionalId as string;
    let producer = this.#producers.get(transactionalId);
    if (producer === undefined) {
      const state = { partitions: new Map(), offsets: new Map(), state: 'empty' as const };
      producer = { producerId: this.#nextProducerId++, epoch: -1, ...state };
      this.#producers.set(transactionalId, producer);
    }
    if (body.producerId >= 0) {
      const isRepeated = body.producerEpoch === producer.epoch - 1;
      const isCurrent = body.producerEpoch === producer.epoch;
      if (body.producerId !== producer.producerId || !(isRepeated || isCurrent)) {
        return { ...refused, errorCode: ErrorCode.PRODUCER_FENCED };
      }
    }
    producer.epoch++;
    if (producer.state === 'ongoing') this.#complete(producer, false);
    producer.state = 'empty';
    const { producerId, epoch: producerEpoch } = producer;
    return { throttleTimeMs, errorCode: 0, producerId, producerEpoch };
  }

  #onAddPartitions(
    { body, version }: ScriptedRequest<typeof addPartitionsToTxn>,
    refusal: number,
  ): ResponseInput<typeof addPartitionsToTxn> {
    assert.ok(version <= 3, 'version 4 and above are for brokers');
    const { v3AndBelowProducerId: producerId, v3AndBelowProducerEpoch: producerEpoch } = body;
    const ids = { producerId, producerEpoch };
    const code = refusal || this.#begin(ids, body.v3AndBelowTransactionalId);
    const resultsByTopicV3AndBelow = body.v3AndBelowTopics.map(({ name, partitions }) => ({
      name,
      resultsByPartition: partitions.map((partition) => {
        const place = { topic: name, partition };
        const { partitions: added } = this.producer(body.v3AndBelowTransactionalId);
        if (code === 0) added.set(keyOf(place), place);
        return { partitionIndex: partition, partitionErrorCode: code };
      }),
    }));
    return { throttleTimeMs, errorCode: 0, resultsByTransaction: [], resultsByTopicV3AndBelow };
  }

  #onCommitOffsets(
    { body, version }: ScriptedRequest<typeof txnOffsetCommit>,
    refusal: number,
  ): ResponseInput<typeof txnOffsetCommit> {
    this.#assertUnderstood(version);
    const producer = this.producer(body.transactionalId);
    let code = refusal;
    if (code === 0 && version >= 5) code = this.#begin(body, body.transactionalId);
    if (code === 0 && producer.state !== 'ongoing') code = ErrorCode.INVALID_TXN_STATE;
    const topics = body.topics.map(({ name, topicId, partitions }) => ({
      name,
      topicId,
      partitions: partitions.map(({ partitionIndex, committedOffset }) => {
        const topic = name || this.#cluster.topicOf({ topicId });
        const key = keyOf({ topic, partition: partitionIndex });
        if (code === 0) producer.offsets.set(key, committedOffset);
        return { partitionIndex, errorCode: code };
      }),
    }));
    return { throttleTimeMs, topics };
  }

  #onEnd({ body, version }: ScriptedRequest<typeof endTxn>): ResponseInput<typeof endTxn> {
    this.#assertUnderstood(version);
    const isSecond = version >= 5;
    const producer = this.producer(body.transactionalId);
    const target = body.committed ? 'committed' : 'aborted';
    const answer = (errorCode: number) => {
      const next = isSecond && errorCode === 0;
      const { producerId, epoch } = producer;
      const identity = next ? { producerId, producerEpoch: epoch } : {};
      return { throttleTimeMs, errorCode, ...identity };
    };
    if (body.producerId !== producer.producerId) {
      return answer(ErrorCode.INVALID_PRODUCER_ID_MAPPING);
    }
    const isBefore = body.producerEpoch === producer.epoch - 1;
    if (isSecond && isBefore && producer.state === target) return answer(0);
    if (body.producerEpoch !== producer.epoch) return answer(ErrorCode.PRODUCER_FENCED);
    if (!isSecond && producer.state === target) return answer(0);
    const isEmptyAbort = isSecond && !body.committed;
    if (producer.state !== 'ongoing' && !isEmptyAbort) return answer(ErrorCode.INVALID_TXN_STATE);
    if (isSecond) producer.epoch++;
    this.#complete(producer, body.committed);
    return answer(0);
  }

  #assertUnderstood(version: number): void {
    assert.ok(version < 5 || this.#protocol === 2, 'the cluster has not finalized version 2');
  }

  #begin(ids: { producerId: number; producerEpoch: number }, transactionalId: string): number {
    const producer = this.producer(transactionalId);
    if (ids.producerId !== producer.producerId) return ErrorCode.INVALID_PRODUCER_ID_MAPPING;
    if (ids.producerEpoch !== producer.epoch) return ErrorCode.PRODUCER_FENCED;
    producer.state = 'ongoing';
    return 0;
  }

  #admit({ topic, partition, header }: ProduceEvent): number {
    if (!header.isTransactional) return 0;
    const found = [...this.#producers].find(([, each]) => each.producerId === header.producerId);
    assert.ok(found !== undefined, 'a transactional batch of nobody');
    const [transactionalId, producer] = found;
    if (header.producerEpoch !== producer.epoch) return ErrorCode.INVALID_PRODUCER_EPOCH;
    const place = { topic, partition };
    if (this.#protocol === 2) {
      producer.partitions.set(keyOf(place), place);
      return this.#begin(header, transactionalId);
    }
    const isPart = producer.state === 'ongoing' && producer.partitions.has(keyOf(place));
    assert.ok(isPart, `${topic}-${partition} was not added to the transaction`);
    return 0;
  }

  #complete(producer: Producer, isCommit: boolean): void {
    for (const { topic, partition } of producer.partitions.values()) {
      const state = this.#cluster.partition(topic, partition);
      state.appendMarker(producer.producerId, producer.epoch, isCommit);
    }
    if (isCommit) {
      for (const [key, offset] of producer.offsets) this.committedOffsets.set(key, offset);
    }
    producer.partitions.clear();
    producer.offsets.clear();
    producer.state = isCommit ? 'committed' : 'aborted';
  }
}
