// Keys and certificates that `ssl.*` settings name, read and checked, as PEM for the connections.
//
// Invariant: what is configured and cannot be used is refused in one line that names the key, the
// file and what helps; never the value of a password.

import { createPublicKey, type KeyObject, X509Certificate } from 'node:crypto';
import { ConfigError } from '../../config/index.ts';
import type { Disk } from '../../io/index.ts';
import { DerError } from './der.ts';
import { subjectName } from './distinguished-name.ts';
import { type KeyEntry, KeyStoreError } from './key-store.ts';
import {
  isEncryptedKey,
  openPemKey,
  pemCertificates,
  pemKeyBlock,
  pemOfCertificate,
} from './pem.ts';
import { readStoreFile, storeError } from './store-file.ts';
import type { TlsKey, TlsSettings } from './tls-settings.ts';

/** What one side proves itself with, in PEM; the key is not encrypted. */
export interface TlsIdentity {
  readonly certificate: Buffer;
  readonly key: Buffer;
}

/** Of the certificate of one key: what may not change by accident, and how long it is good. */
export interface CertificateFacts {
  readonly alias: string;
  readonly distinguishedName: string;
  readonly alternativeNames: ReadonlySet<string>;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  /** The setting that named it, and its file. */
  readonly source: string;
}

export interface TlsMaterial {
  /** One for each kind of key; empty: nothing is configured. */
  readonly identities: readonly TlsIdentity[];
  readonly certificates: readonly CertificateFacts[];
  /** Whom to trust, in PEM; null: not configured. */
  readonly ca: Buffer | null;
}

/** @throws ConfigError */
export async function readTlsMaterial(
  disk: Pick<Disk, 'readFile'>,
  settings: TlsSettings,
): Promise<TlsMaterial> {
  const entries = await keyEntries(disk, settings);
  const chosen = new Map<string, KeyEntry>();
  // A connection offers one certificate for each kind of key: the first of the store, as Java.
  for (const entry of entries.keys) {
    const kind = entry.key.asymmetricKeyType ?? '';
    if (!chosen.has(kind)) chosen.set(kind, entry);
  }
  const used = [...chosen.values()];
  return {
    identities: used.map((entry) => identityOf(entry, settings, entries)),
    certificates: used.map((entry) => factsOf(entry, entries.source)),
    ca: await authorities(disk, settings),
  };
}

export interface ExpiryWarning {
  readonly message: string;
  /** Whole ones until it ends; below 0 it has ended. */
  readonly daysLeft: number;
}

const dayMs = 24 * 3600 * 1000;

/** One for each certificate that is not good now, or not for much longer. */
export function expiryWarnings(
  certificates: readonly CertificateFacts[],
  nowMs: number,
  soonMs: number,
): ExpiryWarning[] {
  const warnings: ExpiryWarning[] = [];
  for (const { distinguishedName, notBeforeMs, notAfterMs, source } of certificates) {
    const which = `the certificate ${JSON.stringify(distinguishedName)} of ${source}`;
    const until = new Date(notAfterMs).toISOString();
    const warn = (what: string): void => {
      const daysLeft = Math.floor((notAfterMs - nowMs) / dayMs);
      warnings.push({ message: `${which} ${what}`, daysLeft });
    };
    if (notAfterMs <= nowMs) {
      warn(`expired at ${until}: clients refuse it; renew it`);
    } else if (notBeforeMs > nowMs) {
      const from = new Date(notBeforeMs).toISOString();
      warn(`is good only from ${from} on: clients refuse it until then`);
    } else if (notAfterMs - nowMs < soonMs) {
      warn(`expires at ${until}: renew it before`);
    }
  }
  return warnings;
}

interface Entries {
  readonly keys: readonly KeyEntry[];
  /** The key that named them. */
  readonly key: TlsKey;
  readonly source: string;
}

async function keyEntries(disk: Pick<Disk, 'readFile'>, settings: TlsSettings): Promise<Entries> {
  const location = settings.text('ssl.keystore.location');
  const inline = settings.text('ssl.keystore.key');
  const keyPassword = settings.text('ssl.key.password');
  if (inline !== null) {
    const key = 'ssl.keystore.key';
    const chainKey = 'ssl.keystore.certificate.chain';
    assertPemType(settings, key, 'ssl.keystore.type');
    assertAlone(settings, key, ['ssl.keystore.location', 'ssl.keystore.password']);
    const chain = settings.text(chainKey);
    if (chain === null) {
      const remedy = `give the certificate of the key in ${settings.nameOf(chainKey)}`;
      throw new ConfigError(key, `${settings.nameOf(key)} is set without its chain: ${remedy}`);
    }
    const source = settings.nameOf(chainKey);
    const entry = pemEntry(`${inline}\n${chain}`, keyPassword, settings, key, settings.nameOf(key));
    return { keys: [entry], key, source };
  }
  const key = 'ssl.keystore.location';
  if (location === null) return { keys: [], key, source: '' };
  const source = `${settings.nameOf(key)} (${location})`;
  const file = await readStoreFile(disk, settings, {
    location: key,
    type: 'ssl.keystore.type',
    password: 'ssl.keystore.password',
    keyPassword: 'ssl.key.password',
  });
  if (file.kind === 'pem') {
    return { keys: [pemEntry(file.text, keyPassword, settings, key, source)], key, source };
  }
  if (file.store.keys.length === 0) {
    const remedy = 'a store of trusted certificates belongs into ssl.truststore.location';
    throw storeError(settings, key, location, `there is no private key in the store; ${remedy}`);
  }
  return { keys: file.store.keys, key, source };
}

function pemEntry(
  text: string,
  password: string | null,
  settings: TlsSettings,
  key: TlsKey,
  source: string,
): KeyEntry {
  const fail = (problem: string): ConfigError => new ConfigError(key, `${source}: ${problem}`);
  const block = pemKeyBlock(text);
  if (block === null) {
    throw fail('there is no private key in this PEM; put it before the certificates');
  }
  const passwordName = settings.nameOf('ssl.key.password');
  if (isEncryptedKey(block) && password === null) {
    throw fail(`the private key is encrypted; give its password in ${passwordName}`);
  }
  try {
    const opened = openPemKey(block, isEncryptedKey(block) ? password : null);
    return { alias: 'kafka', key: opened, chain: pemCertificates(text) };
  } catch (error) {
    if (error instanceof KeyStoreError)
      throw fail(`the private key is not opened: ${error.message}`);
    if (isEncryptedKey(block)) {
      throw fail(`the private key cannot be opened; ${passwordName} is not its password`);
    }
    throw fail('the private key cannot be read; PKCS#8 is expected (openssl pkcs8 -topk8)');
  }
}

function identityOf(entry: KeyEntry, settings: TlsSettings, entries: Entries): TlsIdentity {
  const fail = (problem: string): ConfigError =>
    new ConfigError(entries.key, `${settings.nameOf(entries.key)}${fileOf(entries)}: ${problem}`);
  const [first] = entry.chain;
  if (first === undefined) {
    throw fail(`the key ${entry.alias} has no certificate; put its chain behind it`);
  }
  let belongs: boolean;
  try {
    for (const der of entry.chain) new X509Certificate(der);
    belongs = new X509Certificate(first).checkPrivateKey(entry.key) && isOfKey(first, entry.key);
  } catch {
    throw fail(`a certificate of the key ${entry.alias} is no X.509 certificate; make it anew`);
  }
  if (!belongs) {
    const remedy = 'the certificate of the key comes first, those that issued it follow';
    throw fail(`the first certificate is not that of the key ${entry.alias}; ${remedy}`);
  }
  return {
    certificate: Buffer.from(entry.chain.map(pemOfCertificate).join('')),
    key: Buffer.from(entry.key.export({ type: 'pkcs8', format: 'pem' })),
  };
}

function isOfKey(certificate: Buffer, key: KeyObject): boolean {
  return new X509Certificate(certificate).publicKey.equals(createPublicKey(key));
}

function fileOf({ key, source }: Entries): string {
  return key === 'ssl.keystore.location' ? source.slice(source.indexOf(' (')) : '';
}

function factsOf(entry: KeyEntry, source: string): CertificateFacts {
  const der = entry.chain[0] as Buffer;
  const certificate = new X509Certificate(der);
  return {
    alias: entry.alias,
    distinguishedName: subjectName(der),
    alternativeNames: new Set(certificate.subjectAltName?.split(', ') ?? []),
    notBeforeMs: Date.parse(certificate.validFrom),
    notAfterMs: Date.parse(certificate.validTo),
    source,
  };
}

async function authorities(
  disk: Pick<Disk, 'readFile'>,
  settings: TlsSettings,
): Promise<Buffer | null> {
  const inlineKey = 'ssl.truststore.certificates';
  const inline = settings.text(inlineKey);
  if (inline !== null) {
    assertPemType(settings, inlineKey, 'ssl.truststore.type');
    assertAlone(settings, inlineKey, ['ssl.truststore.location', 'ssl.truststore.password']);
    return pemAuthorities(pemCertificates(inline), inlineKey, settings.nameOf(inlineKey));
  }
  const key = 'ssl.truststore.location';
  const location = settings.text(key);
  if (location === null) return null;
  const file = await readStoreFile(disk, settings, {
    location: key,
    type: 'ssl.truststore.type',
    password: 'ssl.truststore.password',
    keyPassword: null,
  });
  const found =
    file.kind === 'pem'
      ? pemCertificates(file.text)
      : // As in Java: whoever has the key of a certificate trusts it.
        [...file.store.trusted, ...file.store.keys.flatMap(({ chain }) => chain.slice(0, 1))];
  const isLocked = file.kind === 'store' && settings.text('ssl.truststore.password') === null;
  const remedy = isLocked
    ? `; give ${settings.nameOf('ssl.truststore.password')}`
    : '; keytool -importcert adds one';
  return pemAuthorities(found, key, `${settings.nameOf(key)} (${location})`, remedy);
}

function pemAuthorities(
  certificates: readonly Buffer[],
  key: TlsKey,
  source: string,
  remedy = '; PEM of at least one is expected',
): Buffer {
  if (certificates.length === 0) {
    throw new ConfigError(key, `${source}: there is no trusted certificate in it${remedy}`);
  }
  try {
    for (const der of certificates) new X509Certificate(der);
  } catch {
    throw new ConfigError(key, `${source}: a certificate in it is broken; make it anew`);
  }
  return Buffer.from(certificates.map(pemOfCertificate).join(''));
}

function assertPemType(settings: TlsSettings, key: TlsKey, typeKey: TlsKey): void {
  const type = settings.text(typeKey)?.trim() ?? 'JKS';
  if (type.toUpperCase() === 'PEM') return;
  const problem = `is for PEM, but ${settings.nameOf(typeKey)} is ${type}; set that to PEM`;
  throw new ConfigError(key, `${settings.nameOf(key)} ${problem}`);
}

function assertAlone(settings: TlsSettings, key: TlsKey, others: readonly TlsKey[]): void {
  const other = others.find((each) => settings.text(each) !== null);
  if (other === undefined) return;
  const names = `${settings.nameOf(key)} and ${settings.nameOf(other)}`;
  throw new ConfigError(key, `${names} exclude each other: remove one of them`);
}

/** The name of whoever has shown this certificate; null for one that cannot be read. */
export function certificateName(der: Buffer): string | null {
  try {
    return subjectName(der);
  } catch (error) {
    if (error instanceof DerError || error instanceof KeyStoreError) return null;
    throw error;
  }
}
