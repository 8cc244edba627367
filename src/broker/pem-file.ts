// Certificates and keys in the PEM files that the configuration names.
//
// Invariant: a file that is not there, or of another format, is refused with the key that names it.

import { type Io, IoError } from '../io/index.ts';
import { KafkaError } from '../protocol/index.ts';

/** @throws KafkaError INVALID_CONFIG */
export function readPem(disk: Io['disk'], key: string, path: string): Buffer {
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
