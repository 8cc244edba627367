// Certificates and keys in the PEM files that the configuration names.
//
// Invariant: a file that is not there, or of another format, is refused with the key that names it.

import type { BrokerConfig } from '../config/index.ts';
import { type Io, IoError } from '../io/index.ts';
import { KafkaError } from '../protocol/index.ts';

/** The keys that name such a file. */
export type PemKey =
  | 'cluster.store.ssl.keystore.location'
  | 'cluster.store.ssl.truststore.location'
  | 'zookeeper.ssl.keystore.location'
  | 'zookeeper.ssl.truststore.location';

/** null: the key is not set. @throws KafkaError INVALID_CONFIG */
export function readPem(disk: Io['disk'], config: BrokerConfig, key: PemKey): Buffer | null {
  const path = config.get(key);
  if (path === null) return null;
  let content: Buffer | null;
  try {
    content = disk.readFile(path);
  } catch (error) {
    if (!(error instanceof IoError)) throw error;
    throw new KafkaError('INVALID_CONFIG', `${key}: ${error.message}`);
  }
  if (content === null) throw new KafkaError('INVALID_CONFIG', `${key}: there is no file ${path}`);
  if (!content.includes('-----BEGIN ')) {
    const remedy = 'openssl pkcs12 and keytool -importkeystore make PEM of other formats';
    throw new KafkaError('INVALID_CONFIG', `${key}: ${path} is no PEM file (${remedy})`);
  }
  return content;
}
