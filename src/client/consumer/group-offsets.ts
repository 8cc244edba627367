// Commits and committed offsets of one group, whichever protocol its members use. What can be
// repeated is repeated until the time is up; what says that we are no member any more is told to
// the membership and thrown.

import { ZERO_UUID } from '../../base/uuid.ts';
import type { ClientConnection } from '../../network/index.ts';
import {
  ErrorCode,
  isRetriable,
  KafkaError,
  offsetCommit,
  offsetFetch,
  type RequestInput,
  type ResponseOf,
} from '../../protocol/index.ts';
import type { CallOptions, Client } from '../client.ts';
import type { Coordinator } from '../coordinator-requests.ts';
import { traced } from '../diagnostics.ts';
import { InvalidArgumentError } from '../errors.ts';
import { keyOf, type TopicPartition } from '../leader-requests.ts';
import { groupByTopic } from '../offset-queries.ts';

export interface OffsetToCommit extends TopicPartition {
  /** Of the next record to read: that of the last one that was done, plus one. */
  readonly offset: number;
  /** Leader epoch of the last record that was done. Default: unknown. */
  readonly leaderEpoch?: number;
  /** Whatever you want to find with it. Default: empty. */
  readonly metadata?: string;
}

export interface CommittedOffset extends TopicPartition {
  readonly offset: number;
  /** -1: unknown. */
  readonly leaderEpoch: number;
  readonly metadata: string;
}

/** As what we speak to the coordinator; generation is the member epoch with KIP-848. */
export interface MemberIdentity {
  readonly memberId: string;
  /** -1: no member, a consumer with partitions assigned by hand. */
  readonly generation: number;
  readonly groupInstanceId: string | null;
}

/** What commits need to know of the membership. */
export interface CommitIdentity {
  /** Throws REBALANCE_IN_PROGRESS or UNKNOWN_MEMBER_ID while it may not commit. */
  identity(): MemberIdentity;
  /** KIP-848: the epoch grows while we stay a member, and offsets are asked for with it. */
  readonly hasEpochs: boolean;
  /** Why we are no member any more, where more is known than that. */
  readonly lostBecause: string | null;
  /** A commit under this identity was answered with an error that concerns the membership. */
  onCommitError(code: number, identity: MemberIdentity): void;
}

/** Who is in no group, and assigns partitions by hand. */
export const nobody: MemberIdentity = { memberId: '', generation: -1, groupInstanceId: null };

type FetchedTopics = ResponseOf<typeof offsetFetch>['groups'][number]['topics'];

/** Repeated although not retriable in general. */
const repeatedCodes: readonly number[] = [ErrorCode.STALE_MEMBER_EPOCH, ErrorCode.UNKNOWN_TOPIC_ID];

export class GroupOffsets {
  readonly #client: Client;
  readonly #coordinator: Coordinator;
  readonly #groupId: string;
  readonly #membership: CommitIdentity;
  /** A commit was acknowledged. */
  onCommitted: ((offsets: readonly OffsetToCommit[]) => void) | null = null;

  constructor(
    client: Client,
    coordinator: Coordinator,
    membership: CommitIdentity,
    groupId: string,
  ) {
    this.#client = client;
    this.#coordinator = coordinator;
    this.#membership = membership;
    this.#groupId = groupId;
  }

  /**
   * Throws a KafkaError: UNKNOWN_MEMBER_ID, ILLEGAL_GENERATION, FENCED_INSTANCE_ID when the
   * partitions may belong to somebody else by now; REBALANCE_IN_PROGRESS when the next poll must
   * finish a rebalance first; OFFSET_METADATA_TOO_LARGE, TOPIC_AUTHORIZATION_FAILED …
   */
  async commit(offsets: readonly OffsetToCommit[], options: CallOptions = {}): Promise<void> {
    if (offsets.length === 0) return;
    for (const { topic, partition, offset } of offsets) {
      if (Number.isSafeInteger(offset) && offset >= 0) continue;
      throw new InvalidArgumentError(`${topic}-${partition}: ${offset} is no offset`);
    }
    const { clientId } = this.#client.options;
    const message = () => ({ clientId, groupId: this.#groupId, offsets });
    await traced('commit', message, () => this.#commitAll(offsets, options));
  }

  async #commitAll(offsets: readonly OffsetToCommit[], options: CallOptions): Promise<void> {
    let open = offsets;
    const began = this.#membership.identity();
    await this.#retry(async (timeoutMs) => {
      // A new generation of the classic protocol may have given the partitions to others.
      const identity = this.#membership.hasEpochs ? this.#membership.identity() : began;
      const codes = await this.#commitOnce(open, identity, timeoutMs);
      open = open.filter((each) => codes.get(keyOf(each)) !== ErrorCode.NONE);
      for (const each of open) {
        const code = codes.get(keyOf(each)) ?? ErrorCode.UNKNOWN_SERVER_ERROR;
        this.#coordinator.onErrorCode(code);
        if (isAboutMembership(code)) this.#membership.onCommitError(code, identity);
        if (!isRepeated(code)) throw this.#commitError(code, each);
      }
      const first = open[0];
      if (first !== undefined) throw this.#commitError(codes.get(keyOf(first)) ?? -1, first);
    }, options);
    this.onCommitted?.(offsets);
  }

  /** By partition, in the order asked for; null where there is no commit. */
  fetch(
    places: readonly TopicPartition[],
    options: CallOptions = {},
  ): Promise<(CommittedOffset | null)[]> {
    if (places.length === 0) return Promise.resolve([]);
    return this.#retry(async (timeoutMs) => {
      const found = await this.#fetchOnce(places, timeoutMs);
      return places.map((place) => found.get(keyOf(place)) ?? null);
    }, options);
  }

  async #commitOnce(
    offsets: readonly OffsetToCommit[],
    { memberId, generation, groupInstanceId }: MemberIdentity,
    timeoutMs: number,
  ): Promise<Map<string, number>> {
    const topics = groupByTopic(offsets).map(([name, group]) => ({
      name,
      topicId: this.#topicId(name),
      partitions: group.map(({ partition, offset, leaderEpoch, metadata }) => ({
        partitionIndex: partition,
        committedOffset: offset,
        committedLeaderEpoch: leaderEpoch ?? -1,
        committedMetadata: metadata ?? '',
      })),
    }));
    const versionMax = topics.some(({ topicId }) => topicId === ZERO_UUID) ? 9 : undefined;
    const build = (connection: ClientConnection): RequestInput<typeof offsetCommit> => ({
      groupId: this.#groupId,
      generationIdOrMemberEpoch: generation,
      memberId,
      // Before version 7 there are no static members.
      groupInstanceId: (connection.versionOf(offsetCommit) ?? 0) < 7 ? null : groupInstanceId,
      topics,
    });
    const answer = await this.#coordinator.request(offsetCommit, build, { timeoutMs, versionMax });
    const codes = new Map<string, number>();
    for (const { name, topicId, partitions } of answer.topics) {
      const topic = this.#topicName(name, topicId);
      for (const { partitionIndex, errorCode } of partitions) {
        codes.set(keyOf({ topic, partition: partitionIndex }), errorCode);
      }
    }
    return codes;
  }

  async #fetchOnce(
    places: readonly TopicPartition[],
    timeoutMs: number,
  ): Promise<Map<string, CommittedOffset>> {
    const membership = this.#membership;
    const { memberId, generation } = membership.hasEpochs ? membership.identity() : nobody;
    const isMember = generation >= 0;
    const topics = groupByTopic(places).map(([name, group]) => ({
      name,
      topicId: this.#topicId(name),
      partitionIndexes: group.map(({ partition }) => partition),
    }));
    const versionMax = topics.some(({ topicId }) => topicId === ZERO_UUID) ? 9 : undefined;
    const build = (connection: ClientConnection): RequestInput<typeof offsetFetch> => {
      const version = connection.versionOf(offsetFetch, versionMax) ?? 0;
      // What an open transaction is about to commit is waited for (KIP-447): whoever took the
      // partition over would otherwise do again what that transaction has done.
      const requireStable = version >= 7;
      const groupId = this.#groupId;
      if (version < 8) return { groupId, topics, groups: [], requireStable };
      const member = isMember ? { memberId, memberEpoch: generation } : {};
      return { groupId: '', topics: [], groups: [{ groupId, topics, ...member }], requireStable };
    };
    const answer = await this.#coordinator.request(offsetFetch, build, { timeoutMs, versionMax });
    const group = answer.groups[0];
    const errorCode = group?.errorCode ?? answer.errorCode;
    this.#coordinator.onErrorCode(errorCode);
    if (errorCode !== ErrorCode.NONE) throw this.#error(errorCode);
    return this.#foundIn(group?.topics ?? answer.topics.map((each) => ({ ...each, topicId: '' })));
  }

  #foundIn(topics: FetchedTopics): Map<string, CommittedOffset> {
    const found = new Map<string, CommittedOffset>();
    for (const { name, topicId, partitions } of topics) {
      const topic = this.#topicName(name, topicId);
      for (const each of partitions) {
        const place = { topic, partition: each.partitionIndex };
        // Versions 0 and 1 have the errors of the group here.
        this.#coordinator.onErrorCode(each.errorCode);
        if (each.errorCode === ErrorCode.UNKNOWN_TOPIC_OR_PARTITION) continue;
        if (each.errorCode !== ErrorCode.NONE) throw this.#error(each.errorCode, place);
        if (each.committedOffset < 0) continue;
        const { committedOffset: offset, committedLeaderEpoch: leaderEpoch } = each;
        const metadata = each.metadata ?? '';
        found.set(keyOf(place), { ...place, offset, leaderEpoch, metadata });
      }
    }
    return found;
  }

  #topicId(name: string): string {
    return this.#client.cache.topic(name)?.topicId ?? ZERO_UUID;
  }

  #topicName(name: string, topicId: string): string {
    return name !== '' ? name : (this.#client.cache.topicNameOf(topicId) ?? '');
  }

  #retry<T>(attempt: (timeoutMs: number) => Promise<T>, options: CallOptions): Promise<T> {
    let repeated: KafkaError | null = null;
    const run = this.#client.retry(async ({ timeoutMs }) => {
      try {
        repeated = null;
        return await attempt(timeoutMs);
      } catch (error) {
        if (!(error instanceof KafkaError) || !repeatedCodes.includes(error.code)) throw error;
        if (error.code === ErrorCode.UNKNOWN_TOPIC_ID) this.#client.refreshInBackground();
        repeated = error;
        throw new KafkaError('REQUEST_TIMED_OUT', error.message);
      }
    }, options);
    // The caller learns the reason, not the code that made us repeat.
    return run.catch((error: unknown) => {
      throw repeated ?? error;
    });
  }

  #lostMessage(): string {
    const because = this.#membership.lostBecause ?? 'its partitions may have new owners';
    return `not a member of group ${this.#groupId} any more: ${because}`;
  }

  #commitError(code: number, place: TopicPartition): KafkaError {
    if (code === ErrorCode.REBALANCE_IN_PROGRESS) {
      const message = `group ${this.#groupId} is rebalancing: poll, then commit again`;
      return KafkaError.fromCode(code, message);
    }
    if (isAboutMembership(code)) return KafkaError.fromCode(code, this.#lostMessage());
    return this.#error(code, place);
  }

  #error(code: number, place?: TopicPartition): KafkaError {
    const where = place === undefined ? '' : ` ${place.topic}-${place.partition}`;
    const { message } = KafkaError.fromCode(code);
    return KafkaError.fromCode(code, `group ${this.#groupId}${where}: ${message}`);
  }
}

function isRepeated(code: number): boolean {
  return isRetriable(code) || repeatedCodes.includes(code);
}

/** Whether the error says that we are not, or not in this generation, a member. */
export function isAboutMembership(error: unknown): boolean {
  const code = error instanceof KafkaError ? error.code : error;
  return (
    code === ErrorCode.UNKNOWN_MEMBER_ID ||
    code === ErrorCode.ILLEGAL_GENERATION ||
    code === ErrorCode.FENCED_INSTANCE_ID ||
    code === ErrorCode.FENCED_MEMBER_EPOCH ||
    code === ErrorCode.STALE_MEMBER_EPOCH ||
    code === ErrorCode.REBALANCE_IN_PROGRESS
  );
}
