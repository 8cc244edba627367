// One connection to one ZooKeeper server: says which session it is for, then questions out, answers
// in their order, and events of watches as they come.
//
// Invariants: a call is settled once; when the connection is gone every open call fails with
// LinkLostError, and nobody knows whether it was carried out; whatever is not ZooKeeper's protocol
// ends the connection, with a reason that names the server.

import { Queue } from '../../../base/queue.ts';
import { type Connection, type ConnectTls, type Io, IoError } from '../../../io/index.ts';
import { FrameError, FrameReader } from '../../../network/index.ts';
import { KafkaError, MalformedError } from '../../../protocol/index.ts';
import { certificateRemedy } from '../keyed/access-lines.ts';
import { JuteReader, JuteWriter } from './jute.ts';
import {
  type AnswerHeader,
  type ConnectAnswer,
  type ConnectRequest,
  decodeConnectAnswer,
  encodeConnect,
  errorCode,
  errorName,
  type Operation,
  opCode,
  readAnswerHeader,
  readWatchEvent,
  requestBytesMax,
  reservedXid,
  type WatchEvent,
} from './protocol.ts';

/** The connection broke: what was asked on it was carried out or not, or will be. */
export class LinkLostError extends KafkaError {
  constructor(why: string) {
    super('NETWORK_EXCEPTION', why);
    this.name = 'LinkLostError';
  }
}

/** The server said no. */
export class ZooKeeperError extends KafkaError {
  readonly zookeeperCode: number;

  constructor(zookeeperCode: number, what: string) {
    super('KAFKA_STORAGE_ERROR', `${what}: ZooKeeper says ${errorName(zookeeperCode)}`);
    this.name = 'ZooKeeperError';
    this.zookeeperCode = zookeeperCode;
  }
}

/** The answer to the connection's first words was that there is no such session any more. */
export class SessionOverError extends Error {}

/** The server's kind is wrong, or a certificate, and not the moment. */
export class NotZooKeeperError extends KafkaError {
  constructor(why: string) {
    super('INVALID_CONFIG', why);
    this.name = 'NotZooKeeperError';
  }
}

export interface LinkEvents {
  onEvent(event: WatchEvent): void;
  /** In each answer: the newest change that the server has made. */
  onZxid(zxid: bigint): void;
  /** Once, after the open calls have failed. */
  onLost(error: Error): void;
}

export interface LinkAddress {
  readonly host: string;
  readonly port: number;
  readonly timeoutMs: number;
  /** Absent: the connection is plain. */
  readonly tls?: ConnectTls;
}

interface OpenCall {
  readonly xid: number;
  readonly onAnswer: (answer: Answer) => void;
  readonly onError: (error: Error) => void;
}

export interface Answer {
  readonly error: number;
  readonly body: JuteReader;
}

/** An answer holds a value, the names of a folder, or the results of one change. */
const answerBytesMax = 16 * 1024 * 1024;
const connectAnswerBytesMin = 16;

export class ZooKeeperLink {
  readonly #connection: Connection;
  readonly #events: LinkEvents;
  readonly #address: string;
  readonly #isEncrypted: boolean;
  readonly #reader = new FrameReader({
    frameBytesMin: connectAnswerBytesMin,
    frameBytesMax: answerBytesMax,
  });
  readonly #open = new Queue<OpenCall>();
  #auth: OpenCall | null = null;
  #onWelcome: ((answer: ConnectAnswer) => void) | null = null;
  #nextXid = 1;
  #error: Error | null = null;
  /** Something came since it was last set. */
  hasHeard = true;

  private constructor(connection: Connection, to: LinkAddress, events: LinkEvents) {
    this.#connection = connection;
    this.#address = `${to.host}:${to.port}`;
    this.#isEncrypted = to.tls !== undefined;
    this.#events = events;
    connection.onData = (chunk) => this.#onData(chunk);
    connection.onClose = (error) => {
      const wrong = error instanceof IoError ? certificateFault(error) : null;
      if (wrong !== null) this.#loseWith(wrong);
      else this.lose(error?.message ?? `${this.address} ${this.#closing}`);
    };
  }

  /**
   * Until the server has said that the session lives; `onLost` is called also before that.
   * @throws IoError, LinkLostError, NotZooKeeperError; SessionOverError
   */
  static async open(
    io: Io,
    to: LinkAddress,
    hello: ConnectRequest,
    events: LinkEvents,
  ): Promise<{ link: ZooKeeperLink; welcome: ConnectAnswer }> {
    const connection = await connect(io, to);
    const link = new ZooKeeperLink(connection, to, events);
    const timer = io.clock.after(to.timeoutMs, () => {
      link.lose(`${link.address} gave no answer within ${to.timeoutMs} ms`);
    });
    try {
      const welcome = await link.#greet(hello);
      return { link, welcome };
    } finally {
      timer.cancel();
    }
  }

  get #closing(): string {
    if (this.#onWelcome === null) return 'closed the connection';
    const why = this.#isEncrypted ? 'it has no leader' : 'it has no leader, or asks for TLS';
    return `closed the connection before it said anything: ${why}`;
  }

  get address(): string {
    return this.#address;
  }

  get isLost(): boolean {
    return this.#error !== null;
  }

  /** @throws LinkLostError; an error that the server answers is in the answer */
  call(operation: Operation, body: Buffer): Promise<Answer> {
    if (operation === 'auth') return this.#callAuth(body);
    const xid = this.#nextXid;
    // Beyond it are the numbers of what nobody asked.
    this.#nextXid = xid === 0x7fffffff ? 1 : xid + 1;
    return new Promise((resolve, reject) => {
      if (this.#error !== null) {
        reject(this.#error);
        return;
      }
      const frame = requestFrame(xid, operation, body);
      if (frame.length - 4 > requestBytesMax) {
        const limit = `ZooKeeper takes ${requestBytesMax} (jute.maxbuffer)`;
        reject(new KafkaError('KAFKA_STORAGE_ERROR', `${frame.length} bytes, and ${limit}`));
        return;
      }
      this.#open.push({ xid, onAnswer: resolve, onError: reject });
      this.#connection.write([frame]);
    });
  }

  /** Asks for a sign of life; the answer sets `hasHeard`. */
  ping(): void {
    this.#connection.write([requestFrame(reservedXid.ping, 'ping', Buffer.alloc(0))]);
  }

  /** Sends what is queued and closes. */
  end(): void {
    this.#connection.end();
  }

  lose(why: string): void {
    this.#loseWith(new LinkLostError(why));
  }

  #callAuth(body: Buffer): Promise<Answer> {
    return new Promise((resolve, reject) => {
      if (this.#error !== null) {
        reject(this.#error);
        return;
      }
      this.#auth = { xid: reservedXid.auth, onAnswer: resolve, onError: reject };
      this.#connection.write([requestFrame(reservedXid.auth, 'auth', body)]);
    });
  }

  #loseWith(error: Error): void {
    if (this.#error !== null) return;
    this.#error = error;
    this.#connection.destroy();
    for (const { onError } of this.#open.drain()) onError(error);
    this.#auth?.onError(error);
    this.#events.onLost(error);
  }

  #greet(hello: ConnectRequest): Promise<ConnectAnswer> {
    return new Promise((resolve, reject) => {
      this.#onWelcome = (answer) => {
        this.#onWelcome = null;
        if (answer.timeoutMs > 0) resolve(answer);
        else reject(new SessionOverError());
      };
      // Fails as a call would.
      this.#auth = { xid: 0, onAnswer: () => {}, onError: reject };
      this.#connection.write([encodeConnect(hello)]);
    });
  }

  #onData(chunk: Buffer): void {
    if (this.#error !== null) return;
    this.hasHeard = true;
    this.#reader.feed(chunk);
    try {
      for (;;) {
        if (this.#error !== null) return;
        const frame = this.#reader.next();
        if (frame === null) return;
        this.#onFrame(frame);
      }
    } catch (error) {
      const isInput = error instanceof FrameError || error instanceof MalformedError;
      if (!isInput) throw error;
      this.#refuse(error.message);
    }
  }

  #refuse(why: string): void {
    const what = `${this.#address} does not answer as ZooKeeper does (${why})`;
    this.#loseWith(new NotZooKeeperError(`${what}: correct its address`));
  }

  #onFrame(frame: Buffer): void {
    if (this.#onWelcome !== null) {
      const answer = decodeConnectAnswer(frame);
      this.#auth = null;
      this.#onWelcome(answer);
      return;
    }
    const body = new JuteReader(frame);
    const header = readAnswerHeader(body);
    if (header.zxid > 0n) this.#events.onZxid(header.zxid);
    if (header.xid === reservedXid.ping) return;
    if (header.xid === reservedXid.watch) {
      this.#events.onEvent(readWatchEvent(body));
      return;
    }
    this.#onAnswer(header, body);
  }

  #onAnswer({ xid, error }: AnswerHeader, body: JuteReader): void {
    if (xid === reservedXid.auth && this.#auth !== null) {
      const call = this.#auth;
      this.#auth = null;
      call.onAnswer({ error, body });
      return;
    }
    const call = this.#open.first;
    if (call === undefined || call.xid !== xid) {
      this.#refuse(`an answer ${xid}, and ${call?.xid ?? 'none'} was expected`);
      return;
    }
    this.#open.shift();
    // The server moved the session to a connection that is not this one, or ended it.
    const isOver = error === errorCode.sessionMoved || error === errorCode.sessionExpired;
    call.onAnswer({ error, body });
    if (isOver) this.lose(`${this.#address} says ${errorName(error)}`);
  }
}

async function connect(io: Io, to: LinkAddress): Promise<Connection> {
  try {
    return await io.network.connect(to);
  } catch (error) {
    throw (error instanceof IoError ? certificateFault(error) : null) ?? error;
  }
}

/** What does not go away by itself; null: it may. */
function certificateFault({ code, message }: IoError): NotZooKeeperError | null {
  const remedy = certificateRemedy(code, 'ZooKeeper');
  return remedy === null ? null : new NotZooKeeperError(`${message}: ${remedy}`);
}

function requestFrame(xid: number, operation: Operation, body: Buffer): Buffer {
  return new JuteWriter().int(xid).int(opCode[operation]).raw(body).finishFrame();
}
