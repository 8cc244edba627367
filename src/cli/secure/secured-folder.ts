// The files of `partita start --secure`: a first start makes them, later ones find and complete
// them. Three hold what cannot be made again: the authority, the certificate of the brokers, and
// the password; the others are written from those.
//
// Invariants: each is replaced as a whole, and is read before it is used: what a start that was
// killed has left is completed by the next one, and what is damaged is made anew. A new certificate
// is signed by the authority that there is; only a new authority makes clients need other files.

import type { Io, SecretFolder } from '../../io/index.ts';
import type { UserRecord } from '../../metadata/index.ts';
import { saltedPassword, scramKeys, scramMechanism } from '../../security/sasl/index.ts';
import {
  isGoodAuthority,
  isGoodServer,
  type KeyedCertificate,
  newAuthority,
  newServer,
  readKeyed,
  type ServerHosts,
} from './certificates.ts';

export const adminName = 'admin';
export const mechanismName = 'SCRAM-SHA-512';
const iterations = 8192;

export const fileNames = {
  /** The authority: key and certificate. */
  authority: 'ca-key.pem',
  /** Its certificate alone: whom clients trust. */
  trusted: 'ca.pem',
  /** The brokers': key and certificate. */
  server: 'broker.pem',
  /** The password, and its salt. */
  secrets: 'secrets.properties',
  /** For Java's clients and every tool. */
  client: 'admin.properties',
  /** For clients made of librdkafka. */
  librdkafka: 'admin-librdkafka.properties',
} as const;

/** In secrets.properties; the broker's configuration refers to it. */
export const jaasKey = 'sasl.jaas.config';

/** Brings the folder in order; what `say` is told is a surprise to clients. */
export async function complete(
  io: Io,
  folder: SecretFolder,
  hosts: ServerHosts & { readonly of: string },
  say: (line: string) => void,
): Promise<void> {
  const authority = await authorityIn(io, folder, hosts.of, say);
  await serverIn(io, folder, { authority, hosts });
  const { password } = secretsIn(io, folder);
  const trusted = authority.certificate.toString();
  const texts: readonly (readonly [string, string])[] = [
    [fileNames.trusted, trusted],
    [fileNames.client, clientProperties(password, trusted)],
    [fileNames.librdkafka, librdkafkaProperties(password, `${folder.path}/${fileNames.trusted}`)],
  ];
  for (const [name, text] of texts) if (folder.read(name) !== text) folder.write(name, text);
}

async function authorityIn(
  io: Io,
  folder: SecretFolder,
  host: string,
  say: (line: string) => void,
): Promise<KeyedCertificate> {
  const name = fileNames.authority;
  const nowMs = io.clock.now();
  const text = folder.read(name);
  const found = readKeyed(text);
  if (found !== null && isGoodAuthority(found, nowMs)) return found;
  if (text !== null) {
    const why = found === null ? 'is damaged' : 'ends soon';
    say(`${folder.path}/${name} ${why}: a new authority is made, which clients have to trust anew`);
  }
  const options = { nowMs, serial: io.random.bytes(16) };
  // A common name has at most 64 characters (RFC 5280).
  const pem = await newAuthority(`Partita development CA of ${host}`.slice(0, 64), options);
  folder.write(name, pem);
  return readKeyed(pem) as KeyedCertificate;
}

async function serverIn(
  io: Io,
  folder: SecretFolder,
  { authority, hosts }: { readonly authority: KeyedCertificate; readonly hosts: ServerHosts },
): Promise<void> {
  const name = fileNames.server;
  const nowMs = io.clock.now();
  const found = readKeyed(folder.read(name));
  if (found !== null && isGoodServer(found, authority, hosts, nowMs)) return;
  const options = { nowMs, serial: io.random.bytes(16) };
  folder.write(name, await newServer(authority, hosts, options));
}

interface Secrets {
  readonly password: string;
  readonly salt: Buffer;
}

function secretsIn(io: Io, folder: SecretFolder): Secrets {
  const found = readSecrets(folder.read(fileNames.secrets));
  if (found !== null) return found;
  const password = io.random.bytes(24).toString('base64url');
  const salt = io.random.bytes(16);
  const lines = [
    '# Of the brokers of partita start --secure. Without this file the next start makes another',
    '# password, and the clients need it.',
    `password=${password}`,
    `salt=${salt.toString('hex')}`,
    `${jaasKey}=${jaasOf(password)}`,
  ];
  folder.write(fileNames.secrets, `${lines.join('\n')}\n`);
  return { password, salt };
}

function readSecrets(text: string | null): Secrets | null {
  const [, password] = /^password=([\w-]{32})$/m.exec(text ?? '') ?? [];
  const [, salt] = /^salt=([0-9a-f]{32})$/m.exec(text ?? '') ?? [];
  if (password === undefined || salt === undefined) return null;
  if (!text?.includes(`\n${jaasKey}=${jaasOf(password)}\n`)) return null;
  return { password, salt: Buffer.from(salt, 'hex') };
}

/** The administrator as the metadata have him; null: secrets.properties is not whole. */
export function adminRecord(secrets: string | null): UserRecord | null {
  const found = readSecrets(secrets);
  const mechanism = scramMechanism(mechanismName);
  if (found === null || mechanism === null) return null;
  const { password, salt } = found;
  const keys = scramKeys(mechanism, saltedPassword(mechanism, password, { salt, iterations }));
  const type = 'UserScramCredentialRecord';
  return { type, name: adminName, mechanism: mechanism.number, salt, iterations, ...keys };
}

function jaasOf(password: string): string {
  const module = 'org.apache.kafka.common.security.scram.ScramLoginModule';
  return `${module} required username="${adminName}" password="${password}";`;
}

function clientProperties(password: string, trusted: string): string {
  const certificate = trusted.trim().split('\n').join('\\n\\\n');
  return `# For every tool (--command-config) and every Java client from 2.7 on, on any machine.
# Whoever has this file may do everything. For clients of librdkafka there is a file beside it,
# ${fileNames.librdkafka}; other clients take the certificate from ${fileNames.trusted}.
security.protocol=SASL_SSL
sasl.mechanism=${mechanismName}
sasl.jaas.config=${jaasOf(password)}
ssl.truststore.type=PEM
ssl.truststore.certificates=${certificate}
`;
}

function librdkafkaProperties(password: string, trustedPath: string): string {
  return `# For kcat (-F) and other clients of librdkafka from 2.6.1 on: earlier ones do not send
# the nonce that SCRAM gives them. Whoever has this file may do everything.
security.protocol=sasl_ssl
sasl.mechanisms=${mechanismName}
sasl.username=${adminName}
sasl.password=${password}
ssl.ca.location=${trustedPath}
`;
}
