// Io is the only door to the operating system: time, network, disk, randomness and the log of
// what happens. Whatever needs one of them takes an Io as its first argument, so that a whole
// cluster runs under a seed in virtual time (sim/) and users can test with time they control.
//
// Invariant: nothing outside src/io/ touches node:fs, node:net, timers, the wall clock or
// Math.random; tests/tidy.test.ts checks it. The real and the simulated implementation pass the
// same behaviour suite (io-behaviour.ts).

import { branded } from '../base/brand.ts';
import type { LogLevels } from './log-levels.ts';
import type { LogFields } from './log-line.ts';

export type { LogFields } from './log-line.ts';

export interface Io {
  readonly clock: Clock;
  readonly network: Network;
  readonly disk: Disk;
  readonly random: Random;
  readonly log: Log;
}

export interface Clock {
  /** Wall-clock milliseconds since the Unix epoch. It may jump; use it for timestamps only. */
  now(): number;
  /** Milliseconds (fractional) that never go back. Use it for durations and deadlines. */
  monotonic(): number;
  /** Calls back once after at least `delayMs`, never in the turn of the call. */
  after(delayMs: number, callback: () => void): Timer;
  sleep(delayMs: number): Promise<void>;
  /** Calls back after the I/O events that are ready now were handled (Node's setImmediate). */
  nextTurn(callback: () => void): void;
}

export interface Timer {
  cancel(): void;
}

export interface Network {
  /**
   * Rejects with an IoError (`EADDRINUSE`, `EACCES`, `EADDRNOTAVAIL`). Port 0 picks a free one.
   * A connection that cannot be accepted (`EMFILE`, `ENOBUFS` …) is told of; the port stays open.
   */
  listen(
    options: { host: string; port: number },
    onConnection: (connection: Connection) => void,
    onAcceptError?: (error: IoError) => void,
  ): Promise<Listener>;
  /**
   * Rejects with an IoError (`ECONNREFUSED`, `ENOTFOUND`, `ETIMEDOUT`; with `tls` also `EPROTO`,
   * when the other side does not prove who it is or refuses us).
   */
  connect(options: ConnectOptions): Promise<Connection>;
  /**
   * What accepted connections are encrypted with. Rejects with an IoError for keys, certificates
   * or ciphers that cannot be used. Absent: this network encrypts nothing, as the simulated one.
   */
  serverTls?(options: ServerTlsOptions): Promise<ServerTls>;
  /** Of this machine, as its system calls it: others may find it under this name. */
  hostName(): Promise<string>;
  /**
   * One request of HTTP, which follows no redirection. Rejects with an Error that names the address
   * and what went wrong, such as an answer that is too large or does not come in time.
   */
  http(request: HttpRequest): Promise<HttpAnswer>;
}

export interface HttpRequest {
  /** `http:` or `https:`. */
  readonly url: string;
  readonly method: 'GET' | 'POST';
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly timeoutMs: number;
  /** Larger answers are an error. */
  readonly bytesMax: number;
}

export interface HttpAnswer {
  readonly status: number;
  readonly body: Buffer;
}

/** A key and the certificates that prove it, its own first; both in PEM. */
export interface TlsIdentity {
  readonly certificate: Buffer;
  readonly key: Buffer;
}

export interface ServerTlsOptions {
  /** At most one for each kind of key. */
  readonly identities: readonly TlsIdentity[];
  /** Whose certificates of clients are trusted, in PEM; null: nobody's. */
  readonly ca: Buffer | null;
  readonly clientAuth: 'none' | 'requested' | 'required';
  readonly versions: readonly ('TLSv1.2' | 'TLSv1.3')[];
  /** Names of OpenSSL between colons. */
  readonly ciphers: string;
}

/**
 * The server's side of TLS under one set of keys. Sessions are resumed only under the object that
 * began them: whoever takes a new one, because a certificate or an authority changed, makes all
 * clients prove themselves anew.
 */
export interface ServerTls {
  /**
   * Encrypts a connection that was accepted, of which `received` was read. The connection that was
   * given is not used any more; it is closed when the client does not prove what it must, does not
   * speak TLS, or takes longer. Rejects with an IoError that says why.
   */
  accept(connection: Connection, received: Buffer, timeoutMs: number): Promise<SecuredConnection>;
}

export interface SecuredConnection {
  /** Paused, so that its handlers may be set in a later turn. */
  readonly connection: Connection;
  readonly peer: TlsPeer;
}

/** What the handshake of an accepted connection has found. */
export interface TlsPeer {
  /** Of the client, in DER, verified; null: it has shown none. */
  readonly certificate: Buffer | null;
  readonly protocol: string;
  readonly cipher: string;
}

export interface ConnectOptions {
  readonly host: string;
  readonly port: number;
  readonly timeoutMs?: number;
  /** Absent: the stream is plain. The simulated network has no other. */
  readonly tls?: ConnectTls;
}

/** How a connection is encrypted, and who has to prove what. All files are PEM. */
export interface ConnectTls {
  /** Whom to trust; null: the authorities that Node.js comes with. */
  readonly ca: Buffer | null;
  /** What this side proves itself with; null: it does not. */
  readonly identity: TlsIdentity | null;
  /** Of the key, when it is encrypted. */
  readonly keyPassword?: string;
  /** The host name or address that the certificate of the other side must be for. */
  readonly serverName: string;
  /** The versions of TLS that are allowed; absent: those that Node.js allows. */
  readonly versions?: readonly ('TLSv1.2' | 'TLSv1.3')[];
  /** Names of OpenSSL between colons; absent: those that Node.js allows. */
  readonly ciphers?: string;
  /** `none`: nobody has to prove anything; `chain`: the certificate may be of any name. */
  readonly verify: 'name' | 'chain' | 'none';
}

export interface Listener {
  readonly host: string;
  readonly port: number;
  /** Stops accepting; connections that are open stay open. */
  close(): Promise<void>;
}

/**
 * A byte stream between two processes. Set the handlers in the same turn in which the connection
 * was received. `onClose` is called exactly once, with the error if there was one.
 */
export interface Connection {
  readonly localHost: string;
  readonly localPort: number;
  readonly remoteHost: string;
  readonly remotePort: number;
  onData: (chunk: Buffer) => void;
  onDrain: () => void;
  onClose: (error: Error | null) => void;
  /** Bytes accepted by `write` that the peer's system has not taken yet. */
  readonly bufferedBytes: number;
  /**
   * Queues the chunks in order without copying them: they must not change afterwards. Returns
   * false when the caller should wait for `onDrain` before it writes more. After `end`, `destroy`
   * or the close it drops them and returns false.
   */
  write(chunks: readonly Buffer[]): boolean;
  /** Stops calling `onData` until `resume`; the peer's end is noticed only after it, too. */
  pause(): void;
  resume(): void;
  /** Sends what is queued, then closes; of what still arrives only `onClose` is heard. */
  end(): void;
  /** Closes at once; what is queued is lost. `onClose` is called in a later turn. */
  destroy(): void;
}

/**
 * Names and file descriptors are handled synchronously (they are in the kernel's caches and this
 * keeps start-up and recovery straight); whatever may wait for a platter is a promise.
 * Every method fails with an IoError that carries the system's code (`ENOENT`, `ENOSPC`, `EIO` …).
 */
export interface Disk {
  /** Creates the directory, and its parents unless they must be there; no error if it is there. */
  makeDirectory(path: string, parents?: 'made' | 'there'): void;
  list(path: string): DirectoryEntry[];
  /** null if there is no such file. */
  stat(path: string): FileStat | null;
  rename(source: string, target: string): void;
  open(path: string, mode: 'read' | 'write' | 'create'): File;
  /**
   * The whole of a small file; null if there is none. With `bytesMax` the path may be anybody's
   * choice: what is no regular file (`EISDIR`, `ENOTSUP`) or has more bytes (`EFBIG`) fails at
   * once, and is not read.
   */
  readFile(path: string, bytesMax?: number): Buffer | null;
  /** Removes a file or a whole tree; no error if it is gone. */
  remove(path: string): Promise<void>;
  /** Makes the directory's entries (creations, renames, removals) durable. */
  syncDirectory(path: string): Promise<void>;
  /**
   * Takes an exclusive lock, kept until `release` or the death of the process. Returns null if
   * a living process holds it, this one included. There is a file at the path while it is held.
   */
  lock(path: string): DiskLock | null;
  space(path: string): { totalBytes: number; usableBytes: number };
  /** Files and connections that the process may have open; Infinity where nobody tells. */
  descriptorsMax(): number;
  /**
   * What the name leads to now, as a text that no other file or directory has (device and inode);
   * null if to nothing. Asked off the event loop: where a disk does not answer it never resolves.
   */
  identity(path: string): Promise<string | null>;
  /** Counts the operations that came back: while it grows, what waits may only be queued. */
  readonly answerCount: number;
}

export interface DirectoryEntry {
  readonly name: string;
  readonly isDirectory: boolean;
}

export interface FileStat {
  readonly sizeBytes: number;
  readonly isDirectory: boolean;
  readonly modifiedMs: number;
}

export interface DiskLock {
  /**
   * False when the name of the lock leads to nothing or to another's lock. Writes to the disk, off
   * the event loop: where that is frozen it never resolves.
   */
  isHeld(): Promise<boolean>;
  release(): void;
}

/** `create` opens for reading and writing and creates the file; `write` requires that it exists. */
export interface File {
  readonly path: string;
  /** Writes all chunks at the position into the page cache, or throws (a part may be written). */
  write(chunks: readonly Buffer[], position: number): void;
  /** Fills the buffer from the position; returns fewer bytes only at the end of the file. */
  read(buffer: Buffer, position: number): Promise<number>;
  readSync(buffer: Buffer, position: number): number;
  sizeBytes(): number;
  /** What is open, whatever its name leads to now (see Disk.identity). */
  identity(): Promise<string>;
  truncate(sizeBytes: number): void;
  /** Makes the content durable (fdatasync). */
  sync(): Promise<void>;
  /** Idempotent. Reads that are under way finish first. */
  close(): void;
}

export interface Random {
  /** Uniform in [0, 1). */
  float(): number;
  /** Uniform integer in [0, bound). */
  int(bound: number): number;
  bytes(count: number): Buffer;
}

export interface Log {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** A log whose lines name the component. */
  child(component: string): Log;
  /** Absent: the levels cannot be changed. */
  readonly levels?: LogLevels;
}

/** A failure of the operating system (or of the simulated one), by the system's code. */
export class IoError extends Error {
  static {
    branded(IoError, 'IoError');
  }
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'IoError';
    this.code = code;
  }
}

/** The other side does not prove who it is, or refuses us: another attempt would end the same. */
export class TlsError extends IoError {
  static {
    branded(TlsError, 'TlsError');
  }

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(code, message, options);
    this.name = 'TlsError';
  }
}
