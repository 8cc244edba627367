// That a prefix lies beside those of other clusters, looked at once when a store is opened.
//
// Invariant: of two clusters neither's keys are among the other's: a prefix inside that of another
// cluster is refused, and so is one that has another cluster in it. (/kafka and /kafka2 lie side by
// side: see etcd-keys.ts.) What this user may not read is not looked at.

import { KafkaError } from '../../../protocol/index.ts';
import { keys } from '../keyed/layout.ts';
import type { EtcdAddress } from './etcd-address.ts';
import type { EtcdClient, Json } from './etcd-client.ts';
import { EtcdError } from './etcd-error.ts';
import { base64, EtcdKeys, type KeyRange, keyOf } from './etcd-keys.ts';

const pageEntries = 1_000;

/**
 * @param hasBegun there is a cluster here: then none began in it
 * @throws KafkaError one line; and as the client does
 */
export async function assertApart(
  client: EtcdClient,
  { prefix, shown }: EtcdAddress,
  hasBegun: boolean,
): Promise<void> {
  const refusal = (what: string): KafkaError => {
    const line = `the cluster store at ${shown} ${what} of another cluster`;
    return new KafkaError('INCONSISTENT_CLUSTER_ID', `${line}: name another prefix, beside it`);
  };
  const parts = prefix.split('/');
  for (let count = 1; count < parts.length; count++) {
    const outer = parts.slice(0, count).join('/');
    if (!(await isCluster(client, outer))) continue;
    throw refusal(`lies in the prefix ${outer || '/'}`);
  }
  if (hasBegun) return;
  const inner = await clusterBelow(client, prefix);
  if (inner !== null) throw refusal(`has in it the prefix ${inner}`);
}

async function clusterBelow(client: EtcdClient, prefix: string): Promise<string | null> {
  const ending = `/${keys.identity}`;
  const all = new EtcdKeys(prefix).all();
  for (let { key } = all; ; ) {
    const page = await readable(client, { ...all, key, limit: pageEntries, keys_only: true });
    for (const whole of page.map(keyOf)) {
      const inner = whole.slice(0, -ending.length);
      if (whole.endsWith(ending) && inner !== prefix && (await isCluster(client, inner))) {
        return inner;
      }
    }
    if (page.length < pageEntries) return null;
    key = base64(`${keyOf(page.at(-1))}\0`);
  }
}

/** Somebody else may keep something under the same name. */
async function isCluster(client: EtcdClient, prefix: string): Promise<boolean> {
  const [entry] = await readable(client, { key: new EtcdKeys(prefix).key(keys.identity) });
  const { value } = (entry ?? {}) as { value?: unknown };
  if (typeof value !== 'string') return false;
  try {
    const identity: unknown = JSON.parse(Buffer.from(value, 'base64').toString());
    return typeof identity === 'object' && identity !== null && 'layout' in identity;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return false;
  }
}

async function readable(client: EtcdClient, range: Partial<KeyRange> & Json): Promise<unknown[]> {
  try {
    const { kvs = [] } = await client.ask('/v3/kv/range', range);
    return Array.isArray(kvs) ? kvs : [];
  } catch (error) {
    if (error instanceof EtcdError && error.message.includes('permission denied')) return [];
    throw error;
  }
}
