// A member of a classic group. Rounds of joining run in the background; what needs the program
// (giving partitions up, taking new ones) happens in `drive`, within poll.
//
// Eager assignors: everything is given up before a round. Cooperative ones (KIP-429): a round
// changes nothing until its result says what to give up, and then another round follows.
//
// Invariant: `#round` is the round under way or finished and not yet taken over; whatever belongs
// to an older one is ignored. Between the answer of JoinGroup and the next round heartbeats run.

import type { ClientConnection } from '../../../network/index.ts';
import {
  ErrorCode,
  errorName,
  heartbeat,
  KafkaError,
  leaveGroup,
  type RequestInput,
} from '../../../protocol/index.ts';
import { isRetriableFailure, messageOf } from '../../client.ts';
import { type Assignor, createAssignor } from '../assignors/index.ts';
import type { GroupMembership, MembershipContext } from '../group-membership.ts';
import { type MemberIdentity, nobody } from '../group-offsets.ts';
import { isSameList } from '../subscription.ts';
import { Heartbeats } from './heartbeats.ts';
import { type JoinOutcome, joinOnce } from './join-round.ts';
import { hasChanged, type TopicSnapshot } from './leader.ts';

type Joined = Extract<JoinOutcome, { kind: 'joined' }>;

interface Round {
  readonly topics: readonly string[];
  readonly reason: string;
  result: Joined | null;
}

export class ClassicMembership implements GroupMembership {
  readonly hasEpochs = false;
  readonly #context: MembershipContext;
  readonly #assignors: readonly Assignor[];
  readonly #isCooperative: boolean;
  readonly #heartbeats: Heartbeats;
  #memberId = '';
  #generation = -1;
  #joinedAs = nobody;
  #round: Round | null = null;
  #rejoinReason: string | null = 'the first time';
  /** Partitions must be given up before the next round. */
  #needsPrepare = true;
  #joinedTopics: readonly string[] = [];
  #snapshot: TopicSnapshot | null = null;
  #fatal: Error | null = null;
  lostBecause: string | null = null;

  constructor(context: MembershipContext) {
    this.#context = context;
    const { partitionAssignmentStrategy, heartbeatIntervalMs, sessionTimeoutMs } = context.options;
    this.#assignors = partitionAssignmentStrategy.map(createAssignor);
    this.#isCooperative = this.#assignors.every((each) => each.isCooperative);
    const { retryBackoffMs } = context.client.options;
    this.#heartbeats = new Heartbeats(context.client.io.clock, {
      intervalMs: heartbeatIntervalMs,
      retryMs: retryBackoffMs,
      sessionTimeoutMs,
    });
    this.#heartbeats.send = () => this.#heartbeat();
    this.#heartbeats.onExpired = () => context.coordinator.forget();
  }

  get joinedAs(): MemberIdentity {
    return this.#joinedAs;
  }

  identity(): MemberIdentity {
    if (this.#context.subscription() === null) return nobody;
    const { groupId, options } = this.#context;
    if (this.#round !== null && this.#round.result === null) {
      const message = `group ${groupId} is rebalancing: poll, then commit again`;
      throw new KafkaError('REBALANCE_IN_PROGRESS', message);
    }
    if (this.#generation < 0) {
      const because = this.lostBecause === null ? '' : `: ${this.lostBecause}`;
      const message = `not a member of group ${groupId} at present${because}`;
      throw new KafkaError('UNKNOWN_MEMBER_ID', message);
    }
    const { groupInstanceId } = options;
    return { memberId: this.#memberId, generation: this.#generation, groupInstanceId };
  }

  async drive(): Promise<void> {
    const fatal = this.#fatal;
    this.#fatal = null;
    if (fatal !== null) throw fatal;
    if (this.#round?.result != null) await this.#completeRound(this.#round, this.#round.result);
    this.#maybeCallForRebalance();
    while (this.#round === null && this.#rejoinReason !== null) {
      if (this.#needsPrepare) {
        this.#needsPrepare = false;
        await this.#prepare();
        // The group may have thrown us out while the listener worked: then that was not enough.
        continue;
      }
      this.#startRound();
    }
  }

  onSubscriptionChanged(): void {
    this.#context.onWork();
  }

  onMetadataChanged(): void {
    this.#context.onWork();
  }

  enforceRebalance(reason: string): void {
    this.#requestRejoin(reason);
  }

  onCommitError(code: number, { memberId, generation }: MemberIdentity): void {
    if (memberId !== this.#memberId || generation !== this.#generation) return;
    if (generation < 0) return;
    this.#onErrorCode(code, 'an offset commit');
  }

  onPollTimeout(because: string): void {
    if (this.#memberId === '' && this.#round === null) return;
    const reason = `no poll within maxPollIntervalMs: ${because}`;
    this.lostBecause = reason;
    this.#context.client.log.warn('leaving the group', { reason });
    const memberId = this.#memberId;
    this.#abandonRound();
    this.#reset(reason, true);
    this.#sendLeave(memberId, 'consumer poll timeout has expired.').catch((error: unknown) => {
      this.#context.client.log.debug('leaving failed', { error: messageOf(error) });
    });
  }

  async leave(reason: string, timeoutMs: number): Promise<void> {
    const { assignment } = this.#context;
    const owned = assignment.owned();
    const memberId = this.#memberId;
    this.#abandonRound();
    try {
      if (this.#generation < 0) await assignment.lose(owned);
      else if (owned.length > 0) {
        await assignment.beforeRevoke();
        await assignment.revoke(owned);
      }
    } finally {
      this.#reset('the first time', true);
      this.#joinedAs = nobody;
      this.#joinedTopics = [];
      await this.#sendLeave(memberId, reason, timeoutMs);
    }
  }

  #maybeCallForRebalance(): void {
    const subscription = this.#context.subscription();
    if (subscription === null || this.#round !== null || this.#rejoinReason !== null) return;
    if (!isSameList(subscription.topics, this.#joinedTopics)) {
      this.#requestRejoin('the subscription has changed');
    } else if (this.#snapshot !== null && hasChanged(this.#context.client, this.#snapshot)) {
      this.#requestRejoin('partitions were added or removed');
    }
  }

  #requestRejoin(reason: string): void {
    this.#rejoinReason ??= reason;
    this.#context.onWork();
  }

  async #prepare(): Promise<void> {
    const { assignment } = this.#context;
    this.#snapshot = null;
    if (this.#generation < 0 || this.#memberId === '') {
      await assignment.lose(assignment.owned());
      return;
    }
    await assignment.beforeRevoke();
    if (this.#generation < 0) {
      await assignment.lose(assignment.owned());
    } else if (this.#isCooperative) {
      const subscription = this.#context.subscription();
      const unwanted = assignment.owned().filter(({ topic }) => !subscription?.includes(topic));
      await assignment.revoke(unwanted);
    } else await assignment.revoke(assignment.owned());
  }

  #startRound(): void {
    const topics = this.#context.subscription()?.topics ?? [];
    const round: Round = { topics, reason: this.#rejoinReason ?? '', result: null };
    this.#round = round;
    this.#rejoinReason = null;
    this.#heartbeats.stop();
    void this.#runRound(round);
  }

  /** Tries until it is joined, rejected, or the round was abandoned. */
  async #runRound(round: Round): Promise<void> {
    const { client } = this.#context;
    for (let failures = 1; round === this.#round; ) {
      try {
        const outcome = await this.#tryRound(round);
        if (round !== this.#round) return;
        if (outcome.kind === 'joined') {
          round.result = outcome;
          this.#context.onWork();
          return;
        }
        if (outcome.kind === 'rejected') {
          this.#round = null;
          this.#onErrorCode(outcome.code, 'joining');
          return;
        }
        if (outcome.memberId !== null) this.#memberId = outcome.memberId;
      } catch (error) {
        if (round !== this.#round || client.isClosed) return;
        if (!isRetriableFailure(error)) {
          this.#onFatal(error as Error, round.reason);
          return;
        }
        client.log.debug('joining failed', { error: messageOf(error), failures });
        await client.io.clock.sleep(client.backoff.delayMs(failures++));
      }
    }
  }

  #tryRound(round: Round): Promise<JoinOutcome> {
    this.#heartbeats.stop();
    return joinOnce(this.#context, {
      memberId: this.#memberId,
      generation: this.#generation,
      topics: round.topics,
      owned: this.#context.assignment.owned(),
      assignors: this.#assignors,
      reason: round.reason,
      onJoined: (memberId, generation) => {
        if (round !== this.#round) return;
        this.#memberId = memberId;
        this.#generation = generation;
        const { groupInstanceId } = this.#context.options;
        this.#joinedAs = { memberId, generation, groupInstanceId };
        this.lostBecause = null;
        this.#heartbeats.start();
      },
    });
  }

  async #completeRound(round: Round, { partitions, assignor, snapshot }: Joined): Promise<void> {
    const { assignment, client } = this.#context;
    this.#round = null;
    this.#needsPrepare = true;
    this.#joinedTopics = round.topics;
    this.#snapshot = snapshot;
    const subscription = this.#context.subscription();
    if (partitions.some(({ topic }) => !subscription?.includes(topic))) {
      // The subscription has changed since we joined: the next round will bring what fits.
      this.#requestRejoin('the assignment is of an older subscription');
      return;
    }
    client.log.info('joined the group', {
      group: this.#context.groupId,
      generation: this.#generation,
      partitions: partitions.length,
    });
    const given = assignment.ownedOutside(partitions);
    assignor.onAssignment(partitions, this.#generation);
    let failure: unknown = null;
    if (given.length > 0) {
      this.#requestRejoin('partitions were given up');
      await assignment.revoke(given).catch((error: unknown) => {
        failure = error;
      });
    }
    // Thrown out while the listener worked: what was assigned is not ours any more.
    if (this.#generation >= 0) await assignment.assign(partitions);
    if (failure !== null) throw failure;
  }

  async #heartbeat(): Promise<boolean> {
    const { coordinator, groupId, options, client } = this.#context;
    const memberId = this.#memberId;
    const generationId = this.#generation;
    const build = (connection: ClientConnection): RequestInput<typeof heartbeat> => ({
      groupId,
      generationId,
      memberId,
      groupInstanceId: (connection.versionOf(heartbeat) ?? 0) < 3 ? null : options.groupInstanceId,
    });
    const timeoutMs = Math.min(client.options.requestTimeoutMs, options.sessionTimeoutMs);
    try {
      const { errorCode } = await coordinator.request(heartbeat, build, { timeoutMs });
      coordinator.onErrorCode(errorCode);
      if (memberId !== this.#memberId || generationId !== this.#generation) return true;
      if (errorCode === ErrorCode.NONE) return true;
      return this.#onErrorCode(errorCode, 'a heartbeat');
    } catch (error) {
      if (!isRetriableFailure(error)) this.#onFatal(error as Error, 'a heartbeat failed');
      return false;
    }
  }

  /** True if the coordinator has spoken as one. */
  #onErrorCode(code: number, where: string): boolean {
    const reason = `${where} was answered with ${errorName(code)}`;
    if (code === ErrorCode.REBALANCE_IN_PROGRESS) {
      if (this.#round === null) this.#requestRejoin('others join or leave');
      return true;
    }
    if (code === ErrorCode.ILLEGAL_GENERATION || code === ErrorCode.UNKNOWN_MEMBER_ID) {
      this.#abandonRound();
      this.#explainLoss();
      this.#reset(reason, code === ErrorCode.UNKNOWN_MEMBER_ID);
      return true;
    }
    if (code === ErrorCode.FENCED_INSTANCE_ID) {
      this.#abandonRound();
      this.#reset(reason, true);
    } else if (KafkaError.fromCode(code).retriable) return false;
    const { groupId, options } = this.#context;
    const instance = options.groupInstanceId === null ? '' : ` (${options.groupInstanceId})`;
    const { message } = KafkaError.fromCode(code);
    this.#onFatal(KafkaError.fromCode(code, `group ${groupId}${instance}: ${message}`), reason);
    return true;
  }

  /** Says so when the program has kept the event loop, and heartbeats were late. */
  #explainLoss(): void {
    const { sessionTimeoutMs, heartbeatIntervalMs } = this.#context.options;
    const after = `after ${Math.round(sessionTimeoutMs / 1000)} s (session.timeout.ms)`;
    const consequence = `the group removed this member ${after}`;
    const leastMs = sessionTimeoutMs - 2 * heartbeatIntervalMs;
    this.lostBecause = this.#heartbeats.blocks.describe(leastMs, consequence);
    if (this.lostBecause === null) return;
    this.#context.client.log.warn('thrown out of the group', { reason: this.lostBecause });
  }

  /** The next poll throws it; the one after joins again. */
  #onFatal(error: Error, reason: string): void {
    this.#round = null;
    this.#fatal = error;
    this.#requestRejoin(reason);
  }

  /** We are no member any more: what we have is lost, and the next round begins anew. */
  #reset(reason: string, forgetsMemberId: boolean): void {
    this.#heartbeats.stop();
    this.#generation = -1;
    if (forgetsMemberId) this.#memberId = '';
    this.#needsPrepare = true;
    this.#snapshot = null;
    this.#requestRejoin(reason);
  }

  #abandonRound(): void {
    // Its JoinGroup may wait at the coordinator for long, and whatever comes behind it.
    if (this.#round !== null && this.#round.result === null) this.#context.coordinator.reconnect();
    this.#round = null;
  }

  /** Static members stay: they come back under their name (KIP-345). */
  async #sendLeave(memberId: string, reason: string, timeoutMs?: number): Promise<void> {
    const { coordinator, groupId, options, client } = this.#context;
    if (memberId === '' || options.groupInstanceId !== null) return;
    const build = (connection: ClientConnection): RequestInput<typeof leaveGroup> =>
      (connection.versionOf(leaveGroup) ?? 0) < 3
        ? { groupId, memberId, members: [] }
        : { groupId, memberId: '', members: [{ memberId, reason }] };
    const limitMs = Math.min(
      timeoutMs ?? Number.POSITIVE_INFINITY,
      client.options.requestTimeoutMs,
    );
    try {
      await coordinator.request(leaveGroup, build, { timeoutMs: limitMs });
    } catch (error) {
      // The session will time out: leaving is a courtesy to the others.
      client.log.info('the coordinator was not told of leaving', { error: messageOf(error) });
    }
  }
}
