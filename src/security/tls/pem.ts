// Keys and certificates in PEM (RFC 7468), from a file or from the configuration itself.

import { createPrivateKey, type KeyObject } from 'node:crypto';
import { partsOf, readDer } from './der.ts';
import { assertRounds } from './password-encryption.ts';

const block = /-----BEGIN ([A-Z0-9 ]+)-----[\s\S]*?-----END \1-----/g;

export interface PemBlock {
  /** `CERTIFICATE`, `PRIVATE KEY` … */
  readonly label: string;
  readonly text: string;
}

export function pemBlocks(text: string): PemBlock[] {
  return [...text.matchAll(block)].map(([whole, label = '']) => ({ label, text: whole }));
}

/** The certificates, in DER, in the order of the text. */
export function pemCertificates(text: string): Buffer[] {
  return pemBlocks(text)
    .filter(({ label }) => label === 'CERTIFICATE' || label === 'X509 CERTIFICATE')
    .map((each) => bytesOf(each.text));
}

function bytesOf(text: string): Buffer {
  return Buffer.from(text.replace(/-----[^-]*-----|\s/g, ''), 'base64');
}

export function pemKeyBlock(text: string): PemBlock | null {
  return pemBlocks(text).find(({ label }) => label.endsWith('PRIVATE KEY')) ?? null;
}

export function isEncryptedKey({ label, text }: PemBlock): boolean {
  return label.startsWith('ENCRYPTED') || text.includes('Proc-Type: 4,ENCRYPTED');
}

/** @throws Error of OpenSSL: a wrong password, or no key; KeyStoreError: too many rounds */
export function openPemKey({ label, text }: PemBlock, password: string | null): KeyObject {
  if (label.startsWith('ENCRYPTED')) assertRounds(partsOf(readDer(bytesOf(text)))[0]);
  return createPrivateKey(password === null ? text : { key: text, passphrase: password });
}

export function pemOfCertificate(der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}
