// Fetches from one leader: one connection, on which one fetch follows the other, for as long as
// there is a partition to fetch. A fetch waits at the leader for news; for partitions that come
// meanwhile another one is sent behind it, which ends its wait (broker/fetch-sessions.ts): who
// follows a new leader does not wait for the end of a fetch of other partitions.
//
// Invariants: answers are taken in the order of their fetches; a partition that was refused rests
// without holding up the others, and a new role or epoch ends its rest; what a partition does
// beside the fetches (its log is cut, its leader is asked where it begins) is over before it is
// fetched again; nothing is under way any more when `close` has resolved.

import { Deferred } from '../../base/deferred.ts';
import { type Io, IoError, type Log, type Timer } from '../../io/index.ts';
import { errorName, fetch, KafkaError, type ResponseOf } from '../../protocol/index.ts';
import type { FollowerState } from '../follower-state.ts';
import type { Partition } from '../partition.ts';
import { FetchSession, type SessionFetch } from './fetch-session.ts';
import {
  FetchedPartition,
  type FetchedPartitionOptions,
  type Outcome,
} from './fetched-partition.ts';
import type { LeaderConnection, ReplicaFetchersOptions } from './fetcher-options.ts';

export interface LeaderFetcherOptions extends Omit<ReplicaFetchersOptions, 'replicas'> {
  readonly leader: number;
  readonly name: string;
  /** Called before each fetch. */
  readonly onSettingsSeen: () => void;
}

/** Fetches that are awaited at a time. */
const sentMax = 4;
/** The first rest after something that will soon be over; it doubles up to the configured one. */
const restMsMin = 10;
/** Of a partition whose budget is used up. */
const throttledMs = 100;

export class LeaderFetcher {
  readonly name: string;
  readonly #io: Io;
  readonly #log: Log;
  readonly #options: LeaderFetcherOptions;
  readonly #ofPartitions: FetchedPartitionOptions;
  readonly #session = new FetchSession();
  readonly #partitions = new Map<Partition, FetchedPartition>();
  readonly #resting = new Map<FetchedPartition, Timer>();
  /** What partitions do beside the fetches. */
  readonly #besides = new Set<Promise<void>>();
  readonly #closed = new Deferred<null>();
  readonly #running: Promise<void>;
  /** What is awaited, in the order in which it was sent. */
  readonly #sent: Promise<ResponseOf<typeof fetch>>[] = [];
  #isOvertaking = false;
  #connection: LeaderConnection | null = null;
  /** While there is nothing to fetch. */
  #idle: Deferred<void> | null = null;
  /** While the leader cannot be reached. */
  #pause: Deferred<void> | null = null;
  #pauseMs = 0;
  #isClosed = false;

  constructor(io: Io, options: LeaderFetcherOptions) {
    this.#io = io;
    this.#log = io.log.child('fetcher');
    this.#options = options;
    this.name = options.name;
    this.#ofPartitions = {
      log: this.#log,
      nodeId: options.nodeId,
      onBeside: (fetched, work) => this.#beside(fetched, work),
    };
    this.#running = this.#run().catch((error: unknown) => options.onBug(error as Error));
  }

  get isEmpty(): boolean {
    return this.#partitions.size === 0;
  }

  /** Fetches the partition in this epoch from now on. */
  add(partition: Partition, follower: FollowerState): void {
    const before = this.#partitions.get(partition);
    if (before?.follower === follower) return;
    if (before !== undefined) this.#forget(before);
    const fetched = new FetchedPartition(this.#ofPartitions, partition, follower);
    this.#partitions.set(partition, fetched);
    this.#ask(fetched);
    // The leader may have come back: it was elected since we rest.
    this.#pauseMs = 0;
    this.#pause?.resolve();
  }

  remove(partition: Partition): void {
    const fetched = this.#partitions.get(partition);
    if (fetched === undefined) return;
    this.#partitions.delete(partition);
    this.#forget(fetched);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    for (const fetched of this.#partitions.values()) this.#forget(fetched);
    this.#partitions.clear();
    this.#closed.resolve(null);
    this.#connection?.close();
    this.#idle?.resolve();
    this.#pause?.resolve();
    await this.#running;
    await Promise.all(this.#besides);
  }

  async #run(): Promise<void> {
    // Not in the turn that makes it: partitions come in that one.
    await null;
    while (!this.#isClosed) {
      if (!this.#session.hasWork) {
        this.#idle = new Deferred();
        await this.#idle.promise;
        this.#idle = null;
        continue;
      }
      try {
        await this.#fetch();
      } catch (error) {
        if (!(error instanceof KafkaError || error instanceof IoError)) throw error;
        if (!this.#isClosed) await this.#onFailure(error);
      }
    }
  }

  async #fetch(): Promise<void> {
    this.#options.onSettingsSeen();
    if (this.#isClosed) return;
    const leader = this.#connection ?? (await this.#connect());
    if (this.#isClosed) return;
    const { partitionBytesMax } = this.#options.settings();
    const asked = this.#session.next(partitionBytesMax, (each) => this.#await(each));
    if (asked !== null) this.#send(leader, asked);
    for (let sent = this.#sent[0]; sent !== undefined; sent = this.#sent[0]) {
      const answer = await sent;
      this.#sent.shift();
      if (this.#isClosed) return;
      this.#take(answer, leader);
    }
  }

  #send(leader: LeaderConnection, asked: SessionFetch): void {
    const settings = this.#options.settings();
    const { nodeId: replicaId } = this.#options;
    const answer = leader.request(
      fetch,
      {
        replicaState: { replicaId, replicaEpoch: this.#options.brokerEpoch() },
        maxWaitMs: settings.waitMsMax,
        minBytes: settings.responseBytesMin,
        maxBytes: settings.responseBytesMax,
        ...asked,
      },
      { timeoutMs: settings.requestTimeoutMs },
    );
    this.#sent.push(answer);
    // Its failure is that of those before it, too: one of them is awaited.
    answer.catch(() => {});
  }

  /** While the leader keeps a fetch waiting: at the end of the turn, with all that came in it. */
  #overtakeLater(): void {
    if (this.#isOvertaking || this.#sent.length === 0) return;
    this.#isOvertaking = true;
    this.#io.clock.nextTurn(() => {
      this.#isOvertaking = false;
      const leader = this.#connection;
      const mayOvertake = this.#sent.length > 0 && this.#sent.length < sentMax;
      if (this.#isClosed || leader === null || leader.isClosed || !mayOvertake) return;
      const { partitionBytesMax } = this.#options.settings();
      const asked = this.#session.overtake(partitionBytesMax, (each) => this.#await(each));
      if (asked !== null) this.#send(leader, asked);
    });
  }

  async #connect(): Promise<LeaderConnection> {
    const opening = this.#options.connect(this.#options.leader);
    // Whoever closes us does not wait for a leader that does not answer.
    const leader = await Promise.race([opening, this.#closed.promise]);
    if (leader === null || this.#isClosed) {
      opening.then(
        (late) => late.close(),
        () => {},
      );
      throw new KafkaError('NETWORK_EXCEPTION', 'the fetcher is closed');
    }
    this.#connection = leader;
    leader.onClose = () => {
      if (this.#connection === leader) this.#connection = null;
    };
    return leader;
  }

  #take(answer: ResponseOf<typeof fetch>, leader: LeaderConnection): void {
    if (answer.errorCode !== 0) throw new KafkaError(errorName(answer.errorCode));
    this.#pauseMs = 0;
    for (const { topicId, partitions } of answer.responses) {
      for (const each of partitions) {
        const fetched = this.#session.find(topicId, each.partitionIndex);
        if (fetched === undefined) continue;
        this.#options.throttle?.record(fetched.partition, each.records?.length ?? 0);
        const outcome = fetched.take(each, leader);
        if (outcome instanceof Promise) this.#takeBeside(fetched, outcome);
        else this.#onOutcome(fetched, outcome);
      }
    }
    this.#session.onAnswered(answer.sessionId);
  }

  /** It is not fetched until its own work is done; the others are. */
  #takeBeside(fetched: FetchedPartition, work: Promise<Outcome>): void {
    this.#session.forget(fetched);
    this.#beside(fetched, work);
  }

  #beside(fetched: FetchedPartition, work: Promise<Outcome>): void {
    const done = work
      .then((outcome) => this.#onOutcome(fetched, outcome))
      .catch((error: unknown) => this.#options.onBug(error as Error))
      .finally(() => this.#besides.delete(done));
    this.#besides.add(done);
  }

  #onOutcome(fetched: FetchedPartition, outcome: Outcome): void {
    if (!this.#has(fetched)) return;
    if (outcome === 'refused' || outcome === 'unsettled') {
      this.#rest(fetched, outcome);
      return;
    }
    fetched.restMs = 0;
    if (outcome === 'moved') this.#ask(fetched);
  }

  #has(fetched: FetchedPartition): boolean {
    return this.#partitions.get(fetched.partition) === fetched;
  }

  #ask(fetched: FetchedPartition): void {
    if (this.#options.throttle?.holdsBack(fetched.partition)) {
      // In the leader's session it would be sent again and again.
      this.#restFor(fetched, throttledMs);
      return;
    }
    this.#session.ask(fetched);
    this.#idle?.resolve();
    this.#overtakeLater();
  }

  #forget(fetched: FetchedPartition): void {
    this.#session.forget(fetched);
    this.#resting.get(fetched)?.cancel();
    this.#resting.delete(fetched);
  }

  #rest(fetched: FetchedPartition, outcome: 'refused' | 'unsettled'): void {
    const { backoffMs } = this.#options.settings();
    fetched.restMs = outcome === 'refused' ? backoffMs : grown(fetched.restMs, backoffMs);
    this.#restFor(fetched, fetched.restMs);
  }

  #restFor(fetched: FetchedPartition, restMs: number): void {
    this.#session.forget(fetched);
    const timer = this.#io.clock.after(restMs, () => {
      this.#resting.delete(fetched);
      this.#ask(fetched);
    });
    this.#resting.set(fetched, timer);
  }

  /** Its log is being cut, or must be on the platter first. */
  #await(fetched: FetchedPartition): void {
    const ready = async (): Promise<Outcome> => {
      try {
        await fetched.follower.untilFetchable();
        return 'moved';
      } catch (error) {
        if (error instanceof KafkaError) return 'refused';
        throw error;
      }
    };
    this.#takeBeside(fetched, ready());
  }

  /** Once for each outage; then from time to time, or as soon as the leader is elected anew. */
  async #onFailure(error: KafkaError | IoError): Promise<void> {
    const wasIncremental = this.#session.onFailure();
    this.#sent.length = 0;
    if (wasIncremental && isSessionError(error)) return;
    this.#connection?.close();
    this.#connection = null;
    const { leader, settings } = this.#options;
    if (this.#pauseMs === 0) {
      this.#log.warn('cannot fetch from a leader: it is tried again', {
        leader,
        because: error.message,
      });
    }
    this.#pauseMs = grown(this.#pauseMs, settings().backoffMs);
    const pause = new Deferred<void>();
    this.#pause = pause;
    const timer = this.#io.clock.after(this.#pauseMs, () => pause.resolve());
    await pause.promise;
    timer.cancel();
    this.#pause = null;
  }
}

function grown(restMs: number, restMsMax: number): number {
  return Math.min(Math.max(restMsMin, 2 * restMs), Math.max(1, restMsMax));
}

/** The leader does not have our session any more: a new one is begun at once. */
function isSessionError({ code }: KafkaError | IoError): boolean {
  return typeof code === 'number' && sessionErrors.has(errorName(code));
}

const sessionErrors: ReadonlySet<string> = new Set([
  'FETCH_SESSION_ID_NOT_FOUND',
  'INVALID_FETCH_SESSION_EPOCH',
  'FETCH_SESSION_TOPIC_ID_ERROR',
]);
