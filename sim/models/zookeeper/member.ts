// One member of a modelled ZooKeeper: its own copy of the tree, which may lag, the watches that
// were set here, and the connections.
//
// Invariants: a watch fires once, when the change is made here; an answer to a change leaves when
// the change is made here, so that whoever reads behind it at the same member sees it.

import type { Connection, Io, Listener } from '../../../src/io/index.ts';
import { eventType } from '../../../src/metadata/engines/zookeeper/protocol.ts';
import type { EnclosingEnsemble, EnclosingMember, Watcher } from './parts.ts';
import { ServerConnection } from './server-connection.ts';
import { type Transaction, Tree, type TreeEvent } from './tree.ts';

type Watches = Map<string, Set<Watcher>>;

export class Member implements EnclosingMember {
  readonly ensemble: EnclosingEnsemble;
  readonly io: Io;
  tree = new Tree();
  #madeZxid = 0n;
  #waiting: Transaction[] = [];
  readonly #onMade: { zxid: bigint; then: () => void }[] = [];
  readonly #results = new Map<bigint, ReturnType<Tree['make']>>();
  readonly #connections = new Set<ServerConnection>();
  readonly #valueWatches: Watches = new Map();
  readonly #childWatches: Watches = new Map();
  #listener: Listener | null = null;
  #address = { host: '', port: 0 };
  #lags = false;
  #isApart = false;
  #hangsUp = false;

  constructor(ensemble: EnclosingEnsemble, io: Io) {
    this.ensemble = ensemble;
    this.io = io;
  }

  async listen(address: { host: string; port: number }): Promise<void> {
    this.#listener = await this.io.network.listen(address, (connection) =>
      this.#accept(connection),
    );
    this.#address = { host: address.host, port: this.#listener.port };
  }

  get port(): number {
    return this.#address.port;
  }

  get madeZxid(): bigint {
    return this.#madeZxid;
  }

  async stop(): Promise<void> {
    await this.#listener?.close();
    this.#listener = null;
    this.closeAll();
  }

  async start(): Promise<void> {
    await this.listen(this.#address);
  }

  closeAll(): void {
    for (const connection of [...this.#connections]) connection.close();
  }

  /** Whatever is decided reaches it when the lag ends. The leader never lags. */
  lag(): void {
    this.#lags = true;
  }

  catchUp(): void {
    this.#lags = false;
    if (this.#isApart) return;
    for (const transaction of this.#waiting.splice(0)) this.#make(transaction);
  }

  /** From the others; it does not know yet, and answers by what it has. */
  get isApart(): boolean {
    return this.#isApart;
  }

  part(): void {
    this.#isApart = true;
  }

  /** It has noticed. */
  hangUp(): void {
    if (!this.#isApart) return;
    this.#hangsUp = true;
    this.closeAll();
  }

  /** With the others again, whom it follows anew. */
  join(): void {
    if (!this.#isApart) return;
    this.closeAll();
    this.#isApart = false;
    this.#hangsUp = false;
    if (!this.#lags) this.catchUp();
  }

  startAgain(log: readonly Transaction[]): void {
    this.closeAll();
    this.tree = new Tree();
    this.#waiting = [];
    this.#onMade.length = 0;
    this.#madeZxid = 0n;
    for (const transaction of log) this.#make(transaction);
  }

  onDecided(transaction: Transaction): void {
    const isLate = this.#isApart || this.#lags;
    if (isLate && this.ensemble.leader !== this) this.#waiting.push(transaction);
    else {
      this.catchUp();
      this.#make(transaction);
    }
  }

  whenMade(zxid: bigint, then: () => void): void {
    if (zxid <= this.#madeZxid) then();
    else this.#onMade.push({ zxid, then });
  }

  takeResults(zxid: bigint): ReturnType<Tree['make']> {
    return this.#results.get(zxid) ?? [];
  }

  watch(kind: 'value' | 'children', path: string, watcher: Watcher): void {
    const watches = kind === 'value' ? this.#valueWatches : this.#childWatches;
    const set = watches.get(path) ?? new Set();
    set.add(watcher);
    watches.set(path, set);
  }

  forget(watcher: Watcher): void {
    this.#connections.delete(watcher as ServerConnection);
    for (const watches of [this.#valueWatches, this.#childWatches]) {
      for (const set of watches.values()) set.delete(watcher);
    }
  }

  #onSessionEnd(sessionId: bigint): void {
    for (const connection of [...this.#connections]) {
      if (connection.sessionId === sessionId) connection.onSessionEnd();
    }
  }

  closeOlder(newer: Watcher): void {
    for (const connection of [...this.#connections]) {
      if (connection !== newer && connection.sessionId === (newer as ServerConnection).sessionId)
        connection.close();
    }
  }

  #accept(connection: Connection): void {
    // A member without a leader hangs up.
    if (this.ensemble.leader === null || this.#hangsUp) {
      connection.destroy();
      return;
    }
    this.#connections.add(new ServerConnection(this, connection));
  }

  #make(transaction: Transaction): void {
    const results = this.tree.make(transaction, (event) => this.#onEvent(event));
    this.#madeZxid = transaction.zxid;
    this.#results.set(transaction.zxid, results);
    while ((this.#onMade[0]?.zxid ?? transaction.zxid + 1n) <= transaction.zxid) {
      this.#onMade.shift()?.then();
    }
    if (transaction.endsSession) this.#onSessionEnd(transaction.session);
    // Those who wait hear of it in this turn.
    const [oldest] = this.#results.keys();
    if (this.#results.size > 1_000) this.#results.delete(oldest as bigint);
  }

  #onEvent({ kind, path }: TreeEvent): void {
    const told = new Set<Watcher>();
    const tell = (watches: Watches): void => {
      const connections = watches.get(path) ?? new Set();
      watches.delete(path);
      for (const connection of connections) {
        if (told.has(connection)) continue;
        told.add(connection);
        connection.sendEvent({ type: eventType[kind], path });
      }
    };
    if (kind !== 'childrenChanged') tell(this.#valueWatches);
    if (kind === 'childrenChanged' || kind === 'deleted') tell(this.#childWatches);
  }
}
