// A member by the consumer protocol (KIP-848). Heartbeats run in the background and bring, now
// and then, the partitions this member should own. Within poll it gives up what is not among them
// and takes what is new; the next heartbeat says what it owns then, and so lets the broker give
// the rest to others.
//
// Invariants: one heartbeat is under way at most. The epoch is the broker's; 0 means that we
// join, or are thrown out: then everything owned is lost before we join again.

import type { Timer } from '../../../io/index.ts';
import {
  consumerGroupHeartbeat,
  ErrorCode,
  errorName,
  KafkaError,
  type ResponseOf,
} from '../../../protocol/index.ts';
import { isRetriableFailure, messageOf } from '../../client.ts';
import { keyOf } from '../../leader-requests.ts';
import type { GroupMembership, MembershipContext } from '../group-membership.ts';
import { type MemberIdentity, nobody } from '../group-offsets.ts';
import { LoopBlocks } from '../loop-blocks.ts';
import { HeartbeatFields } from './heartbeat-fields.ts';
import { isSameSet, normalized, type TopicIdPartitions, toPlaces } from './owned-topics.ts';

type HeartbeatResponse = ResponseOf<typeof consumerGroupHeartbeat>;

const leaveEpoch = -1;
/** Leaves for now: a static member that will come back. */
const leaveEpochStatic = -2;

/** Codes that mean: give up everything, join again. */
const fencedCodes: readonly number[] = [ErrorCode.FENCED_MEMBER_EPOCH, ErrorCode.UNKNOWN_MEMBER_ID];

export class ConsumerMembership implements GroupMembership {
  readonly hasEpochs = true;
  readonly #context: MembershipContext;
  readonly #fields: HeartbeatFields;
  #memberId: string;
  #epoch = 0;
  #joinedAs = nobody;
  /** Heartbeats are sent: since the first drive, until the end or a failure. */
  #isActive = false;
  #mustLose = false;
  /** As the broker wants it; null before the first assignment. */
  #target: readonly TopicIdPartitions[] | null = null;
  #owned: readonly TopicIdPartitions[] = [];
  #fatal: Error | null = null;
  lostBecause: string | null = null;
  readonly #blocks: LoopBlocks;
  #timer: Timer | null = null;
  #isBeating = false;
  #beatsAgain = false;
  #intervalMs = 0;
  #failures = 0;
  /** Changes when we leave or are thrown out. */
  #life = 0;

  constructor(context: MembershipContext) {
    this.#context = context;
    this.#fields = new HeartbeatFields(context.options);
    this.#blocks = new LoopBlocks(context.client.io.clock);
    this.#memberId = context.client.io.random.bytes(16).toString('base64url');
  }

  get joinedAs(): MemberIdentity {
    return this.#joinedAs;
  }

  identity(): MemberIdentity {
    if (this.#context.subscription() === null) return nobody;
    const { groupId, options } = this.#context;
    if (this.#epoch <= 0) {
      const because = this.lostBecause === null ? '' : `: ${this.lostBecause}`;
      const message = `not a member of group ${groupId} at present${because}`;
      throw new KafkaError('UNKNOWN_MEMBER_ID', message);
    }
    const { groupInstanceId } = options;
    return { memberId: this.#memberId, generation: this.#epoch, groupInstanceId };
  }

  async drive(): Promise<void> {
    const fatal = this.#fatal;
    this.#fatal = null;
    if (fatal !== null) throw fatal;
    if (this.#mustLose) {
      this.#mustLose = false;
      this.#owned = [];
      const { assignment } = this.#context;
      await assignment.lose(assignment.owned());
    }
    if (!this.#isActive) {
      // An expression that matches nothing yet still joins: it may match later.
      this.#isActive = true;
      this.#beatNow();
    }
    if (this.#target !== null) await this.#reconcile(this.#target);
  }

  onSubscriptionChanged(): void {
    if (this.#isActive && this.#epoch > 0) this.#beatNow();
  }

  onMetadataChanged(): void {
    this.onSubscriptionChanged();
    this.#context.onWork();
  }

  enforceRebalance(): void {
    this.#context.client.log.warn('the broker decides on rebalances of this group protocol');
  }

  onCommitError(code: number, { memberId, generation }: MemberIdentity): void {
    if (memberId !== this.#memberId || generation !== this.#epoch || generation <= 0) return;
    if (code === ErrorCode.STALE_MEMBER_EPOCH) this.#beatNow();
    else if (fencedCodes.includes(code)) this.#onFenced(code);
  }

  onPollTimeout(because: string): void {
    if (!this.#isActive || this.#epoch <= 0) return;
    const reason = `no poll within maxPollIntervalMs: ${because}`;
    this.lostBecause = reason;
    this.#context.client.log.warn('leaving the group', { reason });
    this.#end();
    this.#mustLose = true;
    this.#sendLeave().catch((error: unknown) => {
      this.#context.client.log.debug('leaving failed', { error: messageOf(error) });
    });
    this.#context.onWork();
  }

  async leave(_reason: string, timeoutMs: number): Promise<void> {
    const { assignment } = this.#context;
    const owned = assignment.owned();
    const wasMember = this.#isActive;
    const isLost = this.#mustLose || this.#epoch <= 0;
    try {
      if (isLost) await assignment.lose(owned);
      else if (owned.length > 0) {
        await assignment.beforeRevoke();
        await assignment.revoke(owned);
      }
    } finally {
      this.#end();
      this.#joinedAs = nobody;
      this.#mustLose = false;
      // A heartbeat that joins may be under way: then we are in as soon as it is answered.
      if (wasMember) await this.#sendLeave(timeoutMs);
    }
  }

  async #reconcile(target: readonly TopicIdPartitions[]): Promise<void> {
    const { assignment, client } = this.#context;
    const { places, unknown } = toPlaces(client.cache, target);
    if (unknown.length > 0) client.refreshInBackground();
    const known = target.filter((each) => !unknown.includes(each));
    if (isSameSet(known, this.#owned)) {
      if (unknown.length === 0) this.#target = null;
      return;
    }
    const life = this.#life;
    const given = assignment.ownedOutside(places);
    let failure: unknown = null;
    if (given.length > 0) {
      await assignment.beforeRevoke();
      await assignment.revoke(given).catch((error: unknown) => {
        failure = error;
      });
    }
    // Thrown out while the listener worked: the new ones are not ours any more.
    if (life === this.#life) {
      this.#owned = normalized(known);
      const had = new Set(assignment.owned().map(keyOf));
      const isMore = places.some((place) => !had.has(keyOf(place)));
      if (this.#target === target && unknown.length === 0) this.#target = null;
      await this.#assignThenAcknowledge(isMore, places);
    }
    if (failure !== null) throw failure;
  }

  /** The broker may hand on what we gave up as soon as our listener is done. */
  async #assignThenAcknowledge(
    isMore: boolean,
    places: Parameters<MembershipContext['assignment']['assign']>[0],
  ): Promise<void> {
    try {
      if (isMore) await this.#context.assignment.assign(places);
    } finally {
      this.#beatNow();
    }
  }

  #beatNow(): void {
    if (!this.#isActive) return;
    this.#timer?.cancel();
    this.#timer = null;
    if (this.#isBeating) this.#beatsAgain = true;
    else void this.#beat();
  }

  #beatAfter(delayMs: number): void {
    if (!this.#isActive) return;
    this.#timer?.cancel();
    this.#timer = this.#blocks.after(delayMs, () => this.#beatNow());
  }

  async #beat(): Promise<void> {
    const { client, coordinator, groupId } = this.#context;
    const subscription = this.#context.subscription();
    if (subscription === null) return;
    const life = this.#life;
    this.#isBeating = true;
    this.#beatsAgain = false;
    try {
      const memberId = this.#memberId;
      const memberEpoch = this.#epoch;
      const owned = this.#owned;
      const body = this.#fields.next({ groupId, memberId, memberEpoch, subscription, owned });
      const { clock } = client.io;
      const sentMs = clock.monotonic();
      const response = await coordinator.request(consumerGroupHeartbeat, body);
      this.#blocks.onAnswer(clock.monotonic() - sentMs, client.options.requestTimeoutMs);
      if (life === this.#life) this.#onResponse(response);
    } catch (error) {
      if (life === this.#life && !client.isClosed) this.#onFailure(error);
    } finally {
      this.#isBeating = false;
      if (this.#beatsAgain) this.#beatNow();
    }
  }

  #onResponse(response: HeartbeatResponse): void {
    const { errorCode, errorMessage, memberId, memberEpoch, assignment } = response;
    if (errorCode !== ErrorCode.NONE) {
      this.#onErrorCode(errorCode, errorMessage);
      return;
    }
    this.#failures = 0;
    this.#blocks.onAlive();
    if (memberId !== null) this.#memberId = memberId;
    this.#epoch = memberEpoch;
    if (memberEpoch > 0) {
      this.lostBecause = null;
      const { groupInstanceId } = this.#context.options;
      this.#joinedAs = { memberId: this.#memberId, generation: memberEpoch, groupInstanceId };
    }
    this.#intervalMs = response.heartbeatIntervalMs;
    if (assignment !== null) {
      this.#target = assignment.topicPartitions;
      this.#context.onWork();
    }
    this.#beatAfter(this.#intervalMs);
  }

  #onErrorCode(code: number, message: string | null): void {
    const { coordinator, groupId } = this.#context;
    this.#fields.forget();
    coordinator.onErrorCode(code);
    // A group that goes on without us may have become a classic one, as it was left to such
    // members: that is for the next join to mend.
    const isGone = code === ErrorCode.GROUP_ID_NOT_FOUND && this.#epoch > 0;
    if (isGone || fencedCodes.includes(code)) {
      this.#onFenced(code);
      return;
    }
    const reason = message ?? KafkaError.fromCode(code).message;
    this.#onFailure(KafkaError.fromCode(code, `group ${groupId}: ${reason}`));
  }

  #onFailure(error: unknown): void {
    const { client } = this.#context;
    this.#fields.forget();
    if (isRetriableFailure(error)) {
      client.log.debug('a heartbeat failed', { error: messageOf(error) });
      this.#beatAfter(client.backoff.delayMs(++this.#failures));
      return;
    }
    // The next poll throws it; the one after joins again.
    this.#end();
    this.#mustLose = true;
    this.#fatal = error as Error;
    this.#context.onWork();
  }

  #onFenced(code: number): void {
    const consequence = 'the group removed this member (group.consumer.session.timeout.ms)';
    this.lostBecause = this.#blocks.describe(3 * this.#intervalMs, consequence);
    const level = this.lostBecause === null ? 'info' : 'warn';
    const reason = this.lostBecause ?? errorName(code);
    this.#context.client.log[level]('thrown out of the group: will join again', { reason });
    this.#end();
    this.#mustLose = true;
    this.#context.onWork();
  }

  #end(): void {
    this.#life++;
    this.#isActive = false;
    this.#epoch = 0;
    this.#target = null;
    this.#owned = [];
    this.#timer?.cancel();
    this.#timer = null;
    this.#beatsAgain = false;
    this.#fields.forget();
  }

  async #sendLeave(timeoutMs?: number): Promise<void> {
    const { client, coordinator, groupId, options } = this.#context;
    const instanceId = options.groupInstanceId;
    const memberEpoch = instanceId === null ? leaveEpoch : leaveEpochStatic;
    const body = { groupId, memberId: this.#memberId, memberEpoch, instanceId };
    const limitMs = Math.min(
      timeoutMs ?? Number.POSITIVE_INFINITY,
      client.options.requestTimeoutMs,
    );
    try {
      await coordinator.request(consumerGroupHeartbeat, body, { timeoutMs: limitMs });
    } catch (error) {
      // The session will time out: leaving is a courtesy to the others.
      client.log.info('the coordinator was not told of leaving', { error: messageOf(error) });
    }
  }
}
