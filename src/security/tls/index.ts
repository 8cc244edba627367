// TLS as `ssl.*` settings describe it: stores, names and rules. Connections are made in src/io.
//
//   tls-settings.ts         the settings, as texts under the names of their keys
//   tls-material.ts         keys and certificates that they name, read and checked
//   store-file.ts           the file of a store: pem.ts, jks.ts, pkcs12.ts; key-store.ts is what
//                           those have in common
//   der.ts                  ASN.1; password-encryption.ts: what PKCS12 files are encrypted by
//   distinguished-name.ts   names in certificates as Java writes them
//   principal-mapping.ts    from those to users: ssl.principal.mapping.rules
//   cipher-suites.ts        Java's names of cipher suites as OpenSSL's
//   client-tls.ts           the side that connects

export { cipherSuites } from './cipher-suites.ts';
export { clientTls } from './client-tls.ts';
export { type PrincipalMapping, principalMapping } from './principal-mapping.ts';
export { storeBytesMax } from './store-file.ts';
export {
  type CertificateFacts,
  certificateName,
  expiryWarnings,
  readTlsMaterial,
  type TlsIdentity,
  type TlsMaterial,
} from './tls-material.ts';
export {
  type ClientAuth,
  clientAuth,
  type TlsKey,
  type TlsSettings,
  type TlsVersion,
  tlsKeys,
  tlsVersions,
  verifiesName,
} from './tls-settings.ts';
