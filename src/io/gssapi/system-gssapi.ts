// Kerberos on top of the functions of the system's library.
//
// Invariants: what may ask a KDC is called on a thread of its own, and nothing is released beneath
// such a call; only Kerberos 5 is spoken, whatever a token says; tickets that came of keys lie in
// the memory of this process, and go with the last context that was made with them.

import { statSync } from 'node:fs';
import {
  type Cell,
  type GssBuffer,
  type GssLibrary,
  type GssStore,
  loadGssLibrary,
  type Native,
  type Pointer,
} from './gss-library.ts';
import {
  type Gssapi,
  type GssContext,
  GssError,
  type GssErrorKind,
  type GssKeys,
  type GssStep,
  type GssTickets,
  type KeySource,
  type TicketSource,
} from './gssapi.ts';

/** RFC 2744; the upper half of a status says what failed. */
const continueNeeded = 1;
const initiate = 1;
const accept = 2;
const indefinite = 0xffff_ffff;
const ofGss = 1;
const ofMechanism = 2;
const flags = { mutual: 2, integrity: 32, anonymous: 64 };

/** RFC 4120, and what libkrb5 adds to it. */
const krb5Error = (code: number): number => code - 1_765_328_384;
const kinds: ReadonlyMap<number, GssErrorKind> = new Map([
  // No KDC answers, none is known, its name leads nowhere.
  [krb5Error(156), 'no answer'],
  [krb5Error(154), 'no answer'],
  [krb5Error(220), 'no answer'],
]);

let opened: SystemGssapi | null = null;
let configuration: string | null = null;

/**
 * @param krb5Conf in place of the system's krb5.conf (java.security.krb5.conf); null: that one
 * @throws GssLibraryMissing: koffi or the library is not there
 */
export function systemGssapi(krb5Conf: string | null): Gssapi {
  opened ??= new SystemGssapi(loadGssLibrary());
  if (krb5Conf !== null && krb5Conf !== configuration) {
    if (configuration !== null) {
      const why = `this process has ${configuration} already`;
      throw new GssError(`java.security.krb5.conf is ${krb5Conf}, and ${why}: one for a process`);
    }
    configuration = krb5Conf;
    // The library looks there at each call; it has no other door.
    process.env.KRB5_CONFIG = krb5Conf;
  }
  return opened;
}

export class SystemGssapi implements Gssapi {
  readonly #library: GssLibrary;
  #caches = 0;

  constructor(library: GssLibrary) {
    this.#library = library;
  }

  defaultRealm(): string | null {
    const { krb5, textAt } = this.#library;
    const context = cell<Pointer>(null);
    if (krb5.initContext(context) !== 0) return null;
    const realm = cell<Pointer>(null);
    try {
      if (krb5.getDefaultRealm(context[0], realm) !== 0) return null;
      const text = textAt(realm[0]);
      krb5.freeDefaultRealm(context[0], realm[0]);
      return text;
    } finally {
      krb5.freeContext(context[0]);
    }
  }

  openKeys({ keyTab, principal }: KeySource): GssKeys {
    const library = this.#library;
    const store = storeOf({ keytab: keyTabName(keyTab) });
    const name = principal === null ? null : importName(library, principal, 'principal');
    const { minor, seconds } = newCells();
    const handle = cell<Pointer>(null);
    const { mechanisms: mechs, gss } = library;
    const args = [minor, name, indefinite, mechs, accept, store, handle, null, seconds] as const;
    const major = called(gss.acquireCred, args);
    releaseName(library, name);
    const credential = new Credential(library, handle[0], null);
    if (isFailure(major)) {
      credential.release();
      throw failure(library, major, minor[0]);
    }
    return {
      accept: () => new AcceptingContext(library, credential),
      release: () => credential.release(),
    };
  }

  async getTickets(source: TicketSource): Promise<GssTickets> {
    const library = this.#library;
    const isKeys = source.kind === 'keytab';
    const cache = isKeys ? `MEMORY:partita-${++this.#caches}` : cacheName(source.path);
    const keyTab = isKeys ? (keyTabName(source.keyTab) ?? defaultKeyTab) : null;
    const store = storeOf({ ccache: cache, client_keytab: keyTab });
    const { principal } = source;
    const name = principal === null ? null : importName(library, principal, 'principal');
    const { minor, seconds } = newCells();
    const handle = cell<Pointer>(null);
    const { mechanisms: mechs, gss } = library;
    const args = [minor, name, indefinite, mechs, initiate, store, handle, null, seconds] as const;
    const major = await calledApart(gss.acquireCred, args);
    releaseName(library, name);
    const credential = new Credential(library, handle[0], isKeys ? cache : null);
    if (isFailure(major)) {
      credential.release();
      const error = failure(library, major, minor[0]);
      // Without the keys it speaks of a cache.
      if (source.kind === 'keytab' && error.kind === 'refused') this.openKeys(source).release();
      throw error;
    }
    return {
      lifetimeMs: lifetimeMs(seconds[0]),
      initiate: (service, host) => new InitiatingContext(library, credential, `${service}@${host}`),
      release: () => credential.release(),
    };
  }

  async renewCache(kinit: string, path: string | null): Promise<void> {
    const { execFile } = await import('node:child_process');
    const args = ['-R', ...(path === null ? [] : ['-c', path])];
    await new Promise<void>((resolve, reject) => {
      execFile(kinit, args, { timeout: 30_000 }, (error, _stdout, stderr) => {
        if (error === null) resolve();
        else reject(new Error(stderr.trim() || `${kinit} -R: ${error.message}`));
      });
    });
  }
}

/** Keys or tickets, which stay as long as a context is made with them. */
class Credential {
  readonly #library: GssLibrary;
  readonly #handle: Pointer;
  /** Of ours alone, and to be destroyed. */
  readonly #cache: string | null;
  #users = 1;
  #isReleased = false;

  constructor(library: GssLibrary, handle: Pointer, cache: string | null) {
    this.#library = library;
    this.#handle = handle;
    this.#cache = cache;
  }

  take(): Pointer {
    if (this.#users === 0) throw new GssError('what it was to be made with is gone');
    this.#users++;
    return this.#handle;
  }

  giveBack(): void {
    this.#users--;
    if (this.#users > 0) return;
    if (this.#handle !== null) this.#library.gss.releaseCred([0], [this.#handle]);
    if (this.#cache !== null) destroyCache(this.#library, this.#cache);
  }

  release(): void {
    if (this.#isReleased) return;
    this.#isReleased = true;
    this.giveBack();
  }
}

abstract class SystemContext {
  protected readonly library: GssLibrary;
  protected readonly handle: Cell<Pointer> = [null];
  protected isBusy = false;
  protected isReleased = false;
  readonly #credential: Credential;

  constructor(library: GssLibrary, credential: Credential) {
    this.library = library;
    this.#credential = credential;
    this.credential = credential.take();
  }

  protected readonly credential: Pointer;

  wrap(message: Buffer): Buffer {
    const { minor, output } = newCells();
    const { gss } = this.library;
    const major = gss.wrap(minor, this.#made(), 0, 0, bufferOf(message), null, output);
    return this.taken(major, minor[0], output);
  }

  unwrap(token: Buffer): Buffer {
    const { minor, output } = newCells();
    const { gss } = this.library;
    const major = gss.unwrap(minor, this.#made(), bufferOf(token), output, null, null);
    return this.taken(major, minor[0], output);
  }

  release(): void {
    if (this.isReleased) return;
    this.isReleased = true;
    if (!this.isBusy) this.free();
  }

  protected free(): void {
    if (this.handle[0] !== null) this.library.gss.deleteContext([0], this.handle, null);
    this.handle[0] = null;
    this.#credential.giveBack();
  }

  /** What a call wrote, copied; the library has its memory back. */
  protected taken(major: number, minor: number, output: GssBuffer): Buffer {
    const bytes = takeBuffer(this.library, output);
    if (isFailure(major)) throw failure(this.library, major, minor);
    return bytes;
  }

  #made(): Pointer {
    if (this.handle[0] === null || this.isReleased) throw new GssError('there is no context');
    return this.handle[0];
  }
}

class AcceptingContext extends SystemContext implements GssContext<GssStep> {
  next(token: Buffer): GssStep {
    if (this.isReleased) throw new GssError('there is no context');
    const { library } = this;
    const { minor, output, made, seconds } = newCells();
    const name = cell<Pointer>(null);
    const args = [minor, this.handle, this.credential, bufferOf(token), null, name, null] as const;
    const results = [output, made, seconds, null] as const;
    const major = called(library.gss.acceptContext, [...args, ...results]);
    try {
      const answer = this.taken(major, minor[0], output);
      if ((major & continueNeeded) !== 0) return { token: answer, peer: null };
      if ((made[0] & flags.anonymous) !== 0) throw new GssError('it is anonymous');
      const peer = displayName(library, name[0]);
      return { token: answer, peer: { name: peer, lifetimeMs: lifetimeMs(seconds[0]) } };
    } finally {
      releaseName(library, name[0]);
    }
  }
}

class InitiatingContext extends SystemContext implements GssContext<Promise<GssStep>> {
  readonly #target: string;

  constructor(library: GssLibrary, credential: Credential, target: string) {
    super(library, credential);
    this.#target = target;
  }

  async next(token: Buffer): Promise<GssStep> {
    if (this.isReleased || this.isBusy) throw new GssError('there is no context');
    const { library, handle } = this;
    const { minor, output, made, seconds } = newCells();
    const target = importName(library, this.#target, 'service');
    const wanted = flags.mutual | flags.integrity;
    const input = token.length === 0 ? null : bufferOf(token);
    this.isBusy = true;
    try {
      const args = [minor, this.credential, handle, target, library.mechanism, wanted] as const;
      const more = [indefinite, null, input, null, output, made, seconds] as const;
      const major = await calledApart(library.gss.initContext, [...args, ...more]);
      const answer = this.taken(major, minor[0], output);
      if (this.isReleased) throw new GssError('there is no context');
      if ((major & continueNeeded) !== 0) return { token: answer, peer: null };
      const isMutual = (made[0] & flags.mutual) !== 0;
      if (!isMutual) throw new GssError('the service has not proven who it is');
      const peer = { name: this.#target, lifetimeMs: lifetimeMs(seconds[0]) };
      return { token: answer, peer };
    } finally {
      this.isBusy = false;
      releaseName(library, target);
      if (this.isReleased) this.free();
    }
  }
}

/** The keytab of krb5.conf, which clients have to name. */
const defaultKeyTab = 'FILE:/etc/krb5.keytab';

function called<Args extends readonly unknown[]>(
  native: Native<Args>,
  args: readonly [...Args],
): number {
  return Reflect.apply(native, undefined, args);
}

/** On a thread of koffi's. */
function calledApart<Args extends readonly unknown[]>(
  native: Native<Args>,
  args: readonly [...Args],
): Promise<number> {
  return new Promise((resolve, reject) => {
    const done = (error: Error | null, result: number): void => {
      // The bytes that were passed are reachable until here.
      if (error) reject(error);
      else resolve(args.length > 0 ? result : 0);
    };
    Reflect.apply(native.async, native, [...args, done]);
  });
}

function cell<T>(value: T): Cell<T> {
  return [value];
}

/** Where a call writes what it gives back. */
function newCells(): {
  minor: Cell<number>;
  output: GssBuffer;
  made: Cell<number>;
  seconds: Cell<number>;
} {
  return { minor: [0], output: {}, made: [0], seconds: [0] };
}

function isFailure(major: number): boolean {
  return (major & 0xffff_0000) !== 0;
}

function lifetimeMs(seconds: number): number {
  return seconds === indefinite ? Number.POSITIVE_INFINITY : seconds * 1000;
}

/** A file, or what has the name of its kind in front (DIR:, KEYRING:, KCM:). */
function cacheName(path: string | null): string | null {
  return path === null || /^[A-Z]+:/.test(path) ? path : `FILE:${path}`;
}

/** Keys are in a file: a pipe would hold up the process. */
function keyTabName(path: string | null): string | null {
  if (path === null) return null;
  const plain = path.replace(/^(WR)?FILE:/, '');
  if (isNoFile(plain)) throw new GssError(`${plain} is no file`);
  return `FILE:${plain}`;
}

function isNoFile(path: string): boolean {
  try {
    return !statSync(path).isFile();
  } catch {
    // The library says what is wrong with it.
    return false;
  }
}

function storeOf(options: Readonly<Record<string, string | null>>): GssStore | null {
  const elements = Object.entries(options).flatMap(([key, value]) =>
    value === null ? [] : [{ key, value }],
  );
  return elements.length === 0 ? null : { count: elements.length, elements };
}

function bufferOf(bytes: Buffer): GssBuffer {
  return bytes.length === 0 ? { length: 0, value: null } : { length: bytes.length, value: bytes };
}

function takeBuffer({ gss, bytesAt }: GssLibrary, buffer: GssBuffer): Buffer {
  const length = Number(buffer.length ?? 0);
  const pointer = (buffer.value ?? null) as Pointer;
  const bytes = length === 0 || pointer === null ? Buffer.alloc(0) : bytesAt(pointer, length);
  if (pointer !== null) gss.releaseBuffer([0], buffer);
  return bytes;
}

function importName(library: GssLibrary, text: string, kind: 'principal' | 'service'): Pointer {
  const [minor, name] = [cell(0), cell<Pointer>(null)];
  const type = kind === 'service' ? library.hostBasedService : library.principalName;
  const major = library.gss.importName(minor, bufferOf(Buffer.from(text)), type, name);
  if (isFailure(major)) throw failure(library, major, minor[0]);
  return name[0];
}

function releaseName({ gss }: GssLibrary, name: Pointer): void {
  if (name !== null) gss.releaseName([0], [name]);
}

/** What is not text is nobody's name: two such names could look the same. */
function displayName(library: GssLibrary, name: Pointer): string {
  const { minor, output } = newCells();
  const major = library.gss.displayName(minor, name, output, null);
  const bytes = takeBuffer(library, output);
  if (isFailure(major)) throw failure(library, major, minor[0]);
  const text = bytes.toString();
  if (!Buffer.from(text).equals(bytes)) throw new GssError('its name is not UTF-8');
  return text;
}

function destroyCache({ krb5 }: GssLibrary, cacheName: string): void {
  const [context, cache] = [cell<Pointer>(null), cell<Pointer>(null)];
  if (krb5.initContext(context) !== 0) return;
  if (krb5.resolveCache(context[0], cacheName, cache) === 0)
    krb5.destroyCache(context[0], cache[0]);
  krb5.freeContext(context[0]);
}

function failure(library: GssLibrary, major: number, minor: number): GssError {
  const code = minor | 0;
  const ofKerberos = code === 0 ? '' : statusText(library, minor, ofMechanism);
  const isNone = ofKerberos === '' || ofKerberos === 'Success';
  const text = isNone ? statusText(library, major, ofGss) : ofKerberos;
  return new GssError(text, kinds.get(code) ?? 'refused');
}

/** Names out of a token may be in there: no signs that could forge a line of a log. */
function statusText(library: GssLibrary, status: number, type: number): string {
  const { minor, output } = newCells();
  library.gss.displayStatus(minor, status, type, library.mechanism, cell(0), output);
  const text = takeBuffer(library, output).toString();
  return text.replaceAll(/\p{C}/gu, '?').slice(0, 300);
}
