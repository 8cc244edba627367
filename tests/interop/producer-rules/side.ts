// One of the two brokers, to which the steps of a sequence are played. It numbers the batches by
// what its broker has stored and refused, sends the requests as they are, and says in words that
// can be compared what came back.
//
// Invariant: before a step no producer is about to be forgotten and no transaction is being ended,
// so that answers do not depend on time.

import assert from 'node:assert/strict';
import type { Io } from '../../../src/io/index.ts';
import { ClientConnection } from '../../../src/network/index.ts';
import {
  type Api,
  addPartitionsToTxn,
  batchHeaders,
  deleteRecords,
  describeProducers,
  describeTransactions,
  encodeBatch,
  endTxn,
  errorName,
  fetch,
  initProducerId,
  KafkaError,
  listOffsets,
  produce,
  type RequestInput,
  type ResponseOf,
} from '../../../src/protocol/index.ts';
import { canonical, type Names } from '../transaction-rules/canonical.ts';
import { type History, type Numbered, placeOf } from './places.ts';
import { type Actor, type Batch, partitions, type Step } from './steps.ts';

interface Identity {
  readonly producerId: number;
  readonly producerEpoch: number;
}

export interface SideOptions {
  readonly port: number;
  readonly topic: string;
  readonly topicId: string;
  /** Of the first record; the others follow by seconds. */
  readonly startMs: number;
}

interface Acknowledged extends Numbered, Identity {
  readonly partition: number;
  readonly baseOffset: number;
}

/** A batch as it goes out, as often as it has to. */
interface Encoded extends Numbered, Identity {
  readonly bytes: Buffer;
  readonly history: History;
}

type StepOf<K extends Step['kind']> = Extract<Step, { kind: K }>;

const nobody: Identity = { producerId: 1_000_000, producerEpoch: 0 };
/** What a broker says that is not ready, or not done with what came before. */
const notReady = [
  ...['NOT_COORDINATOR', 'COORDINATOR_NOT_AVAILABLE', 'COORDINATOR_LOAD_IN_PROGRESS'],
  ...['NOT_LEADER_OR_FOLLOWER', 'LEADER_NOT_AVAILABLE', 'UNKNOWN_TOPIC_OR_PARTITION'],
  ...['UNKNOWN_TOPIC_ID', 'CONCURRENT_TRANSACTIONS', 'the connection ends'],
];
const readyMsMax = 20_000;

export class Side {
  readonly #io: Io;
  readonly #options: SideOptions;
  readonly #identities = new Map<Actor, Identity>();
  readonly #producers: number[] = [];
  readonly #histories = new Map<string, History>();
  readonly #acknowledged: Acknowledged[] = [];
  #connection: ClientConnection | null = null;
  #records = 0;

  constructor(io: Io, options: SideOptions) {
    this.#io = io;
    this.#options = options;
  }

  close(): void {
    this.#connection?.close();
    this.#connection = null;
  }

  async play(step: Step): Promise<string> {
    const numbered = step.kind === 'produce' ? this.#encoded(step) : null;
    return await this.#whenReady(() => this.#send(step, numbered));
  }

  /** Everything that is there at the end. */
  async look(): Promise<string> {
    return await this.#whenReady(async () => ({
      producers: await this.#producersNow(),
      start: [...(await this.#offsets(-2))],
      fetched: await Promise.all(partitions.map((partition) => this.#fetched(partition, 0))),
      committed: await Promise.all(partitions.map((partition) => this.#fetched(partition, 1))),
    }));
  }

  /** What was acknowledged and is not there; null if nothing is. */
  async lost(): Promise<string | null> {
    // Until the broker is ready.
    await this.look();
    const starts = await this.#offsets(-2);
    const held = new Set<string>();
    for (const partition of partitions) {
      const { records } = await this.#fetched(partition, 0);
      for (const header of batchHeaders(records)) {
        held.add(nameOf({ ...header, partition, count: header.recordCount }));
      }
    }
    for (const batch of this.#acknowledged) {
      const isDeleted = batch.baseOffset < (starts.get(batch.partition) ?? 0);
      if (!isDeleted && !held.has(nameOf(batch)))
        return `${nameOf(batch)} is acknowledged, not held`;
    }
    return null;
  }

  get #nowMs(): number {
    return this.#io.clock.monotonic();
  }

  async #whenReady(send: () => Promise<unknown>): Promise<string> {
    for (const endMs = this.#nowMs + readyMsMax; ; await this.#io.clock.sleep(20)) {
      await this.#settled();
      const answer = await this.#answerOf(send);
      const isReady = !notReady.some((name) => answer.includes(name));
      if (!isReady && this.#nowMs < endMs) continue;
      await this.#settled();
      return answer;
    }
  }

  async #answerOf(send: () => Promise<unknown>): Promise<string> {
    try {
      return withoutEpochs(JSON.stringify(canonical(await send(), this.#names)));
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error;
      return error.errorName === 'NETWORK_EXCEPTION' ? 'the connection ends' : error.errorName;
    }
  }

  get #names(): Names {
    const { topic, topicId, startMs } = this.#options;
    return {
      producer: (producerId) => {
        if (producerId < 0 || producerId >= nobody.producerId) return producerId;
        if (!this.#producers.includes(producerId)) this.#producers.push(producerId);
        return `P${this.#producers.indexOf(producerId)}`;
      },
      text: (text) => (text === topicId ? 'topic' : text.replaceAll(topic, 'topic')),
      time: (timestamp) => {
        const seconds = (timestamp - startMs) / 1000;
        if (timestamp <= 0) return timestamp;
        return seconds > 1000 ? 'now' : `record ${seconds}`;
      },
    };
  }

  async #ask<A extends Api>(
    api: A,
    body: RequestInput<A>,
    version: number,
  ): Promise<ResponseOf<A>> {
    if (this.#connection === null || this.#connection.isClosed) {
      const { port } = this.#options;
      const address = { host: '127.0.0.1', port, clientId: 'rules' };
      this.#connection = await ClientConnection.connect(this.#io, address);
    }
    assert.equal(this.#connection.versionOf(api, version), version, `${api.name} v${version}`);
    return await this.#connection.request(api, body, { versionMax: version });
  }

  /** Until no end of a transaction is under way. */
  async #settled(): Promise<void> {
    if (!this.#identities.has('transactional')) return;
    for (const endMs = this.#nowMs + readyMsMax; ; await this.#io.clock.sleep(20)) {
      if (this.#nowMs > endMs) return;
      try {
        if (await this.#isEnded()) return;
      } catch (error) {
        if (!(error instanceof KafkaError) || error.errorName !== 'NETWORK_EXCEPTION') throw error;
      }
    }
  }

  async #isEnded(): Promise<boolean> {
    if (!this.#identities.has('transactional')) return true;
    const body = { transactionalIds: [this.#options.topic] };
    const [state] = (await this.#ask(describeTransactions, body, 0)).transactionStates;
    return state?.errorCode === 0 && !state.transactionState.startsWith('Prepare');
  }

  async #send(step: Step, numbered: Encoded | null): Promise<unknown> {
    switch (step.kind) {
      case 'init':
        return await this.#init(step);
      case 'produce':
        return await this.#produce(step, numbered as Encoded);
      case 'add':
        return await this.#add(step);
      case 'end':
        return await this.#end(step);
      case 'delete':
        return await this.#delete(step);
      case 'producers':
        return await this.#producersNow();
    }
  }

  async #init({ version, actor }: StepOf<'init'>) {
    const transactionalId = actor === 'transactional' ? this.#options.topic : null;
    const request = { transactionalId, transactionTimeoutMs: 600_000 };
    const answer = await this.#ask(initProducerId, request, version);
    if (answer.errorCode === 0) this.#identities.set(actor, answer);
    return answer;
  }

  #identityOf({ actor, epoch }: Batch): Identity {
    const { producerId, producerEpoch } = this.#identities.get(actor) ?? nobody;
    const steps = { current: 0, bumped: 1, behind: -1, ahead: 3 };
    return { producerId, producerEpoch: Math.max(0, producerEpoch + steps[epoch]) };
  }

  #encoded({ partition, batch }: StepOf<'produce'>): Encoded {
    const identity = this.#identityOf(batch);
    const name = `${identity.producerId} ${identity.producerEpoch} ${partition}`;
    const history = this.#histories.get(name) ?? { stored: [], refused: null };
    this.#histories.set(name, history);
    const numbered = placeOf(batch, history);
    const records = Array.from({ length: numbered.count }, () => {
      const timestamp = this.#options.startMs + 1000 * this.#records++;
      return { key: null, value: Buffer.alloc(batch.isLarge ? 1000 : 10), timestamp };
    });
    const { baseSequence } = numbered;
    const { isTransactional } = batch;
    const bytes = encodeBatch({ records, ...identity, baseSequence, isTransactional });
    return { bytes, history, ...identity, ...numbered };
  }

  async #produce({ version, acks, partition, batch }: StepOf<'produce'>, encoded: Encoded) {
    const { topic: name, topicId } = this.#options;
    const partitionData = [{ index: partition, records: encoded.bytes }];
    const transactionalId = batch.actor === 'transactional' ? name : null;
    const topicData = [{ name, topicId, partitionData }];
    const request = { transactionalId, acks, timeoutMs: 10_000, topicData };
    const answer = await this.#ask(produce, request, version);
    const its = answer.responses[0]?.partitionResponses[0];
    assert.ok(its !== undefined);
    this.#onAnswer(errorName(its.errorCode), its.baseOffset, { partition, batch, encoded });
    return answer;
  }

  #onAnswer(
    error: string,
    baseOffset: number,
    { partition, batch, encoded }: { partition: number; batch: Batch; encoded: Encoded },
  ): void {
    if (notReady.includes(error)) return;
    const { history, producerId, producerEpoch, baseSequence, count } = encoded;
    if (error !== 'NONE') {
      history.refused = { baseSequence, count };
      return;
    }
    const identity = { producerId, producerEpoch };
    this.#acknowledged.push({ ...identity, baseSequence, count, partition, baseOffset });
    const isKnown = history.stored.some(
      (each) => each.baseSequence === baseSequence && each.count === count,
    );
    if (!isKnown) history.stored.push({ baseSequence, count });
    if (batch.actor !== 'transactional') this.#identities.set(batch.actor, identity);
  }

  async #add({ version, partition }: StepOf<'add'>) {
    const { producerId, producerEpoch } = this.#identities.get('transactional') ?? nobody;
    const { topic } = this.#options;
    const request = {
      v3AndBelowTransactionalId: topic,
      v3AndBelowProducerId: producerId,
      v3AndBelowProducerEpoch: producerEpoch,
      v3AndBelowTopics: [{ name: topic, partitions: [partition] }],
    };
    return await this.#ask(addPartitionsToTxn, request, version);
  }

  async #end({ version, isCommit: committed }: StepOf<'end'>) {
    const { producerId, producerEpoch } = this.#identities.get('transactional') ?? nobody;
    const body = { transactionalId: this.#options.topic, producerId, producerEpoch, committed };
    const answer = await this.#ask(endTxn, body, version);
    if (answer.errorCode === 0 && answer.producerId >= 0) {
      this.#identities.set('transactional', answer);
    }
    return answer;
  }

  async #delete({ partition: partitionIndex, part }: StepOf<'delete'>) {
    const [starts, ends] = [await this.#offsets(-2), await this.#offsets(-1)];
    const [start, end] = [starts, ends].map((offsets) => offsets.get(partitionIndex) ?? 0);
    const offset = (start as number) + Math.floor(part * ((end as number) - (start as number)));
    const topics = [{ name: this.#options.topic, partitions: [{ partitionIndex, offset }] }];
    return await this.#ask(deleteRecords, { topics, timeoutMs: 10_000 }, 2);
  }

  async #producersNow() {
    const topics = [{ name: this.#options.topic, partitionIndexes: partitions }];
    return await this.#ask(describeProducers, { topics }, 0);
  }

  /** By partition. */
  async #offsets(timestamp: number): Promise<Map<number, number>> {
    const asked = partitions.map((partitionIndex) => ({ partitionIndex, timestamp }));
    const topics = [{ name: this.#options.topic, partitions: asked }];
    const answer = await this.#ask(listOffsets, { replicaId: -1, isolationLevel: 0, topics }, 9);
    const all = answer.topics.flatMap((topic) => topic.partitions);
    const failed = all.find(({ errorCode }) => errorCode !== 0);
    if (failed !== undefined) throw KafkaError.fromCode(failed.errorCode);
    return new Map(all.map(({ partitionIndex, offset }) => [partitionIndex, offset]));
  }

  /** All of a partition, which takes a fetch for each segment. */
  async #fetched(partition: number, isolationLevel: number) {
    const { topic, topicId } = this.#options;
    let offset = (await this.#offsets(-2)).get(partition) ?? 0;
    const end = (await this.#offsets(-1)).get(partition) ?? 0;
    const records: Buffer[] = [];
    const aborted = new Set<string>();
    while (offset < end) {
      const asked = { partition, fetchOffset: offset, partitionMaxBytes: 10_000_000 };
      const topics = [{ topic, topicId, partitions: [asked] }];
      const limits = { maxWaitMs: 0, minBytes: 0, maxBytes: 20_000_000, isolationLevel };
      const answer = await this.#ask(fetch, { ...limits, topics }, 16);
      const [its] = answer.responses[0]?.partitions ?? [];
      if (its === undefined || its.errorCode !== 0) throw KafkaError.fromCode(its?.errorCode ?? -1);
      const headers = [...batchHeaders(its.records ?? Buffer.alloc(0))];
      if (headers.length === 0) break;
      records.push(its.records ?? Buffer.alloc(0));
      offset = (headers.at(-1)?.lastOffset ?? 0) + 1;
      for (const each of its.abortedTransactions ?? []) {
        const producer = this.#names.producer(each.producerId);
        if (each.firstOffset < offset) aborted.add(`${producer} from ${each.firstOffset}`);
      }
    }
    return { partition, end: offset, records: Buffer.concat(records), aborted: [...aborted] };
  }
}

function nameOf(batch: Acknowledged): string {
  const { producerId, producerEpoch, baseSequence, count, baseOffset, partition } = batch;
  const numbers = `sequence ${baseSequence} of ${count} records of ${producerId}:${producerEpoch}`;
  return `the batch at offset ${baseOffset} of partition ${partition} with ${numbers}`;
}

/** Those of leaders and coordinators: how often they move at a restart is the broker's own. */
function withoutEpochs(answer: string): string {
  return answer
    .replaceAll(/"(leader|coordinator)Epoch":\d+/g, '"$1Epoch":"some"')
    .replaceAll(/ by \d+ sequence/g, ' sequence');
}
