// One partition of an internal topic that this broker leads, and the machine over its log: when it
// is there, and what becomes of it. What it decides is its owner's.
//
// Invariants: a request is decided only when the log is replayed; when the machine is lost (its log
// refused an append, or leadership moved) its owner hears of it, so that nothing that waits is
// forgotten, and it is built again for as long as this broker leads.

import type { Io } from '../io/index.ts';
import {
  type Decision,
  type Machine,
  type MachineLog,
  MachineRuntime,
  type SoftTimer,
} from '../machine/index.ts';
import { KafkaError } from '../protocol/index.ts';
import type { Partition } from '../replication/index.ts';

export interface MachineShardOptions<M extends Machine<R>, R> {
  /** What the machine serves, for log lines. */
  readonly what: string;
  readonly partition: Partition;
  readonly log: MachineLog<R>;
  readonly build: () => M;
  /** The log is replayed: from here on requests are decided. */
  readonly onLoaded: (machine: M) => void;
  /** The machine, which may have been loading, is gone; whoever waits for it is told the error. */
  readonly onAbandoned: (machine: M | null, error: KafkaError) => void;
  /** An invariant is broken: the process must not go on. */
  readonly onBug: (error: Error) => void;
}

/** Pause before a machine that was lost is built again. */
const reloadDelayMs = 1000;
/** Appends that may wait for the in-sync replicas at once. */
const appendsInFlightMax = 8;
/** Longest timer that every platform keeps. */
const timerMsMax = 2 ** 31 - 1;

export class MachineShard<M extends Machine<R>, R> {
  readonly leaderEpoch: number;
  readonly #io: Io;
  readonly #options: MachineShardOptions<M, R>;
  readonly #runtime: MachineRuntime<M, R>;
  readonly #name: string;
  /** From the moment at which it is built. */
  #machine: M | null = null;
  #isReady = false;
  #isClosed = false;
  #loading: Promise<void> = Promise.resolve();

  constructor(io: Io, options: MachineShardOptions<M, R>) {
    this.#io = io;
    this.#options = options;
    const { partition, log } = options;
    this.leaderEpoch = partition.leaderEpoch;
    this.#name = `${partition.topic}-${partition.partition}`;
    this.#runtime = new MachineRuntime<M, R>(io, {
      name: this.#name,
      log,
      build: () => {
        this.#machine = options.build();
        return { machine: this.#machine, replayFrom: 0 };
      },
      lostError,
      onLost: (cause) => this.#onLost(cause),
      appendsInFlightMax,
    });
  }

  get machine(): M | null {
    return this.#machine;
  }

  get isReady(): boolean {
    return this.#isReady;
  }

  /** Resolves when the machine is loaded, or cannot be for now. */
  get loaded(): Promise<void> {
    return this.#loading;
  }

  start(): void {
    this.#loading = this.#load();
  }

  close(): void {
    this.#isClosed = true;
    this.#runtime.close();
    this.#abandon(new KafkaError('NOT_COORDINATOR'));
  }

  /** @throws KafkaError COORDINATOR_LOAD_IN_PROGRESS, NOT_COORDINATOR */
  assertReady(): void {
    if (this.#isClosed) throw new KafkaError('NOT_COORDINATOR');
    if (!this.#isReady) throw new KafkaError('COORDINATOR_LOAD_IN_PROGRESS');
  }

  /**
   * Decides, if the log is replayed; the answer leaves when what it rests on is committed.
   * @throws KafkaError COORDINATOR_LOAD_IN_PROGRESS, NOT_COORDINATOR, COORDINATOR_NOT_AVAILABLE,
   * and what the decision throws
   */
  decide<T>(decide: (machine: M) => Decision<R, T>): Promise<T> {
    this.assertReady();
    return this.#runtime.submit(decide);
  }

  /** A decision that nobody waits for. */
  alone(deciding: Promise<unknown>): void {
    deciding.catch((error: unknown) => {
      // The machine is gone, or the state has moved on, and with it the reason to decide.
      if (!(error instanceof KafkaError)) this.#options.onBug(error as Error);
    });
  }

  /** Calls back unless the machine is gone by then. */
  after(delayMs: number, callback: (machine: M) => void): SoftTimer {
    return this.#runtime.after(Math.min(delayMs, timerMsMax), callback);
  }

  /** For as long as the machine lasts; the interval is asked for anew each time. */
  every(intervalMs: () => number, callback: (machine: M) => void): void {
    this.after(intervalMs(), (machine) => {
      callback(machine);
      this.every(intervalMs, callback);
    });
  }

  async #load(): Promise<void> {
    try {
      await this.#runtime.load();
    } catch (error) {
      this.#onLost(error);
      return;
    }
    if (this.#isClosed || this.#runtime.state !== 'active') return;
    this.#isReady = true;
    const { leaderEpoch } = this;
    this.#io.log.debug(`the ${this.#options.what} of ${this.#name} are loaded`, { leaderEpoch });
    this.#options.onLoaded(this.#machine as M);
  }

  #onLost(cause: unknown): void {
    if (this.#isClosed) return;
    if (!(cause instanceof KafkaError) && !(cause instanceof Error && 'code' in cause)) {
      this.#options.onBug(cause as Error);
      return;
    }
    this.#abandon(lostError(cause));
    const { partition, what } = this.#options;
    this.#io.log.warn(`the ${what} of ${this.#name} are not served: ${cause.message}`);
    const isOurs = partition.isLeader && partition.leaderEpoch === this.leaderEpoch;
    if (!isOurs) return;
    this.#io.clock.after(reloadDelayMs, () => {
      if (!this.#isClosed && this.#runtime.state === 'idle') this.start();
    });
  }

  #abandon(error: KafkaError): void {
    this.#isReady = false;
    const machine = this.#machine;
    this.#machine = null;
    this.#options.onAbandoned(machine, error);
  }
}

/** What a client is told whose request went down with the machine: ask for the coordinator. */
function lostError(cause: unknown): KafkaError {
  const isBusy =
    cause instanceof KafkaError &&
    (cause.errorName === 'NOT_ENOUGH_REPLICAS' || cause.errorName === 'REQUEST_TIMED_OUT');
  return new KafkaError(isBusy ? 'COORDINATOR_NOT_AVAILABLE' : 'NOT_COORDINATOR');
}
