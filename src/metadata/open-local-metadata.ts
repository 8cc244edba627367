// The metadata of a cluster of one process: a store in a folder, and what stands on it.

import type { BrokerConfig } from '../config/index.ts';
import type { Io } from '../io/index.ts';
import { LogResources } from '../storage/index.ts';
import { LocalStore } from './engines/local/local-store.ts';
import { type Metadata, type MetadataHistory, metadataIo, openMetadata } from './open-metadata.ts';

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

const segmentBytesMin = 8 * 1024 * 1024;

/**
 * Recovers the metadata log, replays it and becomes the controller.
 *
 * @throws KafkaError KAFKA_STORAGE_ERROR when the log or its snapshots are damaged or unwritable
 */
export async function openLocalMetadata(io: Io, options: LocalMetadataOptions): Promise<Metadata> {
  const { config, nodeId } = options;
  const bytesBetweenSnapshotsMax = config.get('metadata.log.max.record.bytes.between.snapshots');
  const onFailure = options.onFailure ?? (() => {});
  const store = await LocalStore.open(metadataIo(io), {
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
    const parts = { store, history: historyOf(store), nodeId, config, onFailure };
    const metadata = await openMetadata(io, parts);
    await metadata.becomeController();
    return metadata;
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
