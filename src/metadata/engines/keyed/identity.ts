// Which cluster a store is of. The first broker creates the keys `identity`, `epoch` and `end` in
// one change that only one can make; everybody reads what is there.
//
// Invariant: nothing is written into a store that holds anything unknown, nor into an empty one by
// a broker that has known another (a prefix may be mistyped): it is refused with one line.

import { uuidFromBytes } from '../../../base/uuid.ts';
import type { Io } from '../../../io/index.ts';
import { KafkaError } from '../../../protocol/index.ts';
import type { KeyStore } from './key-store.ts';
import { forms, type Identity, keys, LAYOUT_VERSION, ValueForm } from './layout.ts';
import { isUnanswered } from './unanswered.ts';

export interface IdentityOptions {
  /** The cluster that is meant; null: whichever the store is of. */
  readonly clusterId: string | null;
  /** A cluster may begin here. */
  readonly mayCreate: boolean;
}

/** Whatever layouts follow, each says its version so. */
const anyLayout = new ValueForm<Pick<Identity, 'layout'>>({ layout: 'count' });

/** @throws KafkaError, one line, when it is not what is meant; and as the store does */
export async function openIdentity(
  io: Io,
  store: KeyStore,
  { clusterId, mayCreate }: IdentityOptions,
): Promise<Identity> {
  for (;;) {
    const identity = await readIdentity(store);
    if (identity !== null) {
      if (clusterId === null || clusterId === identity.clusterId) return identity;
      const why = `is of cluster ${identity.clusterId}, and ${clusterId} is meant`;
      throw refusal(store, `${why}: correct cluster.store or the cluster id`);
    }
    if (!mayCreate) {
      const remedy = 'correct cluster.store, or take it there (partita cluster adopt)';
      throw refusal(store, `is empty, and there is data of a cluster here: ${remedy}`);
    }
    await create(io, store, clusterId);
  }
}

/** null: the store is empty. */
export async function readIdentity(store: KeyStore): Promise<Identity | null> {
  const entry = await store.get(keys.identity);
  if (entry === null) return null;
  const { layout } = anyLayout.decode(keys.identity, entry.value);
  if (layout === LAYOUT_VERSION) return forms.identity.decode(keys.identity, entry.value);
  const remedy = layout > LAYOUT_VERSION ? 'upgrade this broker' : 'it is older than any release';
  const what = `has layout ${layout}, and this broker knows layout ${LAYOUT_VERSION}`;
  throw refusal(store, `${what}: ${remedy}`);
}

/** It does not matter whether it was created here, or by another one meanwhile. */
async function create(io: Io, store: KeyStore, clusterId: string | null): Promise<void> {
  for (const key of [keys.epoch, keys.end, keys.snapshot]) {
    if ((await store.get(key)) === null) continue;
    if ((await store.get(keys.identity)) !== null) return;
    if (key !== keys.epoch) throw strangerRefusal(store, key);
    const remedy = 'run the partita cluster command again that was cut short';
    throw refusal(store, `has the key ${key} and no identity: ${remedy}`);
  }
  const newId = (): string => uuidFromBytes(io.random.bytes(16), 0);
  const identity = { layout: LAYOUT_VERSION, clusterId: clusterId ?? newId(), historyId: newId() };
  const epoch = { epoch: 0, controllerId: -1, attempt: '' };
  const end = { endOffset: 0, controllerEpoch: 0, bytes: 0 };
  try {
    await store.commit([
      { key: keys.identity, was: null, becomes: forms.identity.encode(identity) },
      { key: keys.epoch, was: null, becomes: forms.epoch.encode(epoch) },
      { key: keys.end, was: null, becomes: forms.end.encode(end) },
    ]);
  } catch (error) {
    if (!isUnanswered(error)) throw error;
  }
}

/** Of a key that a cluster has beside its identity. */
export function strangerRefusal(store: KeyStore, key: string): KafkaError {
  return refusal(store, `has the key ${key} and no identity: is the prefix another program's?`);
}

export function refusal({ address }: KeyStore, what: string): KafkaError {
  return new KafkaError('INCONSISTENT_CLUSTER_ID', `the cluster store ${address} ${what}`);
}
