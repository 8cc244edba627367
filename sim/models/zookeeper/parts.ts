// What the parts of a modelled ZooKeeper know of those around them.

import type { Change } from '../../../src/metadata/engines/zookeeper/protocol.ts';
import type { Transaction, Tree } from './tree.ts';

export interface Session {
  readonly id: bigint;
  readonly password: Buffer;
  readonly timeoutMs: number;
  /** By which it ends unless it is heard of. */
  deadlineMs: number;
  /** Where its newest connection is: what comes by another one is refused. */
  owner: object | null;
}

export interface EnclosingEnsemble {
  /** jute.maxbuffer. */
  readonly frameBytesMax: number;
  readonly sessions: ReadonlyMap<bigint, Session>;
  /** null: nobody does. */
  readonly leader: object | null;
  /** Of the newest change. */
  readonly zxid: bigint;
  beginSession(askedMs: number): Session;
  endSession(sessionId: bigint): void;
  touch(session: Session): void;
  decide(session: bigint, changes: readonly Change[]): Transaction;
}

export interface Watcher {
  sendEvent(event: { readonly type: number; readonly path: string }): void;
}

export interface EnclosingMember {
  readonly ensemble: EnclosingEnsemble;
  readonly tree: Tree;
  /** Nothing that it asks of the others is answered. */
  readonly isApart: boolean;
  /** The newest change that was made here. */
  readonly madeZxid: bigint;
  /** When the change is made here; in order. */
  whenMade(zxid: bigint, then: () => void): void;
  /** What came of a change that was made just now. */
  takeResults(zxid: bigint): ReturnType<Tree['make']>;
  watch(kind: 'value' | 'children', path: string, watcher: Watcher): void;
  forget(watcher: Watcher): void;
  /** A session comes by a new connection: its older ones are closed. */
  closeOlder(newer: Watcher): void;
}
