// Passwords that are altered over the wire, as they are stored: with `password.encoder.secret`
// encrypted (AES-256-GCM under a key that PBKDF2 derives), so that the metadata, their copies and
// what is printed of them give none away. Kafka did so in its ZooKeeper years, in another form.
//
// Invariant: what was sealed under one secret is opened under that one, or refused; never taken for
// the password itself.

import { createCipheriv, createDecipheriv, pbkdf2Sync } from 'node:crypto';
import { brokerDefinition, listenerKeyDefinition } from './broker-definitions.ts';
import { ConfigError } from './config-error.ts';
import { isSensitive } from './definition.ts';

const prefix = 'sealed:1:';
const saltBytes = 16;
const ivBytes = 12;
const tagBytes = 16;
const iterations = 10_000;
const cipher = 'aes-256-gcm';

/** Bytes that no two values have in common. */
export const sealBytes = saltBytes + ivBytes;

/** Whether the value of a broker's key must be shown to nobody; keys that nobody knows are. */
export function isSecretOfBroker(key: string, value: string): boolean {
  return isSensitive(brokerDefinition(key) ?? listenerKeyDefinition(key), value);
}

export function isSealed(value: string): boolean {
  return value.startsWith(prefix);
}

/** @param random of `sealBytes` */
export function sealed(value: string, secret: string, random: Buffer): string {
  const [salt, iv] = [random.subarray(0, saltBytes), random.subarray(saltBytes)];
  const sealing = createCipheriv(cipher, keyOf(secret, salt), iv);
  const hidden = Buffer.concat([sealing.update(value, 'utf8'), sealing.final()]);
  const whole = Buffer.concat([salt, iv, sealing.getAuthTag(), hidden]);
  return `${prefix}${whole.toString('base64')}`;
}

/** @throws ConfigError: it was sealed under none of the secrets */
export function opened(key: string, value: string, secrets: readonly string[]): string {
  if (!isSealed(value)) return value;
  const whole = Buffer.from(value.slice(prefix.length), 'base64');
  for (const secret of secrets) {
    const text = openedUnder(whole, secret);
    if (text !== null) return text;
  }
  const remedy = 'set password.encoder.secret to the one of that time, or alter the key again';
  throw new ConfigError(key, `${key} was encrypted under another secret: ${remedy}`);
}

function openedUnder(whole: Buffer, secret: string): string | null {
  const [ivAt, tagAt] = [saltBytes, saltBytes + ivBytes];
  const textAt = tagAt + tagBytes;
  if (whole.length < textAt) return null;
  const opening = createDecipheriv(
    cipher,
    keyOf(secret, whole.subarray(0, ivAt)),
    whole.subarray(ivAt, tagAt),
  );
  opening.setAuthTag(whole.subarray(tagAt, textAt));
  try {
    return Buffer.concat([opening.update(whole.subarray(textAt)), opening.final()]).toString();
  } catch {
    return null;
  }
}

function keyOf(secret: string, salt: Buffer): Buffer {
  return pbkdf2Sync(secret, salt, iterations, 32, 'sha256');
}
