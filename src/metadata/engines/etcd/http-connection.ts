// One connection to a member of etcd: HTTP/1.1 requests, one after the other, each with its whole
// answer or, for a stream, part by part as it comes.
//
// Invariants: there is one request at a time; a request is settled once; once something went wrong
// the connection is closed and never used again, and whoever waits is told whether his request
// may have arrived.

import { type Connection, type Io, IoError, type Timer } from '../../../io/index.ts';
import { certificateRemedy } from '../keyed/access-lines.ts';
import type { EtcdEndpoint } from './etcd-address.ts';
import { HttpAnswerReader, HttpError } from './http-answer-reader.ts';

/** The connection broke, or nothing came in time: the request arrived or not. */
export class HttpLostError extends Error {
  /** The other side did not answer in time, rather than to go. */
  readonly isSilence: boolean;

  constructor(why: string, isSilence = false) {
    super(why);
    this.name = 'HttpLostError';
    this.isSilence = isSilence;
  }
}

export interface HttpAnswer {
  readonly status: number;
  readonly body: Buffer;
}

export interface HttpRequest {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface HttpStream {
  onPart(part: Buffer): void;
  /** Once, and nothing after it. */
  onEnd(why: string): void;
}

interface Waiting {
  onHead(status: number): void;
  onBody(part: Buffer): void;
  onEnd(): void;
  onLost(error: Error): void;
}

/** More than an answer of any size that we ask for. */
export const answerBytesMax = 64 * 1024 * 1024;

export class HttpConnection {
  readonly endpoint: EtcdEndpoint;
  readonly #io: Io;
  readonly #connection: Connection;
  readonly #reader: HttpAnswerReader;
  #waiting: Waiting | null = null;
  #isLost = false;
  #hasHeard = false;
  /** Called once, when it can no longer be used. */
  onLost: () => void = () => {};

  private constructor(io: Io, endpoint: EtcdEndpoint, connection: Connection) {
    this.#io = io;
    this.endpoint = endpoint;
    this.#connection = connection;
    this.#reader = new HttpAnswerReader({
      onHead: (status) => {
        if (this.#waiting === null) throw new HttpError('it answers what nobody asked');
        this.#waiting.onHead(status);
      },
      onBody: (part) => this.#waiting?.onBody(part),
      onEnd: () => this.#waiting?.onEnd(),
    });
    connection.onData = (chunk) => this.#onData(chunk);
    connection.onClose = (error) => {
      if (!this.#isLost && this.#waiting !== null && this.#reader.end()) return;
      // Certificates are also refused when the connection stands and something was asked.
      const isRefused = error instanceof IoError && certificateRemedy(error.code) !== null;
      this.lose(isRefused ? error : new HttpLostError(error?.message ?? this.#closedWhy()));
    };
  }

  /** @throws IoError when nobody is there: then nothing was asked */
  static async open(io: Io, endpoint: EtcdEndpoint, timeoutMs: number): Promise<HttpConnection> {
    const { host, port, tls } = endpoint;
    const connection = await io.network.connect({
      host,
      port,
      timeoutMs,
      ...(tls === null ? {} : { tls }),
    });
    return new HttpConnection(io, endpoint, connection);
  }

  #closedWhy(): string {
    // So does an etcd with certificates to whoever speaks in plain text.
    const mayWantTls = this.endpoint.tls === null && !this.#hasHeard && this.#waiting !== null;
    const remedy = ' (if it is encrypted: cluster.store.ssl.enable=true)';
    return `it closed the connection${mayWantTls ? remedy : ''}`;
  }

  get isUsable(): boolean {
    return !this.#isLost && this.#waiting === null;
  }

  /** @throws HttpLostError when it is not known whether the request arrived; HttpError: garbage */
  ask(request: HttpRequest, timeoutMs: number): Promise<HttpAnswer> {
    return new Promise((resolve, reject) => {
      const parts: Buffer[] = [];
      let status = 0;
      let sizeBytes = 0;
      const timer = this.#deadline(timeoutMs);
      this.#send(request, {
        onHead: (code) => {
          status = code;
        },
        onBody: (part) => {
          parts.push(part);
          sizeBytes += part.length;
          if (sizeBytes > answerBytesMax) throw new HttpError('its answer is too large');
        },
        onEnd: () => {
          timer.cancel();
          this.#waiting = null;
          if (this.#reader.isLast) this.lose(new HttpLostError('it closed the connection'));
          resolve({ status, body: Buffer.concat(parts) });
        },
        onLost: (error) => {
          timer.cancel();
          reject(error);
        },
      });
    });
  }

  /** For an answer that goes on and on; the connection is for nothing else afterwards. */
  stream(request: HttpRequest, stream: HttpStream): void {
    this.#send(request, {
      onHead: () => {},
      onBody: (part) => stream.onPart(part),
      onEnd: () => this.lose(new HttpLostError('it ended the stream')),
      onLost: (error) => stream.onEnd(error.message),
    });
  }

  #send({ path, headers, body }: HttpRequest, waiting: Waiting): void {
    if (!this.isUsable) {
      waiting.onLost(new HttpLostError('the connection is closed'));
      return;
    }
    this.#waiting = waiting;
    const bytes = Buffer.from(body);
    const lines = [
      `POST ${path} HTTP/1.1`,
      `Host: ${this.endpoint.host}:${this.endpoint.port}`,
      'Content-Type: application/json',
      `Content-Length: ${bytes.length}`,
      ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    ];
    this.#connection.write([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`), bytes]);
  }

  /** A process that was stopped first reads what has come meanwhile: time alone proves nothing. */
  #deadline(timeoutMs: number): Timer {
    const { clock } = this.#io;
    let isCancelled = false;
    const timer = clock.after(timeoutMs, () => {
      clock.nextTurn(() => {
        if (isCancelled) return;
        this.lose(new HttpLostError(`no answer within ${timeoutMs} ms`, true));
      });
    });
    return {
      cancel: () => {
        isCancelled = true;
        timer.cancel();
      },
    };
  }

  #onData(chunk: Buffer): void {
    if (this.#isLost) return;
    this.#hasHeard = true;
    try {
      this.#reader.feed(chunk);
    } catch (error) {
      if (!(error instanceof HttpError)) throw error;
      this.lose(error);
    }
  }

  lose(error: Error): void {
    if (this.#isLost) return;
    this.#isLost = true;
    this.#connection.destroy();
    const waiting = this.#waiting;
    this.#waiting = null;
    waiting?.onLost(error);
    this.onLost();
  }
}

/** What kept a connection from being made, or broke one. */
export function isConnectionFault(error: unknown): error is Error {
  return error instanceof IoError || error instanceof HttpLostError || error instanceof HttpError;
}
