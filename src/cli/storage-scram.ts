// The users that a cluster begins with: --add-scram of kafka-storage.sh, in Kafka's words.
//
// Invariant: a password is in no error and in no file, only what SCRAM derives from it.

import type { Random } from '../io/index.ts';
import type { MetadataRecord } from '../metadata/index.ts';
import { saltedPassword, scramKeys, scramMechanism } from '../security/sasl/index.ts';
import { UsageError } from './command-line.ts';

const iterationsMax = 16_384;
const keys = ['name', 'password', 'saltedpassword', 'iterations', 'salt'];

/** @param text such as `SCRAM-SHA-256=[name=alice,password=alice-secret]` */
export function scramRecord(random: Random, text: string): MetadataRecord {
  const [, name = '', list = ''] = /^([^=]*)=\[(.*)\]$/s.exec(text.trim()) ?? [];
  const mechanism = scramMechanism(name);
  if (mechanism === null) {
    const form = 'SCRAM-SHA-256=[name=alice,password=...]';
    throw new UsageError(`--add-scram: expected ${form}, or SCRAM-SHA-512`);
  }
  const options = parseOptions(list);
  const user = options.get('name');
  if (user === undefined) throw new UsageError("--add-scram: you must supply 'name' to add-scram");
  const iterations = Number(options.get('iterations') ?? mechanism.iterationsMin);
  const isPossible = iterations >= mechanism.iterationsMin && iterations <= iterationsMax;
  if (!Number.isInteger(iterations) || !isPossible) {
    const range = `${mechanism.iterationsMin} to ${iterationsMax}`;
    throw new UsageError(`--add-scram: the iterations of ${mechanism.name} are from ${range}`);
  }
  const salt = base64(options.get('salt'), 'salt') ?? random.bytes(16);
  const password = options.get('password');
  const given = base64(options.get('saltedpassword'), 'saltedpassword');
  if ((password === undefined) === (given === null)) {
    throw new UsageError("--add-scram: supply one of 'password' or 'saltedpassword' to add-scram");
  }
  if (given !== null && !options.has('salt')) {
    throw new UsageError("--add-scram: you must supply 'salt' with 'saltedpassword'");
  }
  const salted = given ?? saltedPassword(mechanism, password as string, { salt, iterations });
  const derived = scramKeys(mechanism, salted);
  const type = 'UserScramCredentialRecord';
  return { type, name: user, mechanism: mechanism.number, salt, iterations, ...derived };
}

/** Between commas; quotes keep commas. */
function parseOptions(list: string): ReadonlyMap<string, string> {
  const pattern = /\s*([a-z]+)\s*=\s*(?:"([^"]*)"|([^,"]*))\s*(?:,|$)/gy;
  const options = new Map<string, string>();
  while (pattern.lastIndex < list.length) {
    const [, key = '', quoted, bare = ''] = pattern.exec(list) ?? [];
    if (!keys.includes(key)) throw new UsageError(`--add-scram: it has ${keys.join(', ')} alone`);
    options.set(key, quoted ?? bare.trim());
  }
  return options;
}

function base64(text: string | undefined, key: string): Buffer | null {
  if (text === undefined) return null;
  const bytes = Buffer.from(text, 'base64');
  if (bytes.length > 0) return bytes;
  throw new UsageError(`--add-scram: ${key} is not in base64`);
}
