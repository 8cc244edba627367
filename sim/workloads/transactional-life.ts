// What a transactional producer does from its start to its end, whatever it writes: it takes its
// transactional id over, and ends each transaction as it was told to, asking again while it does
// not know. What cannot be committed is aborted; a producer that cannot go on ends its life.

import { ErrorCode, KafkaError, Producer, type ProducerOptions } from '../../src/client/index.ts';
import type { Io } from '../../src/io/index.ts';
import type { TransactionLedger, TransactionSession } from '../checkers/index.ts';

export interface TransactionalPlan {
  /** Of this one life: no other has it. Also the client id. */
  readonly name: string;
  readonly transactionalId: string;
  readonly options: Omit<ProducerOptions, 'bootstrapServers' | 'transactionalId'> & {
    readonly transactionTimeoutMs: number;
  };
}

/** What all transactional clients of a world share. */
export interface TransactionWatch {
  readonly bootstrapServers: string;
  readonly ledger: TransactionLedger;
  readonly ids: TransactionalIds;
  /** How far two clocks of those who may coordinate were apart at the most in the last `forMs`. */
  readonly clocksApartMs: (forMs: number) => number;
  /** From now on nobody begins anything, and copiers are quick. */
  isSettling: boolean;
}

/** How a transaction ended for those who ran it; `lost`: the producer is of no use any more. */
export type TransactionEnd = 'committed' | 'aborted' | 'lost';

/** What tells a producer that another has taken its place, or that its time was up. */
const fencedCodes: readonly number[] = [
  ErrorCode.PRODUCER_FENCED,
  ErrorCode.INVALID_PRODUCER_EPOCH,
  ErrorCode.INVALID_TXN_STATE,
];

export class TransactionalLife {
  readonly producer: Producer;
  readonly session: TransactionSession;
  readonly #io: Io;
  readonly #plan: TransactionalPlan;
  readonly #watch: TransactionWatch;
  readonly #taking: Taking;
  #beganMs: number;
  #isLost = false;

  constructor(io: Io, plan: TransactionalPlan, watch: TransactionWatch) {
    const { name, transactionalId, options } = plan;
    const { bootstrapServers, ledger } = watch;
    this.#io = io;
    this.#plan = plan;
    this.#watch = watch;
    this.#taking = watch.ids.onAsked(transactionalId);
    this.#beganMs = io.clock.monotonic();
    this.session = ledger.openSession(name);
    const all = { ...options, bootstrapServers, transactionalId, clientId: name };
    this.producer = new Producer(all, io);
  }

  /** False: somebody else has the id. */
  async init(): Promise<boolean> {
    const isInitialized = await this.#attempt(() => this.producer.initTransactions());
    this.#watch.ids.onTaken(this.#taking);
    return isInitialized;
  }

  /** Runs one transaction. What `work` throws, or a failed record, makes it an abort. */
  async run(work: () => Promise<void>, isCommit: boolean): Promise<TransactionEnd> {
    const { producer, session } = this;
    producer.beginTransaction();
    session.begin();
    this.#beganMs = this.#io.clock.monotonic();
    const isWorked = await this.#attempt(work, false);
    if (isWorked && isCommit) {
      session.onCommit();
      if (await this.#attempt(() => producer.commitTransaction())) {
        session.onCommitted();
        return 'committed';
      }
    }
    if (this.#isLost || !(await this.#attempt(() => producer.abortTransaction()))) return 'lost';
    session.onAborted();
    return 'aborted';
  }

  async close(): Promise<void> {
    await this.#attempt(() => this.producer.close({ timeoutMs: 10_000 }));
  }

  /**
   * Another life has its id, or its transaction took longer than it may: from when it began, by the
   * clock of who coordinated then, until now, by the clock of who coordinates. That may be another
   * broker, and a clock that jumps is another one as well.
   */
  #mayBeFenced(): boolean {
    if (this.#watch.ids.mayBeTaken(this.#taking)) return true;
    const { transactionTimeoutMs } = this.#plan.options;
    const tookMs = this.#io.clock.monotonic() - this.#beganMs;
    return tookMs + this.#watch.clocksApartMs(tookMs) >= transactionTimeoutMs;
  }

  /** False if it failed for a reason that a producer has to live with. */
  async #attempt(call: () => Promise<void>, isRepeated = true): Promise<boolean> {
    for (;;) {
      try {
        await call();
        return true;
      } catch (error) {
        if (!(error instanceof KafkaError)) throw error;
        const isTimeUp = error.code === ErrorCode.REQUEST_TIMED_OUT && !isVerdict(error);
        if (isTimeUp && isRepeated) continue;
        if (isFatal(error)) {
          // Nothing else is fatal to a producer that does as it should.
          if (!fencedCodes.includes(error.code) || !this.#mayBeFenced()) throw error;
          this.#isLost = true;
        }
        return false;
      }
    }
  }
}

interface Taking {
  readonly transactionalId: string;
  readonly askedAt: number;
  /** Infinite: it still asks, or died while it did, and its request may arrive at any time. */
  takenAt: number;
}

/** Who has taken over which transactional id, and when. */
export class TransactionalIds {
  #moment = 0;
  readonly #takings: Taking[] = [];

  /** Somebody is about to ask for the id. */
  onAsked(transactionalId: string): Taking {
    const taking = { transactionalId, askedAt: this.#moment++, takenAt: Number.POSITIVE_INFINITY };
    this.#takings.push(taking);
    return taking;
  }

  onTaken(taking: Taking): void {
    taking.takenAt = this.#moment++;
  }

  /** Whether somebody else may have taken the id away from who has it by this. */
  mayBeTaken({ transactionalId, askedAt }: Taking): boolean {
    return this.#takings.some((other) => {
      const isOther = other.transactionalId === transactionalId && other.askedAt !== askedAt;
      return isOther && other.takenAt > askedAt;
    });
  }
}

function isVerdict(error: KafkaError): boolean {
  return 'isFatal' in error;
}

function isFatal(error: KafkaError): boolean {
  return 'isFatal' in error && error.isFatal === true;
}
