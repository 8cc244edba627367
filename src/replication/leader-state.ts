// What a leader knows in one leader epoch: who is in sync with it, what each of the other replicas
// has, and how far the high watermark may go. It lives as long as the epoch: what a replica had in
// an epoch before it may have truncated since.
//
// Invariants: the watermark is no further than what each member of the larger in-sync set has, us
// included, and stands still while fewer than min.insync.replicas are in sync (KIP-966), for all
// acks; a replica enters only when it has reached the watermark and the start of the epoch, with a
// fetch of its present life. Of the others only those hold the watermark back that keep pace and
// may enter: under load they would never reach it where the leader alone is in sync.

import type { Clock } from '../io/index.ts';
import { KafkaError } from '../protocol/index.ts';
import { InSyncSet, type IsrChange } from './in-sync-set.ts';
import type { PartitionState } from './partition-state.ts';

/** What a fetch of a follower tells its leader. */
export interface FollowerFetch {
  readonly replicaId: number;
  /** The leader epoch that it believes in; -1 if it does not say. */
  readonly currentLeaderEpoch: number;
  /** It has all that is before. */
  readonly fetchOffset: number;
  /** Where its log begins; -1 if it does not say. */
  readonly logStartOffset: number;
  /** By the monotonic clock. */
  readonly timeMs: number;
  /** Of the life that it was sent in (KIP-903); -1 if it does not say. */
  readonly brokerEpoch: number;
  /** Of the connection that it came on: one that was made later has a higher number. */
  readonly connectionNumber: number;
}

/** As of its last fetch in this leader epoch; -1 where it has sent none. */
export interface RemoteReplica {
  readonly id: number;
  readonly logStartOffset: number;
  readonly logEndOffset: number;
  readonly lastFetchMs: number;
  /** It had all that we had at this time. */
  readonly lastCaughtUpMs: number;
  readonly brokerEpoch: number;
  readonly connectionNumber: number;
}

type MutableReplica = { -readonly [K in keyof RemoteReplica]: RemoteReplica[K] } & {
  /** Where our log ended at its last fetch. */
  leaderEndOffset: number;
  /** It keeps pace and may enter: the watermark waits for it. */
  isJoining: boolean;
};

export interface LeaderStateOptions {
  readonly nodeId: number;
  readonly state: PartitionState;
  /** Where the log ended when the epoch began. */
  readonly epochStartOffset: number;
  /** By the monotonic clock. */
  readonly nowMs: number;
}

/** Most partitions have one of these: no replica but ours. */
const nobody: readonly MutableReplica[] = [];
const nobodyBehind: readonly number[] = [];

export class LeaderState {
  readonly leaderEpoch: number;
  readonly epochStartOffset: number;
  readonly #nodeId: number;
  readonly #inSync: InSyncSet;
  #replicaCount: number;
  #remotes: readonly MutableReplica[] = nobody;
  /** Those of them that hold the watermark back. */
  #counted: readonly MutableReplica[] = nobody;

  constructor({ nodeId, state, epochStartOffset, nowMs }: LeaderStateOptions) {
    this.leaderEpoch = state.leaderEpoch;
    this.epochStartOffset = epochStartOffset;
    this.#nodeId = nodeId;
    this.#inSync = new InSyncSet(state);
    this.#replicaCount = state.replicas.length;
    this.#setRemotes(state, nowMs);
  }

  /**
   * A newer partition epoch of the same leader epoch.
   * @returns whether there are replicas of which nothing is known yet
   */
  onState(state: PartitionState, nowMs: number): boolean {
    const before = this.#remotes;
    for (const remote of before) {
      if (!state.isr.includes(remote.id)) continue;
      remote.isJoining = false;
      // Who enters gets the whole bound before it counts as behind.
      if (!this.isr.includes(remote.id)) remote.lastCaughtUpMs = nowMs;
    }
    this.#inSync.onCommitted(state);
    this.#replicaCount = state.replicas.length;
    this.#setRemotes(state, nowMs);
    return this.#remotes.some((remote) => !before.includes(remote));
  }

  get isr(): readonly number[] {
    return this.#inSync.committed;
  }

  /** What acks=all needs to be honoured. */
  requiredReplicas(minInSyncReplicas: number): number {
    return Math.min(minInSyncReplicas, this.#replicaCount);
  }

  /**
   * How far the watermark may go; -1 if it may not move.
   * @param ownEndOffset what we count as having
   */
  committedEnd(ownEndOffset: number, minInSyncReplicas: number): number {
    if (this.isr.length < this.requiredReplicas(minInSyncReplicas)) return -1;
    let end = ownEndOffset;
    for (const { logEndOffset } of this.#counted) if (logEndOffset < end) end = logEndOffset;
    return end;
  }

  /** Where the lowest log begins of those that live, ours included; -1 if one has not said. */
  lowestStart(own: number, isAlive: (brokerId: number) => boolean): number {
    let lowest = own;
    for (const { id, logStartOffset } of this.#remotes) {
      if (isAlive(id)) lowest = Math.min(lowest, logStartOffset);
    }
    return lowest;
  }

  remote(replicaId: number): RemoteReplica | undefined {
    return this.#remotes.find(({ id }) => id === replicaId);
  }

  get remotes(): readonly RemoteReplica[] {
    return this.#remotes;
  }

  /**
   * Notes what a follower has. The fetch must be of this leader epoch, and its log one with ours
   * up to the offset: a fetch that is told where it diverges says nothing of what it has.
   * @param leaderEndOffset where our log ends now
   * @throws KafkaError as `assertReplica` does, and NOT_LEADER_OR_FOLLOWER when it is late: of a
   *   life that is over, or of a connection that the follower has replaced
   */
  onFetch(fetch: FollowerFetch, leaderEndOffset: number): void {
    this.assertReplica(fetch.replicaId, fetch.currentLeaderEpoch);
    const remote = this.#remotes.find(({ id }) => id === fetch.replicaId) as MutableReplica;
    assertNotLate(fetch, remote);
    // Under load nobody ever has all: what we had at its last fetch is enough (Kafka's rule).
    if (fetch.fetchOffset >= leaderEndOffset) remote.lastCaughtUpMs = fetch.timeMs;
    else if (remote.lastFetchMs >= 0 && fetch.fetchOffset >= remote.leaderEndOffset) {
      remote.lastCaughtUpMs = Math.max(remote.lastCaughtUpMs, remote.lastFetchMs);
    }
    remote.logEndOffset = fetch.fetchOffset;
    remote.logStartOffset = fetch.logStartOffset;
    remote.lastFetchMs = fetch.timeMs;
    remote.brokerEpoch = fetch.brokerEpoch;
    remote.connectionNumber = fetch.connectionNumber;
    remote.leaderEndOffset = leaderEndOffset;
  }

  /**
   * Checks that who fetches is the follower that it says it is.
   * @throws KafkaError UNKNOWN_LEADER_EPOCH if it is not: its metadata may be newer than ours;
   *   NOT_LEADER_OR_FOLLOWER where it names no epoch, which says nothing of its metadata
   */
  assertReplica(replicaId: number, currentLeaderEpoch: number): void {
    for (const { id } of this.#remotes) if (id === replicaId) return;
    const what = `broker ${replicaId} has no replica in partition epoch`;
    throw new KafkaError(
      currentLeaderEpoch < 0 ? 'NOT_LEADER_OR_FOLLOWER' : 'UNKNOWN_LEADER_EPOCH',
      `${what} ${this.#inSync.partitionEpoch}`,
    );
  }

  /**
   * Whoever had all that we had has it no more, from now on: a follower that is told of nothing
   * does not fetch again.
   */
  onAppended(endOffsetBefore: number, clock: Pick<Clock, 'monotonic'>): void {
    for (const remote of this.#remotes) {
      if (remote.logEndOffset === endOffsetBefore) remote.lastCaughtUpMs = clock.monotonic();
    }
  }

  /** This process did not run for so long: nobody could be heard. */
  forgive(heldMs: number, nowMs: number): void {
    for (const remote of this.#remotes) {
      remote.lastCaughtUpMs = Math.min(nowMs, remote.lastCaughtUpMs + heldMs);
    }
  }

  /** Members of the in-sync set that have not had all that we have for longer than the bound. */
  behind(leaderEndOffset: number, nowMs: number, lagMsMax: number): readonly number[] {
    let behind: number[] | null = null;
    for (const { id, logEndOffset, lastCaughtUpMs } of this.#remotes) {
      // Nearly always: it is asked for each partition once a second.
      if (logEndOffset >= leaderEndOffset || nowMs - lastCaughtUpMs <= lagMsMax) continue;
      if (!this.isr.includes(id)) continue;
      behind ??= [];
      behind.push(id);
    }
    return behind ?? nobodyBehind;
  }

  /** Whether the replica is out of sync, and had all that we had within the bound. */
  keepsPace(replicaId: number, nowMs: number, lagMsMax: number): boolean {
    if (this.#inSync.larger.includes(replicaId)) return false;
    const remote = this.remote(replicaId);
    return remote !== undefined && nowMs - remote.lastCaughtUpMs <= lagMsMax;
  }

  setJoining(replicaId: number, isJoining: boolean): void {
    const remote = this.#remotes.find(({ id }) => id === replicaId);
    if (remote === undefined || remote.isJoining === isJoining) return;
    remote.isJoining = isJoining;
    this.#count();
  }

  /**
   * Whether the replica has what a member of the in-sync set must have. Whether its broker may be
   * one (not fenced, not stopping) is the caller's to know.
   * @param brokerEpoch that its broker is registered under now
   */
  mayEnter(replicaId: number, brokerEpoch: number, highWatermark: number): boolean {
    const remote = this.remote(replicaId);
    if (remote === undefined || this.#inSync.larger.includes(replicaId)) return false;
    if (remote.brokerEpoch < 0 || remote.brokerEpoch !== brokerEpoch) return false;
    return remote.logEndOffset >= Math.max(highWatermark, this.epochStartOffset);
  }

  /** What is on its way; null if nothing is. */
  get pendingIsrChange(): IsrChange | null {
    return this.#inSync.pending;
  }

  /** To be sent once, see InSyncSet. */
  beginIsrChange(isr: readonly number[]): IsrChange {
    const change = this.#inSync.begin(isr);
    this.#count();
    return change;
  }

  /** The controller has refused it for good. */
  onIsrChangeRefused(change: IsrChange): void {
    if (this.#inSync.onRefused(change)) this.#count();
  }

  #setRemotes(state: PartitionState, nowMs: number): void {
    const others = state.replicas.filter((id) => id !== this.#nodeId);
    this.#remotes = others.length === 0 ? nobody : others.map((id) => this.#remoteOf(id, nowMs));
    this.#count();
  }

  #remoteOf(id: number, nowMs: number): MutableReplica {
    const known = this.#remotes.find((remote) => remote.id === id);
    if (known !== undefined) return known;
    // Who is in sync now gets the whole bound before it counts as behind.
    const lastCaughtUpMs = this.isr.includes(id) ? nowMs : Number.NEGATIVE_INFINITY;
    return {
      id,
      logStartOffset: -1,
      logEndOffset: -1,
      lastFetchMs: -1,
      lastCaughtUpMs,
      brokerEpoch: -1,
      connectionNumber: -1,
      leaderEndOffset: -1,
      isJoining: false,
    };
  }

  #count(): void {
    if (this.#remotes.length === 0) {
      this.#counted = nobody;
      return;
    }
    const { larger } = this.#inSync;
    this.#counted = this.#remotes.filter(({ id, isJoining }) => isJoining || larger.includes(id));
  }
}

/**
 * A follower in a fetch session does not repeat its position: an older one that a late fetch put
 * back would stay. Kafka's leaders note all partitions of a session with each fetch, and take a
 * fetch that names no epoch. Within one life a follower fetches a partition on one connection at a
 * time, is answered on each before the first fetch (ApiVersions), and goes on with new ones only
 * (replica-fetchers.ts): what comes on an older one was sent before, and lay in the network.
 */
function assertNotLate(fetch: FollowerFetch, seen: RemoteReplica): void {
  if (fetch.brokerEpoch < seen.brokerEpoch) {
    const epochs = `${fetch.brokerEpoch}, seen was ${seen.brokerEpoch}`;
    throw new KafkaError('NOT_LEADER_OR_FOLLOWER', `a fetch of broker epoch ${epochs}`);
  }
  if (fetch.connectionNumber < seen.connectionNumber) {
    const why = 'a fetch of a connection that its follower has replaced';
    throw new KafkaError('NOT_LEADER_OR_FOLLOWER', why);
  }
}

/** What others see of it; what may move the watermark goes through the partition. */
export type LeaderView = Pick<
  LeaderState,
  | 'leaderEpoch'
  | 'epochStartOffset'
  | 'isr'
  | 'remote'
  | 'remotes'
  | 'lowestStart'
  | 'assertReplica'
  | 'forgive'
  | 'behind'
  | 'keepsPace'
  | 'mayEnter'
  | 'pendingIsrChange'
>;
