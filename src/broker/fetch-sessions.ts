// Incremental fetch sessions (KIP-227): a reader names its partitions once and afterwards sends
// only what changed, and is told only about partitions that have something to say. The cache is
// bounded by max.incremental.fetch.session.cache.slots; without a slot a client sends all again.
//
// A fetch costs what changed: a session reads only those of its partitions that are on a list. One
// leaves it when its reader was told all; it comes back when it moves or is asked for otherwise.
//
// Invariants: a session's epoch grows by one with each request it accepts; it never mixes topic
// names and ids; the cache keeps its bound; what is not on the list would be answered as last.

import type { Io } from '../io/index.ts';
import { KafkaError } from '../protocol/index.ts';
import type { Partition, VisibleBytesListener, VisibleBytesSource } from '../replication/index.ts';

/** Epochs with a meaning of their own in FetchRequest.sessionEpoch. */
const INITIAL_EPOCH = 0;
const FINAL_EPOCH = -1;
const INT32_MAX = 0x7fffffff;
/** A session in use within this time is not thrown out for a newcomer. */
const evictionMs = 120_000;

/** Who fetches as a follower. */
export interface FetchingReplica {
  readonly id: number;
  /** Of the life that it fetches in (KIP-903); -1 if it does not say. */
  readonly brokerEpoch: number;
}

/** What a fetch wants of one partition, and what the session last told its client of it. */
export interface FetchTarget {
  /** null where the client names topics by their ids. */
  readonly topic: string | null;
  readonly topicId: string;
  readonly partition: number;
  fetchOffset: number;
  bytesMax: number;
  currentLeaderEpoch: number;
  lastFetchedEpoch: number;
  /** Where the log of the follower begins that reads; -1 if it does not say. */
  readerLogStartOffset: number;
  highWatermarkSent: number;
  logStartOffsetSent: number;
}

export interface FetchSessionRequest {
  readonly sessionId: number;
  readonly sessionEpoch: number;
  readonly usesTopicIds: boolean;
  readonly isCommittedOnly: boolean;
  /** null: a consumer. */
  readonly replica: FetchingReplica | null;
  /** Who asks, where that matters: a session is that of whoever opened it. */
  readonly owner: string | null;
  /** With another one every partition is looked at again. */
  readonly aclsVersion: number;
  readonly targets: readonly FetchTarget[];
  readonly forgotten: readonly { topic: string | null; topicId: string; partition: number }[];
}

/** What a session sees of a partition. */
export type FetchedPartition = VisibleBytesSource &
  Pick<Partition, 'role' | 'highWatermark' | 'logStartOffset' | 'readableEnd'>;

/** The outcome of one partition, as far as a session needs to know it. */
export interface FetchOutcome {
  readonly target: FetchTarget;
  /** null if it could not be read. */
  readonly partition: FetchedPartition | null;
  readonly errorCode: number;
  readonly highWatermark: number;
  readonly logStartOffset: number;
  readonly recordsBytes: number;
  /** There may be records, and the quota of replication does not allow them now. */
  readonly isHeldBack: boolean;
  /** It says where to go on: where the logs part, or at which replica. */
  readonly isRedirected: boolean;
}

/** How one fetch request relates to a session; made by `FetchSessions.begin`. */
export interface FetchContext {
  /** Of the session that is there already; 0: none. */
  readonly sessionId: number;
  /** There is nothing that could get records. */
  readonly isEmpty: boolean;
  /**
   * What is to be read, in this order: all that was asked for, or what has news. Once more after a
   * wait: what was read before, and what has news since.
   */
  take(): readonly FetchTarget[];
  /** Where the news comes from for which a fetch waits that had these outcomes. */
  sources(outcomes: readonly FetchOutcome[]): readonly VisibleBytesSource[];
  /** The session id for the answer (0: none) and which outcomes belong into it. */
  finish<T extends FetchOutcome>(
    outcomes: readonly T[],
  ): { sessionId: number; outcomes: readonly T[] };
  /** The client does not hear of what was taken: it has news the next time, too. */
  putBack(): void;
}

export class FetchSessions {
  readonly #io: Io;
  readonly #sessionsMax: number;
  /** In the order of last use, oldest first (a Map keeps insertion order). */
  readonly #sessions = new Map<number, Session>();

  constructor(io: Io, sessionsMax: number) {
    this.#io = io;
    this.#sessionsMax = sessionsMax;
  }

  get count(): number {
    return this.#sessions.size;
  }

  /**
   * @throws KafkaError FETCH_SESSION_ID_NOT_FOUND, INVALID_FETCH_SESSION_EPOCH,
   * FETCH_SESSION_TOPIC_ID_ERROR
   */
  begin(request: FetchSessionRequest): FetchContext {
    const { sessionEpoch, sessionId, owner } = request;
    if (sessionEpoch === FINAL_EPOCH || sessionEpoch === INITIAL_EPOCH) {
      if (this.#sessions.get(sessionId)?.owner === owner) this.#end(sessionId);
      return sessionEpoch === FINAL_EPOCH ? sessionless(request.targets) : this.#fullFetch(request);
    }
    const session = this.#sessions.get(request.sessionId);
    const isOwn = session?.owner === request.owner;
    if (session === undefined || !isOwn || session.isFollower !== (request.replica !== null)) {
      throw new KafkaError('FETCH_SESSION_ID_NOT_FOUND');
    }
    if (session.epoch !== sessionEpoch) throw new KafkaError('INVALID_FETCH_SESSION_EPOCH');
    if (session.usesTopicIds !== request.usesTopicIds) {
      throw new KafkaError('FETCH_SESSION_TOPIC_ID_ERROR');
    }
    return this.#incrementalFetch(session, request);
  }

  #fullFetch(request: FetchSessionRequest): FetchContext {
    return {
      ...sessionless(request.targets),
      finish: (outcomes) => {
        for (const outcome of outcomes) remember(outcome);
        return { sessionId: this.#maybeCreate(request)?.id ?? 0, outcomes };
      },
    };
  }

  #incrementalFetch(session: Session, request: FetchSessionRequest): FetchContext {
    session.change(request);
    if (session.size === 0) {
      this.#end(session.id);
      return sessionless([]);
    }
    session.epoch = session.epoch === INT32_MAX ? 1 : session.epoch + 1;
    session.usedMs = this.#io.clock.monotonic();
    // A follower that is to fetch more does not wait for the end of its last fetch.
    session.onInterrupted();
    this.#sessions.delete(session.id);
    this.#sessions.set(session.id, session);
    return new SessionFetch(session);
  }

  #maybeCreate(request: FetchSessionRequest): Session | null {
    if (request.targets.length === 0 || this.#sessionsMax === 0) return null;
    if (this.#sessions.size >= this.#sessionsMax && !this.#maybeEvict(request.targets.length)) {
      return null;
    }
    let id = 0;
    while (id === 0 || this.#sessions.has(id)) id = this.#io.random.int(INT32_MAX) + 1;
    const session = new Session(id, request, this.#io.clock.monotonic());
    this.#sessions.set(id, session);
    return session;
  }

  /** Makes room by dropping a session nobody used lately, or an older one that saves us less. */
  #maybeEvict(targetCount: number): boolean {
    const nowMs = this.#io.clock.monotonic();
    const [oldest] = this.#sessions.values();
    if (oldest === undefined) return false;
    if (nowMs - oldest.usedMs > evictionMs) return this.#end(oldest.id);
    let smallest: Session | null = null;
    for (const session of this.#sessions.values()) {
      if (nowMs - session.createdMs <= evictionMs) continue;
      if (smallest === null || session.size < smallest.size) smallest = session;
    }
    if (smallest === null || smallest.size >= targetCount) return false;
    return this.#end(smallest.id);
  }

  #end(id: number): boolean {
    this.#sessions.get(id)?.close();
    return this.#sessions.delete(id);
  }
}

/** One request of a session; a later one leaves it nothing. */
class SessionFetch implements FetchContext {
  readonly isEmpty = false;
  readonly #session: Session;
  readonly #epoch: number;

  constructor(session: Session) {
    this.#session = session;
    this.#epoch = session.epoch;
  }

  get sessionId(): number {
    return this.#session.id;
  }

  get #isOvertaken(): boolean {
    return this.#session.epoch !== this.#epoch;
  }

  take(): readonly FetchTarget[] {
    return this.#isOvertaken ? [] : this.#session.take();
  }

  sources(outcomes: readonly FetchOutcome[]): readonly VisibleBytesSource[] {
    if (this.#isOvertaken) return [];
    this.#session.listenTo(outcomes);
    return [this.#session];
  }

  finish<T extends FetchOutcome>(
    outcomes: readonly T[],
  ): { sessionId: number; outcomes: readonly T[] } {
    const { sessionId } = this;
    return { sessionId, outcomes: this.#isOvertaken ? [] : this.#session.finish(outcomes) };
  }

  putBack(): void {
    if (!this.#isOvertaken) this.#session.putBack();
  }
}

/** One client's partitions, and which of them have news. Whoever waits for it hears of all. */
class Session implements VisibleBytesSource {
  readonly id: number;
  readonly usesTopicIds: boolean;
  readonly owner: string | null;
  readonly createdMs: number;
  isCommittedOnly: boolean;
  #replica: FetchingReplica | null;
  #aclsVersion: number;
  epoch = 1;
  usedMs: number;
  readonly #partitions = new Map<string, SessionPartition>();
  /** In the order in which they are to be read. */
  #news: Set<SessionPartition>;
  /** Taken off the list by the fetch that is under way. */
  readonly #taken = new Set<SessionPartition>();
  #waiter: VisibleBytesListener | null = null;

  constructor(id: number, request: FetchSessionRequest, nowMs: number) {
    this.id = id;
    this.usesTopicIds = request.usesTopicIds;
    this.isCommittedOnly = request.isCommittedOnly;
    [this.#replica, this.owner] = [request.replica, request.owner];
    this.#aclsVersion = request.aclsVersion;
    this.createdMs = nowMs;
    this.usedMs = nowMs;
    for (const target of request.targets) {
      this.#partitions.set(keyOf(target), new SessionPartition(this, target));
    }
    this.#news = new Set(this.#partitions.values());
  }

  get size(): number {
    return this.#partitions.size;
  }

  get isFollower(): boolean {
    return this.#replica !== null;
  }

  /** Adds, changes and forgets what the request says. */
  change(request: FetchSessionRequest): void {
    this.putBack();
    const { isCommittedOnly, aclsVersion, replica } = request;
    const isAsBefore = isCommittedOnly === this.isCommittedOnly && isSame(request, this.#replica);
    if (!isAsBefore || aclsVersion !== this.#aclsVersion) {
      this.isCommittedOnly = isCommittedOnly;
      [this.#replica, this.#aclsVersion] = [replica, aclsVersion];
      for (const partition of this.#partitions.values()) this.#news.add(partition);
    }
    for (const target of request.targets) {
      const key = keyOf(target);
      let partition = this.#partitions.get(key);
      if (partition === undefined) {
        partition = new SessionPartition(this, target);
        this.#partitions.set(key, partition);
      }
      partition.change(target);
      this.#news.add(partition);
    }
    for (const each of request.forgotten) this.#forget(keyOf(each));
  }

  #forget(key: string): void {
    const partition = this.#partitions.get(key);
    if (partition === undefined) return;
    this.#partitions.delete(key);
    this.#news.delete(partition);
    partition.listenTo(null);
  }

  take(): readonly FetchTarget[] {
    for (const partition of this.#news) this.#taken.add(partition);
    this.#news.clear();
    return [...this.#taken];
  }

  putBack(): void {
    if (this.#taken.size === 0) return;
    this.#news = new Set([...this.#taken, ...this.#news]);
    this.#taken.clear();
  }

  listenTo(outcomes: readonly FetchOutcome[]): void {
    for (const { target, partition, isHeldBack } of outcomes) {
      if (!(target instanceof SessionPartition) || !this.#has(target)) continue;
      target.isHeldBack = isHeldBack;
      target.listenTo(partition);
    }
  }

  /** Returns what the client must hear of. Partitions that had records are read last next time. */
  finish<T extends FetchOutcome>(outcomes: readonly T[]): T[] {
    this.listenTo(outcomes);
    const hungry: SessionPartition[] = [];
    const served: SessionPartition[] = [];
    for (const outcome of outcomes) {
      const partition = outcome.target as SessionPartition;
      if (!this.#has(partition)) continue;
      this.#taken.delete(partition);
      this.#news.delete(partition);
      if (outcome.recordsBytes > 0) served.push(partition);
      else if (!partition.isQuietAfter(outcome)) hungry.push(partition);
    }
    if (hungry.length + served.length > 0) {
      this.#news = new Set([...hungry, ...this.#news, ...served]);
    }
    return outcomes.filter(takeNews);
  }

  onNews(partition: SessionPartition): void {
    if (this.#has(partition)) this.#news.add(partition);
  }

  /** False once it was forgotten, or the session has ended. */
  #has(partition: SessionPartition): boolean {
    return this.#partitions.get(partition.key) === partition;
  }

  onVisible(bytes: number): void {
    this.#waiter?.onVisible(bytes);
  }

  onInterrupted(): void {
    this.#waiter?.onInterrupted();
  }

  addListener(waiter: VisibleBytesListener): void {
    this.#waiter = waiter;
  }

  removeListener(waiter: VisibleBytesListener): void {
    if (this.#waiter === waiter) this.#waiter = null;
  }

  close(): void {
    for (const partition of this.#partitions.values()) partition.listenTo(null);
    this.#partitions.clear();
    this.#news.clear();
    this.#taken.clear();
  }
}

/** A partition of a session, which listens for its news from the first time that it is read. */
class SessionPartition implements FetchTarget, VisibleBytesListener {
  readonly key: string;
  readonly topic: string | null;
  readonly topicId: string;
  readonly partition: number;
  fetchOffset = 0;
  bytesMax = 0;
  currentLeaderEpoch = -1;
  lastFetchedEpoch = -1;
  readerLogStartOffset = -1;
  /** What is appended to it ends no wait. */
  isHeldBack = false;
  highWatermarkSent: number;
  logStartOffsetSent: number;
  readonly #session: Session;
  #source: VisibleBytesSource | null = null;

  constructor(session: Session, target: FetchTarget) {
    this.#session = session;
    this.key = keyOf(target);
    this.topic = target.topic;
    this.topicId = target.topicId;
    this.partition = target.partition;
    this.highWatermarkSent = target.highWatermarkSent;
    this.logStartOffsetSent = target.logStartOffsetSent;
    this.change(target);
  }

  change(target: FetchTarget): void {
    this.fetchOffset = target.fetchOffset;
    this.bytesMax = target.bytesMax;
    this.currentLeaderEpoch = target.currentLeaderEpoch;
    this.lastFetchedEpoch = target.lastFetchedEpoch;
    this.readerLogStartOffset = target.readerLogStartOffset;
  }

  listenTo(source: VisibleBytesSource | null): void {
    if (source === this.#source) return;
    this.#source?.removeListener(this);
    source?.addListener(this);
    this.#source = source;
  }

  /** Reading it again would say the same, until it tells of news. */
  isQuietAfter({ partition, errorCode, isRedirected, ...outcome }: FetchOutcome): boolean {
    if (partition === null || errorCode !== 0 || isRedirected || this.isHeldBack) return false;
    if (partition.role === 'offline') return false;
    return (
      this.fetchOffset >= partition.readableEnd(this.isCommittedOnly, this.isFollower) &&
      partition.highWatermark === outcome.highWatermark &&
      partition.logStartOffset === outcome.logStartOffset
    );
  }

  get isCommittedOnly(): boolean {
    return this.#session.isCommittedOnly;
  }

  get isFollower(): boolean {
    return this.#session.isFollower;
  }

  onVisible(bytes: number): void {
    this.#session.onNews(this);
    if (!this.isHeldBack) this.#session.onVisible(bytes);
  }

  onMoved(): void {
    this.#session.onNews(this);
  }

  onInterrupted(): void {
    this.#session.onNews(this);
    this.#session.onInterrupted();
  }
}

/**
 * Whether the leader knows already who fetches. In a new life a follower must be noted with each of
 * its partitions, also with those that it has all of (KIP-903).
 */
function isSame({ replica }: FetchSessionRequest, known: FetchingReplica | null): boolean {
  return replica?.id === known?.id && replica?.brokerEpoch === known?.brokerEpoch;
}

/** For versions that know no sessions, for clients that end theirs, and to begin one. */
function sessionless(targets: readonly FetchTarget[]): FetchContext {
  return {
    sessionId: 0,
    isEmpty: targets.length === 0,
    take: () => targets,
    sources: (outcomes) =>
      outcomes.flatMap(({ partition, isHeldBack }) => (isHeldBack ? [] : (partition ?? []))),
    finish: (outcomes) => ({ sessionId: 0, outcomes }),
    putBack: () => {},
  };
}

function keyOf(target: { topic: string | null; topicId: string; partition: number }): string {
  return `${target.topic ?? target.topicId}/${target.partition}`;
}

function remember(outcome: FetchOutcome): void {
  const { target } = outcome;
  // After an error the next answer must mention the partition again, whatever it says.
  target.highWatermarkSent = outcome.errorCode === 0 ? outcome.highWatermark : -1;
  target.logStartOffsetSent = outcome.logStartOffset;
}

/** Whether the client must hear of it. */
function takeNews(outcome: FetchOutcome): boolean {
  const { target } = outcome;
  const isNews =
    outcome.recordsBytes > 0 ||
    outcome.errorCode !== 0 ||
    outcome.isRedirected ||
    outcome.highWatermark !== target.highWatermarkSent ||
    outcome.logStartOffset !== target.logStartOffsetSent;
  remember(outcome);
  return isNews;
}
