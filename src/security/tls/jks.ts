// Java's own key stores (JKS): entries in the clear, keys under Sun's protection, and a hash over
// everything that only the owner of the password can make.
//
// Invariant: with a password nothing of a store whose hash differs is used.

import { createHash, createPrivateKey, type KeyObject, timingSafeEqual } from 'node:crypto';
import { DerError, octetsOf, oidOf, partsOf, readDer } from './der.ts';
import { type KeyEntry, type KeyStore, KeyStoreError, type StorePasswords } from './key-store.ts';

export const jksMagic = 0xfeed_feed;

const hashBytes = 20;
const sunKeyProtector = '1.3.6.1.4.1.42.2.17.1.1';
const whitener = Buffer.from('Mighty Aphrodite', 'utf8');

/** @throws KeyStoreError */
export function readJks(bytes: Buffer, passwords: StorePasswords): KeyStore {
  if (bytes.length < 12 + hashBytes) throw new KeyStoreError('format', 'it ends too early');
  const body = bytes.subarray(0, -hashBytes);
  if (passwords.store !== null) {
    const hash = sha1(utf16(passwords.store), whitener, body);
    if (!timingSafeEqual(hash, bytes.subarray(-hashBytes))) {
      throw new KeyStoreError('password', 'the password is wrong, or the file was changed');
    }
  }
  const reader = new JksReader(body);
  if (reader.int() !== jksMagic) throw new KeyStoreError('format', 'it is no JKS');
  const version = reader.int();
  if (version !== 1 && version !== 2) {
    throw new KeyStoreError('unsupported', `version ${version} of JKS is not known`);
  }
  const keys: KeyEntry[] = [];
  const trusted: Buffer[] = [];
  for (let left = reader.int(); left > 0; left--) {
    const kind = reader.int();
    const alias = reader.text();
    reader.skip(8);
    if (kind === 1) {
      const sealed = reader.bytes(reader.int());
      const chain = Array.from({ length: reader.count() }, () => reader.certificate(version));
      keys.push({ alias, key: openKey(sealed, passwords.key ?? passwords.store, alias), chain });
    } else if (kind === 2) trusted.push(reader.certificate(version));
    else throw new KeyStoreError('format', `entry ${alias} is of no known kind`);
  }
  return { keys, trusted };
}

class JksReader {
  readonly #bytes: Buffer;
  #position = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  bytes(count: number): Buffer {
    const end = this.#position + count;
    if (end > this.#bytes.length) throw new KeyStoreError('format', 'it ends too early');
    const found = this.#bytes.subarray(this.#position, end);
    this.#position = end;
    return found;
  }

  skip(count: number): void {
    this.bytes(count);
  }

  int(): number {
    return this.bytes(4).readUInt32BE();
  }

  /** Of things that take at least a byte each. */
  count(): number {
    const count = this.int();
    if (count > this.#bytes.length) throw new KeyStoreError('format', 'it ends too early');
    return count;
  }

  text(): string {
    return this.bytes(this.bytes(2).readUInt16BE()).toString('utf8');
  }

  certificate(version: number): Buffer {
    const type = version === 2 ? this.text() : 'X.509';
    if (type !== 'X.509') throw new KeyStoreError('unsupported', `a certificate of type ${type}`);
    return this.bytes(this.int());
  }
}

/** Sun's protection: the key XOR a chain of hashes that starts with a salt, and a hash to check. */
function openKey(sealed: Buffer, password: string | null, alias: string): KeyObject {
  let protectedKey: Buffer;
  try {
    const [algorithm, octets] = partsOf(readDer(sealed));
    const oid = oidOf(partsOf(algorithm)[0]);
    if (oid !== sunKeyProtector) {
      throw new KeyStoreError('unsupported', `the key ${alias} is protected by ${oid}`);
    }
    protectedKey = octetsOf(octets);
  } catch (error) {
    if (error instanceof DerError) throw new KeyStoreError('format', error.message);
    throw error;
  }
  if (password === null) throw new KeyStoreError('password', 'no password is set');
  if (protectedKey.length < 2 * hashBytes) throw new KeyStoreError('format', 'a key ends early');
  const secret = utf16(password);
  const encrypted = protectedKey.subarray(hashBytes, -hashBytes);
  const key = Buffer.alloc(encrypted.length);
  let mask = protectedKey.subarray(0, hashBytes);
  for (let position = 0; position < key.length; position++) {
    const place = position % hashBytes;
    if (place === 0) mask = sha1(secret, mask);
    key[position] = (encrypted[position] as number) ^ (mask[place] as number);
  }
  if (!timingSafeEqual(sha1(secret, key), protectedKey.subarray(-hashBytes))) {
    throw new KeyStoreError('keyPassword', `the password of the key ${alias} is wrong`);
  }
  return createPrivateKey({ key, format: 'der', type: 'pkcs8' });
}

function sha1(...parts: readonly Buffer[]): Buffer {
  const hash = createHash('sha1');
  for (const part of parts) hash.update(part);
  return hash.digest();
}

/** Big-endian, as Java's characters. */
function utf16(text: string): Buffer {
  return Buffer.from(text, 'utf16le').swap16();
}
