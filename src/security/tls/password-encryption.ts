// Encryption under a password as PKCS12 files use it: PBES2 (RFC 8018), and what came before it
// (RFC 7292, appendix B and C): SHA-1 with triple DES or RC2, whose keys a derivation of its own
// makes.
//
// RC2 is no longer in OpenSSL, and the derivation is not offered by Node.js: both come from
// node-forge, loaded when they are needed. A hash of node:crypto for each of the hundred thousand
// rounds would take five times as long as one in JavaScript.

import { createDecipheriv, pbkdf2Sync } from 'node:crypto';
import { createRequire } from 'node:module';
import type forge from 'node-forge';
import { type DerNode, DerTag, expected, integerOf, octetsOf, oidOf, partsOf } from './der.ts';
import { KeyStoreError } from './key-store.ts';

/** Of one file: they take a few seconds, in which nobody is served. Java makes 200 000 or fewer. */
const roundsMax = 2_000_000;

/** What the keys of one file may still cost. */
export class RoundsLeft {
  #left = roundsMax;

  /** @throws KeyStoreError `unsupported`, when it is more than is left */
  take(node: DerNode | undefined): number {
    const rounds = node === undefined ? 1 : integerOf(node);
    if (rounds < 1 || rounds > this.#left) {
      const most = `at most ${roundsMax} are made for a file`;
      throw new KeyStoreError('unsupported', `its keys take ${rounds} rounds more, and ${most}`);
    }
    this.#left -= rounds;
    return rounds;
  }
}

const digestOfPrf: Readonly<Record<string, string>> = {
  '1.2.840.113549.2.7': 'sha1',
  '1.2.840.113549.2.8': 'sha224',
  '1.2.840.113549.2.9': 'sha256',
  '1.2.840.113549.2.10': 'sha384',
  '1.2.840.113549.2.11': 'sha512',
};

const pbes2Ciphers: Readonly<Record<string, readonly [name: string, keyBytes: number]>> = {
  '2.16.840.1.101.3.4.1.2': ['aes-128-cbc', 16],
  '2.16.840.1.101.3.4.1.22': ['aes-192-cbc', 24],
  '2.16.840.1.101.3.4.1.42': ['aes-256-cbc', 32],
  '1.2.840.113549.3.7': ['des-ede3-cbc', 24],
};

const pkcs12Ciphers: Readonly<Record<string, readonly [name: string, keyBytes: number]>> = {
  '1.2.840.113549.1.12.1.3': ['des-ede3-cbc', 24],
  '1.2.840.113549.1.12.1.4': ['des-ede-cbc', 16],
  '1.2.840.113549.1.12.1.5': ['rc2', 16],
  '1.2.840.113549.1.12.1.6': ['rc2', 5],
};

const pbes2 = '1.2.840.113549.1.5.13';
const pbkdf2 = '1.2.840.113549.1.5.12';

/**
 * For what OpenSSL is to open, which makes as many rounds as it is told.
 * @throws KeyStoreError `unsupported`
 */
export function assertRounds(algorithm: DerNode | undefined): void {
  const [oid, parameters] = partsOf(algorithm);
  const derivedFrom = oidOf(oid) === pbes2 ? partsOf(partsOf(parameters)[0])[1] : parameters;
  new RoundsLeft().take(partsOf(derivedFrom)[1]);
}

/**
 * What was encrypted by this AlgorithmIdentifier.
 * @throws KeyStoreError `password` where the result is padded wrongly, `unsupported`
 */
export async function decryptUnderPassword(
  algorithm: DerNode | undefined,
  encrypted: Buffer,
  password: string,
  left: RoundsLeft,
): Promise<Buffer> {
  const [oidNode, parameters] = partsOf(algorithm);
  const oid = oidOf(oidNode);
  if (oid === pbes2) return decryptPbes2(parameters, encrypted, password, left);
  const cipher = pkcs12Ciphers[oid];
  if (cipher === undefined) throw unsupported(oid);
  const [name, keyBytes] = cipher;
  const [salt, iterations] = partsOf(parameters);
  const derive = (purpose: 1 | 2, size: number): Promise<Buffer> =>
    pkcs12Key(
      'sha1',
      { password, salt: octetsOf(salt), rounds: left.take(iterations) },
      purpose,
      size,
    );
  const key = await derive(1, keyBytes);
  const iv = await derive(2, 8);
  if (name === 'rc2') return decryptRc2(key, iv, encrypted);
  return decrypt(
    name === 'des-ede-cbc' ? 'des-ede3-cbc' : name,
    threeKeys(key, name),
    iv,
    encrypted,
  );
}

function decryptPbes2(
  parameters: DerNode | undefined,
  encrypted: Buffer,
  password: string,
  left: RoundsLeft,
): Buffer {
  const [derivation, scheme] = partsOf(parameters);
  const [derivationOid, derivationParts] = partsOf(derivation);
  if (oidOf(derivationOid) !== pbkdf2) throw unsupported(oidOf(derivationOid));
  const [salt, iterations, ...rest] = partsOf(derivationParts);
  const prf = rest.find(({ tag }) => tag === DerTag.SEQUENCE);
  const prfOid = prf === undefined ? '1.2.840.113549.2.7' : oidOf(partsOf(prf)[0]);
  const digest = digestOfPrf[prfOid];
  const [schemeOid, iv] = partsOf(scheme);
  const cipher = pbes2Ciphers[oidOf(schemeOid)];
  if (digest === undefined) throw unsupported(prfOid);
  if (cipher === undefined) throw unsupported(oidOf(schemeOid));
  const [name, keyBytes] = cipher;
  const rounds = left.take(iterations);
  const key = pbkdf2Sync(password, octetsOf(salt), rounds, keyBytes, digest);
  return decrypt(name, key, expected(iv, DerTag.OCTET_STRING).content, encrypted);
}

function decrypt(cipher: string, key: Buffer, iv: Buffer, encrypted: Buffer): Buffer {
  try {
    const decipher = createDecipheriv(cipher, key, iv);
    return Buffer.concat([decipher.update(encrypted), decipher.final()]);
  } catch {
    throw new KeyStoreError('password', 'the password is wrong');
  }
}

/** Not by `import()`, which bundlers would follow: few clients have such files. */
function loadForge(): typeof forge {
  try {
    // A bundle in CommonJS has no import.meta.url.
    const require = createRequire(import.meta.url ?? __filename);
    return require('node-forge') as typeof forge;
  } catch {
    throw new KeyStoreError('unsupported', 'it needs a package: npm install node-forge');
  }
}

async function decryptRc2(key: Buffer, iv: Buffer, encrypted: Buffer): Promise<Buffer> {
  const forge = loadForge();
  const decipher = forge.rc2.createDecryptionCipher(
    forge.util.createBuffer(key.toString('binary')),
    key.length * 8,
  );
  decipher.start(iv.toString('binary'));
  decipher.update(forge.util.createBuffer(encrypted.toString('binary')));
  if (!decipher.finish()) throw new KeyStoreError('password', 'the password is wrong');
  return bytesOf(decipher.output);
}

/** Two keys of DES, the first of which comes again as the third. */
function threeKeys(key: Buffer, name: string): Buffer {
  return name === 'des-ede-cbc' ? Buffer.concat([key, key.subarray(0, 8)]) : key;
}

export interface DerivedFrom {
  readonly password: string;
  readonly salt: Buffer;
  readonly rounds: number;
}

/** RFC 7292, B.2. The purpose: 1 for a key, 2 for an IV, 3 for a MAC. */
export async function pkcs12Key(
  digest: string,
  { password, salt, rounds }: DerivedFrom,
  purpose: 1 | 2 | 3,
  size: number,
): Promise<Buffer> {
  const forge = loadForge();
  const derive = forge.pkcs12.generateKey as unknown as ForgeDerivation;
  const { md } = forge as unknown as { md: Readonly<Record<string, { create(): unknown }>> };
  const saltBytes = forge.util.createBuffer(salt.toString('binary'));
  const hash = md[digest];
  if (hash === undefined) throw unsupported(digest);
  return bytesOf(derive(password, saltBytes, purpose, rounds, size, hash.create()));
}

type ForgeDerivation = (
  password: string,
  salt: forge.util.ByteStringBuffer,
  purpose: number,
  rounds: number,
  size: number,
  hash: unknown,
) => forge.util.ByteStringBuffer;

function bytesOf(buffer: forge.util.ByteStringBuffer): Buffer {
  return Buffer.from(buffer.getBytes(), 'binary');
}

function unsupported(oid: string): KeyStoreError {
  return new KeyStoreError('unsupported', `it is encrypted by ${oid}, which is not known`);
}
