// A broker on its own becomes one of a cluster: its metadata go to a store, as the same cluster
// under the same history, so that its log directories know the store for theirs.
//
// Invariants: at any moment one owner at most: the folder is marked, durably, before the store gets
// anything, and a marked folder starts no broker on its own; what is cut short is run again, and
// ends with the store as the owner; a store that holds anything else is left as it is.

import type { Io } from '../../io/index.ts';
import { KafkaError } from '../../protocol/index.ts';
import { nameBrokerEpoch, replaceFile } from '../../storage/index.ts';
import { type KeyStore, readIdentity, restoreInto } from '../engines/keyed/index.ts';
import { type HandedOver, handedOverPath, readHandedOver } from '../open-local-metadata.ts';
import { imageOf, piecesOf, readStoppedMetadata, type WholeMetadata } from './whole-metadata.ts';

/** Stopped, and its directories are held. */
export interface AdoptedBroker {
  readonly nodeId: number;
  readonly clusterId: string;
  readonly logDirs: readonly string[];
  /** Of them the one with the metadata. */
  readonly metadataDir: string;
}

export interface Adopted {
  readonly metadata: WholeMetadata;
  /** The store had them before. */
  readonly wasDone: boolean;
}

/** @throws KafkaError, LogDirectoryError, one line; see the invariants */
export async function adopt(io: Io, store: KeyStore, broker: AdoptedBroker): Promise<Adopted> {
  const { clusterId, metadataDir, nodeId } = broker;
  const mark = readHandedOver(io, metadataDir);
  if (mark !== null) assertSameStore(store, mark, metadataDir);
  const metadata = await readStoppedMetadata(io, metadataDir, clusterId);
  const { historyId } = metadata;
  if (historyId === null) {
    const remedy = 'start the broker once, and stop it';
    throw refusal(`the metadata in ${metadataDir} are of no history of ours: ${remedy}`);
  }
  const identity = await readIdentity(store);
  const wasDone = identity?.historyId === historyId && identity.clusterId === clusterId;
  if (identity !== null && !wasDone && mark?.isDone !== true) {
    const what = `is of cluster ${identity.clusterId} and not empty: name another prefix`;
    throw refusal(`the cluster store ${store.address} ${what}`);
  }
  if (mark?.isDone === true) return { metadata, wasDone: true };
  const image = imageOf(metadata);
  await putMark(io, metadataDir, { clusterId, store: store.address, isDone: false });
  const pieces = () => piecesOf(metadata);
  if (!wasDone) await restoreInto(io, store, { ...metadata, historyId, pieces });
  const brokerEpoch = image.brokers.get(nodeId)?.epoch ?? -1;
  for (const path of broker.logDirs) await nameBrokerEpoch(io.disk, path, brokerEpoch);
  await putMark(io, metadataDir, { clusterId, store: store.address, isDone: true });
  return { metadata, wasDone };
}

function assertSameStore({ address }: KeyStore, mark: HandedOver, directory: string): void {
  if (mark.store === address) return;
  const done = mark.isDone ? 'were' : 'are being';
  const remedy = mark.isDone
    ? 'start with it as cluster.store'
    : `run this with it, or remove ${handedOverPath(directory)} if it has nothing of this cluster`;
  throw refusal(
    `the metadata in ${directory} ${done} handed over to the store ${mark.store}: ${remedy}`,
  );
}

async function putMark(io: Io, directory: string, mark: HandedOver): Promise<void> {
  const bytes = Buffer.from(`${JSON.stringify(mark)}\n`);
  await replaceFile(io.disk, handedOverPath(directory), bytes);
}

function refusal(what: string): KafkaError {
  return new KafkaError('INCONSISTENT_CLUSTER_ID', what);
}
