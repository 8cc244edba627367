// Which engine keeps the metadata of a cluster, by `cluster.store`; each is loaded when it is asked
// for, since most brokers have none but the local one. And whether a store is the one that a broker
// has known.
//
// Invariant: a broker that has data goes on only with the store that it had them under: another
// one, an empty one or an older copy would let it delete and truncate what is good.

import type { Uuid } from '../base/uuid.ts';
import type { ConnectTls, Io } from '../io/index.ts';
import { KafkaError } from '../protocol/index.ts';
import { type BatchFingerprint, type ClusterStore, rolledBackRemedy } from './cluster-store.ts';
import type { EtcdCompaction } from './engines/etcd/index.ts';
import type { KeyedStore, KeyStore } from './engines/keyed/index.ts';
import type { SharedStoreServer, SharedStoreServerOptions } from './engines/shared/index.ts';
import type { ZooKeeperStoreOptions } from './engines/zookeeper/index.ts';

export type { SharedStoreServer, SharedStoreServerOptions } from './engines/shared/index.ts';

export interface StoreOptions {
  /** The value of `cluster.store`. */
  readonly address: string;
  /** Of the cluster that is meant; null: whichever the store is of. */
  readonly clusterId: string | null;
  /** broker.session.timeout.ms */
  readonly sessionTimeoutMs: number;
  /** zookeeper.connection.timeout.ms; absent: 30 s. */
  readonly connectTimeoutMs?: number;
  /** Of this broker's log directories; `shared` has a cluster before there are brokers. */
  readonly known?: KnownCluster;
  /** Of an etcd. Default: nobody proves anything, and nothing is encrypted. */
  readonly access?: StoreAccess;
  /** etcd.compaction; default: none. */
  readonly etcdCompaction?: EtcdCompaction;
  /** Of a ZooKeeper; the same default. */
  readonly zooKeeperAccess?: ZooKeeperAccess;
}

/** Who we are to the store, and how the connection is encrypted: `cluster.store.*`. */
export interface StoreAccess {
  readonly credentials: { readonly username: string; readonly password: string } | null;
  readonly tls: Omit<ConnectTls, 'serverName'> | null;
}

/** Who we are to a ZooKeeper, for whom our nodes are, and how the connection is encrypted. */
export type ZooKeeperAccess = Pick<ZooKeeperStoreOptions, 'login' | 'setAcl' | 'tls'>;

/** What a broker knows of its cluster before it has asked the store. */
export interface KnownCluster {
  /** null: it has not been in any. */
  readonly clusterId: string | null;
  /** It was used with some metadata: it begins no cluster in a store that is empty. */
  readonly hasData: boolean;
}

/** The names and addresses in the value of `cluster.store`. */
export function storeHosts(address: string): string[] {
  const [, hosts = ''] = /^\w+:\/\/(?:[^@/]*@)?([^/]+)/.exec(address) ?? [];
  return hosts === '' ? [] : hosts.split(',').map((host) => host.replace(/:\d+$/, ''));
}

/** Without user and password, well formed or not. */
function shownAddress(address: string): string {
  return address.replace(/:\/*.*@/, '://');
}

interface OpenedKeys {
  readonly keys: KeyStore;
  /** Loaded with the engine. */
  readonly KeyedStore: typeof KeyedStore;
}

/** By how the value of `cluster.store` begins: the systems that engines/keyed stands on. */
const keyOpeners: Readonly<
  Record<string, (io: Io, options: StoreOptions, rest: string) => Promise<OpenedKeys>>
> = {
  etcd: async (io, { address, access, etcdCompaction: compaction = 'none', sessionTimeoutMs }) => {
    const engine = await import('./engines/etcd/index.ts');
    const parsed = engine.parseEtcdAddress(address, access);
    const options = { address: parsed, compaction, sessionTimeoutMs };
    const keys = await engine.EtcdStore.open(io, options);
    return { keys, KeyedStore: engine.KeyedStore };
  },
  zookeeper: async (io, options, rest) => {
    const engine = await import('./engines/zookeeper/index.ts');
    const { sessionTimeoutMs, connectTimeoutMs = awayMsMax } = options;
    const times = { sessionTimeoutMs, connectTimeoutMs };
    const where = engine.parseConnectString(rest);
    const keys = await engine.ZooKeeperStore.open(io, {
      ...where,
      ...times,
      ...options.zooKeeperAccess,
    });
    return { keys, KeyedStore: engine.KeyedStore };
  },
};

/** A store that does not answer is given so long at the start. */
const awayMsMax = 30_000;

/**
 * Connects with the store; its `clusterId` is the cluster's.
 * @throws KafkaError, one line, when it cannot be reached within 30 s or is another cluster's
 */
export async function openStore(io: Io, options: StoreOptions): Promise<ClusterStore> {
  const { scheme, rest } = partsOf(options.address);
  if (scheme === 'shared') return await openSharedStore(io, options, rest);
  const schemes = [...Object.keys(keyOpeners), 'shared'].sort();
  const { keys, KeyedStore } = await openKeys(io, options, schemes);
  return await KeyedStore.open(io, keys, keyedOptions(options));
}

function partsOf(address: string): { scheme: string; rest: string } {
  const [, scheme = '', rest = ''] = /^([a-z]+):\/\/(.+)$/.exec(address) ?? [];
  return { scheme, rest };
}

/**
 * Connects with the system that the cluster's metadata lie in, whatever lies in it.
 * @throws KafkaError as `openStore` does, and INVALID_CONFIG for any other store
 */
export async function openKeyStore(io: Io, options: StoreOptions): Promise<KeyStore> {
  return (await openKeys(io, options)).keys;
}

async function openKeys(
  io: Io,
  options: StoreOptions,
  schemes = Object.keys(keyOpeners),
): Promise<OpenedKeys> {
  const { scheme, rest } = partsOf(options.address);
  const open = Object.hasOwn(keyOpeners, scheme) ? keyOpeners[scheme] : undefined;
  if (open === undefined) throw unknownScheme(options, schemes);
  return await open(io, options, rest);
}

function unknownScheme({ address }: StoreOptions, schemes: readonly string[]): KafkaError {
  const expected = `expected ${schemes.join('://, ')}://`;
  return new KafkaError('INVALID_CONFIG', `cluster.store ${shownAddress(address)}: ${expected}`);
}

async function openSharedStore(
  io: Io,
  { address, clusterId, sessionTimeoutMs }: StoreOptions,
  rest: string,
): Promise<ClusterStore> {
  const match = /^(.+):(\d+)$/.exec(rest);
  if (match === null) {
    const shown = shownAddress(address);
    throw new KafkaError('INVALID_CONFIG', `cluster.store ${shown}: expected shared://host:port`);
  }
  const [, host, port] = match as unknown as readonly string[];
  const { SharedStore } = await import('./engines/shared/index.ts');
  return await SharedStore.open(io, {
    host: host as string,
    port: Number(port),
    clusterId,
    sessionTimeoutMs,
  });
}

/** Of a system that is reached through engines/keyed. */
function keyedOptions({ clusterId, known, sessionTimeoutMs }: StoreOptions) {
  return {
    clusterId: clusterId ?? known?.clusterId ?? null,
    mayCreate: known?.hasData !== true,
    sessionTimeoutMs,
  };
}

/** Loads the engines before a broker does, which then takes no time. */
export async function loadStoreEngines(): Promise<void> {
  await import('./engines/shared/index.ts');
  await import('./engines/etcd/index.ts');
  await import('./engines/zookeeper/index.ts');
}

/** Keeps a store in a folder and offers it to others. */
export async function serveSharedStore(
  io: Io,
  options: SharedStoreServerOptions,
): Promise<SharedStoreServer> {
  const shared = await import('./engines/shared/index.ts');
  return await shared.SharedStoreServer.open(io, options);
}

/** What a log directory notes of the metadata that it was used with. */
export interface KnownMetadata {
  /** The directory, for the line that refuses. */
  readonly path: string;
  readonly clusterId: string;
  readonly historyId: Uuid;
  /** Of the last record that was applied. */
  readonly metadataOffset: number;
  /** The batch of that record; null: the broker that noted the offset did not note it. */
  readonly metadataBatch: BatchFingerprint | null;
}

type NamedStore = Pick<
  ClusterStore,
  'clusterId' | 'historyId' | 'endOffset' | 'followedHistories' | 'hasBatch'
>;

/** @throws KafkaError one line that says which is which, and what to do; and as the store does */
export async function assertKnownStore(
  store: NamedStore,
  known: readonly KnownMetadata[],
): Promise<void> {
  for (const { path, clusterId, historyId, metadataOffset, metadataBatch } of known) {
    if (clusterId !== store.clusterId) {
      refuse(`${path} belongs to cluster ${clusterId}, and the store is of ${store.clusterId}`);
    }
    // An operator has looked at what is lost.
    if (store.followedHistories?.includes(historyId)) continue;
    if (historyId !== store.historyId) {
      const what = store.endOffset === 0 ? 'is empty' : 'tells another history';
      refuse(`${path} was used with the metadata of history ${historyId}, and the store ${what}`);
    }
    if (metadataOffset >= store.endOffset) {
      const end = `ends at offset ${store.endOffset}`;
      refuse(`${path} was used with metadata offset ${metadataOffset}, and the store ${end}`);
    }
    if (metadataBatch === null || (await store.hasBatch?.(metadataBatch)) !== false) continue;
    const offset = `other records up to metadata offset ${metadataOffset}`;
    const why = 'it was put back to an older state and has gone on from there';
    refuse(`${path} was used with ${offset} than the store has (${why})`);
  }
}

function refuse(what: string): never {
  throw new KafkaError(
    'INCONSISTENT_CLUSTER_ID',
    `${what}: correct cluster.store, or ${rolledBackRemedy}`,
  );
}
