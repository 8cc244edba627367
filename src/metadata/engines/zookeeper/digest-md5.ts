// The SASL mechanism DIGEST-MD5 (RFC 2831) as a client of ZooKeeper speaks it: a challenge comes, a
// proof that the password is known goes, and the server proves the same.
//
// Invariant: the password leaves this file only inside of hashes, each over what the server chose
// and what was chosen here.

import { createHash } from 'node:crypto';
import { MalformedError } from '../../../protocol/index.ts';

/** The names by which ZooKeeper's servers go, whatever their hosts are called. */
const zooKeeperUri = 'zookeeper/zk-sasl-md5';
const firstUse = '00000001';

export interface DigestUser {
  readonly username: string;
  readonly password: string;
}

export interface DigestProof {
  /** What is sent. */
  readonly token: Buffer;
  /** What the server must answer. */
  readonly expected: Buffer;
}

/**
 * @param clientNonce of this proof alone
 * @throws MalformedError when the challenge is none, or asks for what this client does not have
 */
export function proveDigest(
  challenge: Buffer,
  { username, password }: DigestUser,
  { clientNonce, digestUri = zooKeeperUri }: { clientNonce: string; digestUri?: string },
): DigestProof {
  const asked = readDirectives(challenge.toString());
  const nonce = asked.get('nonce');
  if (nonce === undefined) throw new MalformedError('a challenge of DIGEST-MD5 without nonce');
  const offered = (asked.get('qop') ?? 'auth').split(',').map((each) => each.trim());
  if (!offered.includes('auth')) throw new MalformedError(`a challenge for qop ${offered}`);
  const realm = asked.get('realm') ?? '';
  const secret = md5([
    latinIfPossible(username),
    ':',
    latinIfPossible(realm),
    ':',
    latinIfPossible(password),
  ]);
  const key = hex([secret, `:${nonce}:${clientNonce}`]);
  const proofOf = (who: string): string =>
    hex([`${key}:${nonce}:${firstUse}:${clientNonce}:auth:${hex([`${who}:${digestUri}`])}`]);
  const token = [
    'charset=utf-8',
    `username=${quoted(username)}`,
    `realm=${quoted(realm)}`,
    `nonce=${quoted(nonce)}`,
    `nc=${firstUse}`,
    `cnonce=${quoted(clientNonce)}`,
    `digest-uri=${quoted(digestUri)}`,
    'qop=auth',
    `response=${proofOf('AUTHENTICATE')}`,
  ];
  return {
    token: Buffer.from(token.join(',')),
    expected: Buffer.from(`rspauth=${proofOf('')}`),
  };
}

/** `name=value` and `name="value"` between commas. */
function readDirectives(text: string): Map<string, string> {
  const found = new Map<string, string>();
  const pattern = /\s*([\w-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s",]*))\s*(?:,|$)/gsy;
  while (pattern.lastIndex < text.length) {
    const match = pattern.exec(text);
    if (match === null) throw new MalformedError('a challenge that is not of DIGEST-MD5');
    const [, name = '', inQuotes, bare = ''] = match;
    found.set(name.toLowerCase(), inQuotes?.replaceAll(/\\(.)/gs, '$1') ?? bare);
  }
  return found;
}

function quoted(text: string): string {
  return `"${text.replaceAll(/["\\]/g, '\\$&')}"`;
}

/** A name or password that is ISO 8859-1 is hashed as such, any other as UTF-8. */
function latinIfPossible(text: string): Buffer {
  return Buffer.from(text, /^[\0-\xff]*$/.test(text) ? 'latin1' : 'utf8');
}

function md5(parts: readonly (string | Buffer)[]): Buffer {
  const hash = createHash('md5');
  for (const part of parts) hash.update(part);
  return hash.digest();
}

function hex(parts: readonly (string | Buffer)[]): string {
  return md5(parts).toString('hex');
}
