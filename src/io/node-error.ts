// Translates the errors of Node's system calls: the code stays, the message says what was tried
// on which path or address and what the system answered.

import { getSystemErrorMap } from 'node:util';
import { IoError, TlsError } from './io.ts';

export function ioError(action: string, cause: unknown): IoError {
  const error = cause as NodeJS.ErrnoException;
  const code = error.code ?? 'UNKNOWN';
  const refusal = tlsReason(code, error);
  if (refusal !== null)
    return new TlsError(code, `cannot ${action}: ${refusal} (${code})`, { cause });
  const known = error.errno === undefined ? undefined : getSystemErrorMap().get(error.errno);
  const reason = known?.[1] ?? opensslReason(error) ?? error.message;
  return new IoError(code, `cannot ${action}: ${reason} (${code})`, { cause });
}

/** OpenSSL's errors have a message of several parts and lines, and the reason beside it. */
function opensslReason(error: Error): string | undefined {
  const { reason } = error as { reason?: unknown };
  return typeof reason === 'string' ? reason : undefined;
}

const untrusted = 'the certificate of the other side is not from an authority that is trusted here';

/** What OpenSSL found wrong with the other side, or the alert that the other side sent. */
const tlsReasons: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: 'the certificate of the other side has expired',
  CERT_NOT_YET_VALID: 'the certificate of the other side is not valid yet',
  CERT_REVOKED: 'the certificate of the other side was revoked',
  CERT_UNTRUSTED: untrusted,
  DEPTH_ZERO_SELF_SIGNED_CERT: untrusted,
  SELF_SIGNED_CERT_IN_CHAIN: untrusted,
  UNABLE_TO_GET_ISSUER_CERT: untrusted,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: untrusted,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: untrusted,
  INVALID_CA: untrusted,
  INVALID_PURPOSE: 'the certificate of the other side is not for this use',
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED: 'the other side demands a certificate, none was shown',
  ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE: 'the other side has shown no certificate',
  ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE: 'the other side refuses our certificate',
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_UNKNOWN: 'the other side refuses our certificate',
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED: 'the other side says that our certificate has expired',
  ERR_SSL_TLSV1_ALERT_UNKNOWN_CA: 'the other side does not trust the authority of our certificate',
  ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE:
    'the other side accepts none of our ciphers, or demands a certificate',
  ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION: 'the other side accepts none of our versions of TLS',
  ERR_SSL_UNSUPPORTED_PROTOCOL: 'the other side speaks none of our versions of TLS',
  ERR_SSL_NO_SHARED_CIPHER: 'the other side knows none of our ciphers',
  ERR_SSL_WRONG_VERSION_NUMBER: 'the other side does not speak TLS',
  ERR_SSL_PACKET_LENGTH_TOO_LONG: 'the other side does not speak TLS',
};

/** null: it has nothing to do with TLS. */
function tlsReason(code: string, error: Error): string | null {
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    const { reason } = error as { reason?: unknown };
    return `the certificate of the other side is for another name: ${String(reason)}`;
  }
  const known = tlsReasons[code];
  if (known !== undefined) return known;
  return /^ERR_SSL_/.test(code) ? (opensslReason(error) ?? error.message) : null;
}
