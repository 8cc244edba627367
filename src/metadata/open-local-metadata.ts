// The metadata of a cluster of one process: a store in a folder, and what stands on it.

import type { BrokerConfig } from '../config/index.ts';
import type { Io } from '../io/index.ts';
import { KafkaError } from '../protocol/index.ts';
import { LogResources } from '../storage/index.ts';
import type { UserRecord } from './controller/take-over.ts';
import { LocalStore } from './engines/local/local-store.ts';
import { METADATA_TOPIC } from './engines/local/log-repair.ts';
import { type Metadata, type MetadataHistory, metadataIo, openMetadata } from './open-metadata.ts';
import type { MetadataRecord } from './records/index.ts';

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
  /** See MetadataOptions. */
  readonly bootstrap?: readonly MetadataRecord[];
  readonly users?: readonly UserRecord[];
  /** The disk under the metadata log failed, or a bug was found: the next start recovers. */
  readonly onFailure?: (error: Error) => void;
}

/**
 * A file beside the log that was taken to the store of a cluster (`partita cluster adopt`). There
 * must be one owner, and from now on that is the store.
 */
export interface HandedOver {
  readonly clusterId: string;
  /** As `cluster.store` names it, without credentials. */
  readonly store: string;
  /** False: nobody knows whether the store has it already. */
  readonly isDone: boolean;
}

/** @param directory the log directory */
export function handedOverPath(directory: string): string {
  return `${directory}/${METADATA_TOPIC}-0/handed-over`;
}

/** null: it was not. */
export function readHandedOver({ disk }: Io, directory: string): HandedOver | null {
  const text = disk.readFile(handedOverPath(directory))?.toString('utf8') ?? null;
  if (text === null) return null;
  try {
    return JSON.parse(text) as HandedOver;
  } catch {
    return { clusterId: '?', store: '?', isDone: false };
  }
}

function assertNotHandedOver(io: Io, directory: string): void {
  const mark = readHandedOver(io, directory);
  if (mark === null) return;
  const { store, isDone } = mark;
  const what = isDone
    ? `were handed over to the cluster store ${store}: start with cluster.store=${store}`
    : `are being handed over to the cluster store ${store}: run partita cluster adopt again`;
  throw new KafkaError('INCONSISTENT_CLUSTER_ID', `the metadata in ${directory} ${what}`);
}

const segmentBytesMin = 8 * 1024 * 1024;

/**
 * Recovers the metadata log, replays it and becomes the controller.
 *
 * @throws KafkaError KAFKA_STORAGE_ERROR when the log or its snapshots are damaged or unwritable;
 * INCONSISTENT_CLUSTER_ID when a store has them now
 */
export async function openLocalMetadata(io: Io, options: LocalMetadataOptions): Promise<Metadata> {
  const { config, nodeId } = options;
  const bytesBetweenSnapshotsMax = config.get('metadata.log.max.record.bytes.between.snapshots');
  const onFailure = options.onFailure ?? (() => {});
  assertNotHandedOver(io, options.directory);
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
    const { bootstrap = [], users = [] } = options;
    const history = historyOf(store);
    const parts = { store, history, nodeId, config, bootstrap, users, onFailure };
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
