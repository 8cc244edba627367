// Partitions by topic id: what the broker assigns and what a member owns, compared and translated.

import type { Uuid } from '../../../base/uuid.ts';
import type { TopicPartition } from '../../leader-requests.ts';
import type { MetadataCache } from '../../metadata-cache.ts';

export interface TopicIdPartitions {
  readonly topicId: Uuid;
  readonly partitions: readonly number[];
}

/** Sorted, so that equal sets are equal lists. */
export function normalized(topics: readonly TopicIdPartitions[]): TopicIdPartitions[] {
  return topics
    .filter(({ partitions }) => partitions.length > 0)
    .map(({ topicId, partitions }) => {
      return { topicId, partitions: [...partitions].sort((a, b) => a - b) };
    })
    .sort((a, b) => (a.topicId < b.topicId ? -1 : 1));
}

export function isSameSet(
  a: readonly TopicIdPartitions[],
  b: readonly TopicIdPartitions[],
): boolean {
  return JSON.stringify(normalized(a)) === JSON.stringify(normalized(b));
}

/** `unknown`: topics that metadata do not name yet. */
export function toPlaces(
  cache: MetadataCache,
  topics: readonly TopicIdPartitions[],
): { places: TopicPartition[]; unknown: TopicIdPartitions[] } {
  const places: TopicPartition[] = [];
  const unknown: TopicIdPartitions[] = [];
  for (const each of topics) {
    const topic = cache.topicNameOf(each.topicId);
    if (topic === undefined) unknown.push(each);
    else for (const partition of each.partitions) places.push({ topic, partition });
  }
  return { places, unknown };
}
