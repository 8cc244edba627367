// The metadata that a store holds, read and written as a whole.
//
// Invariant: what is only read is never begun: an empty store stays empty.

import { type Uuid, uuidFromBytes } from '../../base/uuid.ts';
import type { Io } from '../../io/index.ts';
import { KafkaError } from '../../protocol/index.ts';
import { hasBatch } from '../batch-fingerprint.ts';
import type { BatchFingerprint } from '../cluster-store.ts';
import {
  type Identity,
  KeyedStore,
  type KeyStore,
  readIdentity,
  readLog,
  replaceIn,
  restoreInto,
} from '../engines/keyed/index.ts';
import { openKeyStore, openStore, type StoreOptions } from '../open-store.ts';
import { imageOf, piecesOf, readWholeMetadata, type WholeMetadata } from './whole-metadata.ts';

/** @throws KafkaError, one line, when it is empty, away or of another cluster */
export async function readStoreMetadata(io: Io, options: StoreOptions): Promise<WholeMetadata> {
  const isShared = options.address.startsWith('shared:');
  const store = isShared ? await openStore(io, options) : await openFilled(io, options);
  try {
    return await readWholeMetadata(io, store);
  } finally {
    await store.close();
  }
}

async function openFilled(io: Io, options: StoreOptions): Promise<KeyedStore> {
  const keys = await openKeyStore(io, options);
  try {
    if ((await readIdentity(keys)) === null) throw emptyError(keys);
    const { clusterId, sessionTimeoutMs } = options;
    return await KeyedStore.open(io, keys, { clusterId, mayCreate: false, sessionTimeoutMs });
  } catch (error) {
    await keys.close();
    throw error;
  }
}

function emptyError({ address }: KeyStore): KafkaError {
  const what = `the cluster store ${address} is empty: correct cluster.store`;
  return new KafkaError('INCONSISTENT_CLUSTER_ID', what);
}

/** A store that can be read and then replaced, as one that was looked at between the two. */
export class OpenedStore {
  readonly address: string;
  readonly identity: Identity;
  readonly metadata: WholeMetadata;
  readonly #io: Io;
  readonly #keys: KeyStore;

  constructor(io: Io, keys: KeyStore, read: { identity: Identity; metadata: WholeMetadata }) {
    this.#io = io;
    this.#keys = keys;
    this.address = keys.address;
    this.identity = read.identity;
    this.metadata = read.metadata;
  }

  /** See ClusterStore. */
  async hasBatch(fingerprint: BatchFingerprint): Promise<boolean | null> {
    return await hasBatch(await readLog(this.#keys), fingerprint);
  }

  /** @throws KafkaError, one line, when it is not as it was read, or a broker lives */
  async replace(metadata: WholeMetadata, follows: readonly Uuid[]): Promise<void> {
    imageOf(metadata);
    const historyId = uuidFromBytes(this.#io.random.bytes(16), 0);
    const pieces = () => piecesOf(metadata);
    const replaces = this.identity;
    await replaceIn(this.#io, this.#keys, { ...metadata, historyId, pieces, replaces, follows });
  }

  close(): Promise<void> {
    return this.#keys.close();
  }
}

/** @throws as `readStoreMetadata` */
export async function openStoreContent(io: Io, options: StoreOptions): Promise<OpenedStore> {
  const metadata = await readStoreMetadata(io, options);
  const keys = await openKeyStore(io, options);
  const identity = await readIdentity(keys);
  if (identity !== null) return new OpenedStore(io, keys, { identity, metadata });
  await keys.close();
  throw emptyError(keys);
}

/**
 * Makes an empty store that of the cluster, under a history of its own: brokers that knew another
 * one notice.
 * @throws KafkaError, one line, when it is not empty
 */
export async function restoreMetadata(
  io: Io,
  options: StoreOptions,
  metadata: WholeMetadata,
): Promise<void> {
  // What does not follow from each other is refused before anything is written.
  imageOf(metadata);
  const keys = await openKeyStore(io, options);
  const historyId = uuidFromBytes(io.random.bytes(16), 0);
  try {
    await restoreInto(io, keys, { ...metadata, historyId, pieces: () => piecesOf(metadata) });
  } finally {
    await keys.close();
  }
}
