// The arithmetic of SCRAM (RFC 5802, section 3): what is made of a password, and what proves it.

import { createHash, createHmac, pbkdf2Sync } from 'node:crypto';

export interface ScramMechanism {
  readonly name: 'SCRAM-SHA-256' | 'SCRAM-SHA-512';
  /** In requests and records (KIP-554). */
  readonly number: number;
  readonly hash: 'sha256' | 'sha512';
  readonly hashBytes: number;
  readonly iterationsMin: number;
}

/** Of a user's password, under a salt. */
export interface ScramKeys {
  readonly storedKey: Buffer;
  readonly serverKey: Buffer;
}

export const scramMechanisms: readonly ScramMechanism[] = [
  { name: 'SCRAM-SHA-256', number: 1, hash: 'sha256', hashBytes: 32, iterationsMin: 4096 },
  { name: 'SCRAM-SHA-512', number: 2, hash: 'sha512', hashBytes: 64, iterationsMin: 4096 },
];

export function scramMechanism(name: string): ScramMechanism | null {
  return scramMechanisms.find((each) => each.name === name) ?? null;
}

/** Hi() of RFC 5802; as Kafka, without a normal form of the password. */
export function saltedPassword(
  { hash, hashBytes }: ScramMechanism,
  password: string,
  { salt, iterations }: { readonly salt: Buffer; readonly iterations: number },
): Buffer {
  return pbkdf2Sync(password, salt, iterations, hashBytes, hash);
}

export function hmac({ hash }: ScramMechanism, key: Buffer, text: string): Buffer {
  return createHmac(hash, key).update(text).digest();
}

export function storedKeyOf({ hash }: ScramMechanism, clientKey: Buffer): Buffer {
  return createHash(hash).update(clientKey).digest();
}

export function scramKeys(mechanism: ScramMechanism, salted: Buffer): ScramKeys {
  const clientKey = hmac(mechanism, salted, 'Client Key');
  const serverKey = hmac(mechanism, salted, 'Server Key');
  return { storedKey: storedKeyOf(mechanism, clientKey), serverKey };
}

/** Of buffers of one length. */
export function xor(a: Buffer, b: Buffer): Buffer {
  return Buffer.from(a.map((byte, index) => byte ^ (b[index] as number)));
}
