// SCRAM credentials of users (KIP-554): what is kept is derived from the salted password, so that
// nobody who reads the metadata log can log in with it.
//
// Invariant: a user's changes in one request are all made, or none of them.

import { createHash, createHmac } from 'node:crypto';
import { pushAll } from '../../base/push-all.ts';
import type { Decision } from '../../machine/index.ts';
import { type ErrorName, KafkaError } from '../../protocol/index.ts';
import type { MetadataImage, ScramCredential } from '../image.ts';
import type { MetadataRecord } from '../records/index.ts';
import {
  type AlterScramRequest,
  type AlterScramResult,
  itemError,
  type ScramDeletion,
  type ScramUpsertion,
} from './api.ts';
import type { ControllerMachine } from './controller-machine.ts';

/** By the protocol's number of the mechanism. */
const mechanisms: ReadonlyMap<number, { readonly hash: string; readonly iterationsMin: number }> =
  new Map([
    [1, { hash: 'sha256', iterationsMin: 4096 }],
    [2, { hash: 'sha512', iterationsMin: 4096 }],
  ]);
const iterationsMax = 16_384;

type Change = ScramDeletion | ScramUpsertion;

export function alterScramCredentials(
  machine: ControllerMachine,
  request: AlterScramRequest,
): Decision<MetadataRecord, AlterScramResult[]> {
  const byUser = new Map<string, Change[]>();
  for (const change of [...request.deletions, ...request.upsertions]) {
    const changes = byUser.get(change.user);
    if (changes === undefined) byUser.set(change.user, [change]);
    else changes.push(change);
  }
  const records: MetadataRecord[] = [];
  const response: AlterScramResult[] = [];
  for (const [user, changes] of byUser) {
    try {
      pushAll(records, recordsOf(machine.image, user, changes));
      response.push({ user, error: null });
    } catch (error) {
      response.push({ user, error: itemError(error) });
    }
  }
  return { records, response };
}

function recordsOf(
  image: MetadataImage,
  user: string,
  changes: readonly Change[],
): MetadataRecord[] {
  if (user === '') refuse('UNACCEPTABLE_CREDENTIAL', 'Username must not be empty');
  const seen = new Set<number>();
  return changes.map((change) => {
    const { mechanism } = change;
    const known = mechanisms.get(mechanism);
    if (known === undefined) refuse('UNSUPPORTED_SASL_MECHANISM', 'Unknown SCRAM mechanism');
    if (seen.has(mechanism)) {
      const why = 'A user credential cannot be altered twice in the same request';
      refuse('DUPLICATE_RESOURCE', why);
    }
    seen.add(mechanism);
    if (!('salt' in change)) {
      if (!image.scram.has(scramKey(mechanism, user))) {
        const why = 'Attempt to delete a user credential that does not exist';
        refuse('RESOURCE_NOT_FOUND', why);
      }
      return { type: 'RemoveUserScramCredentialRecord', name: user, mechanism };
    }
    const { iterations } = change;
    if (iterations < known.iterationsMin) refuse('UNACCEPTABLE_CREDENTIAL', 'Too few iterations');
    if (iterations > iterationsMax) refuse('UNACCEPTABLE_CREDENTIAL', 'Too many iterations');
    const keys = keysOf(known.hash, change.saltedPassword);
    const salt = Buffer.from(change.salt);
    return { type: 'UserScramCredentialRecord', name: user, mechanism, salt, iterations, ...keys };
  });
}

/** The keys of RFC 5802, section 3. */
function keysOf(
  hash: string,
  saltedPassword: Uint8Array,
): { storedKey: Buffer; serverKey: Buffer } {
  const sign = (text: string): Buffer => createHmac(hash, saltedPassword).update(text).digest();
  const storedKey = createHash(hash).update(sign('Client Key')).digest();
  return { storedKey, serverKey: sign('Server Key') };
}

function scramKey(mechanism: number, user: string): string {
  return `${mechanism}/${user}`;
}

function refuse(name: ErrorName, why: string): never {
  throw new KafkaError(name, why);
}

/** The credentials of each user that was asked for; of all when none was. */
export function describeScram(
  image: MetadataImage,
  users: readonly string[] | null,
): { user: string; error: KafkaError | null; credentials: ScramCredential[] }[] {
  const byUser = new Map<string, ScramCredential[]>();
  for (const credential of image.scram.values()) {
    const found = byUser.get(credential.user);
    if (found === undefined) byUser.set(credential.user, [credential]);
    else found.push(credential);
  }
  const asked = users === null || users.length === 0 ? [...byUser.keys()].sort() : users;
  return [...new Set(asked)].map((user) => {
    const credentials = byUser.get(user) ?? [];
    credentials.sort((a, b) => a.mechanism - b.mechanism);
    return { user, error: describeError(user, asked, credentials), credentials };
  });
}

function describeError(
  user: string,
  asked: readonly string[],
  credentials: readonly ScramCredential[],
): KafkaError | null {
  if (asked.filter((each) => each === user).length > 1) {
    const what = 'Cannot describe SCRAM credentials for the same user twice in a single request';
    return new KafkaError('DUPLICATE_RESOURCE', `${what}: ${user}`);
  }
  if (credentials.length > 0) return null;
  const what = 'Attempt to describe a user credential that does not exist';
  return new KafkaError('RESOURCE_NOT_FOUND', `${what}: ${user}`);
}
