// What the owner of a store is told about who may reach it, in the same words for every engine:
// that it is open to everybody, and what to correct where certificates do not fit.
//
// Invariant: each is one line that names the store or the key of the configuration, and no secret.

import type { Log } from '../../../io/index.ts';

/**
 * Called once, at the start, by an engine that got in without proving who it is.
 * `remedy` says how the system demands a proof, and with which keys a broker gives it.
 */
export function warnOfOpenStore(
  log: Log,
  { system, address, remedy }: { system: string; address: string; remedy: string },
): void {
  const danger = 'whoever reaches it can change the metadata';
  log.warn(`the ${system} at ${address} is open: ${danger}; ${remedy}`);
}

/** By how the code of an error begins (Node's and OpenSSL's names). */
const remedies: readonly (readonly [RegExp, string])[] = [
  [
    /^ERR_TLS_CERT_ALTNAME_INVALID$/,
    'name the host in cluster.store as its certificate does, or leave ' +
      'cluster.store.ssl.endpoint.identification.algorithm empty',
  ],
  // The other side's word on ours (`SSL/TLS_ALERT` in newer releases of OpenSSL).
  [/^ERR_SSL_.*ALERT_/, 'correct cluster.store.ssl.keystore.location'],
  [
    /^(EPROTO|ERR_SSL_WRONG_VERSION_NUMBER|ERR_SSL_PACKET_LENGTH_TOO_LONG)$/,
    'is it encrypted at all? If not, leave out cluster.store.ssl.*',
  ],
  [
    /^(CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|INVALID_CA|INVALID_PURPOSE|PATH_LENGTH_)/,
    'correct cluster.store.ssl.truststore.location, or the certificate of the store',
  ],
  [
    /^(ERR_OSSL_|ERR_SSL_|ERR_CRYPTO_)/,
    'correct cluster.store.ssl.keystore.location and cluster.store.ssl.key.password',
  ],
];

/**
 * What to do about a connection that failed because of certificates, which does not go away by
 * itself; null: it failed because of something else.
 */
export function certificateRemedy(
  code: string,
  system: 'etcd' | 'ZooKeeper' = 'etcd',
): string | null {
  const remedy = remedies.find(([codes]) => codes.test(code))?.[1] ?? null;
  return system === 'ZooKeeper' ? remedy && inKeysOfZooKeeper(remedy) : remedy;
}

function inKeysOfZooKeeper(remedy: string): string {
  return remedy
    .replaceAll('cluster.store.ssl.key.password', 'zookeeper.ssl.keystore.password')
    .replaceAll('cluster.store.ssl', 'zookeeper.ssl')
    .replaceAll('cluster.store', 'zookeeper.connect');
}
