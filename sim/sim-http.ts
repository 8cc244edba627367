// HTTP of a world: one request and its answer over a connection of the world, with all that may
// happen to one. Who answers is a process of the world that calls `serveHttp`. What is on the wire
// between them is JSON in a frame: nobody but these two reads it.

import type { Connection, HttpAnswer, HttpRequest, Io, Listener, Network } from '../src/io/io.ts';
import { FrameReader } from '../src/network/index.ts';
import type { EnclosingProcess } from './surroundings.ts';

interface Answer {
  readonly status: number;
  readonly body: string;
}

export function serveHttp(
  io: Io,
  port: number,
  answerOf: (request: HttpRequest) => Answer,
): Promise<Listener> {
  return io.network.listen({ host: '0.0.0.0', port }, (connection) => {
    void firstFrame(connection).then((frame) => {
      connection.write([framed(answerOf(JSON.parse(frame.toString())))]);
      connection.end();
    });
  });
}

/** What it needs of the network of a process. */
interface Asker extends Pick<Network, 'connect'> {
  readonly process: EnclosingProcess;
}

/** Rejects as the real one does: the address, and what went wrong. */
export async function simHttp(network: Asker, request: HttpRequest): Promise<HttpAnswer> {
  const { url, timeoutMs, bytesMax } = request;
  const { hostname: host, port } = new URL(url);
  const fail = (why: string): never => {
    throw new Error(`${url}: ${why}`);
  };
  const beganMs = network.process.io.clock.monotonic();
  const connection = await network
    .connect({ host, port: Number(port) || 80, timeoutMs })
    .catch((error: Error) => fail(error.message));
  const leftMs = timeoutMs - (network.process.io.clock.monotonic() - beganMs);
  let timer: { cancel(): void } | null = null;
  const late = new Promise<null>((resolve) => {
    timer = network.process.after(leftMs, () => resolve(null));
  });
  connection.write([framed(request)]);
  const gone = (error: Error): never => fail(error.message);
  const frame = await Promise.race([firstFrame(connection).catch(gone), late]);
  (timer as { cancel(): void } | null)?.cancel();
  connection.destroy();
  if (frame === null) return fail(`no answer in ${timeoutMs} ms`);
  const { status, body } = JSON.parse(frame.toString()) as Answer;
  if (Buffer.byteLength(body) > bytesMax) fail(`the answer has more than ${bytesMax} bytes`);
  return { status, body: Buffer.from(body) };
}

function firstFrame(connection: Connection): Promise<Buffer> {
  const reader = new FrameReader();
  return new Promise((resolve, reject) => {
    connection.onData = (chunk) => {
      reader.feed(chunk);
      const frame = reader.next();
      if (frame !== null) resolve(frame);
    };
    connection.onClose = (error) => reject(error ?? new Error('the other side hung up'));
  });
}

function framed(value: unknown): Buffer {
  const body = Buffer.from(JSON.stringify(value));
  const size = Buffer.alloc(4);
  size.writeInt32BE(body.length);
  return Buffer.concat([size, body]);
}
