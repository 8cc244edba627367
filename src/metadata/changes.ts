// Who wants to know when the metadata changes, and what changed between two images: enough for a
// broker to open, close and reconfigure exactly what it must, without comparing whole images.

import type { Uuid } from '../base/uuid.ts';
import type { ConfigResource, MetadataImage, TopicImage } from './image.ts';

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
  readonly aclsChanged: boolean;
}

/** Called synchronously, in order of offsets; throwing is a broken invariant. */
export type ImageListener = (image: MetadataImage, changes: ImageChanges) => void;
