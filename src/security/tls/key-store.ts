// What a key store holds, whatever the format of its file.

import type { KeyObject } from 'node:crypto';

/** A private key and the certificates that prove it, the one of the key first. */
export interface KeyEntry {
  readonly alias: string;
  readonly key: KeyObject;
  /** In DER. Empty: the store has none for this key. */
  readonly chain: readonly Buffer[];
}

export interface KeyStore {
  /** In the order of the file. */
  readonly keys: readonly KeyEntry[];
  /** Certificates that are trusted as such, in DER. */
  readonly trusted: readonly Buffer[];
}

export interface StorePasswords {
  /** Of the store; null: its integrity is not checked, and what it encrypts stays closed. */
  readonly store: string | null;
  /** Of the keys in the store. */
  readonly key: string | null;
}

/** Why a store cannot be opened; the caller knows its file and its configuration key. */
export type StoreFault = 'password' | 'keyPassword' | 'format' | 'unsupported';

export class KeyStoreError extends Error {
  readonly fault: StoreFault;

  constructor(fault: StoreFault, message: string) {
    super(message);
    this.name = 'KeyStoreError';
    this.fault = fault;
  }
}
