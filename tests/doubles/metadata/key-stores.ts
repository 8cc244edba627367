// A system of keys, versions and sessions in memory, as etcd and ZooKeeper are, and the key stores
// of several processes that use it: each over a link that loses requests and answers, is cut, and
// whose session is taken for dead when the test says so.
//
// It is as unkind as the port allows: the version of a key that is made anew begins anew, lists and
// changes have narrow limits, a hint comes late and stands for several changes.

import assert from 'node:assert/strict';
import type { Io } from '../../../src/io/index.ts';
import type { Loss } from '../../../src/metadata/cluster-store-outages-contract.ts';
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
} from '../../../src/metadata/engines/keyed/index.ts';

interface StoredKey {
  readonly value: Buffer;
  readonly version: number;
  /** null: it is not ephemeral. */
  readonly session: number | null;
}

export interface KeySystemOptions {
  readonly changeBytesMax?: number;
  readonly pageBytesMax?: number;
  readonly sessionTimeoutMs?: number;
}

/** One way, between a process and the system. */
const travelMs = 1;
/** Until a process notices that nobody answers. */
const silenceMs = 2_000;

export class KeySystem {
  readonly io: Io;
  readonly changeBytesMax: number;
  readonly pageBytesMax: number;
  readonly sessionTimeoutMs: number;
  readonly stores = new Set<MemoryKeyStore>();
  data = new Map<string, StoredKey>();
  readonly sessions = new Set<number>();
  /** Why changes that put something are refused: there is no space. */
  refusal: Error | null = null;
  /** Every change that was made; tests look on. */
  onChange: (change: readonly KeyStep[]) => void = () => {};
  #lastSession = 0;

  constructor(io: Io, options: KeySystemOptions = {}) {
    this.io = io;
    this.changeBytesMax = options.changeBytesMax ?? 4096;
    this.pageBytesMax = options.pageBytesMax ?? 2500;
    this.sessionTimeoutMs = options.sessionTimeoutMs ?? 9_000;
  }

  beginSession(): number {
    this.#lastSession += 1;
    this.sessions.add(this.#lastSession);
    return this.#lastSession;
  }

  endSession(session: number): void {
    if (!this.sessions.delete(session)) return;
    for (const [key, stored] of [...this.data]) {
      if (stored.session !== session) continue;
      this.data.delete(key);
      this.#tell(key);
    }
  }

  get(key: string): KeyEntry | null {
    const stored = this.data.get(key);
    return stored === undefined ? null : { value: stored.value, version: String(stored.version) };
  }

  list(folder: string, from = ''): KeyListing {
    const entries: NamedEntry[] = [];
    let bytes = 0;
    for (const name of this.names(folder)) {
      if (name < from) continue;
      const entry = this.get(`${folder}/${name}`) as KeyEntry;
      bytes += entry.value.length + name.length;
      if (entries.length > 0 && bytes > this.pageBytesMax) return { entries, isWhole: false };
      entries.push({ ...entry, name });
    }
    return { entries, isWhole: true };
  }

  names(folder: string): string[] {
    const names: string[] = [];
    for (const key of this.data.keys()) {
      const name = key.slice(folder.length + 1);
      if (key.startsWith(`${folder}/`) && !name.includes('/')) names.push(name);
    }
    return names.sort((a, b) => (a < b ? -1 : 1));
  }

  commit(change: readonly KeyStep[]): readonly string[] | null {
    const isAsExpected = change.every(({ key, was }) => (this.get(key)?.version ?? null) === was);
    if (!isAsExpected) return null;
    const versions = change.map((step) => this.#make(step));
    this.onChange(change);
    return versions;
  }

  #make({ key, becomes, session }: KeyStep): string {
    const before = this.data.get(key);
    if (becomes === undefined) return String(before?.version);
    if (becomes === null) this.data.delete(key);
    else {
      for (const other of this.data.keys()) {
        const isFolder = other.startsWith(`${key}/`) || key.startsWith(`${other}/`);
        assert.ok(!isFolder, `${key} and ${other}: a folder and a value share a name`);
      }
      const isNew = before === undefined || session !== undefined;
      const version = isNew ? 0 : before.version + 1;
      this.data.set(key, { value: Buffer.from(becomes), version, session: session ?? null });
    }
    this.#tell(key);
    return String(this.data.get(key)?.version ?? '');
  }

  remove(key: string): void {
    if (this.data.delete(key)) this.#tell(key);
  }

  #tell(key: string): void {
    for (const store of this.stores) store.onChanged(key);
  }
}

interface Watched {
  readonly key: string;
  readonly kind: 'value' | 'folder';
  readonly onChange: () => void;
  isTold: boolean;
}

interface PlannedLoss {
  readonly isMeant: (request: string | readonly KeyStep[]) => boolean;
  readonly loss: Loss | 'none';
  /** How long the answer takes that is not lost. */
  readonly answerMs?: number;
}

export class MemoryKeyStore implements KeyStore {
  readonly address = 'memory://keys';
  onSession: (event: SessionEvent) => void = () => {};
  readonly #system: KeySystem;
  readonly #io: Io;
  readonly #watched = new Set<Watched>();
  readonly #late: (() => void)[] = [];
  #losses: PlannedLoss[] = [];
  #isCut = false;
  #isAway = false;
  #isClosed = false;
  #isKilled = false;
  /** What `sessionNumber` is, as the system knows it. */
  session: number;
  /** No hint ever comes. */
  isDeaf = false;
  /** Counted by this process. */
  sessionNumber = 1;

  constructor(system: KeySystem, io: Io = system.io) {
    this.#system = system;
    this.#io = io;
    this.session = system.beginSession();
    system.stores.add(this);
  }

  get changeBytesMax(): number {
    return this.#system.changeBytesMax;
  }

  /** The request is carried out, and its answer takes longer than everybody else's. */
  slowDown(isMeant: PlannedLoss['isMeant'], answerMs: number): void {
    this.#losses.push({ isMeant, loss: 'none', answerMs });
  }

  lose(isMeant: PlannedLoss['isMeant'], loss: Loss): void {
    this.#losses.push({ isMeant, loss });
  }

  /** Whether the system was reached, and its answer came. */
  async #ask<T>(request: string | readonly KeyStep[], make: () => T): Promise<T> {
    const isChange = typeof request !== 'string';
    if (this.#isAway || this.#isClosed) throw new StoreAwayError('planted: it is away');
    const planned = this.#losses.find(({ isMeant }) => isMeant(request));
    this.#losses = this.#losses.filter((each) => each !== planned);
    const unanswered = (): Error =>
      isChange ? new UnknownChangeError('planted') : new StoreAwayError('planted');
    const clock = this.#io.clock;
    const wasCut = this.#isCut;
    await clock.sleep(travelMs);
    if (planned?.loss === 'late') this.#late.push(make);
    const isLost = planned?.loss === 'late' || planned?.loss === 'request';
    if (isLost || wasCut || this.#isCut) {
      await clock.sleep(silenceMs);
      throw unanswered();
    }
    const answer = this.#isKilled ? null : make();
    await clock.sleep(planned?.answerMs ?? travelMs);
    if (this.#isKilled) return new Promise(() => {});
    const isHeard = planned === undefined || planned.loss === 'none';
    if (isHeard && !this.#isCut) return answer as T;
    await clock.sleep(silenceMs);
    throw unanswered();
  }

  get(key: string): Promise<KeyEntry | null> {
    return this.#ask(key, () => this.#system.get(key));
  }

  list(folder: string, from?: string): Promise<KeyListing> {
    return this.#ask(folder, () => this.#system.list(folder, from));
  }

  async commit(change: readonly KeyStep[]): Promise<readonly string[] | null> {
    let bytes = 0;
    for (const { key, becomes } of change) bytes += key.length + (becomes?.length ?? 0);
    assert.ok(bytes < this.changeBytesMax, `a change of ${bytes} bytes`);
    assert.equal(new Set(change.map(({ key }) => key)).size, change.length, 'each key once');
    const { session } = this;
    for (const step of change) {
      if (step.session !== undefined && step.session !== this.sessionNumber) {
        throw new StoreAwayError('planted: the session is over');
      }
    }
    const sent = change.map((step) => (step.session === undefined ? step : { ...step, session }));
    const versions = await this.#ask(change, () => {
      const isOver = sent.some((step) => step.session !== undefined);
      if (isOver && !this.#system.sessions.has(session)) return 'ended';
      const { refusal } = this.#system;
      if (refusal !== null && sent.some(({ becomes }) => becomes != null)) return refusal;
      return this.#system.commit(sent);
    });
    if (versions instanceof Error) throw versions;
    if (versions === 'ended') throw new StoreAwayError('planted: the session is over');
    return versions;
  }

  async remove(folder: string, names?: readonly string[]): Promise<void> {
    for (const name of names ?? this.#system.names(folder)) {
      await this.#ask(folder, () => this.#system.remove(`${folder}/${name}`));
    }
  }

  watch(key: string, kind: Watched['kind'], onChange: () => void): KeyWatch {
    const watched: Watched = { key, kind, onChange, isTold: false };
    this.#watched.add(watched);
    return { close: () => this.#watched.delete(watched) };
  }

  onChanged(key: string): void {
    if (this.#isCut) return;
    for (const watched of this.#watched) {
      const path = watched.kind === 'value' ? key : key.slice(0, key.lastIndexOf('/'));
      if (path === watched.key) this.#tell(watched);
    }
  }

  #tell(watched: Watched): void {
    if (watched.isTold || this.isDeaf) return;
    watched.isTold = true;
    this.#io.clock.after(2 * travelMs, () => {
      watched.isTold = false;
      const isHeard = !this.#isCut && !this.#isClosed && !this.isDeaf;
      if (isHeard && this.#watched.has(watched)) watched.onChange();
    });
  }

  async deliverLate(): Promise<void> {
    for (const make of this.#late.splice(0)) make();
    await this.#io.clock.sleep(1_000);
  }

  cut(): void {
    this.#isCut = true;
    const { clock } = this.#io;
    clock.after(silenceMs, () => {
      if (!this.#isCut || this.#isAway) return;
      this.#isAway = true;
      this.onSession({ kind: 'away', because: 'planted' });
    });
    clock.after(this.#system.sessionTimeoutMs, () => {
      if (this.#isCut) this.#system.endSession(this.session);
    });
  }

  async heal(): Promise<void> {
    this.#isCut = false;
    await this.#io.clock.sleep(silenceMs + travelMs);
    this.#isAway = false;
    this.noticeSession();
    for (const watched of this.#watched) this.#tell(watched);
    await this.#io.clock.sleep(1_000);
  }

  /** The process hears what became of its session. */
  noticeSession(): void {
    if (this.#isCut || this.#isClosed) return;
    if (!this.#system.sessions.has(this.session)) {
      this.onSession({ kind: 'ended', because: 'planted' });
      this.session = this.#system.beginSession();
      this.sessionNumber += 1;
    }
    this.onSession({ kind: 'connected', sessionNumber: this.sessionNumber });
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#watched.clear();
    this.#system.stores.delete(this);
    if (!this.#isCut) this.#system.endSession(this.session);
  }

  /** The process is killed: nothing is answered to it any more, and its session ends in time. */
  kill(): void {
    this.#isKilled = true;
    this.#isClosed = true;
    this.#watched.clear();
    this.#system.stores.delete(this);
    const { sessionTimeoutMs } = this.#system;
    this.#io.clock.after(sessionTimeoutMs, () => this.#system.endSession(this.session));
  }
}
