// What a group subscribes to, against the topics that there are: names become partitions, and a
// hash of it all tells whether anything changed.

import { createHash } from 'node:crypto';
import type { Uuid } from '../../../base/uuid.ts';
import type { MetadataImage, TopicImage } from '../../../metadata/index.ts';
import type { AssignorTopic } from '../assignors/index.ts';
import type { ConsumerGroup } from './consumer-group.ts';
import type { ConsumerMember } from './consumer-member.ts';
import type { Regexes } from './regexes.ts';

/** Members as the decision leaves them: the group's, with one changed or added. */
export function membersWith(group: ConsumerGroup, updated: ConsumerMember): ConsumerMember[] {
  const others = [...group.members.values()].filter(
    ({ memberId }) => memberId !== updated.memberId,
  );
  return [...others, updated];
}

export function topicNamesOf(member: ConsumerMember, regexes: Regexes): ReadonlySet<string> {
  const resolved = regexes.get(member.topicRegex)?.topics;
  return new Set(resolved === undefined ? member.topicNames : [...member.topicNames, ...resolved]);
}

/** The ids of the topics of the member that exist. */
export function topicIdsOf(
  member: ConsumerMember,
  regexes: Regexes,
  image: MetadataImage,
): ReadonlySet<Uuid> {
  const ids = new Set<Uuid>();
  for (const name of topicNamesOf(member, regexes)) {
    const topic = image.topic(name);
    if (topic !== undefined) ids.add(topic.id);
  }
  return ids;
}

/** Topics that exist and that a member subscribes to, by name. */
export function subscribedTopics(
  members: readonly ConsumerMember[],
  regexes: Regexes,
  image: MetadataImage,
): TopicImage[] {
  const names = new Set<string>();
  for (const member of members) for (const name of topicNamesOf(member, regexes)) names.add(name);
  const topics = [...names].sort().map((name) => image.topic(name));
  return topics.filter((topic) => topic !== undefined);
}

/** Changes when the topics, their partitions or the racks of these do; 0 without topics. */
export function metadataHash(topics: readonly TopicImage[], image: MetadataImage): number {
  if (topics.length === 0) return 0;
  const hash = createHash('sha256');
  for (const { id, name, partitions } of topics) {
    hash.update(`${id}/${name}/${partitions.length}`);
    for (const racks of racksOf(partitions, image) ?? []) hash.update([...racks].sort().join('/'));
    hash.update('\n');
  }
  return hash.digest().readUIntBE(0, 6);
}

export function assignorTopic(topic: TopicImage, image: MetadataImage): AssignorTopic {
  const { id, partitions } = topic;
  return { id, partitionCount: partitions.length, racks: racksOf(partitions, image) };
}

function racksOf(partitions: TopicImage['partitions'], image: MetadataImage) {
  const racks = new Map<number, string>();
  for (const { id, rack } of image.brokers.values()) if (rack !== null) racks.set(id, rack);
  if (racks.size === 0) return null;
  return partitions.map(
    ({ replicas }) =>
      new Set(replicas.map((id) => racks.get(id)).filter((rack) => rack !== undefined)),
  );
}
