// A key store on ZooKeeper: a key is a node below the chroot, its version is the node's.
//
// Invariants: a read is behind a `sync`, as any server answers reads, also one that lags; a change
// is one `multi`, which ZooKeeper makes as a whole or not at all, and which is sent once; a key of
// a session is made anew by a delete and a create in one change, since ZooKeeper knows no other way
// to change whose it is.

import { assert } from '../../../base/assert.ts';
import { Deferred } from '../../../base/deferred.ts';
import type { ConnectTls, Io } from '../../../io/index.ts';
import { MalformedError } from '../../../protocol/index.ts';
import { warnOfOpenStore } from '../keyed/access-lines.ts';
import {
  type KeyEntry,
  type KeyListing,
  type KeyStep,
  type KeyStore,
  type KeyWatch,
  type NamedEntry,
  type SessionEvent,
  StoreAwayError,
  UnknownChangeError,
} from '../keyed/key-store.ts';
import { isToldToAll } from '../keyed/layout.ts';
import { openChroot } from './chroot.ts';
import { Failures } from './failures.ts';
import { Folders } from './folders.ts';
import type { JuteReader } from './jute.ts';
import { knownAs, logIn, type ZooKeeperLogin } from './login.ts';
import {
  type AclEntry,
  type Change,
  creatorAcl,
  encodeChange,
  encodeMulti,
  encodePath,
  errorCode,
  openAcl,
  readableAcl,
  readMultiAnswer,
  readStat,
  requestBytesMax,
} from './protocol.ts';
import {
  type Answer,
  LinkLostError,
  ZooKeeperError,
  type ZooKeeperLink,
} from './zookeeper-link.ts';
import { type ServerAddress, ZooKeeperSession } from './zookeeper-session.ts';
import { ZooKeeperWatches } from './zookeeper-watches.ts';

export interface ZooKeeperStoreOptions {
  readonly hosts: readonly ServerAddress[];
  /** Empty, or `/kafka/one`: made where it is absent. */
  readonly chroot: string;
  readonly sessionTimeoutMs: number;
  /** zookeeper.connection.timeout.ms: how long to try before it is said that nobody is there. */
  readonly connectTimeoutMs: number;
  /** Absent: we are nobody. */
  readonly login?: ZooKeeperLogin | undefined;
  /** zookeeper.set.acl: nodes are for who we are, and little of them for others to read. */
  readonly setAcl?: boolean;
  /** Absent: connections are plain. */
  readonly tls?: Omit<ConnectTls, 'serverName'> | undefined;
}

/** Room for the paths, the access lists and the frame. */
const changeRoomBytes = 128 * 1024;
/** What a listing carries, unless its first entry alone is larger. */
const listingBytes = 1024 * 1024;
const namesAtOnce = 256;
const deletesAtOnce = 256;

export class ZooKeeperStore implements KeyStore {
  readonly address: string;
  readonly changeBytesMax = requestBytesMax - changeRoomBytes;
  onSession: (event: SessionEvent) => void = () => {};
  readonly #io: Io;
  readonly #options: ZooKeeperStoreOptions;
  readonly #session: ZooKeeperSession;
  readonly #watches: ZooKeeperWatches;
  readonly #folders = new Folders((path) => this.#aclOf(path));
  /** Settled when the change before was sent, or was given up. */
  #before: Promise<void> = Promise.resolve();
  #sentCount = 0;
  #isChrootThere = false;
  readonly #failures: Failures;

  private constructor(io: Io, options: ZooKeeperStoreOptions) {
    this.#io = io;
    this.#options = options;
    const hosts = options.hosts.map(({ host, port }) => `${host}:${port}`).join(',');
    this.address = `zookeeper://${hosts}${options.chroot}`;
    this.#failures = new Failures(io);
    this.#watches = new ZooKeeperWatches(io, () => this.#session.link);
    this.#session = new ZooKeeperSession(io, options, {
      prepare: (link) => this.#prepare(link),
      onAttached: () => {
        this.#failures.onAttached();
        this.#folders.forget();
        this.#watches.onAttached();
      },
      onEvent: (event) => this.#watches.onEvent(event),
      onSession: (event) => this.onSession(event),
      onFailure: (error, isLastOfRound) => this.#failures.onFailure(error, isLastOfRound),
    });
  }

  /** @throws KafkaError, one line, when nobody answers in time or nobody lets us in */
  static async open(io: Io, options: ZooKeeperStoreOptions): Promise<ZooKeeperStore> {
    const store = new ZooKeeperStore(io, options);
    store.#session.start();
    try {
      await store.#failures.attached(store.address, options.connectTimeoutMs);
    } catch (error) {
      await store.close();
      throw error;
    }
    return store;
  }

  get sessionNumber(): number {
    return this.#session.number;
  }

  /** Within which a silent session ends, as the server will have it. */
  get sessionTimeoutMs(): number {
    return this.#session.timeoutMs;
  }

  async get(key: string): Promise<KeyEntry | null> {
    return await this.#reading(`${key} cannot be read`, async (link) => {
      const path = this.#pathOf(key);
      const [, answer] = await Promise.all([this.#sync(path, link), this.#read(path, link)]);
      return answer;
    });
  }

  async list(folder: string, from = ''): Promise<KeyListing> {
    return await this.#reading(`${folder} cannot be listed`, async (link) => {
      const path = this.#pathOf(folder);
      const [, all] = await Promise.all([this.#sync(path, link), this.#names(path, link)]);
      const names = all.filter((name) => name >= from).sort();
      const entries: NamedEntry[] = [];
      let bytes = 0;
      let at = 0;
      while (at < names.length && bytes < listingBytes) {
        const some = names.slice(at, at + namesAtOnce);
        const paths = some.map((name) => `${path}/${name}`);
        const found = await this.#readSome(paths, listingBytes - bytes, link);
        for (const [index, entry] of found.entries()) {
          if (entry !== null) entries.push({ name: some[index] as string, ...entry });
          bytes += entry?.value.length ?? 0;
        }
        at += found.length;
        if (found.length < some.length) break;
      }
      return { entries, isWhole: at >= names.length };
    });
  }

  async commit(change: readonly KeyStep[]): Promise<readonly string[] | null> {
    const { promise: sent, resolve: onSent } = new Deferred<void>();
    const before = this.#before;
    this.#before = sent;
    try {
      await before;
      const first = await this.#send(change, onSent, null);
      const outcome = await this.#outcomeOf(change, first.answer);
      if (outcome !== 'no folder') return outcome;
      // It was refused as a whole, so that it may be sent as another one.
      this.#folders.forget();
      const second = await this.#send(change, onSent, first.sentNumber);
      const finalOutcome = await this.#outcomeOf(change, second.answer);
      if (finalOutcome === 'no folder') throw this.#foldersGo();
      return finalOutcome;
    } finally {
      onSent();
    }
  }

  async remove(folder: string, names?: readonly string[]): Promise<void> {
    await this.#reading(`${folder} cannot be removed`, async (link) => {
      const path = this.#pathOf(folder);
      if (names !== undefined) {
        await this.#removeAll(
          names.map((name) => `${path}/${name}`),
          link,
        );
        return;
      }
      await this.#sync(path, link);
      await this.#removeTree(path, link);
    });
  }

  watch(key: string, kind: 'value' | 'folder', onChange: () => void): KeyWatch {
    return this.#watches.add(this.#pathOf(key), kind, onChange);
  }

  async close(): Promise<void> {
    this.#watches.close();
    await this.#session.close();
  }

  #pathOf(key: string): string {
    return `${this.#options.chroot}/${key}`;
  }

  async #prepare(link: ZooKeeperLink): Promise<void> {
    const { login, tls, chroot, setAcl = false } = this.#options;
    await logIn(this.#io, link, login);
    if (this.#isChrootThere) return;
    const { address } = this;
    const { mayAnybodyChange } = await openChroot(link, {
      chroot,
      address,
      ...knownAs(login, tls?.identity != null),
      aclOf: (path) => this.#aclOf(path),
    });
    this.#isChrootThere = true;
    if (!mayAnybodyChange && setAcl) return;
    const remedy = setAcl
      ? 'whoever made it did so without zookeeper.set.acl: use setAcl -R in zkCli.sh'
      : 'set zookeeper.set.acl=true, and credentials (docs/cluster.md)';
    warnOfOpenStore(this.#io.log, { system: 'ZooKeeper', address, remedy });
  }

  #aclOf(path: string): readonly AclEntry[] {
    const { chroot, setAcl } = this.#options;
    if (setAcl !== true) return openAcl;
    const key = path.slice(chroot.length + 1);
    return key === '' || isToldToAll(key) ? readableAcl : creatorAcl;
  }

  /** Asks when somebody is there who answers. @throws StoreAwayError, KafkaError */
  async #reading<T>(what: string, ask: (link: ZooKeeperLink) => Promise<T>): Promise<T> {
    const link = this.#linkNow();
    try {
      return await ask(link);
    } catch (error) {
      const isGarbage = error instanceof MalformedError;
      if (isGarbage) link.lose(`${link.address} gives answers that make no sense`);
      if (isGarbage || error instanceof LinkLostError) {
        throw new StoreAwayError(`${what}: ${error.message}`);
      }
      throw error;
    }
  }

  #linkNow(): ZooKeeperLink {
    const { link } = this.#session;
    if (link === null) throw new StoreAwayError(`no server of ${this.address} answers`);
    return link;
  }

  async #sync(path: string, link: ZooKeeperLink): Promise<void> {
    const { error } = await link.call('sync', encodePath(path));
    if (error !== errorCode.ok) throw new ZooKeeperError(error, `sync of ${path}`);
  }

  /** What this server has; null: nothing, or a folder. */
  async #read(path: string, link: ZooKeeperLink): Promise<KeyEntry | null> {
    const { error, body } = await link.call('getData', encodePath(path, false));
    if (error === errorCode.noNode) return null;
    if (error !== errorCode.ok) throw new ZooKeeperError(error, `reading ${path}`);
    const value = body.bytes();
    if (value === null) return null;
    return { value, version: String(readStat(body).version) };
  }

  /**
   * The first of the nodes, and as many of the next as their sizes leave room for: what is on its
   * way at once is bounded by bytes.
   */
  async #readSome(
    paths: readonly string[],
    roomBytes: number,
    link: ZooKeeperLink,
  ): Promise<(KeyEntry | null)[]> {
    const [first = '', ...others] = paths;
    const [entry, sizes] = await Promise.all([
      this.#read(first, link),
      Promise.all(others.map((path) => this.#sizeOf(path, link))),
    ]);
    let bytes = entry?.value.length ?? 0;
    const fitting = others.filter((_, index) => {
      bytes += sizes[index] as number;
      return bytes <= roomBytes;
    });
    const rest = await Promise.all(fitting.map((path) => this.#read(path, link)));
    return [entry, ...rest];
  }

  async #sizeOf(path: string, link: ZooKeeperLink): Promise<number> {
    const { error, body } = await link.call('exists', encodePath(path, false));
    if (error === errorCode.noNode) return 0;
    if (error !== errorCode.ok) throw new ZooKeeperError(error, `reading ${path}`);
    return readStat(body).valueBytes;
  }

  async #names(path: string, link: ZooKeeperLink): Promise<string[]> {
    const { error, body } = await link.call('getChildren2', encodePath(path, false));
    if (error === errorCode.noNode) return [];
    if (error !== errorCode.ok) throw new ZooKeeperError(error, `listing ${path}`);
    return body.vector((reader) => reader.text());
  }

  /** @param after null, or the change behind which it has to come at once to keep the order */
  async #send(
    change: readonly KeyStep[],
    onSent: () => void,
    after: number | null,
  ): Promise<{ answer: Promise<Answer>; sentNumber: number }> {
    const created = change.flatMap(({ key, becomes }) =>
      Buffer.isBuffer(becomes) ? [this.#pathOf(key)] : [],
    );
    if (created.some((path) => !this.#folders.isKnown(path))) {
      const what = 'the folders of a change cannot be made';
      await this.#reading(what, (link) => this.#folders.makeAbove(created, link));
    }
    if (after !== null && after !== this.#sentCount) throw this.#foldersGo();
    const link = this.#linkNow();
    for (const { key, session } of change) {
      if (session === undefined || session === this.sessionNumber) continue;
      throw new StoreAwayError(`${key} is of a session that is over`);
    }
    const answer = link.call(
      'multi',
      encodeMulti(change.flatMap((step) => this.#changesOfStep(step))),
    );
    answer.catch(() => {});
    this.#sentCount += 1;
    onSent();
    return { answer, sentNumber: this.#sentCount };
  }

  #foldersGo(): StoreAwayError {
    return new StoreAwayError(`somebody removes folders of ${this.address} at the same time`);
  }

  async #outcomeOf(
    change: readonly KeyStep[],
    asked: Promise<Answer>,
  ): Promise<readonly string[] | null | 'no folder'> {
    let answer: Answer;
    try {
      answer = await asked;
    } catch (error) {
      if (error instanceof LinkLostError) throw new UnknownChangeError(error.message);
      throw error;
    }
    const { error, body } = answer;
    if (error === errorCode.sessionMoved || error === errorCode.sessionExpired) {
      throw new StoreAwayError(new ZooKeeperError(error, 'a change').message);
    }
    const steps = change.map((step) => this.#changesOfStep(step));
    const result = body.remainingBytes > 0 ? resultOf(body) : { error, at: 0 };
    if (Array.isArray(result)) return versionsOf(change, steps, result);
    const failed = steps.flat()[result.at] as Change;
    if (failed.kind === 'create' && result.error === errorCode.noNode) return 'no folder';
    const isOtherwise =
      result.error === errorCode.badVersion ||
      result.error === errorCode.noNode ||
      result.error === errorCode.nodeExists;
    if (isOtherwise) return null;
    throw new ZooKeeperError(result.error, `${failed.kind} of ${failed.path}`);
  }

  #changesOfStep({ key, was, becomes, session }: KeyStep): Change[] {
    const path = this.#pathOf(key);
    const isEphemeral = session !== undefined;
    if (was === null) {
      assert(becomes !== undefined, 'what is not there does not stay as it is');
      const create = { kind: 'create', path, acl: this.#aclOf(path), isEphemeral } as const;
      if (becomes !== null) return [{ ...create, value: becomes }];
      // There is no question for what is not there.
      const value = Buffer.alloc(0);
      return [
        { ...create, value },
        { kind: 'delete', path, version: 0 },
      ];
    }
    const version = Number(was);
    if (becomes === undefined) return [{ kind: 'check', path, version }];
    if (becomes === null) return [{ kind: 'delete', path, version }];
    if (!isEphemeral) return [{ kind: 'setData', path, value: becomes, version }];
    return [
      { kind: 'delete', path, version },
      { kind: 'create', path, value: becomes, acl: this.#aclOf(path), isEphemeral },
    ];
  }

  /** What has nodes below it is left. */
  async #removeAll(paths: readonly string[], link: ZooKeeperLink): Promise<string[]> {
    const left: string[] = [];
    for (let at = 0; at < paths.length; at += deletesAtOnce) {
      const some = paths.slice(at, at + deletesAtOnce);
      const answers = await Promise.all(
        some.map((path) =>
          link.call('delete', encodeChange({ kind: 'delete', path, version: -1 })),
        ),
      );
      answers.forEach(({ error }, index) => {
        const path = some[index] as string;
        if (error === errorCode.notEmpty) left.push(path);
        else if (error !== errorCode.ok && error !== errorCode.noNode) {
          throw new ZooKeeperError(error, `delete of ${path}`);
        }
      });
    }
    return left;
  }

  async #removeTree(path: string, link: ZooKeeperLink): Promise<void> {
    this.#folders.forget();
    const names = await this.#names(path, link);
    const folders = await this.#removeAll(
      names.map((name) => `${path}/${name}`),
      link,
    );
    for (const folder of folders) await this.#removeTree(folder, link);
    // Somebody may have put another key into it: then it stays.
    await this.#removeAll([path], link);
  }
}

/** Of a step that is several changes the last one says it. */
function versionsOf(
  change: readonly KeyStep[],
  steps: readonly (readonly Change[])[],
  versions: readonly (number | null)[],
): string[] {
  let at = -1;
  return change.map(({ was }, index) => {
    at += (steps[index] as readonly Change[]).length;
    return String(versions[at] ?? was ?? 0);
  });
}

/** @throws UnknownChangeError when the answer makes no sense */
function resultOf(body: JuteReader): ReturnType<typeof readMultiAnswer> {
  try {
    return readMultiAnswer(body);
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
    throw new UnknownChangeError(`its answer makes no sense (${error.message})`);
  }
}
