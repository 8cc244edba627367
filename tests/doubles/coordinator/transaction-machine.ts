// The machine of transactions alone, without log and clock: what is decided is replayed at once,
// and a restart replays the bytes of the last record of each id, as compaction leaves them.

import assert from 'node:assert/strict';
import { type BrokerConfig, loadBrokerConfig } from '../../../src/config/index.ts';
import type { KeyedRecord } from '../../../src/coordinator/partition-machine-log.ts';
import {
  type AddPartitionsRequest,
  addPartitions,
} from '../../../src/coordinator/transaction/add-partitions.ts';
import {
  completeTransaction,
  type EndTransactionRequest,
  endTransaction,
  fenceTransaction,
} from '../../../src/coordinator/transaction/end-transaction.ts';
import {
  type InitProducerRequest,
  initProducerId,
  needsProducerId,
} from '../../../src/coordinator/transaction/init-producer-id.ts';
import type { Transaction } from '../../../src/coordinator/transaction/transaction.ts';
import {
  type TransactionDecision,
  TransactionMachine,
} from '../../../src/coordinator/transaction/transaction-machine.ts';
import {
  type TransactionRecord,
  transactionRecordCodec,
} from '../../../src/coordinator/transaction/transaction-record.ts';
import type { Clock } from '../../../src/io/index.ts';
import { KafkaError } from '../../../src/protocol/index.ts';

export interface TestMachineOptions {
  readonly transactionVersion?: number;
  readonly config?: Readonly<Record<string, string>>;
}

interface Producer {
  readonly producerId: number;
  readonly producerEpoch: number;
}

export const ID = 'tx';

export class TestMachine {
  nowMs = 1_000_000;
  transactionVersion: number;
  machine: TransactionMachine;
  /** The next id that the cluster gives. */
  nextProducerId = 4000;
  readonly #config: BrokerConfig;
  readonly #log = new Map<string, KeyedRecord>();
  readonly #codec = transactionRecordCodec(() => Math.min(this.transactionVersion, 1));

  constructor({ transactionVersion = 2, config = {} }: TestMachineOptions = {}) {
    this.transactionVersion = transactionVersion;
    this.#config = loadBrokerConfig({ overrides: Object.entries(config) }).config;
    this.machine = this.#newMachine();
  }

  #newMachine(): TransactionMachine {
    return new TransactionMachine({
      clock: { now: () => this.nowMs } as Clock,
      config: () => this.#config,
      transactionVersion: () => this.transactionVersion,
      recordBytesMax: () => 1_000_000,
    });
  }

  decide<T>({ records, response }: TransactionDecision<T>): T {
    for (const record of records) {
      this.machine.replay(record);
      const keyed = this.#codec.encode(record);
      this.#log.set(record.transactionalId as string, keyed);
    }
    return response;
  }

  restart(): void {
    this.machine = this.#newMachine();
    for (const { key, value } of this.#log.values()) {
      this.machine.replay(this.#codec.decode(key, value) as TransactionRecord);
    }
  }

  /** Replaces what is known, as if it had come to this. */
  given(changes: Partial<Transaction>): void {
    const transaction = { ...this.known, ...changes };
    this.decide({ records: [{ transactionalId: ID, transaction }], response: undefined });
  }

  get known(): Transaction {
    const known = this.machine.transactions.get(ID);
    assert.ok(known, `${ID} is known`);
    return known;
  }

  /** The state, and the identity that its producer has to name. */
  get summary(): string {
    const { state, producerId, producerEpoch } = this.known;
    return `${state} ${producerId}/${producerEpoch}`;
  }

  #newId(): number {
    return needsProducerId(this.machine, ID) ? this.nextProducerId++ : -1;
  }

  /** An id and an epoch, null while the older transaction is being aborted, or an error's name. */
  init(request: Partial<InitProducerRequest> = {}): Producer | null | string {
    const whole = { transactionalId: ID, timeoutMs: 60_000, producerId: -1, producerEpoch: -1 };
    return errorOr(() =>
      this.decide(initProducerId(this.machine, { ...whole, ...request }, this.#newId())),
    );
  }

  /** NONE, or the error about all partitions. */
  add(request: Partial<AddPartitionsRequest> = {}): string {
    const { producerId, producerEpoch } = this.known;
    const whole = {
      ...{ transactionalId: ID, producerId, producerEpoch },
      topics: [{ name: 't', partitions: [0] }],
      ...{ verifyOnly: false, transactionVersion: this.transactionVersion },
    };
    const added = errorOr(() => this.decide(addPartitions(this.machine, { ...whole, ...request })));
    return typeof added === 'string' ? added : 'NONE';
  }

  /** What the producer goes on with, or an error's name. */
  end(request: Partial<EndTransactionRequest> = {}): Producer | string {
    const { producerId, producerEpoch } = this.known;
    const whole = {
      ...{ transactionalId: ID, producerId, producerEpoch },
      ...{ isCommit: true, transactionVersion: this.transactionVersion },
    };
    return errorOr(() =>
      this.decide(endTransaction(this.machine, { ...whole, ...request }, this.#newId())),
    );
  }

  fence(): void {
    this.decide(fenceTransaction(this.machine, this.known, this.#newId()));
  }

  complete(): void {
    this.decide(completeTransaction(this.machine, this.known));
  }

  /** Begins a transaction over t-0. */
  begin(): void {
    this.init();
    assert.equal(this.add(), 'NONE');
  }
}

export function errorOr<T>(decide: () => T): T | string {
  try {
    return decide();
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error;
    return error.errorName;
  }
}
