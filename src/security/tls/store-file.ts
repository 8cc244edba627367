// The file of a key store or trust store: which format it has, and what is in it.
//
// The formats tell themselves apart by their first bytes. As in Java, JKS and PKCS12 are read under
// either name (`keystore.type.compat`), because keytool has made PKCS12 by default since Java 9
// while Kafka's default type is JKS; PEM has to be named.

import { ConfigError } from '../../config/index.ts';
import { type Disk, IoError } from '../../io/index.ts';
import { jksMagic, readJks } from './jks.ts';
import { type KeyStore, KeyStoreError } from './key-store.ts';
import { readPkcs12 } from './pkcs12.ts';
import type { TlsKey, TlsSettings } from './tls-settings.ts';

export interface StoreKeys {
  readonly location: TlsKey;
  readonly type: TlsKey;
  readonly password: TlsKey;
  /** null: there are no private keys to open. */
  readonly keyPassword: TlsKey | null;
}

export type StoreFile =
  | { readonly kind: 'pem'; readonly text: string }
  | { readonly kind: 'store'; readonly store: KeyStore };

const jceksMagic = 0xcece_cece;
/** A store of a thousand authorities has a megabyte. */
export const storeBytesMax = 16 * 1024 * 1024;

export function storeError(
  settings: TlsSettings,
  key: TlsKey,
  path: string,
  problem: string,
): ConfigError {
  return new ConfigError(key, `${settings.nameOf(key)} (${path}): ${problem}`);
}

/** @throws ConfigError */
export async function readStoreFile(
  disk: Pick<Disk, 'readFile'>,
  settings: TlsSettings,
  keys: StoreKeys,
): Promise<StoreFile> {
  const path = settings.text(keys.location) as string;
  const fail = (problem: string): ConfigError => storeError(settings, keys.location, path, problem);
  const bytes = contentOf(disk, path, fail);
  const type = (settings.text(keys.type) ?? 'JKS').trim().toUpperCase();
  const typeName = settings.nameOf(keys.type);
  const isPem = bytes.includes('-----BEGIN ');
  if (type === 'PEM') {
    if (!isPem) throw fail(`it is no PEM file, but ${typeName} is PEM; correct one of them`);
    const passwordName = settings.nameOf(keys.password);
    if (settings.text(keys.password) !== null) {
      const remedy = `remove ${passwordName} (ssl.key.password opens an encrypted key)`;
      throw fail(`a PEM file has no password of its own; ${remedy}`);
    }
    return { kind: 'pem', text: bytes.toString('utf8') };
  }
  if (type !== 'JKS' && type !== 'PKCS12') {
    const remedy = `give JKS, PKCS12 or PEM in ${typeName}`;
    throw fail(`stores of type ${type} are not read; ${remedy}`);
  }
  if (isPem) throw fail(`it is a PEM file, but ${typeName} is ${type}; set that to PEM`);
  const passwords = {
    store: settings.text(keys.password),
    key: keys.keyPassword === null ? null : settings.text(keys.keyPassword),
  };
  if (keys.keyPassword !== null && passwords.store === null) {
    throw fail(`the password of the store is missing; give ${settings.nameOf(keys.password)}`);
  }
  try {
    return { kind: 'store', store: await parse(bytes, passwords) };
  } catch (error) {
    if (!(error instanceof KeyStoreError)) throw error;
    throw fail(problemOf(error, settings, keys));
  }
}

async function parse(
  bytes: Buffer,
  passwords: { readonly store: string | null; readonly key: string | null },
): Promise<KeyStore> {
  const magic = bytes.length >= 4 ? bytes.readUInt32BE() : 0;
  if (magic === jksMagic) return readJks(bytes, passwords);
  if (magic === jceksMagic) throw new KeyStoreError('unsupported', 'it is a JCEKS store');
  if (bytes[0] === 0x30) return await readPkcs12(bytes, passwords);
  throw new KeyStoreError('format', 'it is neither JKS nor PKCS12');
}

function problemOf(
  { fault, message }: KeyStoreError,
  settings: TlsSettings,
  { password, keyPassword }: StoreKeys,
): string {
  switch (fault) {
    case 'password':
      return `${message}; correct ${settings.nameOf(password)}`;
    case 'keyPassword':
      return `${message}; correct ${settings.nameOf(keyPassword ?? password)}`;
    case 'unsupported':
      return `${message}; keytool -importkeystore makes a PKCS12 store of it`;
    default:
      return `it cannot be read as a key store: ${message}; make it anew by keytool or openssl`;
  }
}

function contentOf(
  disk: Pick<Disk, 'readFile'>,
  path: string,
  fail: (problem: string) => ConfigError,
): Buffer {
  let content: Buffer | null;
  try {
    content = disk.readFile(path, storeBytesMax);
  } catch (error) {
    if (!(error instanceof IoError)) throw error;
    throw fail(unreadable[error.code] ?? unreadableFor(error.code));
  }
  if (content === null) throw fail('there is no such file; correct the path');
  return content;
}

const unreadable: Readonly<Record<string, string>> = {
  EISDIR: 'it is a directory; name the file in it',
  ENOTSUP: 'it is a pipe, a socket or a device; copy what it gives into a file',
  EFBIG: 'it has more than 16 MiB and is no key store; correct the path',
};

function unreadableFor(code: string): string {
  return `it cannot be read (${code}); let the broker or tool read this file`;
}
