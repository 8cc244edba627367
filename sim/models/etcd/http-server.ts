// As much of an HTTP/1.1 server as the JSON gateway of etcd needs, on the network of any Io:
// requests with a length, one after the other on each connection; answers as a whole or as a
// stream.

import type { Connection, Io, Listener } from '../../../src/io/io.ts';

export interface HttpQuestion {
  readonly path: string;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

/** Where one answer goes: either a whole one, or the parts of a stream. */
export interface HttpReply {
  whole(status: number, body: unknown): void;
  /** A JSON value of a stream, on a line of its own. */
  part(body: unknown): void;
  end(): void;
  onClose: () => void;
}

type Handle = (question: HttpQuestion, reply: HttpReply) => void;

const headEnd = Buffer.from('\r\n\r\n');

export function serveHttp(io: Io, host: string, port: number, handle: Handle): Promise<Listener> {
  return io.network.listen({ host, port }, (connection) => {
    serveConnection(connection, handle);
  });
}

function serveConnection(connection: Connection, handle: Handle): void {
  let rest = Buffer.alloc(0);
  let open: Reply | null = null;
  const next = (): void => {
    const end = rest.indexOf(headEnd);
    if (open !== null || end < 0) return;
    const [first = '', ...lines] = rest.toString('latin1', 0, end).split('\r\n');
    const headers = new Map(
      lines.map((line) => [nameOf(line), line.slice(line.indexOf(':') + 1).trim()]),
    );
    const bodyEnd = end + headEnd.length + Number(headers.get('content-length') ?? 0);
    if (rest.length < bodyEnd) return;
    const body = rest.toString('utf8', end + headEnd.length, bodyEnd);
    rest = rest.subarray(bodyEnd);
    const isLast = headers.get('connection') === 'close';
    open = new Reply(connection, () => {
      open = null;
      if (isLast) connection.end();
      else next();
    });
    handle({ path: first.split(' ')[1] ?? '', headers, body }, open);
  };
  connection.onData = (chunk) => {
    rest = Buffer.concat([rest, chunk]);
    next();
  };
  connection.onClose = () => open?.onClose();
}

function nameOf(line: string): string {
  return line.slice(0, line.indexOf(':')).trim().toLowerCase();
}

class Reply implements HttpReply {
  readonly #connection: Connection;
  readonly #onDone: () => void;
  #isStream = false;
  onClose: () => void = () => {};

  constructor(connection: Connection, onDone: () => void) {
    this.#connection = connection;
    this.#onDone = onDone;
  }

  whole(status: number, body: unknown): void {
    const text = Buffer.from(JSON.stringify(body));
    this.#write(`HTTP/1.1 ${status} -\r\nContent-Length: ${text.length}\r\n\r\n`, text);
    this.#onDone();
  }

  part(body: unknown): void {
    if (!this.#isStream) this.#write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n');
    this.#isStream = true;
    const text = Buffer.from(`${JSON.stringify(body)}\n`);
    this.#write(`${text.length.toString(16)}\r\n`, text, Buffer.from('\r\n'));
  }

  end(): void {
    this.#write('0\r\n\r\n');
    this.#onDone();
  }

  #write(head: string, ...rest: readonly Buffer[]): void {
    this.#connection.write([Buffer.from(head, 'latin1'), ...rest]);
  }
}
