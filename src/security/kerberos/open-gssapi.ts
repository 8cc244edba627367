// Kerberos of this machine, opened for a listener or a client that asks for it.
//
// Invariant: what is missing, and keys that are not there, refuse the start in one line.

import { ConfigError } from '../../config/index.ts';
import {
  type Gssapi,
  GssError,
  type GssKeys,
  GssLibraryMissing,
  type KeySource,
} from '../../io/gssapi/index.ts';

/** Java's system property that names krb5.conf. */
export const krb5ConfProperty = 'java.security.krb5.conf';

/** @param krb5Conf in place of the system's; null: that one */
export type OpenGssapi = (krb5Conf: string | null) => Gssapi;

/** @throws ConfigError with the remedy */
export function opened(open: OpenGssapi, krb5Conf: string | null): Gssapi {
  try {
    return open(krb5Conf);
  } catch (error) {
    if (!(error instanceof GssLibraryMissing || error instanceof GssError)) throw error;
    throw new ConfigError(null, error.message);
  }
}

/** Opened once for each keytab and principal, however often a configuration is read. */
const openKeys = new WeakMap<Gssapi, Map<string, GssKeys>>();

/** @throws ConfigError with the remedy */
export function keysOf(gssapi: Gssapi, source: KeySource): GssKeys {
  const known = openKeys.get(gssapi) ?? new Map<string, GssKeys>();
  openKeys.set(gssapi, known);
  const identity = JSON.stringify([source.keyTab, source.principal]);
  try {
    const keys = known.get(identity) ?? gssapi.openKeys(source);
    known.set(identity, keys);
    return keys;
  } catch (error) {
    if (!(error instanceof GssError)) throw error;
    const file = source.keyTab ?? 'the keytab of krb5.conf';
    const whose = source.principal === null ? '' : ` of ${source.principal}`;
    const remedy = `look at it with klist -k, make it with kadmin: ktadd`;
    throw new ConfigError(null, `no keys${whose} in ${file} (${error.message}); ${remedy}`);
  }
}
