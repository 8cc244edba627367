// Metadata that come from elsewhere become those of a store: a dump, or a single broker's. They are
// one snapshot, and everything that says that they are there is one change.
//
// Invariants: nobody else writes between the look at what is there and that change (it compares
// `epoch`, which each attempt puts before it writes anything); one that is cut short leaves pieces
// that nobody names, and no identity where there was none: it is run again, and the next
// controller sweeps what is left.

import { type Uuid, uuidFromBytes } from '../../../base/uuid.ts';
import type { Io } from '../../../io/index.ts';
import { KafkaError } from '../../../protocol/index.ts';
import { commitFenced, type Fence } from './fence.ts';
import { readIdentity, refusal, strangerRefusal } from './identity.ts';
import type { KeyStep, KeyStore } from './key-store.ts';
import { batchesOf } from './keyed-snapshots.ts';
import {
  type EndValue,
  forms,
  type Identity,
  keys,
  LAYOUT_VERSION,
  type SnapshotValue,
  type ValueForm,
} from './layout.ts';
import { PieceFolders } from './piece-folders.ts';
import { answered } from './unanswered.ts';

export interface NewMetadata {
  readonly clusterId: string;
  /** Of what the store tells from now on. */
  readonly historyId: Uuid;
  /** The records hold the effect of every one below this offset. */
  readonly endOffset: number;
  readonly controllerEpoch: number;
  readonly timestampMs: number;
  /** Encoded, some at a time. */
  readonly pieces: () => Iterable<readonly Buffer[]>;
}

/**
 * The store is empty and becomes that of a cluster; if it is that of this history already, nothing
 * is left to be done.
 * @throws KafkaError, one line, when it holds anything else; and as the store does
 */
export async function restoreInto(io: Io, store: KeyStore, metadata: NewMetadata): Promise<void> {
  await answered(io.clock, async () => {
    if (await isRestored(store, metadata)) return;
    const epoch = await read(store, keys.epoch, forms.epoch);
    const next = Math.max(metadata.controllerEpoch, (epoch?.value.epoch ?? -1) + 1);
    const fence = await takeEpoch(io, store, next, epoch?.version ?? null);
    const { pointer, keep } = await writeSnapshot(store, fence, metadata);
    const { clusterId, historyId, endOffset, controllerEpoch } = metadata;
    const identity = { layout: LAYOUT_VERSION, clusterId, historyId };
    const end: EndValue = { endOffset, controllerEpoch, bytes: 0 };
    await ours(
      store,
      commitFenced(store, fence, [
        { key: keys.identity, was: null, becomes: forms.identity.encode(identity) },
        { key: keys.end, was: null, becomes: forms.end.encode(end) },
        { key: keys.snapshot, was: null, becomes: forms.snapshot.encode(pointer) },
        keep,
      ]),
    );
  });
}

/**
 * The metadata take the place of what the store holds, under a history that follows those given:
 * brokers that knew one of them take it for theirs. It must be the identity that was looked at, and
 * no broker may be alive.
 * @throws KafkaError, one line, and as the store does
 */
export async function replaceIn(
  io: Io,
  store: KeyStore,
  metadata: NewMetadata & { readonly replaces: Identity; readonly follows: readonly Uuid[] },
): Promise<void> {
  const { clusterId, historyId, endOffset, controllerEpoch, replaces, follows } = metadata;
  await answered(io.clock, async () => {
    const found = await read(store, keys.identity, forms.identity);
    if (found?.value.historyId === historyId) return;
    if (found?.value.historyId !== replaces.historyId) throw writtenByAnother(store);
    await assertNobodyLives(store);
    const epoch = await read(store, keys.epoch, forms.epoch);
    const fence = await takeEpoch(io, store, (epoch?.value.epoch ?? 0) + 1, epoch?.version ?? null);
    const before = await read(store, keys.snapshot, forms.snapshot);
    const end = await read(store, keys.end, forms.end);
    const { pointer, keep } = await writeSnapshot(store, fence, metadata);
    const bytes = end?.value.bytes ?? 0;
    const identity: Identity = { layout: LAYOUT_VERSION, clusterId, historyId, follows };
    const trimmedTo = before?.value.trimmedTo ?? 0;
    const snapshot = { ...pointer, bytes, trimmedTo, older: before?.value.folder ?? null };
    const put = (key: string, was: string | undefined, becomes: Buffer): KeyStep => {
      return { key, was: was ?? null, becomes };
    };
    const change = [
      put(keys.identity, found.version, forms.identity.encode(identity)),
      put(keys.end, end?.version, forms.end.encode({ endOffset, controllerEpoch, bytes })),
      put(keys.snapshot, before?.version, forms.snapshot.encode(snapshot)),
      keep,
    ];
    await ours(store, commitFenced(store, fence, change));
  });
}

async function read<T extends object>(store: KeyStore, key: string, form: ValueForm<T>) {
  const entry = await store.get(key);
  return entry === null ? null : { value: form.decode(key, entry.value), version: entry.version };
}

/** A session of one that was killed ends by itself. */
async function assertNobodyLives(store: KeyStore): Promise<void> {
  const { entries } = await store.list(keys.brokers);
  if (entries.length === 0) return;
  const names = entries.map(({ name }) => name).join(', ');
  throw refusal(store, `has brokers alive (${names}): stop all of them, and run this again`);
}

/** False: it is empty, but for what an attempt that was cut short has left. */
async function isRestored(store: KeyStore, { clusterId, historyId }: NewMetadata) {
  const identity = await readIdentity(store);
  if (identity !== null) {
    if (identity.clusterId === clusterId && identity.historyId === historyId) return true;
    throw refusal(store, `is of cluster ${identity.clusterId} and not empty`);
  }
  for (const key of [keys.end, keys.snapshot]) {
    if ((await store.get(key)) === null) continue;
    throw strangerRefusal(store, key);
  }
  return false;
}

/** From now on nobody changes anything who knows an older version of the key. */
async function takeEpoch(
  io: Io,
  store: KeyStore,
  epoch: number,
  was: string | null,
): Promise<Fence> {
  const attempt = uuidFromBytes(io.random.bytes(16), 0);
  const becomes = forms.epoch.encode({ epoch, controllerId: -1, attempt });
  const versions = await store.commit([{ key: keys.epoch, was, becomes }]);
  if (versions === null) throw writtenByAnother(store);
  return { epoch, version: versions[0] as string };
}

async function writeSnapshot(
  store: KeyStore,
  fence: Fence,
  { endOffset, controllerEpoch, timestampMs, pieces }: NewMetadata,
): Promise<{ pointer: SnapshotValue; keep: KeyStep }> {
  const head = { kind: 'snapshot', offset: endOffset, endOffset } as const;
  const batches = batchesOf({ endOffset, controllerEpoch, timestampMs, pieces: pieces() });
  const folders = new PieceFolders(store);
  const { folder, pieceCount, keep, ...written } = await ours(
    store,
    folders.write(fence, head, batches),
  );
  const pointer: SnapshotValue = {
    ...{ folder, pieceCount, endOffset, controllerEpoch, timestampMs },
    controllerId: -1,
    bytes: 0,
    logStart: endOffset,
    trimmedTo: endOffset,
    older: null,
    sizeBytes: written.bytes,
  };
  return { pointer, keep };
}

/** A change that is refused was made by nobody but another process. */
async function ours<T>(store: KeyStore, change: Promise<T>): Promise<T> {
  try {
    return await change;
  } catch (error) {
    const isOver = error instanceof KafkaError && error.errorName === 'NOT_CONTROLLER';
    throw isOver ? writtenByAnother(store) : error;
  }
}

function writtenByAnother(store: KeyStore): KafkaError {
  return refusal(store, 'is being written by another process');
}
