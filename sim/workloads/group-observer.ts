// An admin client that looks at groups from outside: who has what by the coordinator's account, and
// what is committed.

import { Admin, type GroupDescription, type TopicPartition } from '../../src/client/index.ts';
import type { Io } from '../../src/io/index.ts';
import { type GroupWatch, isExpected } from './group-member.ts';

export interface ObservedGroup {
  readonly groupId: string;
  /** Its commits are in the checker. */
  readonly commitsByHand: boolean;
}

export interface ObserverOptions {
  readonly groups: readonly ObservedGroup[];
  readonly places: readonly TopicPartition[];
  readonly pauseMs: number;
}

/** One look at each group. */
export interface SeenGroup {
  readonly description: GroupDescription;
  /** In the order of the places; -1: none. */
  readonly offsets: readonly number[];
}

/** Never ends: its process is killed. */
export async function observeGroups(
  io: Io,
  options: ObserverOptions,
  watch: GroupWatch,
): Promise<void> {
  for (;;) {
    try {
      await lookAtGroups(io, options, watch);
    } catch (error) {
      if (!isExpected(error)) throw error;
    }
    await io.clock.sleep(options.pauseMs);
  }
}

export async function lookAtGroups(
  io: Io,
  { groups, places }: ObserverOptions,
  watch: GroupWatch,
): Promise<SeenGroup[]> {
  const { bootstrapServers, owners, commits, progress } = watch;
  const admin = new Admin({ bootstrapServers, clientId: 'observer' }, io);
  try {
    const seen: SeenGroup[] = [];
    for (const { groupId, commitsByHand } of groups) {
      const [description] = await admin.describeConsumerGroups([groupId]);
      if (description === undefined) continue;
      if (description.error === null) owners.onDescribed(description);
      const fetches = places.map((place) => commits.onFetch({ ...place, groupId }));
      const found = await admin.listConsumerGroupOffsets(groupId, { partitions: places });
      const offsets: number[] = [];
      for (const [i, fetch] of fetches.entries()) {
        const { offset, metadata, error } = found[i] ?? { offset: -1, metadata: '', error: null };
        if (error !== null) throw error;
        offsets.push(offset);
        progress.onCommitted(fetch.place, offset);
        if (commitsByHand) commits.onFetched(fetch, offset < 0 ? null : { offset, metadata });
      }
      seen.push({ description, offsets });
    }
    return seen;
  } finally {
    await admin.close();
  }
}
