// The runtime of decide -> append -> replay -> answer. It calls the machine one decision at a
// time, replays what was decided at once (so that the next decision sees it), appends the
// decisions of one turn of the event loop together, and lets a response leave when everything that
// its decision could see is committed and, where the log says so, was still the newest.
//
// Invariants: records are appended in the order in which they were decided and one decision is
// never split between appends; no response leaves before the commit of what it depends on, not
// even that of a question; a machine that saw a record which was not committed is thrown away,
// never repaired. There is no await inside a machine.

import { assert } from '../base/assert.ts';
import { Deferred } from '../base/deferred.ts';
import { type Io, ofOutages, RateLimitedLog } from '../io/index.ts';
import type { Decision, Machine } from './machine.ts';
import type { MachineLog } from './machine-log.ts';

export interface MachineRuntimeOptions<M extends Machine<R>, R> {
  /** For log lines and assertions. */
  readonly name: string;
  readonly log: MachineLog<R>;
  /** A fresh machine, and the offset from which it wants the log replayed. */
  readonly build: () => { readonly machine: M; readonly replayFrom: number };
  /** The error with which pending answers fail when the machine is thrown away. */
  readonly lostError: (cause: unknown) => Error;
  /** An append failed and the machine is gone: whoever owns it decides whether to load again. */
  readonly onLost?: (cause: unknown) => void;
  /**
   * Appends that may be under way at once. With 1 (the default) decisions gather while the log is
   * busy, which is group commit for a log that commits by fsync. A log that takes appends in order
   * and commits them later (a replicated partition) wants more.
   */
  readonly appendsInFlightMax?: number;
  /** A batch takes no further decision beyond this many records; one decision may exceed it. */
  readonly batchRecordsMax?: number;
}

export type MachineState = 'idle' | 'loading' | 'active' | 'closed';

interface Waiting {
  readonly settle: () => void;
  readonly fail: (error: Error) => void;
}

/** Decisions that will be, or are being, appended as one. */
interface Batch<R> {
  readonly baseOffset: number;
  readonly records: R[];
  readonly waiting: Waiting[];
}

export interface SoftTimer {
  cancel(): void;
}

export class MachineRuntime<M extends Machine<R>, R> {
  readonly #io: Io;
  readonly #outages: RateLimitedLog;
  readonly #options: MachineRuntimeOptions<M, R>;
  readonly #appendsInFlightMax: number;
  readonly #batchRecordsMax: number;
  #state: MachineState = 'idle';
  /** Changes whenever the machine is thrown away: late events of an older one find another. */
  #term = 0;
  #machine: M | null = null;
  /** One past the last record the machine has replayed. */
  #machineEnd = 0;
  #committedEnd = 0;
  /** Decided, not handed to the log. */
  #gathered: Batch<R>[] = [];
  /** Handed to the log, in order. */
  #inFlight: Batch<R>[] = [];
  #isFlushScheduled = false;
  readonly #timers = new Set<SoftTimer>();

  constructor(io: Io, options: MachineRuntimeOptions<M, R>) {
    this.#io = io;
    this.#outages = new RateLimitedLog(io.clock, io.log, ofOutages);
    this.#options = options;
    this.#appendsInFlightMax = options.appendsInFlightMax ?? 1;
    this.#batchRecordsMax = options.batchRecordsMax ?? 10_000;
  }

  get state(): MachineState {
    return this.#state;
  }

  /** One past the last committed record that this runtime knows of. */
  get committedEnd(): number {
    return this.#committedEnd;
  }

  /**
   * Builds the machine by replay; it takes decisions when the promise resolves. A load that
   * another `load`, `unload` or `close` overtook resolves without effect.
   */
  async load(): Promise<void> {
    assert(this.#state !== 'closed', `${this.#options.name} is closed`);
    this.#discard(this.#options.lostError('loading'));
    const term = this.#term;
    this.#state = 'loading';
    const { machine, replayFrom } = this.#options.build();
    try {
      const end = await this.#replayLog(machine, replayFrom, term);
      if (this.#term !== term) return;
      this.#machine = machine;
      this.#machineEnd = end;
      this.#committedEnd = end;
      this.#state = 'active';
    } catch (error) {
      if (this.#term === term) this.#discard(this.#options.lostError(error));
      throw error;
    }
  }

  /** Until the log has nothing more: it may have grown while it was read. */
  async #replayLog(machine: M, replayFrom: number, term: number): Promise<number> {
    const { name, log } = this.#options;
    let end = replayFrom;
    do {
      const before = end;
      for await (const batch of log.read(end)) {
        if (this.#term !== term) return end;
        assert(batch.baseOffset >= end, `${name}: the log goes back from ${end}`);
        batch.records.forEach((record, index) => {
          machine.replay(record, batch.baseOffset + index);
        });
        end = batch.endOffset;
      }
      if (this.#term !== term) return end;
      assert(end > before || end >= log.endOffset, `${name}: the log has a gap at ${end}`);
    } while (end < log.endOffset);
    return end;
  }

  /** Leadership moved: pending answers fail and the machine is thrown away. */
  unload(cause: unknown): void {
    if (this.#state !== 'closed') this.#discard(this.#options.lostError(cause));
  }

  close(): void {
    if (this.#state === 'closed') return;
    this.#discard(this.#options.lostError('closed'));
    this.#state = 'closed';
  }

  /**
   * Lets the machine decide. What `decide` throws rejects the promise and leaves no trace: it must
   * not have touched the machine. The response resolves when it is committed.
   */
  submit<T>(decide: (machine: M) => Decision<R, T>): Promise<T> {
    const machine = this.#machine;
    if (machine === null) return Promise.reject(this.#options.lostError(this.#state));
    let decision: Decision<R, T>;
    try {
      decision = decide(machine);
    } catch (error) {
      if (this.#options.log.confirm === undefined) return Promise.reject(error);
      return this.#whenConfirmed().then(() => Promise.reject(error));
    }
    const { records, response } = decision;
    if (records.length === 0 && this.#options.log.confirm !== undefined) {
      return this.#whenConfirmed().then(() => response);
    }
    if (records.length === 0 && this.#isEverythingCommitted()) return Promise.resolve(response);
    const answer = new Deferred<T>();
    const waiting: Waiting = {
      settle: () => answer.resolve(response),
      fail: answer.reject,
    };
    if (records.length === 0) this.#lastBatch().waiting.push(waiting);
    else this.#gather(machine, records, waiting);
    return answer.promise;
  }

  /** A question: answered from the state, once all that the state contains is committed. */
  read<T>(ask: (machine: M) => T): Promise<T> {
    return this.submit((machine) => ({ records: [], response: ask(machine) }));
  }

  /**
   * Soft state: calls back with the machine after the delay unless the machine was thrown away
   * meanwhile. The callback may submit; it is not itself a decision.
   */
  after(delayMs: number, callback: (machine: M) => void): SoftTimer {
    const timer = this.#io.clock.after(delayMs, () => {
      this.#timers.delete(handle);
      if (this.#machine !== null) callback(this.#machine);
    });
    const handle: SoftTimer = {
      cancel: () => {
        this.#timers.delete(handle);
        timer.cancel();
      },
    };
    this.#timers.add(handle);
    return handle;
  }

  /** What the state contains now is committed, and nobody has gone on from there without us. */
  async #whenConfirmed(): Promise<void> {
    const term = this.#term;
    // What is not handed over yet is refused if somebody has.
    if (this.#gathered.length > 0) return this.#whenCommitted();
    const confirmed = this.#options.log.confirm?.().catch((cause: unknown) => {
      throw this.#options.lostError(cause);
    });
    const committed = this.#inFlight.length > 0 ? this.#whenCommitted() : null;
    await Promise.all([committed, confirmed]);
    if (this.#term !== term) throw this.#options.lostError(this.#state);
  }

  #whenCommitted(): Promise<void> {
    const answer = new Deferred<void>();
    this.#lastBatch().waiting.push({ settle: () => answer.resolve(), fail: answer.reject });
    return answer.promise;
  }

  #isEverythingCommitted(): boolean {
    return this.#gathered.length === 0 && this.#inFlight.length === 0;
  }

  #lastBatch(): Batch<R> {
    const last = this.#gathered.at(-1) ?? this.#inFlight.at(-1);
    assert(last !== undefined, `${this.#options.name}: something is uncommitted`);
    return last;
  }

  #gather(machine: M, records: readonly R[], waiting: Waiting): void {
    let batch = this.#gathered.at(-1);
    if (batch === undefined || batch.records.length + records.length > this.#batchRecordsMax) {
      batch = { baseOffset: this.#machineEnd, records: [], waiting: [] };
      this.#gathered.push(batch);
    }
    try {
      for (const record of records) {
        machine.replay(record, this.#machineEnd);
        this.#machineEnd += 1;
        batch.records.push(record);
      }
    } catch (error) {
      // Half a decision is in the state: nobody may decide on it, even while the process goes down.
      this.#discard(this.#options.lostError(error));
      throw error;
    }
    batch.waiting.push(waiting);
    this.#scheduleFlush();
  }

  /** Once per turn, so that all that is decided in this turn is appended together. */
  #scheduleFlush(): void {
    if (this.#isFlushScheduled) return;
    this.#isFlushScheduled = true;
    this.#io.clock.nextTurn(() => {
      this.#isFlushScheduled = false;
      this.#flush();
    });
  }

  #flush(): void {
    while (this.#gathered.length > 0 && this.#inFlight.length < this.#appendsInFlightMax) {
      const batch = this.#gathered.shift() as Batch<R>;
      this.#inFlight.push(batch);
      this.#append(batch, this.#term);
    }
  }

  #append(batch: Batch<R>, term: number): void {
    this.#options.log.append(batch.records, batch.baseOffset).then(
      () => {
        if (this.#term === term) this.#onCommitted(batch);
      },
      (error) => {
        if (this.#term === term) this.#onAppendFailed(error);
      },
    );
  }

  /** The log commits in order: the batch, and every one handed over before it. */
  #onCommitted(batch: Batch<R>): void {
    const index = this.#inFlight.indexOf(batch);
    if (index < 0) return;
    for (const committed of this.#inFlight.splice(0, index + 1)) {
      this.#committedEnd = committed.baseOffset + committed.records.length;
      for (const waiting of committed.waiting) waiting.settle();
    }
    if (this.#gathered.length > 0) this.#flush();
  }

  #onAppendFailed(cause: unknown): void {
    this.#outages.warn(`${this.#options.name}: append failed, the machine is rebuilt`, { cause });
    this.#discard(this.#options.lostError(cause));
    this.#options.onLost?.(cause);
  }

  #discard(error: Error): void {
    const abandoned = [...this.#inFlight, ...this.#gathered];
    this.#term += 1;
    this.#state = 'idle';
    this.#machine = null;
    this.#inFlight = [];
    this.#gathered = [];
    for (const timer of [...this.#timers]) timer.cancel();
    for (const batch of abandoned) for (const waiting of batch.waiting) waiting.fail(error);
  }
}
