// The watches of a key store on ZooKeeper, whose own fire once and are of one connection. A folder
// needs one for the names in it, and one on each entry for its value.
//
// Invariant: a watch is set anew before its owner is called, so that a change that the owner does
// not see when it looks calls it again; where setting it took several questions, the owner is
// called once more behind them.

import type { Io } from '../../../io/index.ts';
import type { KeyWatch } from '../keyed/key-store.ts';
import { encodePath, errorCode, eventType, type WatchEvent } from './protocol.ts';
import { LinkLostError, type ZooKeeperLink } from './zookeeper-link.ts';

interface Watch {
  readonly path: string;
  readonly kind: 'value' | 'folder';
  readonly onChange: () => void;
  /** Of a folder: those entries whose values are watched, on this connection. */
  entries: Set<string>;
  isCalled: boolean;
  /** Being set; `again`: something came meanwhile. */
  setting: 'no' | 'once' | 'again';
}

export class ZooKeeperWatches {
  readonly #io: Io;
  readonly #link: () => ZooKeeperLink | null;
  readonly #watches = new Set<Watch>();

  constructor(io: Io, link: () => ZooKeeperLink | null) {
    this.#io = io;
    this.#link = link;
  }

  add(path: string, kind: 'value' | 'folder', onChange: () => void): KeyWatch {
    const entries = new Set<string>();
    const watch: Watch = { path, kind, onChange, entries, isCalled: false, setting: 'no' };
    this.#watches.add(watch);
    this.#set(watch);
    return { close: () => this.#watches.delete(watch) };
  }

  /** What happened while there was no connection is not known. */
  onAttached(): void {
    for (const watch of this.#watches) {
      watch.entries = new Set();
      watch.setting = 'no';
      this.#set(watch);
      this.#call(watch);
    }
  }

  /** Nobody is called any more, not even of what has happened. */
  close(): void {
    this.#watches.clear();
  }

  onEvent({ type, path }: WatchEvent): void {
    const cut = path.lastIndexOf('/');
    const folder = path.slice(0, cut);
    const name = path.slice(cut + 1);
    for (const watch of this.#watches) {
      const isOfEntry = watch.kind === 'folder' && watch.path === folder;
      if (watch.path !== path && !(isOfEntry && watch.entries.delete(name))) continue;
      if (watch.kind === 'folder' && watch.path === path && type === eventType.deleted) {
        watch.entries.clear();
      }
      this.#set(watch);
      this.#call(watch);
    }
  }

  #call(watch: Watch): void {
    if (watch.isCalled) return;
    watch.isCalled = true;
    this.#io.clock.nextTurn(() => {
      watch.isCalled = false;
      if (this.#watches.has(watch)) watch.onChange();
    });
  }

  #set(watch: Watch): void {
    const link = this.#link();
    if (link === null || !this.#watches.has(watch)) return;
    if (watch.setting !== 'no') {
      watch.setting = 'again';
      return;
    }
    watch.setting = 'once';
    const settingOn = watch.entries;
    const set = watch.kind === 'value' ? this.#setValue(watch, link) : this.#setFolder(watch, link);
    set.then(
      () => {
        // Another connection has begun anew.
        if (watch.entries !== settingOn) return;
        const isAgain = watch.setting === 'again';
        watch.setting = 'no';
        if (isAgain) this.#set(watch);
      },
      (error: Error) => {
        // It is set anew with the next connection.
        if (!(error instanceof LinkLostError)) link.lose(error.message);
      },
    );
  }

  async #setValue({ path }: Watch, link: ZooKeeperLink): Promise<void> {
    await link.call('exists', encodePath(path, true));
  }

  async #setFolder(watch: Watch, link: ZooKeeperLink): Promise<void> {
    const { entries } = watch;
    for (;;) {
      const { error, body } = await link.call('getChildren2', encodePath(watch.path, true));
      if (error === errorCode.ok) {
        const names = body.vector((reader) => reader.text());
        const added = names.filter((name) => !entries.has(name));
        for (const name of added) entries.add(name);
        await Promise.all(
          added.map((name) => link.call('exists', encodePath(`${watch.path}/${name}`, true))),
        );
        if (added.length > 0 && watch.entries === entries) this.#call(watch);
        return;
      }
      // A folder that is not there is watched for its coming.
      const coming = await link.call('exists', encodePath(watch.path, true));
      if (error !== errorCode.noNode || coming.error !== errorCode.ok) return;
    }
  }
}
