// Incremental fetch sessions (KIP-227): a consumer names its partitions once and afterwards sends
// only what changed, and is told only about partitions that have something to say. The cache is
// bounded by max.incremental.fetch.session.cache.slots; a client that gets no slot simply keeps
// sending full requests.
//
// Invariants: the epoch a session expects grows by one with each request it accepts; a session
// never mixes topic names and topic ids; the cache never holds more than its bound.

import type { Io } from '../io/index.ts';
import { KafkaError } from '../protocol/index.ts';

/** Epochs with a meaning of their own in FetchRequest.sessionEpoch. */
const INITIAL_EPOCH = 0;
const FINAL_EPOCH = -1;
const INT32_MAX = 0x7fffffff;
/** A session in use within this time is not thrown out for a newcomer. */
const evictionMs = 120_000;

/** What a fetch wants of one partition, and what the session last told its client of it. */
export interface FetchTarget {
  /** The name if it is known; with topic ids it may be resolved later than the session began. */
  topic: string | null;
  readonly topicId: string;
  readonly partition: number;
  fetchOffset: number;
  bytesMax: number;
  currentLeaderEpoch: number;
  lastFetchedEpoch: number;
  highWatermarkSent: number;
  logStartOffsetSent: number;
}

export interface FetchSessionRequest {
  readonly sessionId: number;
  readonly sessionEpoch: number;
  readonly usesTopicIds: boolean;
  readonly targets: readonly FetchTarget[];
  readonly forgotten: readonly { topic: string | null; topicId: string; partition: number }[];
}

/** The outcome of one partition, as far as a session needs to know it. */
export interface FetchOutcome {
  readonly target: FetchTarget;
  readonly errorCode: number;
  readonly highWatermark: number;
  readonly logStartOffset: number;
  readonly recordsBytes: number;
  readonly isDiverging: boolean;
}

interface Session {
  readonly id: number;
  readonly usesTopicIds: boolean;
  readonly createdMs: number;
  readonly targets: Map<string, FetchTarget>;
  epoch: number;
  usedMs: number;
}

/** How one fetch request relates to a session; made by `FetchSessions.begin`. */
export interface FetchContext {
  /** In the order in which they are to be read. */
  targets(): Iterable<FetchTarget>;
  readonly targetCount: number;
  /** Of the session that is there already; 0: none. */
  readonly sessionId: number;
  /** The session id for the answer (0: none) and which outcomes belong into it. */
  finish<T extends FetchOutcome>(
    outcomes: readonly T[],
  ): { sessionId: number; outcomes: readonly T[] };
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
    const { sessionEpoch } = request;
    if (sessionEpoch === FINAL_EPOCH || sessionEpoch === INITIAL_EPOCH) {
      this.#sessions.delete(request.sessionId);
      return sessionEpoch === FINAL_EPOCH ? sessionless(request.targets) : this.#fullFetch(request);
    }
    const session = this.#sessions.get(request.sessionId);
    if (session === undefined) throw new KafkaError('FETCH_SESSION_ID_NOT_FOUND');
    if (session.epoch !== sessionEpoch) throw new KafkaError('INVALID_FETCH_SESSION_EPOCH');
    if (session.usesTopicIds !== request.usesTopicIds) {
      throw new KafkaError('FETCH_SESSION_TOPIC_ID_ERROR');
    }
    return this.#incrementalFetch(session, request);
  }

  #fullFetch(request: FetchSessionRequest): FetchContext {
    const { targets } = request;
    return {
      targets: () => targets,
      targetCount: targets.length,
      sessionId: 0,
      finish: (outcomes) => {
        const session = this.#maybeCreate(request);
        if (session !== null) for (const outcome of outcomes) remember(outcome);
        return { sessionId: session?.id ?? 0, outcomes };
      },
    };
  }

  #incrementalFetch(session: Session, request: FetchSessionRequest): FetchContext {
    for (const target of request.targets) {
      const known = session.targets.get(keyOf(target));
      if (known === undefined) {
        session.targets.set(keyOf(target), target);
        continue;
      }
      known.fetchOffset = target.fetchOffset;
      known.bytesMax = target.bytesMax;
      known.currentLeaderEpoch = target.currentLeaderEpoch;
      known.lastFetchedEpoch = target.lastFetchedEpoch;
    }
    for (const forgotten of request.forgotten) session.targets.delete(keyOf(forgotten));
    if (session.targets.size === 0) {
      this.#sessions.delete(session.id);
      return sessionless([]);
    }
    session.epoch = session.epoch === INT32_MAX ? 1 : session.epoch + 1;
    session.usedMs = this.#io.clock.monotonic();
    this.#sessions.delete(session.id);
    this.#sessions.set(session.id, session);
    return {
      targets: () => session.targets.values(),
      targetCount: session.targets.size,
      sessionId: session.id,
      finish: (outcomes) => ({
        sessionId: session.id,
        outcomes: outcomes.filter((outcome) => takeNews(session, outcome)),
      }),
    };
  }

  #maybeCreate(request: FetchSessionRequest): Session | null {
    if (request.targets.length === 0 || this.#sessionsMax === 0) return null;
    if (this.#sessions.size >= this.#sessionsMax && !this.#maybeEvict(request.targets.length)) {
      return null;
    }
    let id = 0;
    while (id === 0 || this.#sessions.has(id)) id = this.#io.random.int(INT32_MAX) + 1;
    const nowMs = this.#io.clock.monotonic();
    const session: Session = {
      id,
      usesTopicIds: request.usesTopicIds,
      createdMs: nowMs,
      targets: new Map(request.targets.map((target) => [keyOf(target), target])),
      epoch: 1,
      usedMs: nowMs,
    };
    this.#sessions.set(id, session);
    return session;
  }

  /** Makes room by dropping a session nobody used lately, or an older one that saves us less. */
  #maybeEvict(targetCount: number): boolean {
    const nowMs = this.#io.clock.monotonic();
    const [oldest] = this.#sessions.values();
    if (oldest === undefined) return false;
    if (nowMs - oldest.usedMs > evictionMs) return this.#sessions.delete(oldest.id);
    let smallest: Session | null = null;
    for (const session of this.#sessions.values()) {
      if (nowMs - session.createdMs <= evictionMs) continue;
      if (smallest === null || session.targets.size < smallest.targets.size) smallest = session;
    }
    if (smallest === null || smallest.targets.size >= targetCount) return false;
    return this.#sessions.delete(smallest.id);
  }
}

/** For versions that know no sessions, and for clients that end theirs. */
function sessionless(targets: readonly FetchTarget[]): FetchContext {
  return {
    targets: () => targets,
    targetCount: targets.length,
    sessionId: 0,
    finish: (outcomes) => ({ sessionId: 0, outcomes }),
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

/** Whether the client must hear of it; partitions with records go last next time (fairness). */
function takeNews(session: Session, outcome: FetchOutcome): boolean {
  const { target } = outcome;
  const isNews =
    outcome.recordsBytes > 0 ||
    outcome.errorCode !== 0 ||
    outcome.isDiverging ||
    outcome.highWatermark !== target.highWatermarkSent ||
    outcome.logStartOffset !== target.logStartOffsetSent;
  remember(outcome);
  if (outcome.recordsBytes > 0 && session.targets.size > 1) {
    const key = keyOf(target);
    if (session.targets.delete(key)) session.targets.set(key, target);
  }
  return isNews;
}
