// The key stores in src/security/tls/golden, which keytool and openssl made (make.sh there), and
// settings that name them. Their password is `changeit`; the key in store.jks, and the encrypted
// ones in PEM, have `keysecret`.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TlsKey, TlsSettings } from '../../../src/security/tls/index.ts';
import { projectRoot } from '../../root.ts';

export const storePassword = 'changeit';
export const keyPassword = 'keysecret';

/** The path of a file. */
export function golden(name: string): string {
  return join(projectRoot, 'src/security/tls/golden', name);
}

export function goldenText(name: string): string {
  return readFileSync(golden(name), 'utf8');
}

export function settingsOf(texts: Partial<Record<TlsKey, string>>): TlsSettings {
  return { text: (key) => texts[key] ?? null, nameOf: (key) => key };
}
