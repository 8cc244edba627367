// Key stores in PKCS12 (RFC 7292): what keytool of Java 8 to 25 and openssl make.
//
// Invariants: with a password, nothing of a file whose MAC differs is used; a certificate without a
// key is trusted only where Oracle's attribute says so, as in Java: others merely belong to chains.

import {
  createHmac,
  createPrivateKey,
  type KeyObject,
  timingSafeEqual,
  X509Certificate,
} from 'node:crypto';
import {
  childrenOf,
  DerError,
  type DerNode,
  DerTag,
  expected,
  integerOf,
  octetsOf,
  oidOf,
  partsOf,
  readDer,
} from './der.ts';
import { type KeyEntry, type KeyStore, KeyStoreError, type StorePasswords } from './key-store.ts';
import { decryptUnderPassword, pkcs12Key, RoundsLeft } from './password-encryption.ts';

const contentTypes = { data: '1.2.840.113549.1.7.1', encrypted: '1.2.840.113549.1.7.6' };
const bagTypes = {
  key: '1.2.840.113549.1.12.10.1.1',
  shroudedKey: '1.2.840.113549.1.12.10.1.2',
  certificate: '1.2.840.113549.1.12.10.1.3',
};
const x509 = '1.2.840.113549.1.9.22.1';
const attributeTypes = {
  friendlyName: '1.2.840.113549.1.9.20',
  localKeyId: '1.2.840.113549.1.9.21',
  trustedKeyUsage: '2.16.840.1.113894.746875.1.1',
};

const digests: Readonly<Record<string, string>> = {
  '1.3.14.3.2.26': 'sha1',
  '2.16.840.1.101.3.4.2.4': 'sha224',
  '2.16.840.1.101.3.4.2.1': 'sha256',
  '2.16.840.1.101.3.4.2.2': 'sha384',
  '2.16.840.1.101.3.4.2.3': 'sha512',
};

/** How deep a chain is followed. */
const chainMax = 16;

interface Bag {
  readonly type: string;
  readonly value: DerNode | undefined;
  readonly alias: string;
  /** Hexadecimal; a key and its certificate have the same. */
  readonly localKeyId: string | null;
  readonly isTrusted: boolean;
}

/** @throws KeyStoreError */
export async function readPkcs12(bytes: Buffer, passwords: StorePasswords): Promise<KeyStore> {
  try {
    return await read(bytes, passwords);
  } catch (error) {
    if (error instanceof DerError) throw new KeyStoreError('format', error.message);
    throw error;
  }
}

async function read(bytes: Buffer, passwords: StorePasswords): Promise<KeyStore> {
  const [version, authSafe, macData] = partsOf(readDer(bytes));
  if (integerOf(version) !== 3) throw new KeyStoreError('unsupported', 'its version is not 3');
  const [type, content] = partsOf(authSafe);
  if (oidOf(type) !== contentTypes.data) {
    throw new KeyStoreError('unsupported', 'it is sealed by a certificate, not by a password');
  }
  const safe = octetsOf(partsOf(content, DerTag.CONTEXT_0)[0]);
  const left = new RoundsLeft();
  if (passwords.store !== null && macData !== undefined) {
    await checkMac(macData, safe, { password: passwords.store, left });
  }
  const bags: Bag[] = [];
  for (const part of partsOf(readDer(safe))) {
    for (const bag of await bagsOf(part, passwords.store, left)) bags.push(bag);
  }
  return storeOf(bags, passwords, left);
}

interface MacKey {
  readonly password: string;
  readonly left: RoundsLeft;
}

async function checkMac(macData: DerNode, safe: Buffer, { password, left }: MacKey): Promise<void> {
  const [mac, salt, iterations] = partsOf(macData);
  const [algorithm, value] = partsOf(mac);
  const oid = oidOf(partsOf(algorithm)[0]);
  const digest = digests[oid];
  if (digest === undefined) {
    throw new KeyStoreError('unsupported', `its integrity is proven by ${oid}, which is not known`);
  }
  const derivedFrom = { password, salt: octetsOf(salt), rounds: left.take(iterations) };
  const found = octetsOf(value);
  const key = await pkcs12Key(digest, derivedFrom, 3, found.length);
  const proof = createHmac(digest, key).update(safe).digest();
  if (proof.length === found.length && timingSafeEqual(proof, found)) return;
  throw new KeyStoreError('password', 'the password is wrong, or the file was changed');
}

async function bagsOf(part: DerNode, password: string | null, left: RoundsLeft): Promise<Bag[]> {
  const [type, content] = partsOf(part);
  const [inner] = partsOf(content, DerTag.CONTEXT_0);
  const oid = oidOf(type);
  if (oid === contentTypes.data) return partsOf(readDer(octetsOf(inner))).map(bagOf);
  if (oid !== contentTypes.encrypted) {
    throw new KeyStoreError('unsupported', `a part of type ${oid} is not known`);
  }
  // As in Java: what needs a password is not there without one.
  if (password === null) return [];
  const [, algorithm, encrypted] = partsOf(partsOf(inner)[1]);
  const octets = octetsOf(encrypted, 0x80);
  const opened = await decryptUnderPassword(algorithm, octets, password, left);
  return partsOf(readDer(opened)).map(bagOf);
}

function bagOf(node: DerNode): Bag {
  const [type, value, attributes] = partsOf(node);
  const byType = new Map(
    (attributes === undefined ? [] : partsOf(attributes, DerTag.SET)).map((attribute) => {
      const [name, values] = partsOf(attribute);
      return [oidOf(name), childrenOf(expected(values, DerTag.SET))[0]];
    }),
  );
  const name = byType.get(attributeTypes.friendlyName)?.content ?? Buffer.alloc(0);
  return {
    type: oidOf(type),
    value: childrenOf(expected(value, DerTag.CONTEXT_0))[0],
    alias: name.length % 2 === 0 ? Buffer.from(name).swap16().toString('utf16le') : '',
    localKeyId: byType.get(attributeTypes.localKeyId)?.content.toString('hex') ?? null,
    isTrusted: byType.has(attributeTypes.trustedKeyUsage),
  };
}

async function storeOf(
  bags: readonly Bag[],
  passwords: StorePasswords,
  left: RoundsLeft,
): Promise<KeyStore> {
  const certificates = bags
    .filter(({ type }) => type === bagTypes.certificate)
    .map((bag) => ({ ...bag, der: certificateOf(bag.value) }));
  const issuers = certificates.map(({ der }) => der);
  const keys: KeyEntry[] = [];
  for (const bag of bags) {
    if (bag.type !== bagTypes.key && bag.type !== bagTypes.shroudedKey) continue;
    const key = await keyOf(bag, passwords, left);
    const own = certificates.find(
      ({ localKeyId }) => localKeyId !== null && localKeyId === bag.localKeyId,
    );
    keys.push({ alias: bag.alias, key, chain: own === undefined ? [] : chainOf(own.der, issuers) });
  }
  const trusted = certificates.filter(({ isTrusted }) => isTrusted).map(({ der }) => der);
  return { keys, trusted };
}

function certificateOf(value: DerNode | undefined): Buffer {
  const [type, content] = partsOf(value);
  if (oidOf(type) !== x509)
    throw new KeyStoreError('unsupported', 'a certificate that is no X.509');
  return octetsOf(partsOf(content, DerTag.CONTEXT_0)[0]);
}

async function keyOf(
  bag: Bag,
  { store, key }: StorePasswords,
  left: RoundsLeft,
): Promise<KeyObject> {
  let der = bag.value?.raw ?? Buffer.alloc(0);
  if (bag.type === bagTypes.shroudedKey) {
    const password = key ?? store;
    if (password === null) throw new KeyStoreError('password', 'no password is set');
    const [algorithm, encrypted] = partsOf(bag.value);
    try {
      der = await decryptUnderPassword(algorithm, octetsOf(encrypted), password, left);
    } catch (error) {
      if (!(error instanceof KeyStoreError) || error.fault !== 'password') throw error;
      throw new KeyStoreError('keyPassword', `the password of the key ${bag.alias} is wrong`);
    }
  }
  try {
    return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  } catch {
    throw new KeyStoreError('keyPassword', `the key ${bag.alias} cannot be read by its password`);
  }
}

/** The certificate, who issued it, who issued that … as far as the store has them. */
function chainOf(first: Buffer, store: readonly Buffer[]): Buffer[] {
  const chain = [first];
  while (chain.length < chainMax) {
    const last = new X509Certificate(chain.at(-1) as Buffer);
    const next = store.find(
      (der) =>
        !chain.some((each) => each.equals(der)) && last.checkIssued(new X509Certificate(der)),
    );
    if (next === undefined) break;
    chain.push(next);
  }
  return chain;
}
