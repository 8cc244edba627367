// A member of a group, from its first poll to its end: it polls, takes its time over the records,
// commits what it was handed, looks at what is committed, and reports all of it to the checkers.
// Some are slow beyond max.poll.interval.ms; some leave; dying is the scenario's business.

import type { Prng } from '../../src/base/prng.ts';
import {
  Consumer,
  type ConsumerOptions,
  ErrorCode,
  KafkaError,
  type TopicPartition,
} from '../../src/client/index.ts';
import { type Io, IoError } from '../../src/io/index.ts';
import type { CommittedOffsets, GroupProgress, OneOwner } from '../checkers/index.ts';

export interface MemberPlan {
  /** Of this one life of the member: no other has it. Also the client id. */
  readonly name: string;
  readonly groupId: string;
  readonly topics: readonly string[];
  readonly options: Omit<ConsumerOptions, 'bootstrapServers' | 'groupId'>;
  readonly maxPollIntervalMs: number;
  /** Generations are told to the checker: the group is of the classic protocol, and stays it. */
  readonly hasGenerations: boolean;
  /** Leaves after so many polls. */
  readonly pollCount: number;
  /** Chance per poll to be slow beyond maxPollIntervalMs. */
  readonly slowChance: number;
}

/** What all members of a world share. */
export interface GroupWatch {
  readonly bootstrapServers: string;
  readonly owners: OneOwner;
  readonly commits: CommittedOffsets;
  readonly progress: GroupProgress;
  /** From now on members stay and are quick. */
  isSettling: boolean;
}

const retryBackoffMs = 500;
/** Answers that come sooner are those of the first attempt. */
const repeatedAfterMs = 0.8 * retryBackoffMs;
const callMsMax = 5_000;

/** What is no fault of the coordinator: it says that others have taken our place, or may have. */
const expectedCodes: readonly number[] = [
  ErrorCode.UNKNOWN_MEMBER_ID,
  ErrorCode.ILLEGAL_GENERATION,
  ErrorCode.REBALANCE_IN_PROGRESS,
  ErrorCode.FENCED_INSTANCE_ID,
  ErrorCode.FENCED_MEMBER_EPOCH,
  ErrorCode.STALE_MEMBER_EPOCH,
  ErrorCode.UNRELEASED_INSTANCE_ID,
];

/** Resolves when the member has left. */
export async function runMember(io: Io, plan: MemberPlan, watch: GroupWatch, prng: Prng) {
  await new GroupMember(io, { plan, watch, prng }).run();
}

interface Parts {
  readonly plan: MemberPlan;
  readonly watch: GroupWatch;
  readonly prng: Prng;
}

class GroupMember {
  readonly #io: Io;
  readonly #plan: MemberPlan;
  readonly #watch: GroupWatch;
  readonly #prng: Prng;
  readonly #consumer: Consumer;
  /** By place: behind the last record that was done. */
  readonly #done = new Map<string, TopicPartition & { readonly offset: number }>();
  #commitCount = 0;

  constructor(io: Io, { plan, watch, prng }: Parts) {
    this.#io = io;
    this.#plan = plan;
    this.#watch = watch;
    this.#prng = prng;
    const { groupId, name, maxPollIntervalMs } = plan;
    this.#consumer = new Consumer(
      {
        bootstrapServers: watch.bootstrapServers,
        groupId,
        clientId: name,
        autoOffsetReset: 'earliest',
        enableAutoCommit: false,
        maxPollIntervalMs,
        retryBackoffMs,
        requestTimeoutMs: callMsMax,
        defaultApiTimeoutMs: callMsMax,
        metadataMaxAgeMs: 5_000,
        ...plan.options,
      },
      io,
    );
  }

  async run(): Promise<void> {
    const { topics, pollCount } = this.#plan;
    this.#consumer.subscribe(topics, {
      onPartitionsAssigned: (places) => this.#onAssigned(places),
      onPartitionsRevoked: (places) => this.#onRevoked(places),
      onPartitionsLost: (places) => this.#onGone(places),
    });
    for (let i = 0; i < pollCount || this.#watch.isSettling; i++) await this.#step();
    await this.#expecting(() => this.#consumer.close({ timeoutMs: callMsMax }));
  }

  async #step(): Promise<void> {
    const prng = this.#prng;
    const { clock } = this.#io;
    if (!(await this.#expecting(() => this.#poll()))) {
      await clock.sleep(retryBackoffMs);
      return;
    }
    const isSlow = prng.chance(this.#plan.slowChance) && !this.#watch.isSettling;
    if (isSlow) await clock.sleep(this.#plan.maxPollIntervalMs * (1 + prng.float()));
    else await clock.sleep(prng.int(200));
    const isLazy = prng.chance(0.3) && !this.#watch.isSettling;
    if (!isLazy) await this.#commit();
    if (prng.chance(0.1)) await this.#look();
  }

  async #poll(): Promise<void> {
    const { groupId, name } = this.#plan;
    for (const { topic, partition, offset } of await this.#consumer.poll(1_000)) {
      this.#watch.progress.onRecord(name, { groupId, topic, partition }, offset);
      this.#done.set(keyOf({ topic, partition }), { topic, partition, offset: offset + 1 });
    }
  }

  #onAssigned(places: readonly TopicPartition[]): void {
    const { groupId, name, hasGenerations } = this.#plan;
    for (const place of places) {
      this.#done.delete(keyOf(place));
      this.#watch.owners.onAssigned(name, { ...place, groupId });
      this.#watch.progress.onAssigned(name, { ...place, groupId });
    }
    if (!hasGenerations) return;
    const { memberId, groupInstanceId, generationId } = this.#consumer.groupMetadata();
    const all = this.#consumer.assignment().map((place) => ({ ...place, groupId }));
    this.#watch.owners.onGeneration(groupInstanceId ?? memberId, generationId, all);
  }

  async #onRevoked(places: readonly TopicPartition[]): Promise<void> {
    const prng = this.#prng;
    if (prng.chance(0.1)) await this.#io.clock.sleep(prng.int(this.#plan.maxPollIntervalMs));
    if (prng.chance(0.7)) await this.#commit(places);
    this.#onGone(places);
  }

  #onGone(places: readonly TopicPartition[]): void {
    const { groupId, name } = this.#plan;
    for (const place of places) {
      this.#done.delete(keyOf(place));
      this.#watch.owners.onGone(name, { ...place, groupId });
    }
  }

  /** What was done of these partitions, or of all. */
  async #commit(places: readonly TopicPartition[] = [...this.#done.values()]): Promise<void> {
    if (this.#plan.options.enableAutoCommit === true) return;
    const { groupId, name } = this.#plan;
    const { owners, commits, progress } = this.#watch;
    const sent = places.flatMap((each) => {
      const done = this.#done.get(keyOf(each));
      if (done === undefined) return [];
      const place = { groupId, topic: done.topic, partition: done.partition };
      const metadata = `${name}:${++this.#commitCount}`;
      const { offset } = done;
      progress.onCommitted(place, offset);
      const commit = commits.onSent(place, { offset, metadata });
      return [{ commit, claim: owners.claim(name, place) }];
    });
    const offsets = sent.map(({ commit: { place, offset, metadata } }) => {
      return { ...place, offset, metadata };
    });
    const { clock } = this.#io;
    const sentMs = clock.monotonic();
    const options = { timeoutMs: callMsMax };
    if (!(await this.#expecting(() => this.#consumer.commit(offsets, options)))) return;
    const wasRepeated = clock.monotonic() - sentMs >= repeatedAfterMs;
    for (const { commit, claim } of sent) {
      commits.onAcknowledged(commit, wasRepeated);
      if (claim !== null) owners.prove(claim);
    }
  }

  /** What is committed of what we have. */
  async #look(): Promise<void> {
    const { groupId } = this.#plan;
    const { commits, progress } = this.#watch;
    const places = this.#consumer.assignment();
    const fetches = places.map((place) => commits.onFetch({ ...place, groupId }));
    await this.#expecting(async () => {
      const found = await this.#consumer.committed(places);
      for (const [i, fetch] of fetches.entries()) {
        const seen = found[i] ?? null;
        if (seen !== null) progress.onCommitted(fetch.place, seen.offset);
        if (this.#plan.options.enableAutoCommit !== true) commits.onFetched(fetch, seen);
      }
    });
  }

  /** False if it failed for a reason that a member has to live with. */
  async #expecting(action: () => Promise<void>): Promise<boolean> {
    try {
      await action();
      return true;
    } catch (error) {
      if (!isExpected(error)) throw error;
      return false;
    }
  }
}

export function isExpected(error: unknown): boolean {
  if (error instanceof IoError) return true;
  return error instanceof KafkaError && (error.retriable || expectedCodes.includes(error.code));
}

function keyOf({ topic, partition }: TopicPartition): string {
  return `${topic}-${partition}`;
}
