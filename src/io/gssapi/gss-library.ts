// The functions of MIT Kerberos that we call, through koffi: the prototypes are those of
// gssapi/gssapi.h and krb5/krb5.h. koffi is no dependency of ours; whoever uses Kerberos adds it.
//
// Invariant: the types of koffi are declared once a process; what a function gives back is a
// status, and what it writes lies in the arrays and objects that were passed to it.

import { createRequire } from 'node:module';

/** Memory of the library; null: none. */
export type Pointer = bigint | null;
/** Where a function writes one value. */
export type Cell<T> = [T];
/** gss_buffer_desc: in, with bytes of ours; out, with bytes that gss_release_buffer gives back. */
export interface GssBuffer {
  length?: number | bigint;
  value?: Buffer | Pointer;
}
/** gss_key_value_set_desc */
export interface GssStore {
  readonly count: number;
  readonly elements: readonly { readonly key: string; readonly value: string }[];
}

type Minor = Cell<number>;

/** A function that blocks; `async` calls it on a thread of koffi's. */
export interface Native<Args extends readonly unknown[]> {
  (...args: Args): number;
  async(...args: [...Args, (error: Error | null, result: number) => void]): void;
}

type ImportName = [Minor, GssBuffer, type: Pointer, name: Cell<Pointer>];
type DisplayName = [Minor, name: Pointer, text: GssBuffer, type: null];
type DisplayStatus = [Minor, number, type: number, mech: Pointer, more: Cell<number>, GssBuffer];
type AcquireCred = [
  ...[minor: Minor, name: Pointer, seconds: number, mechs: Pointer, usage: number],
  ...[store: GssStore | null, credential: Cell<Pointer>, actual: null, lifetime: Cell<number>],
];
type InitContext = [
  ...[minor: Minor, credential: Pointer, context: Cell<Pointer>, target: Pointer, mech: Pointer],
  ...[flags: number, seconds: number, bindings: null, input: GssBuffer | null, actual: null],
  ...[output: GssBuffer, made: Cell<number>, lifetime: Cell<number>],
];
type AcceptContext = [
  ...[minor: Minor, context: Cell<Pointer>, credential: Pointer, input: GssBuffer],
  ...[bindings: null, name: Cell<Pointer>, mech: null, output: GssBuffer],
  ...[made: Cell<number>, lifetime: Cell<number>, delegated: null],
];
type Wrap = [Minor, Pointer, encrypt: number, quality: number, GssBuffer, null, GssBuffer];
type Unwrap = [Minor, Pointer, GssBuffer, GssBuffer, encrypted: null, quality: null];

export interface GssLibrary {
  readonly gss: {
    readonly importName: Native<ImportName>;
    readonly displayName: Native<DisplayName>;
    readonly displayStatus: Native<DisplayStatus>;
    readonly acquireCred: Native<AcquireCred>;
    readonly initContext: Native<InitContext>;
    readonly acceptContext: Native<AcceptContext>;
    readonly wrap: Native<Wrap>;
    readonly unwrap: Native<Unwrap>;
    readonly releaseName: Native<[Minor, Cell<Pointer>]>;
    readonly releaseCred: Native<[Minor, Cell<Pointer>]>;
    readonly releaseBuffer: Native<[Minor, GssBuffer]>;
    readonly deleteContext: Native<[Minor, Cell<Pointer>, output: null]>;
  };
  readonly krb5: {
    readonly initContext: Native<[Cell<Pointer>]>;
    readonly freeContext: Native<[Pointer]>;
    readonly getDefaultRealm: Native<[Pointer, Cell<Pointer>]>;
    readonly freeDefaultRealm: Native<[Pointer, Pointer]>;
    readonly resolveCache: Native<[Pointer, string, Cell<Pointer>]>;
    readonly destroyCache: Native<[Pointer, Pointer]>;
  };
  /** The object identifier of Kerberos 5, and the set of it alone. */
  readonly mechanism: Pointer;
  readonly mechanisms: Pointer;
  readonly hostBasedService: Pointer;
  readonly principalName: Pointer;
  /** A copy. */
  bytesAt(pointer: Pointer, length: number): Buffer;
  textAt(pointer: Pointer): string;
}

/** What the machine lacks, and how to get it. */
export class GssLibraryMissing extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'GssLibraryMissing';
  }
}

/** As much of koffi as is called. */
interface Koffi {
  load(path: string): Loaded;
  struct(name: string, members: Readonly<Record<string, string>>): unknown;
  decode: {
    (value: unknown, type: string): unknown;
    (value: unknown, type: string, length: number): unknown;
    string(value: unknown): string;
  };
}

interface Loaded {
  func(prototype: string): never;
  symbol(name: string): unknown;
}

/** Debian, Red Hat, Alpine and others; Homebrew on its two kinds of machine. */
const folders = ['', '/opt/homebrew/opt/krb5/lib/', '/usr/local/opt/krb5/lib/'];

/** @param require for tests @throws GssLibraryMissing */
export function loadGssLibrary(
  require: (name: string) => unknown = createRequire(import.meta.url ?? __filename),
): GssLibrary {
  const koffi = loadKoffi(require);
  const gss = loadFirst(koffi, 'libgssapi_krb5', 2);
  const krb5 = loadFirst(koffi, 'libkrb5', 3);
  koffi.struct('partita_buffer', { length: 'size_t', value: 'void *' });
  koffi.struct('partita_option', { key: 'const char *', value: 'const char *' });
  koffi.struct('partita_store', { count: 'uint32_t', elements: 'partita_option *' });
  const constant = (name: string): Pointer => koffi.decode(gss.symbol(name), 'void *') as Pointer;
  return {
    gss: gssFunctions(gss),
    krb5: krb5Functions(krb5),
    mechanism: constant('gss_mech_krb5'),
    mechanisms: constant('gss_mech_set_krb5'),
    hostBasedService: constant('GSS_C_NT_HOSTBASED_SERVICE'),
    principalName: constant('GSS_KRB5_NT_PRINCIPAL_NAME'),
    bytesAt: (pointer, length) =>
      Buffer.from(koffi.decode(pointer, 'uint8_t', length) as Uint8Array),
    textAt: (pointer) => koffi.decode.string(pointer),
  };
}

function loadKoffi(require: (name: string) => unknown): Koffi {
  try {
    return require('koffi') as Koffi;
  } catch (error) {
    const first = (error as Error).message.split('\n')[0];
    const isMissing = (error as NodeJS.ErrnoException).code === 'MODULE_NOT_FOUND';
    const why = isMissing ? 'which is not installed' : `which cannot be loaded (${first})`;
    throw new GssLibraryMissing(`GSSAPI needs the package koffi, ${why}: npm install koffi`);
  }
}

function loadFirst(koffi: Koffi, name: string, version: number): Loaded {
  const isMac = process.platform === 'darwin';
  const file = `${name}.${isMac ? 'dylib' : `so.${version}`}`;
  let why = '';
  for (const folder of folders) {
    try {
      return koffi.load(`${folder}${file}`);
    } catch (error) {
      why ||= (error as Error).message.split('\n')[0] as string;
    }
  }
  const packages = isMac
    ? 'brew install krb5'
    : 'install libgssapi-krb5-2 (Debian, Ubuntu), krb5-libs (Fedora, Alpine)';
  throw new GssLibraryMissing(`GSSAPI needs the system's library ${file} (${why}): ${packages}`);
}

function gssFunctions(library: Loaded): GssLibrary['gss'] {
  const of = (name: string, args: string): never =>
    library.func(`uint32_t gss_${name}(_Out_ uint32_t *minor, ${args})`);
  const input = 'partita_buffer *input';
  const output = '_Out_ partita_buffer *output';
  const context = '_Inout_ void **context';
  const results = `${output}, _Out_ uint32_t *made, _Out_ uint32_t *lifetime`;
  const lifetime = '_Out_ uint32_t *lifetime';
  return {
    importName: of('import_name', `${input}, void *type, _Out_ void **name`),
    displayName: of('display_name', `void *name, ${output}, void *type`),
    displayStatus: of(
      'display_status',
      `uint32_t value, int type, void *mech, _Inout_ uint32_t *more, ${output}`,
    ),
    acquireCred: of(
      'acquire_cred_from',
      'void *name, uint32_t seconds, void *mechs, int usage, partita_store *store, ' +
        `_Out_ void **credential, void *actual, ${lifetime}`,
    ),
    initContext: of(
      'init_sec_context',
      `void *credential, ${context}, void *target, void *mech, uint32_t flags, ` +
        `uint32_t seconds, void *bindings, ${input}, void *actual, ${results}`,
    ),
    acceptContext: of(
      'accept_sec_context',
      `${context}, void *credential, ${input}, void *bindings, _Out_ void **name, ` +
        `void *mech, ${results}, void *delegated`,
    ),
    wrap: of(
      'wrap',
      `void *context, int encrypt, uint32_t quality, ${input}, void *encrypted, ${output}`,
    ),
    unwrap: of('unwrap', `void *context, ${input}, ${output}, void *encrypted, void *quality`),
    releaseName: of('release_name', '_Inout_ void **name'),
    releaseCred: of('release_cred', '_Inout_ void **credential'),
    releaseBuffer: of('release_buffer', '_Inout_ partita_buffer *buffer'),
    deleteContext: of('delete_sec_context', `${context}, void *output`),
  };
}

function krb5Functions(library: Loaded): GssLibrary['krb5'] {
  const of = (prototype: string): never => library.func(prototype);
  return {
    initContext: of('int32_t krb5_init_context(_Out_ void **context)'),
    freeContext: of('void krb5_free_context(void *context)'),
    getDefaultRealm: of('int32_t krb5_get_default_realm(void *context, _Out_ void **realm)'),
    freeDefaultRealm: of('void krb5_free_default_realm(void *context, void *realm)'),
    resolveCache: of('int32_t krb5_cc_resolve(void *context, const char *name, _Out_ void **c)'),
    destroyCache: of('int32_t krb5_cc_destroy(void *context, void *cache)'),
  };
}
