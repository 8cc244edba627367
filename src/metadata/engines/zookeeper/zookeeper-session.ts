// Keeps a session with a ZooKeeper ensemble over as many connections as it takes: chooses a server,
// asks again and again whether it is there, and goes to the next one when it is not.
//
// Invariants: that a session is over is said by a server and never concluded here; a connection is
// given up only when questions on it went unanswered while this process ran; a server hears of a
// living client several times within the session's time-out.

import { type ConnectTls, type Io, IoError, type Timer } from '../../../io/index.ts';
import { KafkaError } from '../../../protocol/index.ts';
import type { SessionEvent } from '../keyed/key-store.ts';
import { passwordBytes, type WatchEvent } from './protocol.ts';
import { LinkLostError, SessionOverError, ZooKeeperLink } from './zookeeper-link.ts';

export interface SessionOptions {
  readonly hosts: readonly ServerAddress[];
  /** zookeeper.session.timeout.ms; servers have limits of their own. */
  readonly sessionTimeoutMs: number;
  /** Absent: connections are plain. */
  readonly tls?: Omit<ConnectTls, 'serverName'> | undefined;
}

export interface ServerAddress {
  readonly host: string;
  readonly port: number;
}

export interface SessionOwner {
  /**
   * The first questions on a connection, before it is used for others.
   * @throws KafkaError when this server cannot be used
   */
  prepare(link: ZooKeeperLink): Promise<void>;
  /** In the turn in which requests are answered again. */
  onAttached(): void;
  onEvent(event: WatchEvent): void;
  /** In a later turn. */
  onSession(event: SessionEvent): void;
  /** A server could not be used; `isLastOfRound`: since the last one that could, none can. */
  onFailure(error: Error, isLastOfRound: boolean): void;
}

/** A server hears of its client so often within the session's time-out. */
const pingsPerSession = 6;
/** So many unanswered make two thirds of it: the last third is for another server. */
const unheardPingsMax = 4;
const retryMsMin = 50;
const retryMsMax = 1_000;
const closeMsMax = 1_000;

export class ZooKeeperSession {
  readonly #io: Io;
  readonly #options: SessionOptions;
  readonly #owner: SessionOwner;
  readonly #hosts: readonly ServerAddress[];
  #nextHost = 0;
  #link: ZooKeeperLink | null = null;
  #id = 0n;
  #password = Buffer.alloc(passwordBytes);
  #number = 0;
  #lastZxid = 0n;
  #timeoutMs: number;
  #unheardPings = 0;
  #timer: Timer | null = null;
  #retryMs = retryMsMin;
  /** Servers that closed the connection instead of an answer, in a row, and since when. */
  #turnedAway = 0;
  #failuresInRow = 0;
  #detachedMs = 0;
  #wasAttached = false;
  #isClosed = false;
  #endLoop: (() => void) | null = null;

  constructor(io: Io, options: SessionOptions, owner: SessionOwner) {
    this.#io = io;
    this.#options = options;
    this.#owner = owner;
    this.#timeoutMs = options.sessionTimeoutMs;
    this.#hosts = shuffled(io, options.hosts);
  }

  start(): void {
    this.#detachedMs = this.#io.clock.monotonic();
    void this.#run();
    this.#schedulePing();
  }

  /** null while requests are not answered. */
  get link(): ZooKeeperLink | null {
    return this.#link;
  }

  get number(): number {
    return this.#number;
  }

  /** What was agreed on. */
  get timeoutMs(): number {
    return this.#timeoutMs;
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#timer?.cancel();
    const link = this.#link;
    this.#link = null;
    if (link !== null) {
      const answer = link.call('closeSession', Buffer.alloc(0)).then(
        () => {},
        () => {}, // It ends by its time-out then.
      );
      await Promise.race([answer, this.#io.clock.sleep(closeMsMax)]);
      link.lose('it was closed here');
    }
    this.#endLoop?.();
  }

  async #run(): Promise<void> {
    while (!this.#isClosed) {
      const wasAttached = await this.#useNextServer();
      if (this.#isClosed) return;
      if (wasAttached) this.#retryMs = retryMsMin;
      // Every server was tried: somebody may come back.
      if (!wasAttached && !this.#isRoundOver()) continue;
      await this.#pause(this.#retryMs * (0.5 + this.#io.random.float() / 2));
      this.#retryMs = Math.min(this.#retryMs * 2, retryMsMax);
    }
  }

  #isRoundOver(): boolean {
    return this.#failuresInRow % this.#hosts.length === 0;
  }

  #pause(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.#io.clock.after(delayMs, resolve);
      this.#endLoop = () => {
        timer.cancel();
        resolve();
      };
    });
  }

  /** Resolves when the server is lost; true: it was of use meanwhile. */
  async #useNextServer(): Promise<boolean> {
    const server = this.#hosts[this.#nextHost++ % this.#hosts.length] as ServerAddress;
    let onLost = (_error: Error): void => {};
    const lost = new Promise<Error>((resolve) => {
      onLost = resolve;
    });
    try {
      const link = await this.#open(server, onLost);
      await this.#attach(link);
    } catch (error) {
      this.#failuresInRow += 1;
      this.#onFailure(error as Error);
      return false;
    }
    this.#failuresInRow = 0;
    const error = await lost;
    this.#detach(error);
    return true;
  }

  async #open(server: ServerAddress, onLost: (error: Error) => void): Promise<ZooKeeperLink> {
    const { sessionTimeoutMs } = this.#options;
    const timeoutMs = Math.max(sessionTimeoutMs / this.#hosts.length, 500);
    const hello = {
      lastZxid: this.#isBehindUs() ? 0n : this.#lastZxid,
      timeoutMs: sessionTimeoutMs,
      sessionId: this.#id,
      password: this.#password,
    };
    // There is one connection at a time, so that a lost one is the one in use, if any is.
    const { tls } = this.#options;
    const secured = tls === undefined ? {} : { tls: { ...tls, serverName: server.host } };
    const to = { ...server, timeoutMs, ...secured };
    const opened = await ZooKeeperLink.open(this.#io, to, hello, {
      onEvent: (event) => this.#owner.onEvent(event),
      onZxid: (zxid) => {
        if (zxid > this.#lastZxid) this.#lastZxid = zxid;
      },
      onLost: (error) => {
        this.#link = null;
        onLost(error);
      },
    });
    const { link, welcome } = opened;
    this.#turnedAway = 0;
    if (hello.lastZxid === 0n) this.#lastZxid = 0n;
    if (this.#id !== welcome.sessionId) {
      this.#id = welcome.sessionId;
      this.#password = Buffer.from(welcome.password);
      this.#number += 1;
    }
    this.#timeoutMs = welcome.timeoutMs;
    return link;
  }

  /**
   * A server that lags behind what this client has seen sends it away, which is right as long as
   * another one does not. When all of them do so for two session times the store was put back to an
   * older state: whoever reads it must come to see that, and nothing is read without `sync` anyway.
   */
  #isBehindUs(): boolean {
    const awayMs = this.#io.clock.monotonic() - this.#detachedMs;
    return this.#turnedAway >= 2 * this.#hosts.length && awayMs > 2 * this.#timeoutMs;
  }

  async #attach(link: ZooKeeperLink): Promise<void> {
    const timer = this.#io.clock.after(this.#timeoutMs, () => {
      link.lose(`${link.address} was silent for ${this.#timeoutMs} ms`);
    });
    try {
      await this.#owner.prepare(link);
    } catch (error) {
      link.lose((error as Error).message);
      throw error;
    } finally {
      timer.cancel();
    }
    if (link.isLost) throw new LinkLostError(`${link.address} was lost`);
    if (this.#isClosed) {
      link.lose('it was closed here');
      return;
    }
    this.#link = link;
    this.#unheardPings = 0;
    this.#owner.onAttached();
    const sessionNumber = this.#number;
    // That it is there at all is known to whoever waited for it.
    if (this.#wasAttached) this.#tell({ kind: 'connected', sessionNumber });
    this.#wasAttached = true;
  }

  #detach(error: Error): void {
    this.#detachedMs = this.#io.clock.monotonic();
    if (this.#isClosed) return;
    this.#tell({ kind: 'away', because: error.message });
  }

  #onFailure(error: Error): void {
    if (error instanceof SessionOverError) {
      const because = `ZooKeeper ended the session 0x${this.#id.toString(16)}`;
      this.#id = 0n;
      this.#password = Buffer.alloc(passwordBytes);
      this.#nextHost -= 1;
      if (this.#number > 0) this.#tell({ kind: 'ended', because });
      return;
    }
    if (!(error instanceof KafkaError || error instanceof IoError)) throw error;
    if (error instanceof LinkLostError) this.#turnedAway += 1;
    this.#owner.onFailure(error, this.#isRoundOver());
  }

  #tell(event: SessionEvent): void {
    this.#io.clock.nextTurn(() => {
      if (!this.#isClosed) this.#owner.onSession(event);
    });
  }

  #schedulePing(): void {
    const delayMs = Math.max(this.#timeoutMs / pingsPerSession, 20);
    this.#timer = this.#io.clock.after(delayMs, () => {
      this.#onPingTime();
      if (!this.#isClosed) this.#schedulePing();
    });
  }

  #onPingTime(): void {
    const link = this.#link;
    if (link === null) return;
    this.#unheardPings = link.hasHeard ? 0 : this.#unheardPings + 1;
    if (this.#unheardPings >= unheardPingsMax) {
      const silentMs = Math.round((this.#timeoutMs / pingsPerSession) * unheardPingsMax);
      link.lose(`${link.address} was silent for ${silentMs} ms`);
      return;
    }
    link.hasHeard = false;
    link.ping();
  }
}

/** So that the brokers of a cluster do not all go to the first server. */
function shuffled<T>(io: Io, items: readonly T[]): readonly T[] {
  const all = [...items];
  for (let at = all.length - 1; at > 0; at--) {
    const other = io.random.int(at + 1);
    [all[at], all[other]] = [all[other] as T, all[at] as T];
  }
  return all;
}
