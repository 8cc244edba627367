// What an engine asks of a system like etcd or ZooKeeper: small values under keys, changes of
// several keys at once that compare versions, and sessions. The keyed store (keyed-store.ts) keeps
// the metadata log, the controller and the living brokers in it; engines/etcd and engines/zookeeper
// say how each system does what is stated here.
//
// Invariants: a change is made as a whole or not at all, and only if every key was as expected
// at that moment; what `get` and `list` return is the newest when they were called; whoever watches
// is called after every change, once for many at most, and after everything that may have hidden
// one.
//
// A key is a path like `log/00000012/000000000000c001`: parts of printable ASCII without `/`. The
// engine puts it behind the prefix (etcd) or below the chroot (ZooKeeper), and makes the folders
// that ZooKeeper needs. A folder and a value do not share a name.

import { KafkaError } from '../../../protocol/index.ts';

export interface KeyStore {
  /** As an operator would name it, without credentials: `etcd://a:2379,b:2379/kafka`. */
  readonly address: string;
  /** Keys and values of one `commit` are less than this together, with some room for the frame. */
  readonly changeBytesMax: number;

  /**
   * The newest value; null: there is none.
   * @throws StoreAwayError when no answer came
   */
  get(key: string): Promise<KeyEntry | null>;
  /**
   * The newest entries right below the folder, in order of their names (code units): from the name
   * on, as many as fit, at least one if there is one. A folder that is not there is empty. What is
   * removed while it is read may be there or not, each entry for itself.
   * @throws StoreAwayError when no answer came
   */
  list(folder: string, from?: string): Promise<KeyListing>;
  /**
   * Makes the change if every key is as its step says; null: one was not, and nothing was changed.
   * Otherwise the version of each step's key since then, in the order of the steps (of one that is
   * gone it means nothing): whoever changes a key again need not read it.
   *
   * Nothing is sent a second time. Changes are made in the order of the calls, as long as none has
   * failed.
   * @throws StoreAwayError when the change was certainly not made, and never will be
   * @throws UnknownChangeError when it was made, or not, or will be
   * @throws KafkaError KAFKA_STORAGE_ERROR when the system refuses it (no space, no permission)
   */
  commit(change: readonly KeyStep[]): Promise<readonly string[] | null>;
  /**
   * Removes what nobody needs, one key after another: the named entries of the folder, or all of
   * them and the folder. What is not there is no error; it may be asked again.
   * @throws StoreAwayError before or after some of it
   */
  remove(folder: string, names?: readonly string[]): Promise<void>;
  /**
   * Calls `onChange` in a later turn when the value of the key, or the set of entries right below
   * the folder or a value of them, may have changed: also after each reconnection. It is a hint to
   * look: several changes may be one call, and a call may be of no change.
   */
  watch(key: string, kind: 'value' | 'folder', onChange: () => void): KeyWatch;

  /** How it stands with the system; of the newest session. Called in a later turn. */
  onSession: (event: SessionEvent) => void;
  /** Grows with each session that began; 0: none has. Ephemeral keys are of one session. */
  readonly sessionNumber: number;

  /** Ends the session, and with it its ephemeral keys, if somebody is there to hear it. */
  close(): Promise<void>;
}

/**
 * `connected`: requests are answered again, in the session of this number (its ephemeral keys are
 * there if the number is the one of before); `away`: requests are not answered, which proves
 * nothing about the session; `ended`: the system said that the session is over, and with it its
 * ephemeral keys: `connected` with a new number follows.
 */
export type SessionEvent =
  | { readonly kind: 'connected'; readonly sessionNumber: number }
  | { readonly kind: 'away'; readonly because: string }
  | { readonly kind: 'ended'; readonly because: string };

export interface KeyEntry {
  readonly value: Buffer;
  /**
   * Another one after each change. Equal or not is all that it says, and only within one life of
   * the key: one that was deleted and made again may have a version that it had before.
   */
  readonly version: string;
}

export interface NamedEntry extends KeyEntry {
  /** The last part of its key. */
  readonly name: string;
}

export interface KeyListing {
  readonly entries: readonly NamedEntry[];
  /** Nothing follows the last entry. */
  readonly isWhole: boolean;
}

/** What becomes of one key in a change; a key is named once in it. */
export interface KeyStep {
  readonly key: string;
  /** The version that it must have; null: there must be no such key. */
  readonly was: string | null;
  /** null: it is deleted; absent: it stays as it is, and `was` is not null. */
  readonly becomes?: Buffer | null;
  /**
   * The key goes with the session of this process, whoever's it was. The change is refused as
   * StoreAwayError when the newest session is not the one of this number. A key is ephemeral
   * whenever it is there, or never.
   */
  readonly session?: number;
}

export interface KeyWatch {
  close(): void;
}

/** The store cannot be reached, and what was asked was not done. */
export class StoreAwayError extends KafkaError {
  constructor(why: string) {
    super('NETWORK_EXCEPTION', why);
    this.name = 'StoreAwayError';
  }
}

/** The answer to a change was lost. */
export class UnknownChangeError extends KafkaError {
  constructor(why: string) {
    super('REQUEST_TIMED_OUT', `nobody knows whether the change was made: ${why}`);
    this.name = 'UnknownChangeError';
  }
}
