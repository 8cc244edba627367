// An authority for development, and certificates of servers that it signs. Keys are made by OpenSSL
// in node:crypto; node-forge writes the certificates, which Node.js cannot, and is loaded for it.
//
// Invariant: what is found is used only if it is whole: the key is that of the certificate, the
// authority has signed it, it is for every host, and it is good for a while.

import { createPrivateKey, generateKeyPair, type KeyObject, X509Certificate } from 'node:crypto';
import { promisify } from 'node:util';
import type forge from 'node-forge';

const dayMs = 24 * 3600 * 1000;
const authorityDays = 3650;
const serverDays = 397;
/** One that ends within this is made anew. */
export const renewedBeforeMs = 30 * dayMs;
/** Clocks of clients may be behind. */
const backdatedMs = dayMs;

/** A private key and its certificate, in PEM, in this order. */
export interface KeyedCertificate {
  readonly key: KeyObject;
  readonly certificate: X509Certificate;
}

export interface ServerHosts {
  readonly names: readonly string[];
  readonly addresses: readonly string[];
}

/** null: that is none. */
export function readKeyed(pem: string | null): KeyedCertificate | null {
  if (pem === null) return null;
  try {
    const key = createPrivateKey(pem);
    const certificate = new X509Certificate(pem);
    return certificate.checkPrivateKey(key) ? { key, certificate } : null;
  } catch {
    return null;
  }
}

export function isGoodAuthority({ certificate }: KeyedCertificate, nowMs: number): boolean {
  return certificate.ca && isInTime(certificate, nowMs);
}

export function isGoodServer(
  server: KeyedCertificate,
  authority: KeyedCertificate,
  { names, addresses }: ServerHosts,
  nowMs: number,
): boolean {
  const { certificate } = server;
  const known = new Set(
    (certificate.subjectAltName ?? '').split(', ').map((each) => each.toLowerCase()),
  );
  return (
    isInTime(certificate, nowMs) &&
    certificate.checkIssued(authority.certificate) &&
    certificate.verify(authority.certificate.publicKey) &&
    names.every((name) => known.has(`dns:${name.toLowerCase()}`)) &&
    addresses.every((address) => certificate.checkIP(address) !== undefined)
  );
}

function isInTime({ validFrom, validTo }: X509Certificate, nowMs: number): boolean {
  return Date.parse(validFrom) <= nowMs && Date.parse(validTo) - nowMs > renewedBeforeMs;
}

export interface CertificateOptions {
  readonly nowMs: number;
  /** Sixteen random bytes. */
  readonly serial: Buffer;
}

/** In PEM: the key and the certificate. */
export async function newAuthority(name: string, options: CertificateOptions): Promise<string> {
  const keys = await newKeys();
  const subject = [{ name: 'commonName', value: name }];
  return await signed(keys, {
    ...options,
    ...{ subject, issuer: subject, signer: keys.privateKey, days: authorityDays },
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
      { name: 'subjectKeyIdentifier' },
    ],
  });
}

/** In PEM: the key and the certificate, which the authority signs. */
export async function newServer(
  authority: KeyedCertificate,
  { names, addresses }: ServerHosts,
  options: CertificateOptions,
): Promise<string> {
  const { default: forge } = await import('node-forge');
  const { certificate, key } = authority;
  const issuer = forge.pki.certificateFromPem(certificate.toString());
  return await signed(await newKeys(), {
    ...options,
    subject: [{ name: 'commonName', value: 'partita' }],
    ...{ issuer: issuer.subject.attributes, days: serverDays },
    signer: key.export({ type: 'pkcs8', format: 'pem' }) as string,
    extensions: [
      { name: 'basicConstraints', cA: false, critical: true },
      { name: 'keyUsage', digitalSignature: true, keyEncipherment: true, critical: true },
      { name: 'extKeyUsage', serverAuth: true, clientAuth: true },
      {
        name: 'subjectAltName',
        altNames: [
          ...names.map((value) => ({ type: 2, value })),
          ...addresses.map((ip) => ({ type: 7, ip })),
        ],
      },
      { name: 'subjectKeyIdentifier' },
      {
        name: 'authorityKeyIdentifier',
        keyIdentifier: issuer.generateSubjectKeyIdentifier().getBytes(),
      },
    ],
  });
}

interface Keys {
  readonly publicKey: string;
  readonly privateKey: string;
}

/** node-forge signs with RSA alone. */
async function newKeys(): Promise<Keys> {
  return await promisify(generateKeyPair)('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
}

interface Signing extends CertificateOptions {
  readonly subject: forge.pki.CertificateField[];
  readonly issuer: forge.pki.CertificateField[];
  /** The private key of the issuer. */
  readonly signer: string;
  readonly days: number;
  readonly extensions: readonly object[];
}

async function signed(keys: Keys, signing: Signing): Promise<string> {
  const { default: forge } = await import('node-forge');
  const { nowMs, serial, subject, issuer, signer, days, extensions } = signing;
  const made = forge.pki.createCertificate();
  made.publicKey = forge.pki.publicKeyFromPem(keys.publicKey);
  // A positive number.
  made.serialNumber = `00${serial.toString('hex')}`;
  made.validity.notBefore = new Date(nowMs - backdatedMs);
  made.validity.notAfter = new Date(nowMs + days * dayMs);
  made.setSubject(subject);
  made.setIssuer(issuer);
  made.setExtensions([...extensions]);
  made.sign(forge.pki.privateKeyFromPem(signer), forge.md.sha256.create());
  const certificate = forge.pki.certificateToPem(made).replaceAll('\r', '');
  return `${keys.privateKey}${certificate}`;
}
