// Reads the answers of an HTTP/1.1 server from the bytes of one connection: the head, and the body
// by Content-Length, by chunks (with trailers, which are dropped), or up to the end.
//
// Invariant: nothing is kept that is larger than its bound; bytes that are no HTTP are an HttpError
// and never an answer.

import { protocolHint } from '../../../network/index.ts';

/** What came is no answer of an HTTP/1.1 server, or larger than anybody asked for. */
export class HttpError extends Error {
  /** It is another program, rather than this one in trouble. */
  readonly isForeign: boolean;

  constructor(why: string, isForeign = false) {
    super(why);
    this.name = 'HttpError';
    this.isForeign = isForeign;
  }
}

export interface HttpReaderEvents {
  onHead(status: number): void;
  /** A part of the body. */
  onBody(part: Buffer): void;
  onEnd(): void;
}

const headBytesMax = 64 * 1024;
const chunkLineBytesMax = 1024;
const lineEnd = Buffer.from('\r\n');
const headEnd = Buffer.from('\r\n\r\n');

type State = 'head' | 'length' | 'chunk-line' | 'chunk' | 'chunk-end' | 'trailers' | 'to-the-end';

export class HttpAnswerReader {
  readonly #events: HttpReaderEvents;
  #rest: Buffer = Buffer.alloc(0);
  #state: State = 'head';
  /** Of the body, or of the chunk, still to come. */
  #missingBytes = 0;
  /** The server closes the connection behind this answer. */
  isLast = false;

  constructor(events: HttpReaderEvents) {
    this.#events = events;
  }

  /** @throws HttpError */
  feed(bytes: Buffer): void {
    this.#rest = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    while (this.#step()) {
      // Each step takes what it understands.
    }
  }

  /** The connection is at its end; true: and so, in good order, is the answer. */
  end(): boolean {
    if (this.#state !== 'to-the-end') return false;
    this.#finish();
    return true;
  }

  #step(): boolean {
    switch (this.#state) {
      case 'head':
        return this.#readHead();
      case 'length':
      case 'chunk':
      case 'to-the-end':
        return this.#readBody();
      case 'chunk-line':
        return this.#readChunkLine();
      case 'chunk-end':
        return this.#readChunkEnd();
      case 'trailers':
        return this.#readTrailer();
    }
  }

  #readHead(): boolean {
    const end = this.#rest.indexOf(headEnd);
    if (end < 0) {
      this.#assertHttp();
      if (this.#rest.length > headBytesMax) throw new HttpError('the head of an answer has no end');
      return false;
    }
    const [first = '', ...lines] = this.#rest.toString('latin1', 0, end).split('\r\n');
    const status = /^HTTP\/1\.[01] (\d{3})(?: |$)/.exec(first)?.[1];
    if (status === undefined) {
      this.#assertHttp();
      throw new HttpError('it does not speak HTTP/1.1', true);
    }
    this.#rest = this.#rest.subarray(end + headEnd.length);
    // "100 Continue" is no answer yet.
    if (status.startsWith('1')) return true;
    this.#events.onHead(Number(status));
    this.#expectBody(lines);
    return true;
  }

  /** As far as it has come, the beginning is one of an answer. */
  #assertHttp(): void {
    if ('HTTP/'.startsWith(this.#rest.toString('latin1', 0, 5))) return;
    const hint = this.#rest.length < 4 ? null : protocolHint(this.#rest.readInt32BE());
    throw new HttpError(`it does not speak HTTP${hint === null ? '' : `: ${hint}`}`, true);
  }

  #expectBody(lines: readonly string[]): void {
    const headers = new Map<string, string>();
    for (const line of lines) {
      const colon = line.indexOf(':');
      if (colon < 0) throw new HttpError('the head of an answer makes no sense');
      headers.set(line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim());
    }
    this.isLast = headers.get('connection')?.toLowerCase() === 'close';
    const length = headers.get('content-length');
    if (headers.get('transfer-encoding')?.toLowerCase() === 'chunked') {
      this.#state = 'chunk-line';
    } else if (length === undefined) {
      this.isLast = true;
      this.#state = 'to-the-end';
    } else if (/^\d{1,15}$/.test(length)) {
      this.#state = 'length';
      this.#missingBytes = Number(length);
      if (this.#missingBytes === 0) this.#finish();
    } else {
      throw new HttpError('the length of an answer makes no sense');
    }
  }

  #readBody(): boolean {
    if (this.#rest.length === 0) return false;
    const toTheEnd = this.#state === 'to-the-end';
    const count = toTheEnd ? this.#rest.length : Math.min(this.#missingBytes, this.#rest.length);
    const part = this.#rest.subarray(0, count);
    this.#rest = this.#rest.subarray(count);
    this.#missingBytes -= count;
    this.#events.onBody(part);
    if (this.#missingBytes !== 0 || toTheEnd) return true;
    if (this.#state === 'length') this.#finish();
    else this.#state = 'chunk-end';
    return true;
  }

  #readChunkLine(): boolean {
    const line = this.#readLine();
    if (line === null) return false;
    const size = /^([0-9a-fA-F]{1,8})(?:\s*;.*)?$/.exec(line)?.[1];
    if (size === undefined) throw new HttpError('a chunk of an answer makes no sense');
    this.#missingBytes = Number.parseInt(size, 16);
    this.#state = this.#missingBytes === 0 ? 'trailers' : 'chunk';
    return true;
  }

  #readChunkEnd(): boolean {
    if (this.#rest.length < lineEnd.length) return false;
    if (this.#readLine() !== '') throw new HttpError('a chunk of an answer makes no sense');
    this.#state = 'chunk-line';
    return true;
  }

  #readTrailer(): boolean {
    const line = this.#readLine();
    if (line === null) return false;
    if (line === '') this.#finish();
    return true;
  }

  #readLine(): string | null {
    const end = this.#rest.indexOf(lineEnd);
    if (end > chunkLineBytesMax || (end < 0 && this.#rest.length > chunkLineBytesMax)) {
      throw new HttpError('a chunk of an answer makes no sense');
    }
    if (end < 0) return null;
    const line = this.#rest.toString('latin1', 0, end);
    this.#rest = this.#rest.subarray(end + lineEnd.length);
    return line;
  }

  #finish(): void {
    this.#state = 'head';
    this.#events.onEnd();
  }
}
