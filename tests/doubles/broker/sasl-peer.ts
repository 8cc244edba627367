// A client of a SASL listener that says what a test has it say, in whatever order.

import { Deferred } from '../../../src/base/deferred.ts';
import type { Connection, Io } from '../../../src/io/index.ts';
import {
  type Api,
  decodeResponse,
  encodeRequest,
  type RequestInput,
  type ResponseOf,
  saslAuthenticate,
  saslHandshake,
} from '../../../src/protocol/index.ts';
// Loading it takes time that the clock of a simulated world does not know of.
import '../../../src/broker/authentication.ts';
import { clientLogin } from '../../../src/security/sasl/index.ts';

export class SaslPeer {
  /** What came and nobody has taken. */
  readonly frames: Buffer[] = [];
  readonly closed: Promise<void>;
  readonly #io: Io;
  readonly #connection: Connection;
  #received = Buffer.alloc(0);
  #waiting: Deferred<Buffer> | null = null;
  #correlationId = 0;

  constructor(io: Io, connection: Connection) {
    this.#io = io;
    this.#connection = connection;
    const closed = new Deferred<void>();
    this.closed = closed.promise;
    connection.onData = (chunk) => this.#onData(chunk);
    connection.onClose = () => {
      closed.resolve();
      this.#waiting?.reject(new Error('the connection was closed'));
    };
  }

  write(bytes: Buffer): void {
    this.#connection.write([bytes]);
  }

  close(): void {
    this.#connection.destroy();
  }

  send<A extends Api>(api: A, version: number, body: RequestInput<A>): void {
    const header = { correlationId: this.#correlationId++, clientId: 'peer' };
    this.#connection.write(encodeRequest(api, version, header, body));
  }

  async ask<A extends Api>(api: A, version: number, body: RequestInput<A>): Promise<ResponseOf<A>> {
    this.send(api, version, body);
    return decodeResponse(api, version, await this.#next()).body;
  }

  /** One token without headers, and the answer to it. */
  raw(token: Buffer): Promise<Buffer> {
    const size = Buffer.alloc(4);
    size.writeInt32BE(token.length);
    this.write(Buffer.concat([size, token]));
    return this.#next();
  }

  /** Returns what the server has against it; null: nothing. */
  async scram(
    username: string,
    password: string,
    {
      isRaw = false,
      isToken = false,
    }: { readonly isRaw?: boolean; readonly isToken?: boolean } = {},
  ): Promise<string | null> {
    const mechanism = 'SCRAM-SHA-256';
    const options = new Map(Object.entries({ username, password, tokenauth: `${isToken}` }));
    const fetch = () => Promise.reject(new Error('nothing is fetched'));
    const login = clientLogin(this.#io, { mechanism, options, source: 'the test', fetch });
    const exchange = login.start('host');
    await this.ask(saslHandshake, isRaw ? 0 : 1, { mechanism });
    let token = await exchange.next(null);
    while (token !== null) {
      if (isRaw) {
        token = await exchange.next(await this.raw(token));
        continue;
      }
      const answer = await this.ask(saslAuthenticate, 2, { authBytes: token });
      if (answer.errorCode !== 0) return answer.errorMessage;
      token = await exchange.next(answer.authBytes);
    }
    return null;
  }

  #next(): Promise<Buffer> {
    const frame = this.frames.shift();
    if (frame !== undefined) return Promise.resolve(frame);
    this.#waiting = new Deferred();
    return this.#waiting.promise;
  }

  #onData(chunk: Buffer): void {
    this.#received = Buffer.concat([this.#received, chunk]);
    while (this.#received.length >= 4) {
      const end = 4 + this.#received.readInt32BE(0);
      if (this.#received.length < end) return;
      const frame = this.#received.subarray(4, end);
      this.#received = this.#received.subarray(end);
      const waiting = this.#waiting;
      this.#waiting = null;
      if (waiting === null) this.frames.push(frame);
      else waiting.resolve(frame);
    }
  }
}

export async function saslPeer(io: Io, port: number): Promise<SaslPeer> {
  return new SaslPeer(io, await io.network.connect({ host: 'host', port }));
}
