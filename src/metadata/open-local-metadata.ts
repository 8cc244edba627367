// The metadata of a cluster of one process: store in a folder, loader, controller, put together.

import type { Uuid } from '../base/uuid.ts';
import type { BrokerConfig } from '../config/index.ts';
import type { Io } from '../io/index.ts';
import { LogResources } from '../storage/index.ts';
import type { ImageListener } from './changes.ts';
import type { ClusterStore, Subscription } from './cluster-store.ts';
import type { Controller } from './controller/api.ts';
import { configRules } from './controller/config-rules.ts';
import { MetadataController } from './controller/metadata-controller.ts';
import { LocalStore } from './engines/local/local-store.ts';
import type { MetadataImage } from './image.ts';
import { ImageLoader } from './image-loader.ts';

export interface LocalMetadataOptions {
  /** The log directory that holds `__cluster_metadata-0` (metadata.log.dir, or the first one). */
  readonly directory: string;
  readonly clusterId: string;
  readonly nodeId: number;
  readonly config: BrokerConfig;
  /** Descriptors and memory shared with the other logs of the process; default: its own. */
  readonly resources?: LogResources;
  /** See LocalStoreOptions. */
  readonly wasCleanShutdown?: boolean;
  readonly evidence?: string | null;
  readonly mayLose?: boolean;
  /** The disk under the metadata log failed, or a bug was found: the next start recovers. */
  readonly onFailure?: (error: Error) => void;
}

export interface Metadata {
  readonly controller: Controller;
  readonly store: ClusterStore;
  readonly history: MetadataHistory;
  /** The newest committed image. */
  image(): MetadataImage;
  /** Calls the listener at once with everything as created, then after every change, in order. */
  subscribe(listener: ImageListener): Subscription;
  /** Writes a snapshot now. */
  saveSnapshot(): Promise<void>;
  close(): Promise<void>;
}

/** What may be concluded from an image that lacks what another one had. */
export interface MetadataHistory {
  /** Images of one id follow from each other: another one begins when records may be lost. */
  readonly id: Uuid;
  /** Images that were applied are not in it any more: what follows is another history. */
  beginAnew(): Promise<void>;
  /** The topics whose deletion is in the log as far as it reaches back. */
  deletedTopics(): Promise<ReadonlySet<Uuid>>;
}

const segmentBytesMin = 8 * 1024 * 1024;

/**
 * Recovers the metadata log, replays it and becomes the controller.
 *
 * @throws KafkaError KAFKA_STORAGE_ERROR when the log or its snapshots are damaged or unwritable
 */
export async function openLocalMetadata(io: Io, options: LocalMetadataOptions): Promise<Metadata> {
  const { config, nodeId } = options;
  const { clock, network, disk, random } = io;
  const metadataIo: Io = { clock, network, disk, random, log: io.log.child('metadata') };
  const bytesBetweenSnapshotsMax = config.get('metadata.log.max.record.bytes.between.snapshots');
  const onFailure = options.onFailure ?? (() => {});
  const store = await LocalStore.open(metadataIo, {
    directory: options.directory,
    clusterId: options.clusterId,
    resources: options.resources ?? new LogResources(io, { tailCacheBytesMax: 1024 * 1024 }),
    // The log shortens by whole segments, so they are not larger than what a snapshot replaces.
    segmentBytesMax: Math.max(
      segmentBytesMin,
      Math.min(config.get('metadata.log.segment.bytes'), bytesBetweenSnapshotsMax),
    ),
    wasCleanShutdown: options.wasCleanShutdown ?? false,
    evidence: options.evidence ?? null,
    mayLose: options.mayLose ?? false,
    onFailure,
  });
  try {
    const loader = await ImageLoader.start(metadataIo, {
      store,
      bytesBetweenSnapshotsMax,
      onFailure,
    });
    const rules = configRules(config);
    const parts = { nodeId, store, loader, rules, onBug: onFailure };
    const controller = new MetadataController(metadataIo, parts);
    await controller.start();
    const close = async (): Promise<void> => {
      await controller.close();
      await loader.close();
      await store.close();
    };
    return {
      controller,
      store,
      history: historyOf(store),
      image: () => loader.image,
      subscribe: (listener) => loader.subscribe(listener),
      saveSnapshot: () => controller.saveSnapshot(),
      close,
    };
  } catch (error) {
    await store.close();
    throw error;
  }
}

function historyOf(store: LocalStore): MetadataHistory {
  return {
    get id() {
      return store.historyId;
    },
    beginAnew: () => store.beginNewHistory(),
    deletedTopics: () => store.deletedTopics(),
  };
}
