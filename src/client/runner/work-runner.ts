// The work runner: polls, hands records to the handler in the order that was asked for, and commits
// what is done. workshop.ts is what happens to a record in hand; here is what happens to the
// consumer: its partitions come, go and rest, and at the end it leaves the group.
//
// Invariants: only records before which everything is done are committed, the rest of what is done
// stands in the commit's metadata; once a partition has gone, nothing of it is committed any more.

import { Deferred } from '../../base/deferred.ts';
import type { Timer } from '../../io/index.ts';
import { isRetriableFailure, messageOf } from '../client.ts';
import { ClientConfigError } from '../client-config-error.ts';
import { UnreadableRecordsError } from '../consumer/unreadable-records-error.ts';
import type { TopicPartition } from '../leader-requests.ts';
import { Commits } from './commits.ts';
import { InHand, type PartitionInHand } from './in-hand.ts';
import { RetryTopics } from './retry-topics.ts';
import {
  type ResolvedRunOptions,
  type RunBatchOptions,
  type RunOptions,
  resolveRunOptions,
} from './run-options.ts';
import type { RawRecord, RunnerPort, WorkHolder } from './runner-port.ts';
import { WorkAbortedError } from './work-context.ts';
import { Workshop } from './workshop.ts';

/** A poll that waits is ended when there is something to do. */
const pollMs = 1000;

/** How `consumer.stop` ends a run. */
export interface StopOptions {
  /**
   * How long handlers may go on, in milliseconds; not longer than the run's drainMs. Default: that.
   */
  readonly drainMs?: number;
}

export class WorkRunner implements WorkHolder {
  readonly #port: RunnerPort;
  readonly #options: ResolvedRunOptions;
  readonly #inHand: InHand;
  readonly #workshop: Workshop;
  readonly #commits: Commits;
  readonly #ended = new Deferred<void>();
  #drainMs: number;
  #isStopping = false;
  #failure: unknown = null;
  #hasFailed = false;
  #commitTimer: Timer | null = null;

  /** @throws ClientConfigError */
  constructor(port: RunnerPort, options: RunOptions<unknown> | RunBatchOptions<unknown>) {
    this.#port = port;
    this.#options = resolveRunOptions(options, port.maxPollIntervalMs);
    this.#drainMs = this.#options.drainMs;
    const retries = new RetryTopics(this.#options.retryDelays, this.#namedTopics());
    this.#inHand = new InHand(port, this.#options);
    this.#commits = new Commits(port);
    this.#workshop = new Workshop(port, this.#options, { inHand: this.#inHand, retries });
    this.#workshop.onFatal = (error) => this.#fail(error);
    this.#workshop.onSettled = () => {
      if (this.#isStopping) port.endPoll();
    };
    if (retries.names.length > 0) port.subscribeToo(retries.names);
  }

  /** Resolves when it was stopped; rejects with what ended it. Either way it has left the group. */
  async run(): Promise<void> {
    const { signal } = this.#options;
    const onAbort = (): void => void this.stop();
    signal?.addEventListener('abort', onAbort, { once: true });
    if (signal?.aborted === true) this.#isStopping = true;
    this.#port.setHolder(this);
    this.#scheduleCommit();
    try {
      while (!this.#isStopping) await this.#turn();
    } catch (error) {
      this.#fail(error);
    }
    signal?.removeEventListener('abort', onAbort);
    await this.#end();
    this.#ended.resolve();
    if (this.#hasFailed) throw this.#failure;
  }

  /** Fetches no more, lets the handlers at work end, commits and leaves. Waits for that. */
  async stop(options: StopOptions = {}): Promise<void> {
    this.#drainMs = Math.min(this.#drainMs, options.drainMs ?? this.#drainMs);
    this.#isStopping = true;
    this.#port.endPoll();
    await this.#ended.promise;
  }

  async release(places: readonly TopicPartition[]): Promise<void> {
    const gone = this.#found(places);
    if (gone.length === 0) return;
    for (const each of gone) each.state = 'leaving';
    await this.#workshop.drained(gone, this.#drainMs);
    this.#giveUp(gone, 'revoked', 'the partition goes to another member of the group');
    await this.#commits.commitLast(gone);
  }

  drop(places: readonly TopicPartition[]): void {
    this.#giveUp(this.#found(places), 'lost', 'this member was thrown out of the group');
  }

  async #turn(): Promise<void> {
    let records: readonly RawRecord[] = [];
    try {
      records = await this.#port.poll(pollMs);
    } catch (error) {
      if (!(error instanceof UnreadableRecordsError)) throw error;
      await this.#workshop.onUnreadable(error);
      return;
    }
    if (this.#isStopping) return;
    for (const record of records) this.#workshop.take(record);
    this.#inHand.passToPositions();
    this.#inHand.balance();
    this.#workshop.work();
  }

  #fail(error: unknown): void {
    if (!this.#hasFailed) this.#failure = error;
    this.#hasFailed = true;
    this.#isStopping = true;
    this.#port.endPoll();
  }

  /** Handlers end, what is done is committed, and the group learns that we leave. */
  async #end(): Promise<void> {
    const { clock } = this.#port.io;
    this.#commitTimer?.cancel();
    const deadlineMs = clock.monotonic() + this.#drainMs;
    const all = [...this.#inHand.partitions];
    for (const each of all) if (each.state === 'ours') each.state = 'leaving';
    while (this.#workshop.isAtWork && clock.monotonic() < deadlineMs) {
      // Others may wait for our partitions meanwhile, and the group for a sign of life.
      for (const place of this.#port.assignment()) this.#port.hold(place, true);
      await this.#pollInVain(deadlineMs - clock.monotonic());
    }
    this.#giveUp(all, 'stopped', 'the run has been stopped');
    await this.#commits.commitLast(all);
    this.#port.setHolder(null);
    try {
      await this.#port.leave();
    } catch (error) {
      this.#fail(error);
    }
    for (const place of this.#port.assignment()) this.#port.hold(place, false);
    await this.#workshop.close();
  }

  async #pollInVain(leftMs: number): Promise<void> {
    try {
      await this.#port.poll(Math.min(pollMs, leftMs));
    } catch (error) {
      this.#port.log.debug('a poll failed while the run ends', { error: messageOf(error) });
      if (!isRetriableFailure(error)) this.#fail(error);
      await this.#port.io.clock.sleep(Math.min(100, leftMs));
    }
  }

  #giveUp(
    partitions: readonly PartitionInHand[],
    reason: WorkAbortedError['reason'],
    message: string,
  ): void {
    if (partitions.length === 0) return;
    for (const each of partitions) this.#inHand.drop(each);
    this.#workshop.abandon(new WorkAbortedError(reason, message));
  }

  #found(places: readonly TopicPartition[]): PartitionInHand[] {
    return places.flatMap((place) => this.#inHand.find(place) ?? []);
  }

  #scheduleCommit(): void {
    const { commitIntervalMs } = this.#options;
    this.#commitTimer = this.#port.io.clock.after(commitIntervalMs, () => {
      void this.#commits.commit([...this.#inHand.partitions]).then(() => {
        if (!this.#isStopping) this.#scheduleCommit();
      });
    });
  }

  #namedTopics(): readonly string[] {
    const topics = this.#port.subscribedTopics();
    if (this.#options.retryDelays.length === 0) return topics ?? [];
    if (topics !== null) return topics;
    throw new ClientConfigError('retry.topics needs topics by name: subscribe to a list of them');
  }
}
