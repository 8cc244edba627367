// Who controls the cluster, leads a partition and coordinates a transactional id: the one place
// that says so to whoever asks another broker. It knows what the newest image says; an image that
// is behind is put right by the next one, which is why it is asked before each attempt.

import { javaHashBucket } from '../../base/java-hash-code.ts';
import { TRANSACTION_TOPIC } from '../../coordinator/index.ts';
import type { MetadataImage } from '../../metadata/index.ts';

/** Whom a request is for. */
export type Target =
  | { readonly role: 'controller' }
  | { readonly role: 'coordinator'; readonly transactionalId: string }
  | { readonly role: 'leader'; readonly topic: string; readonly partition: number }
  | { readonly role: 'node'; readonly nodeId: number };

export interface Whereabouts {
  /** The node that has the role now, as far as is known; -1: nobody, or it is not known. */
  nodeOf(target: Target): number;
  /** There is no broker but this one that could have any role. */
  readonly isAlone: boolean;
}

export interface ImageWhereaboutsOptions {
  readonly nodeId: number;
  /** The newest of the cluster. */
  readonly image: () => MetadataImage;
  /** A broker on its own is the controller before an image says so. */
  readonly controllerId: () => number;
  /** There may be brokers that no image has named yet. Default: a broker on its own. */
  readonly isMember?: boolean;
}

export class ImageWhereabouts implements Whereabouts {
  readonly #options: ImageWhereaboutsOptions;

  constructor(options: ImageWhereaboutsOptions) {
    this.#options = options;
  }

  nodeOf(target: Target): number {
    switch (target.role) {
      case 'controller':
        return this.#options.controllerId();
      case 'coordinator':
        return this.#coordinatorOf(target.transactionalId);
      case 'leader':
        return this.#leaderOf(target.topic, target.partition);
      case 'node':
        return target.nodeId;
    }
  }

  get isAlone(): boolean {
    const { nodeId, image, isMember = false } = this.#options;
    if (isMember) return false;
    for (const { id } of image().brokers.values()) if (id !== nodeId) return false;
    return true;
  }

  #leaderOf(topic: string, partition: number): number {
    return this.#options.image().topic(topic)?.partitions[partition]?.leader ?? -1;
  }

  #coordinatorOf(transactionalId: string): number {
    const count = this.#options.image().topic(TRANSACTION_TOPIC)?.partitions.length ?? 0;
    if (count === 0) return -1;
    return this.#leaderOf(TRANSACTION_TOPIC, javaHashBucket(transactionalId, count));
  }
}
