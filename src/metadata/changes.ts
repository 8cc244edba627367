// Who wants to know when the metadata changes, and what changed between two images: enough for a
// broker to open, close and reconfigure exactly what it must, without comparing whole images. They
// are compared here only where a reader missed so much that it begins again with a snapshot.

import type { Uuid } from '../base/uuid.ts';
import {
  type ConfigResource,
  configResourceOf,
  type MetadataImage,
  type TopicImage,
} from './image.ts';

export interface ImageChanges {
  readonly previous: MetadataImage;
  /** New topics, as they are now. */
  readonly topicsCreated: ReadonlyMap<Uuid, TopicImage>;
  /** Deleted topics, as they were last. */
  readonly topicsDeleted: ReadonlyMap<Uuid, TopicImage>;
  /** Topics that were there and have new or changed partitions: those partitions' indexes. */
  readonly topicsChanged: ReadonlyMap<Uuid, ReadonlySet<number>>;
  readonly configsChanged: readonly ConfigResource[];
  readonly brokersChanged: ReadonlySet<number>;
  readonly quotasChanged: boolean;
  readonly featuresChanged: boolean;
  readonly scramChanged: boolean;
  /** Ids of ACLs that came, went or are other objects than before. */
  readonly aclsChanged: ReadonlySet<Uuid>;
}

/** Called synchronously, in order of offsets; throwing is a broken invariant. */
export type ImageListener = (image: MetadataImage, changes: ImageChanges) => void;

/**
 * What changed between an image and a later one that was not built from it but from a snapshot.
 * Where finding out would cost more than looking again, it says that something did.
 */
export function changesBetween(previous: MetadataImage, image: MetadataImage): ImageChanges {
  const topicsCreated = new Map<Uuid, TopicImage>();
  const topicsDeleted = new Map<Uuid, TopicImage>();
  const topicsChanged = new Map<Uuid, ReadonlySet<number>>();
  for (const topic of image.topics()) {
    const before = previous.topicById(topic.id);
    if (before === undefined) topicsCreated.set(topic.id, topic);
    else {
      const changed = changedPartitions(before, topic);
      if (changed.size > 0) topicsChanged.set(topic.id, changed);
    }
  }
  for (const topic of previous.topics()) {
    if (image.topicById(topic.id) === undefined) topicsDeleted.set(topic.id, topic);
  }
  return {
    previous,
    topicsCreated,
    topicsDeleted,
    topicsChanged,
    configsChanged: changedConfigs(previous, image),
    brokersChanged: new Set([...previous.brokers.keys(), ...image.brokers.keys()]),
    quotasChanged: true,
    featuresChanged: true,
    scramChanged: true,
    aclsChanged: new Set([...previous.acls.keys(), ...image.acls.keys()]),
  };
}

/** Every change of a partition raises its epoch. */
function changedPartitions(before: TopicImage, topic: TopicImage): ReadonlySet<number> {
  const changed = new Set<number>();
  for (const [index, { partitionEpoch }] of topic.partitions.entries()) {
    if (before.partitions[index]?.partitionEpoch !== partitionEpoch) changed.add(index);
  }
  return changed;
}

function changedConfigs(previous: MetadataImage, image: MetadataImage): ConfigResource[] {
  const keys = new Set([...previous.configs.keys(), ...image.configs.keys()]);
  const isSame = (key: string): boolean => {
    const [before, now] = [previous.configs.get(key), image.configs.get(key)];
    if (before === undefined || now === undefined || before.size !== now.size) return false;
    return [...now].every(([name, value]) => before.get(name) === value);
  };
  return [...keys].filter((key) => !isSame(key)).map(configResourceOf);
}
