// The part of the behaviour suite about connections and listeners (see io-behaviour.ts).

import assert from 'node:assert/strict';
import { Deferred } from '../base/deferred.ts';
import { Prng } from '../base/prng.ts';
import type { Connection, Io, Listener } from './io.ts';

export interface Pair {
  readonly listener: Listener;
  readonly client: Connection;
  readonly server: Connection;
}

/** Collects what a connection receives, and how it closes. */
class Ear {
  readonly chunks: Buffer[] = [];
  readonly closed = new Deferred<Error | null>();
  sizeBytes = 0;
  closeCount = 0;
  #waiting: { sizeBytes: number; reached: Deferred<void> } | null = null;

  constructor(connection: Connection) {
    connection.onData = (chunk) => {
      this.chunks.push(Buffer.from(chunk));
      this.sizeBytes += chunk.length;
      if (this.#waiting !== null && this.sizeBytes >= this.#waiting.sizeBytes) {
        this.#waiting.reached.resolve();
      }
    };
    connection.onClose = (error) => {
      this.closeCount++;
      this.closed.resolve(error);
    };
  }

  get bytes(): Buffer {
    return Buffer.concat(this.chunks);
  }

  async hears(sizeBytes: number): Promise<void> {
    if (this.sizeBytes >= sizeBytes) return;
    this.#waiting = { sizeBytes, reached: new Deferred() };
    await this.#waiting.reached.promise;
  }
}

async function connectPair(io: Io): Promise<Pair> {
  const accepted = new Deferred<Connection>();
  const listener = await io.network.listen({ host: '127.0.0.1', port: 0 }, (connection) => {
    accepted.resolve(connection);
  });
  const client = await io.network.connect({ host: '127.0.0.1', port: listener.port });
  return { listener, client, server: await accepted.promise };
}

type TestIo = (title: string, body: (io: Io) => Promise<void>) => void;

export function networkBehaviour(testIo: TestIo): void {
  const testPair = pairTests(testIo, connectPair);
  connectionBehaviour(testPair);
  listenBehaviour(testIo, testPair);
}

/** What holds for every pair of connections, encrypted ones too. */
export function connectionBehaviour(testPair: TestPair): void {
  streamBehaviour(testPair);
  flowBehaviour(testPair);
  closeBehaviour(testPair);
}

export function pairTests(testIo: TestIo, connect: (io: Io) => Promise<Pair>): TestPair {
  return (title, body) => {
    testIo(title, async (io) => {
      const pair = await connect(io);
      try {
        await body(pair, io);
      } finally {
        pair.client.destroy();
        pair.server.destroy();
        await pair.listener.close();
      }
    });
  };
}

type TestPair = (title: string, body: (pair: Pair, io: Io) => Promise<void>) => void;

function streamBehaviour(testPair: TestPair): void {
  testPair('bytes arrive in order and unchanged, whatever the writes', async (pair) => {
    const prng = new Prng('stream');
    const ear = new Ear(pair.server);
    const sent: Buffer[] = [];
    while (Buffer.concat(sent).length < 300_000) {
      const chunks = [prng.bytes(prng.int(3_000)), prng.bytes(1 + prng.int(9_000))];
      pair.client.write(chunks);
      sent.push(...chunks);
    }
    const expected = Buffer.concat(sent);
    await ear.hears(expected.length);
    assert.ok(ear.bytes.equals(expected));
  });

  testPair('both directions are independent', async ({ client, server }) => {
    const [clientEar, serverEar] = [new Ear(client), new Ear(server)];
    client.write([Buffer.from('ping')]);
    server.write([Buffer.from('pong'), Buffer.from('!')]);
    await Promise.all([clientEar.hears(5), serverEar.hears(4)]);
    assert.equal(clientEar.bytes.toString(), 'pong!');
    assert.equal(serverEar.bytes.toString(), 'ping');
  });
}

function flowBehaviour(testPair: TestPair): void {
  testPair('a writer is told to wait for a reader that pauses, and when to go on', async (pair) => {
    const { client, server } = pair;
    server.pause();
    const ear = new Ear(server);
    const drained = new Deferred<void>();
    let drainCount = 0;
    client.onDrain = () => {
      drainCount++;
      drained.resolve();
    };
    const chunk = Buffer.alloc(100_000, 'x');
    let count = 0;
    // Sockets take a few MiB before they push back.
    while (client.bufferedBytes < 1_000_000) {
      client.write([chunk]);
      count++;
      assert.ok(count < 1_000, 'the system buffers without end');
    }
    assert.equal(client.write([chunk]), false);
    count++;
    assert.equal(ear.sizeBytes, 0);
    assert.equal(drainCount, 0);
    server.resume();
    await drained.promise;
    await ear.hears(count * chunk.length);
    assert.equal(client.bufferedBytes, 0);
    assert.equal(client.write([Buffer.from('more')]), true);
  });

  testPair('a paused reader hears nothing until it resumes', async ({ client, server }, io) => {
    const ear = new Ear(server);
    server.pause();
    client.write([Buffer.from('held')]);
    await io.clock.sleep(20);
    assert.equal(ear.sizeBytes, 0);
    server.resume();
    await ear.hears(4);
  });

  testPair('a write of no bytes is no event', async ({ client, server }) => {
    const ear = new Ear(server);
    client.write([]);
    client.write([Buffer.alloc(0)]);
    client.write([Buffer.from('a')]);
    await ear.hears(1);
    assert.deepEqual(
      ear.chunks.map((chunk) => chunk.toString()),
      ['a'],
    );
  });
}

function closeBehaviour(testPair: TestPair): void {
  testPair('end sends what is queued, then both ends close without an error', async (pair) => {
    const { client, server } = pair;
    const [clientEar, serverEar] = [new Ear(client), new Ear(server)];
    const bytes = Buffer.alloc(500_000, 'y');
    client.write([bytes]);
    client.end();
    assert.equal(client.write([Buffer.from('late')]), false);
    assert.equal(await serverEar.closed.promise, null);
    assert.equal(await clientEar.closed.promise, null);
    assert.ok(serverEar.bytes.equals(bytes));
  });

  testPair('after end only the close is heard', async ({ client, server }, io) => {
    const ear = new Ear(client);
    client.pause();
    server.write([Buffer.from('too late')]);
    await io.clock.sleep(5);
    client.end();
    assert.equal(await ear.closed.promise, null);
    assert.equal(ear.sizeBytes, 0);
  });

  testPair('destroy closes both ends, each told once', async ({ client, server }, io) => {
    const [clientEar, serverEar] = [new Ear(client), new Ear(server)];
    client.destroy();
    client.destroy();
    assert.equal(clientEar.closeCount, 0, 'not in the middle of the call');
    assert.equal(await clientEar.closed.promise, null);
    await serverEar.closed.promise;
    await io.clock.sleep(20);
    assert.equal(clientEar.closeCount, 1);
    assert.equal(serverEar.closeCount, 1);
    assert.equal(client.write([Buffer.from('gone')]), false);
    client.end();
  });

  testPair('a reader that pauses learns of the end when it resumes', async (pair, io) => {
    const ear = new Ear(pair.server);
    pair.server.pause();
    pair.client.write([Buffer.from('last words')]);
    pair.client.end();
    await io.clock.sleep(20);
    assert.equal(ear.closeCount, 0);
    pair.server.resume();
    assert.equal(await ear.closed.promise, null);
    assert.equal(ear.bytes.toString(), 'last words');
  });

  testPair('destroy in onData is the last that is heard', async ({ client, server }, io) => {
    let count = 0;
    server.onData = () => {
      count++;
      server.destroy();
    };
    client.write([Buffer.alloc(300_000)]);
    await io.clock.sleep(30);
    assert.equal(count, 1);
  });
}

function listenBehaviour(testIo: TestIo, testPair: TestPair): void {
  testPair('both ends agree on the addresses', async ({ client, server, listener }) => {
    assert.equal(client.remotePort, listener.port);
    assert.equal(server.localPort, listener.port);
    assert.equal(client.localPort, server.remotePort);
    assert.equal(server.remoteHost, '127.0.0.1');
    assert.equal(client.remoteHost, '127.0.0.1');
    assert.equal(listener.host, '127.0.0.1');
  });

  testPair('a listener that closes keeps its connections', async (pair, io) => {
    const ear = new Ear(pair.server);
    await pair.listener.close();
    pair.client.write([Buffer.from('still here')]);
    await ear.hears(10);
    const { port } = pair.listener;
    await assert.rejects(io.network.connect({ host: '127.0.0.1', port }), {
      code: 'ECONNREFUSED',
    });
    const next = await io.network.listen({ host: '127.0.0.1', port }, () => {});
    await next.close();
  });

  testIo('a refused connection names the address', async ({ network }) => {
    const listener = await network.listen({ host: '127.0.0.1', port: 0 }, () => {});
    await listener.close();
    await assert.rejects(network.connect({ host: '127.0.0.1', port: listener.port }), {
      name: 'IoError',
      code: 'ECONNREFUSED',
      message: `cannot connect to 127.0.0.1:${listener.port}: connection refused (ECONNREFUSED)`,
    });
  });

  testIo('a port that is taken is an error that names the address', async ({ network }) => {
    const listener = await network.listen({ host: '127.0.0.1', port: 0 }, () => {});
    const { port } = listener;
    await assert.rejects(
      network.listen({ host: '127.0.0.1', port }, () => {}),
      {
        name: 'IoError',
        code: 'EADDRINUSE',
        message: `cannot listen on 127.0.0.1:${port}: address already in use (EADDRINUSE)`,
      },
    );
    await listener.close();
  });

  testIo('a server may speak first', async ({ network }) => {
    const servers: Connection[] = [];
    const listener = await network.listen({ host: '127.0.0.1', port: 0 }, (connection) => {
      servers.push(connection);
      connection.write([Buffer.from('hello')]);
    });
    const client = await network.connect({ host: '127.0.0.1', port: listener.port });
    const ear = new Ear(client);
    await ear.hears(5);
    assert.equal(ear.bytes.toString(), 'hello');
    client.destroy();
    for (const server of servers) server.destroy();
    await listener.close();
  });
}
