// One of the two brokers, to which the steps of a sequence are played: it fills in what its broker
// has handed out, sends the request as it is (no client in between, no retries but those of a
// broker that is not ready), and says in words that can be compared what came back.
//
// Invariant: before a step nothing is being ended any more, so that answers do not depend on time;
// only behind an end that is eager the next request is repeated until its answer is settled.

import assert from 'node:assert/strict';
import type { Io } from '../../../src/io/index.ts';
import { ClientConnection } from '../../../src/network/index.ts';
import {
  type Api,
  addOffsetsToTxn,
  addPartitionsToTxn,
  describeProducers,
  describeTransactions,
  encodeBatch,
  endTxn,
  errorName,
  fetch,
  findCoordinator,
  initProducerId,
  KafkaError,
  listOffsets,
  listTransactions,
  offsetFetch,
  produce,
  type RequestInput,
  type ResponseOf,
  txnOffsetCommit,
  writeTxnMarkers,
} from '../../../src/protocol/index.ts';
import { canonical, type Names } from './canonical.ts';
import { type Ask, claimOf, joinClassic, joinConsumer, type Member } from './members.ts';
import { type SentBatch, sequenceOf } from './sequences.ts';
import {
  type Actor,
  type Batch,
  type Claim,
  type GroupName,
  type Producer,
  type Step,
  type TopicPartitions,
  timeOutMs,
} from './steps.ts';

interface Identity {
  readonly producerId: number;
  readonly producerEpoch: number;
}

export interface SideOptions {
  readonly port: number;
  /** Before every name of topics, groups and transactional ids. */
  readonly prefix: string;
  /** By name, without the prefix. */
  readonly topicIds: ReadonlyMap<string, string>;
  /** Of the first record; the others follow by seconds. */
  readonly startMs: number;
}

type StepOf<K extends Step['kind']> = Extract<Step, { kind: K }>;

const unknownProducerId = 1_000_000;
const unknownTopicId = 'AAAAAAAAAAAAAAAAAAAAAg';
const notReady: ReadonlySet<string> = new Set([
  ...['NOT_COORDINATOR', 'COORDINATOR_NOT_AVAILABLE', 'COORDINATOR_LOAD_IN_PROGRESS'],
]);
const settleMsMax = 5_000;

export class Side {
  readonly #io: Io;
  readonly #options: SideOptions;
  #connection: ClientConnection | null = null;
  readonly #handedOut = new Map<Actor, Identity[]>();
  readonly #producers: number[] = [];
  readonly #sent = new Map<string, SentBatch>();
  readonly #members = new Map<GroupName, Member>();
  #records = 0;
  #isUnsettled = false;

  constructor(io: Io, options: SideOptions) {
    this.#io = io;
    this.#options = options;
  }

  close(): void {
    this.#connection?.close();
  }

  /** What came of it: the answer, and how the transactions stand when that is settled. */
  async play(step: Step): Promise<string> {
    // Others would answer one way while the markers are written, and another way behind them.
    if (this.#isUnsettled && !isBusyMeanwhile(step)) await this.#settled();
    const wasUnsettled = this.#isUnsettled;
    this.#isUnsettled = false;
    const answer = await this.#answerOf(step, wasUnsettled);
    if (step.kind === 'end' && step.isEager) {
      this.#isUnsettled = true;
      return answer;
    }
    return `${answer} => ${await this.#settled()}`;
  }

  async #answerOf(step: Step, isUnsettled: boolean): Promise<string> {
    for (const endMs = this.#nowMs + settleMsMax; ; await this.#io.clock.sleep(3)) {
      const answer = await this.#answerOrEnd(step);
      const isBusy = isUnsettled && answer.includes('CONCURRENT_TRANSACTIONS');
      const isReady = ![...notReady].some((name) => answer.includes(name));
      if ((!isBusy && isReady) || this.#nowMs > endMs) return answer;
    }
  }

  /** Some requests are so wrong that there is no answer, only an end of the connection. */
  async #answerOrEnd(step: Step): Promise<string> {
    try {
      return JSON.stringify(canonical(await this.#send(step), this.#names));
    } catch (error) {
      if (!(error instanceof KafkaError) || error.errorName !== 'NETWORK_EXCEPTION') throw error;
      return 'the connection ends';
    }
  }

  get #nowMs(): number {
    return this.#io.clock.monotonic();
  }

  get #names(): Names {
    return {
      producer: (producerId) => this.#producerName(producerId),
      text: (text) => {
        for (const [name, topicId] of this.#options.topicIds) if (text === topicId) return name;
        for (const [group, { memberId }] of this.#members) if (text === memberId) return group;
        return text.replaceAll(`${this.#options.prefix}-`, '');
      },
      time: (timestamp) => {
        const seconds = (timestamp - this.#options.startMs) / 1000;
        if (timestamp <= 0) return timestamp;
        return seconds > 1000 ? 'now' : `record ${seconds}`;
      },
    };
  }

  #producerName(producerId: number): string | number {
    if (producerId < 0 || producerId >= unknownProducerId) return producerId;
    if (!this.#producers.includes(producerId)) this.#producers.push(producerId);
    return `P${this.#producers.indexOf(producerId)}`;
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

  /** Until no end is under way, and what was begun to time out has done so. */
  async #settled(): Promise<string> {
    const transactionalIds = ['one', 'two', 'stranger'].map((actor) => this.#name(actor));
    for (const endMs = this.#nowMs + settleMsMax; ; await this.#io.clock.sleep(3)) {
      const answer = await this.#ask(describeTransactions, { transactionalIds }, 0);
      const isSettled = answer.transactionStates.every((one) => {
        if (notReady.has(errorName(one.errorCode))) return false;
        if (one.transactionState.startsWith('Prepare')) return false;
        return one.transactionState !== 'Ongoing' || one.transactionTimeoutMs !== timeOutMs;
      });
      if (!isSettled && this.#nowMs < endMs) continue;
      return answer.transactionStates
        .filter(({ errorCode }) => errorCode === 0)
        .map((one) => {
          const { transactionState, producerEpoch, topics } = one;
          const producer = `${this.#producerName(one.producerId)}:${producerEpoch}`;
          const names = topics.map(({ topic, partitions }) => `${topic} ${[...partitions].sort()}`);
          const state = `${transactionState} ${producer}`;
          return `${one.transactionalId} ${state} ${names.sort().join('; ')}`;
        })
        .join(', ')
        .replaceAll(`${this.#options.prefix}-`, '');
    }
  }

  #name(name: string): string {
    if (name === '' || name.startsWith('__')) return name;
    return `${this.#options.prefix}-${name}`;
  }

  #identity({ actor, claim }: Producer): Identity {
    const all = this.#handedOut.get(actor) ?? [];
    const none = { producerId: -1, producerEpoch: -1 };
    const unknown = { producerId: unknownProducerId, producerEpoch: 0 };
    const current = all.at(-1) ?? unknown;
    const { producerId, producerEpoch } = current;
    switch (claim satisfies Claim) {
      case 'current':
        return current;
      case 'previous':
        return all.at(-2) ?? current;
      case 'bumped':
        return { producerId, producerEpoch: Math.min(producerEpoch + 1, 32_767) };
      case 'ahead':
        return { producerId, producerEpoch: Math.min(producerEpoch + 3, 32_767) };
      case 'behind':
        return { producerId, producerEpoch: Math.max(producerEpoch - 1, -1) };
      case 'foreign':
        return this.#handedOut.get(actor === 'one' ? 'two' : 'one')?.at(-1) ?? unknown;
      case 'unknown':
        return unknown;
      case 'no epoch':
        return { producerId, producerEpoch: -1 };
      case 'none':
        return none;
    }
  }

  #handOut(actor: Actor, identity: Identity): void {
    const all = this.#handedOut.get(actor) ?? [];
    this.#handedOut.set(actor, [...all, identity]);
    this.#producerName(identity.producerId);
  }

  #topics(topics: readonly TopicPartitions[]) {
    return topics.map((one) => ({ ...one, name: this.#name(one.topic) }));
  }

  async #send(step: Step): Promise<unknown> {
    switch (step.kind) {
      case 'init':
        return await this.#init(step, step.timeoutMs, step.version);
      case 'add':
        return await this.#add(step);
      case 'add offsets': {
        const { actor, group, version } = step;
        const body = { ...this.#identity(step), groupId: this.#name(group) };
        const request = { ...body, transactionalId: this.#name(actor) };
        return await this.#ask(addOffsetsToTxn, request, version);
      }
      case 'commit offsets':
        return await this.#commitOffsets(step);
      case 'produce':
        return await this.#produce(step);
      case 'end':
        return await this.#end(step);
      case 'mark':
        return await this.#mark(step);
      case 'time out':
        return await this.#timeOut(step);
      default:
        return await this.#view(step);
    }
  }

  async #init(producer: Producer, timeoutMs: number, version: number) {
    const { actor } = producer;
    const transactionalId = actor === 'plain' ? null : this.#name(actor);
    const claimed = version < 3 ? {} : this.#identity(producer);
    const request = { transactionalId, transactionTimeoutMs: timeoutMs, ...claimed };
    const answer = await this.#ask(initProducerId, request, version);
    if (answer.errorCode === 0) this.#handOut(actor, answer);
    return answer;
  }

  async #add({ version, transactions }: StepOf<'add'>) {
    const all = transactions.map((addition) => ({
      transactionalId: this.#name(addition.actor),
      ...this.#identity(addition),
      verifyOnly: addition.verifyOnly,
      topics: this.#topics(addition.topics),
    }));
    if (version >= 4) return await this.#ask(addPartitionsToTxn, { transactions: all }, version);
    const [first] = all;
    assert.ok(first !== undefined);
    const request = {
      v3AndBelowTransactionalId: first.transactionalId,
      v3AndBelowProducerId: first.producerId,
      v3AndBelowProducerEpoch: first.producerEpoch,
      v3AndBelowTopics: first.topics,
    };
    return await this.#ask(addPartitionsToTxn, request, version);
  }

  async #commitOffsets(step: StepOf<'commit offsets'>) {
    const { actor, group, membership, topics, offset, version } = step;
    const member = await this.#memberOf(group);
    const request = {
      transactionalId: this.#name(actor),
      groupId: this.#name(group),
      ...this.#identity(step),
      ...(version < 3 ? {} : claimOf(member, membership)),
      topics: this.#topics(topics).map(({ name, partitions }) => ({
        name,
        partitions: partitions.map((partitionIndex) => {
          return { partitionIndex, committedOffset: offset, committedMetadata: 'm' };
        }),
      })),
    };
    return await this.#ask(txnOffsetCommit, request, version);
  }

  /** Joined when it is first needed. */
  async #memberOf(group: GroupName): Promise<Member> {
    const nobody = { memberId: '', epoch: -1 };
    if (group !== 'classic' && group !== 'consumer') return nobody;
    const known = this.#members.get(group);
    if (known !== undefined) return known;
    const ask: Ask = (api, body, version) => this.#ask(api, body, version);
    const join = group === 'classic' ? joinClassic : joinConsumer;
    const member = await join(ask, this.#name(group), this.#name('a'));
    this.#members.set(group, member);
    return member;
  }

  async #produce(step: Omit<StepOf<'produce'>, 'kind'>) {
    const { version, acks, transactionalId } = step;
    const batches = step.batches.map((batch) => {
      return { batch, ...this.#encoded(batch, this.#identity(batch.producer ?? step)) };
    });
    const topics = [...new Set(step.batches.map(({ topic }) => topic))];
    const request = {
      transactionalId: transactionalId === null ? null : this.#name(transactionalId),
      ...{ acks, timeoutMs: 10_000 },
      topicData: topics.map((topic) => ({
        name: this.#name(topic),
        topicId: this.#options.topicIds.get(topic) ?? unknownTopicId,
        partitionData: batches
          .filter(({ batch }) => batch.topic === topic)
          .map(({ batch, bytes }) => ({ index: batch.partition, records: bytes })),
      })),
    };
    const answer = await this.#ask(produce, request, version);
    for (const { batch, onStored } of batches) {
      const topicId = this.#options.topicIds.get(batch.topic);
      const { partitionResponses = [] } =
        answer.responses.find((one) =>
          version < 13 ? one.name === this.#name(batch.topic) : one.topicId === topicId,
        ) ?? {};
      const its = partitionResponses.find(({ index }) => index === batch.partition);
      if (its?.errorCode === 0) onStored();
    }
    return answer;
  }

  #encoded(batch: Batch, { producerId, producerEpoch }: Identity) {
    const { topic, partition, isTransactional, isControl = false } = batch;
    const place = `${producerId}:${producerEpoch}:${topic}:${partition}`;
    const { baseSequence, count } = sequenceOf(batch, this.#sent.get(place));
    const records = Array.from({ length: count }, () => {
      const timestamp = this.#options.startMs + 1000 * this.#records++;
      return { key: isControl ? Buffer.alloc(4) : null, value: Buffer.from('value'), timestamp };
    });
    const header = { producerId, producerEpoch, baseSequence, isTransactional, isControl };
    return {
      bytes: encodeBatch({ records, ...header }),
      onStored: () => {
        if (batch.sequence === 'again' && this.#sent.has(place)) return;
        this.#sent.set(place, { next: baseSequence + count, baseSequence, count });
      },
    };
  }

  async #end(step: StepOf<'end'>) {
    const { actor, isCommit: committed, version } = step;
    const body = { transactionalId: this.#name(actor), ...this.#identity(step), committed };
    const answer = await this.#ask(endTxn, body, version);
    if (answer.errorCode === 0 && answer.producerId >= 0) this.#handOut(actor, answer);
    return answer;
  }

  async #mark(step: StepOf<'mark'>) {
    const { version, isCommit: transactionResult, coordinatorEpoch, transactionVersion } = step;
    const topics = this.#topics(step.topics).map(({ name, partitions: partitionIndexes }) => {
      return { name, partitionIndexes };
    });
    const marker = { ...this.#identity(step), transactionResult, coordinatorEpoch, topics };
    const markers = [version < 2 ? marker : { ...marker, transactionVersion }];
    return await this.#ask(writeTxnMarkers, { markers }, version);
  }

  /** A transaction of a new incarnation that nobody ends in time. */
  async #timeOut({ actor: any, version, batch }: StepOf<'time out'>) {
    const actor = any === 'plain' ? 'two' : any;
    const answers: unknown[] = [];
    for (;;) {
      const answer = await this.#init({ actor, claim: 'none' }, timeOutMs, 4);
      if (errorName(answer.errorCode) === 'CONCURRENT_TRANSACTIONS') continue;
      answers.push(answer);
      break;
    }
    const producer = { actor, claim: 'current' } as const;
    if (version < 12) {
      const topics = [{ topic: batch.topic, partitions: [batch.partition] }];
      const transactions = [{ ...producer, topics, verifyOnly: false }];
      answers.push(await this.#add({ kind: 'add', version: 3, transactions }));
    }
    const request = { ...producer, version, transactionalId: actor, acks: -1, batches: [batch] };
    answers.push(await this.#produce(request));
    return answers;
  }

  async #view(step: Step): Promise<unknown> {
    switch (step.kind) {
      case 'list':
        return await this.#list(step);
      case 'describe': {
        const transactionalIds = step.actors.map((actor) => this.#name(actor));
        return await this.#ask(describeTransactions, { transactionalIds }, 0);
      }
      case 'producers': {
        const topics = this.#ownTopics(step.topics).map(({ name, partitions }) => {
          return { name, partitionIndexes: partitions };
        });
        return await this.#ask(describeProducers, { topics }, 0);
      }
      case 'fetch':
        return await this.#fetch(step);
      case 'list offsets':
        return await this.#listOffsets(step);
      case 'fetch offsets':
        return await this.#fetchOffsets(step);
      case 'find': {
        const key = this.#name(step.key);
        const keys = step.version < 4 ? { key } : { coordinatorKeys: [key] };
        return await this.#ask(findCoordinator, { keyType: step.keyType, ...keys }, step.version);
      }
      default:
        throw new Error(`no view: ${step.kind}`);
    }
  }

  /** Others write to internal topics, too. */
  #ownTopics(topics: readonly TopicPartitions[]) {
    return this.#topics(topics.filter(({ topic }) => !topic.startsWith('__')));
  }

  async #list({ version, states, of, durationMs, pattern }: StepOf<'list'>) {
    const producers = of.map((actor) => this.#identity({ actor, claim: 'current' }).producerId);
    const request = {
      stateFilters: states,
      producerIdFilters: producers,
      ...(version < 1 ? {} : { durationFilter: durationMs }),
      ...(version < 2 ? {} : { transactionalIdPattern: pattern }),
    };
    const answer = await this.#ask(listTransactions, request, version);
    const own = `${this.#options.prefix}-`;
    const transactionStates = answer.transactionStates.filter(({ transactionalId }) =>
      transactionalId.startsWith(own),
    );
    return { ...answer, transactionStates };
  }

  async #fetch({ version, isolationLevel, topics, offset }: StepOf<'fetch'>) {
    const request = {
      ...{ maxWaitMs: 0, minBytes: 0, isolationLevel },
      topics: this.#ownTopics(topics).map(({ topic, name, partitions }) => ({
        topic: name,
        topicId: this.#options.topicIds.get(topic) ?? unknownTopicId,
        partitions: partitions.map((partition) => {
          return { partition, fetchOffset: offset, partitionMaxBytes: 1_000_000 };
        }),
      })),
    };
    return await this.#ask(fetch, request, version);
  }

  async #listOffsets({ version, isolationLevel, topics, timestamp }: StepOf<'list offsets'>) {
    const time = timestamp < 0 ? timestamp : this.#options.startMs + 1000 * timestamp;
    const request = {
      ...{ replicaId: -1, isolationLevel },
      topics: this.#ownTopics(topics).map(({ name, partitions }) => ({
        name,
        partitions: partitions.map((partitionIndex) => ({ partitionIndex, timestamp: time })),
      })),
    };
    return await this.#ask(listOffsets, request, version);
  }

  async #fetchOffsets({ version, group, requireStable }: StepOf<'fetch offsets'>) {
    const groupId = this.#name(group);
    const topics = [
      { name: this.#name('a'), partitionIndexes: [0, 1] },
      { name: this.#name('b'), partitionIndexes: [0] },
    ];
    const stable = version < 7 ? {} : { requireStable };
    const request = version < 8 ? { groupId, topics } : { groups: [{ groupId, topics }] };
    return await this.#ask(offsetFetch, { ...request, ...stable }, version);
  }
}

/** Answered CONCURRENT_TRANSACTIONS until the end before it is complete. */
function isBusyMeanwhile({ kind }: Step): boolean {
  return ['init', 'add', 'add offsets', 'end'].includes(kind);
}
