// What happens to records in hand: they wait for their turn, are handled, tried again, sent to a
// topic for later or to the dead letters, and are done.
//
// Invariant: works of a lane that was taken from are handled by nobody else until it is released,
// and that is when the handler has ended, be it that the partition has gone in the meantime.

import type { Timer } from '../../io/index.ts';
import { messageOf } from '../client.ts';
import type { UnreadableRecordsError } from '../consumer/unreadable-records-error.ts';
import { isHeard, traced } from '../diagnostics.ts';
import { IllegalStateError } from '../errors.ts';
import { keyOf } from '../leader-requests.ts';
import { deadLetterOf } from './dead-letters.ts';
import { callHandler, Failed } from './handling.ts';
import { type InHand, type PartitionInHand, Work } from './in-hand.ts';
import { type Lane, Lanes } from './lanes.ts';
import { PoisonRecordError } from './poison-record-error.ts';
import type { RetryTopics } from './retry-topics.ts';
import type { ResolvedRunOptions } from './run-options.ts';
import type { OutgoingRecord, Outlet, RawRecord, RunnerPort } from './runner-port.ts';
import { AttemptContext, type WorkAbortedError } from './work-context.ts';

/** Works that are handled together, from when they are taken until their lanes are released. */
interface Batch {
  works: Work[];
  readonly lanes: readonly Lane<Work>[];
  /** Those of a batch that failed, each of which is to be tried alone. */
  pending: Work[];
  /** Of `works`, here. */
  attempts: number;
  context: AttemptContext | null;
  /** It does not count as a handler at work any more. */
  isGivenUp: boolean;
}

export class Workshop {
  /** The run cannot go on. */
  onFatal: (error: unknown) => void = () => {};
  /** A handler has ended. */
  onSettled: () => void = () => {};
  readonly #port: RunnerPort;
  readonly #options: ResolvedRunOptions;
  readonly #inHand: InHand;
  readonly #retries: RetryTopics;
  readonly #lanes: Lanes<Work>;
  readonly #running = new Set<Batch>();
  readonly #resting = new Map<Batch, Timer>();
  #again: Batch[] = [];
  #ripeTimer: Timer | null = null;
  #outlet: Promise<Outlet> | null = null;
  #isWorking = false;
  #drains: (() => void)[] = [];

  constructor(
    port: RunnerPort,
    options: ResolvedRunOptions,
    shared: { readonly inHand: InHand; readonly retries: RetryTopics },
  ) {
    this.#port = port;
    this.#options = options;
    this.#inHand = shared.inHand;
    this.#retries = shared.retries;
    this.#lanes = new Lanes(options.limits);
  }

  get isAtWork(): boolean {
    return this.#running.size > 0;
  }

  take(record: RawRecord): void {
    const owner = this.#inHand.take(record);
    if (owner === null) return;
    const nowMs = this.#port.io.clock.monotonic();
    const origin = this.#retries.originOf(record);
    this.#lanes.add(new Work({ record, origin, owner }, this.#laneIdOf(record), nowMs));
  }

  /** Hands out what may be handled now. */
  work(): void {
    // A handler that returns at once ends within this loop.
    if (this.#isWorking) return;
    this.#isWorking = true;
    const { clock } = this.#port.io;
    while (this.#running.size < this.#options.concurrency) {
      const batch = this.#again.shift() ?? this.#takeBatch();
      if (batch === null) break;
      this.#begin(batch);
    }
    this.#isWorking = false;
    this.#ripeTimer?.cancel();
    const { ripeAtMs } = this.#lanes;
    const isWaiting = ripeAtMs !== null && this.#running.size < this.#options.concurrency;
    this.#ripeTimer = isWaiting
      ? clock.after(ripeAtMs - clock.monotonic(), () => this.work())
      : null;
  }

  /** Resolves when no handler has records of these partitions, or the time is up. */
  async drained(partitions: readonly PartitionInHand[], limitMs: number): Promise<void> {
    const isOver = (): boolean => partitions.every(({ atWork }) => atWork === 0);
    if (isOver()) return;
    await new Promise<void>((resolve) => {
      const end = (): void => {
        timer.cancel();
        this.#drains = this.#drains.filter((each) => each !== check);
        resolve();
      };
      const check = (): void => {
        if (isOver()) end();
      };
      const timer = this.#port.io.clock.after(limitMs, end);
      this.#drains.push(check);
    });
  }

  /** Handlers of partitions that have gone get their signal, and make room for others. */
  abandon(reason: WorkAbortedError): void {
    for (const batch of this.#running) {
      if (!batch.works.some(isGone)) continue;
      batch.context?.abort(reason);
      if (!batch.works.every(isGone)) continue;
      batch.isGivenUp = true;
      this.#running.delete(batch);
    }
    for (const [batch, timer] of this.#resting) {
      if (!batch.works.every(isGone) || !batch.pending.every(isGone)) continue;
      timer.cancel();
      this.#resting.delete(batch);
      this.#release(batch);
    }
    this.work();
  }

  /** A batch of the log that cannot be read: what it holds is poison. */
  async onUnreadable(error: UnreadableRecordsError): Promise<void> {
    const { onPoison } = this.#options;
    const { topicPartition: place, offset, nextOffset } = error;
    if (onPoison === 'stop') throw error;
    if (onPoison !== 'skip') {
      const parts = { timestamp: -1, timestampType: 'createTime', leaderEpoch: -1 } as const;
      const nothing = { ...place, ...parts, offset, key: null, value: null, headers: [] };
      const origin = this.#retries.originOf(nothing);
      const failure = { error, attempts: 0, groupId: this.#port.groupId };
      const letter = deadLetterOf(nothing, origin, failure, onPoison);
      await this.#send({ ...letter, timestamp: this.#port.io.clock.now() });
    }
    this.#port.log.warn('a batch that cannot be read is passed over', { reason: error.message });
    this.#port.seek(place, nextOffset);
  }

  async close(): Promise<void> {
    this.#ripeTimer?.cancel();
    for (const timer of this.#resting.values()) timer.cancel();
    if (this.#outlet !== null) await (await this.#outlet).close();
  }

  #laneIdOf(record: RawRecord): string | null {
    const { ordering } = this.#options;
    if (ordering === 'partition') return keyOf(record);
    if (ordering === 'none' || record.key === null) return null;
    return `${keyOf(record)} ${record.key.toString('latin1')}`;
  }

  #takeBatch(): Batch | null {
    const taken = this.#lanes.take(this.#port.io.clock.monotonic());
    if (taken === null) return null;
    return { ...taken, pending: [], attempts: 0, context: null, isGivenUp: false };
  }

  #begin(batch: Batch): void {
    batch.works = batch.works.filter(({ isDropped }) => !isDropped);
    if (batch.works.length === 0) {
      this.#next(batch);
      return;
    }
    const dueMs = batch.works.reduce((max, { origin }) => Math.max(max, origin.dueMs), 0);
    const waitMs = dueMs - this.#port.io.clock.now();
    if (dueMs > 0 && waitMs > 0) {
      this.#rest(batch, waitMs);
      return;
    }
    this.#running.add(batch);
    for (const { owner } of batch.works) owner.atWork++;
    const outcome = this.#call(batch);
    if (!(outcome instanceof Promise)) this.#onOutcome(batch, outcome);
    else void outcome.then((failed) => this.#onOutcome(batch, failed));
  }

  #call(batch: Batch): Promise<Failed | null> | Failed | null {
    const { handler, isBatch, handlerTimeoutMs, drainMs } = this.#options;
    const { works } = batch;
    const first = works[0] as Work;
    try {
      for (const work of works) work.decoded ??= this.#decode(work);
    } catch (error) {
      if (works.length > 1) return new Failed(error);
      return new Failed(new Undecodable(error));
    }
    batch.attempts++;
    const context = new AttemptContext(first.origin.attempts + batch.attempts);
    batch.context = context;
    const given = isBatch ? works.map(({ decoded }) => decoded) : first.decoded;
    const patience = { timeoutMs: handlerTimeoutMs, graceMs: drainMs };
    const { io, clientId, groupId } = this.#port;
    const handle = () => handler(given, context);
    if (!isHeard('process')) return callHandler(io.clock, handle, context, patience);
    const message = () => ({ clientId, groupId, records: works.map(({ record }) => record) });
    const call = () => traced('process', message, async () => handle());
    return callHandler(io.clock, call, context, patience);
  }

  #decode({ record, origin }: Work): unknown {
    if (origin.stage === 0) return this.#port.decode(record);
    const { topic, partition, offset, headers } = origin;
    return this.#port.decode({ ...record, topic, partition, offset, headers: headers as never });
  }

  #onOutcome(batch: Batch, failed: Failed | null): void {
    if (failed === null) {
      for (const work of batch.works) this.#inHand.finish(work);
      this.#settle(batch);
      this.#next(batch);
    } else void this.#onFailed(batch, failed.error);
    this.work();
  }

  async #onFailed(batch: Batch, error: unknown): Promise<void> {
    const { attempts, isRetriable } = this.#options;
    const isDead = error instanceof Undecodable;
    const wasAborted = batch.context?.abortedBy != null && batch.works.some(isGone);
    if (wasAborted) batch.attempts--;
    if (wasAborted || batch.works.every(({ isDropped }) => isDropped)) {
      this.#settle(batch);
      this.#again.push(batch);
      this.work();
    } else if (!isDead && batch.attempts < attempts && isRetriable(error)) {
      this.#settle(batch);
      this.#port.log.debug('a handler failed: will try again', { error: messageOf(error) });
      this.#rest(batch, this.#backoffMs(batch.attempts));
      this.work();
    } else if (batch.works.length > 1) {
      this.#settle(batch);
      batch.pending = batch.works;
      batch.works = [];
      this.#next(batch);
      this.work();
    } else await this.#onPoison(batch, isDead ? error.reason : error, isDead);
  }

  /** The batch counts as being at work until it is known what becomes of the record. */
  async #onPoison(batch: Batch, error: unknown, isDead: boolean): Promise<void> {
    const work = batch.works[0] as Work;
    try {
      await this.#send(this.#whereTo(work, batch.attempts, error, isDead));
      this.#inHand.finish(work);
    } catch (failure) {
      if (work.owner.state !== 'gone') this.onFatal(failure);
    }
    this.#settle(batch);
    this.#next(batch);
    this.work();
  }

  /** null: it is skipped. Throws if the run has to end. */
  #whereTo(work: Work, tries: number, error: unknown, isDead: boolean): OutgoingRecord | null {
    const { record, origin } = work;
    const { onPoison } = this.#options;
    const { groupId, log, io } = this.#port;
    const attempts = origin.attempts + tries;
    const later = isDead ? null : this.#retries.next(record, origin, attempts, io.clock.now());
    if (later !== null) return later;
    const poison = new PoisonRecordError(origin, attempts, error);
    if (onPoison === 'stop') throw poison;
    log.warn(onPoison === 'skip' ? 'a record is skipped' : 'a record goes to the dead letters', {
      reason: poison.message,
    });
    if (onPoison === 'skip') return null;
    return deadLetterOf(record, origin, { error, attempts, groupId }, onPoison);
  }

  async #send(record: OutgoingRecord | null): Promise<void> {
    if (record === null) return;
    this.#outlet ??= this.#port.openOutlet();
    try {
      await (await this.#outlet).send(record);
    } catch (error) {
      const what = `a record that failed could not be sent to ${record.topic}`;
      const failure = new IllegalStateError(
        `${what}: ${messageOf(error)}; its offset is not committed`,
        'Mend what `cause` says of the topic for failed records, then run again.',
      );
      failure.cause = error;
      throw failure;
    }
  }

  /** No handler has it now. */
  #settle(batch: Batch): void {
    for (const { owner } of batch.works) owner.atWork--;
    this.#running.delete(batch);
    batch.context = null;
    for (const check of this.#drains) check();
    this.onSettled();
  }

  /** The next of those that are tried alone; or the lanes are free. */
  #next(batch: Batch): void {
    const next = batch.pending.shift();
    if (next === undefined) {
      this.#release(batch);
      return;
    }
    batch.works = [next];
    batch.attempts = 0;
    this.#again.push(batch);
  }

  #rest(batch: Batch, delayMs: number): void {
    const { clock } = this.#port.io;
    const timer = clock.after(delayMs, () => {
      this.#resting.delete(batch);
      this.#again.push(batch);
      this.work();
    });
    this.#resting.set(batch, timer);
  }

  #release({ lanes }: Batch): void {
    for (const lane of lanes) this.#lanes.release(lane);
  }

  #backoffMs(attempts: number): number {
    const { backoffMs, backoffMaxMs } = this.#options;
    return Math.min(backoffMaxMs, backoffMs * 2 ** (attempts - 1));
  }
}

/** The bytes are not what the serde expects: no attempt will change that. */
class Undecodable {
  readonly reason: unknown;

  constructor(reason: unknown) {
    this.reason = reason;
  }
}

function isGone({ owner }: Work): boolean {
  return owner.state === 'gone';
}
