// Accepted connections: order of answers, limits on what a peer can make us hold, idle and
// superfluous connections, closing. All in virtual time.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simulate } from '../../sim/index.ts';
import type { Connection, Io } from '../io/index.ts';
import { Server, type ServerOptions } from './server.ts';
import type { CloseReason, Exchange, ServerConnection } from './server-connection.ts';
import { defaultTlsGateLimits } from './tls-gate.ts';

const port = 9092;

interface Request {
  readonly frame: Buffer;
  readonly exchange: Exchange;
}

/** A server that keeps what arrives, and answers when the test says so. */
class Bench {
  readonly server: Server;
  readonly connections: ServerConnection[] = [];
  readonly requests: Request[] = [];
  readonly closed: CloseReason[] = [];
  onRequest: (request: Request) => void = () => {};

  constructor(io: Io, options: ServerOptions = {}) {
    this.server = new Server(io, options, (connection) => {
      this.connections.push(connection);
      connection.onFrame = (frame, exchange) => {
        this.requests.push({ frame, exchange });
        this.onRequest({ frame, exchange });
      };
      connection.onClose = (reason) => this.closed.push(reason);
    });
  }

  static async start(io: Io, options: ServerOptions = {}): Promise<Bench> {
    const bench = new Bench(io, options);
    await bench.server.listen({ name: 'PLAINTEXT', host: '0.0.0.0', port });
    return bench;
  }
}

class Peer {
  readonly connection: Connection;
  received = Buffer.alloc(0);
  isClosed = false;

  constructor(connection: Connection) {
    this.connection = connection;
    connection.onData = (chunk) => {
      this.received = Buffer.concat([this.received, chunk]);
    };
    connection.onClose = () => {
      this.isClosed = true;
    };
  }

  static async connect(io: Io): Promise<Peer> {
    return new Peer(await io.network.connect({ host: '127.0.0.1', port }));
  }
}

function framed(payload: string): Buffer {
  const frame = Buffer.alloc(4 + payload.length);
  frame.writeInt32BE(payload.length);
  frame.write(payload, 4);
  return frame;
}

const wait = (io: Io, ms = 50): Promise<void> => io.clock.sleep(ms);

test('answers leave in the order of the requests, whatever order they are given in', () =>
  simulate(async (io) => {
    const bench = await Bench.start(io);
    const peer = await Peer.connect(io);
    peer.connection.write(['request1', 'request2', 'request3', 'request4'].map(framed));
    await wait(io);
    assert.equal(bench.requests.length, 4);
    const [one, two, three, four] = bench.requests.map((each) => each.exchange) as [
      Exchange,
      Exchange,
      Exchange,
      Exchange,
    ];
    three.respond([framed('3')]);
    two.skip();
    four.respond([framed('4a'), framed('4b')]);
    await wait(io);
    assert.equal(peer.received.length, 0);
    one.respond([framed('1')]);
    one.respond([framed('again')]);
    await wait(io);
    const expected = ['1', '3', '4a', '4b'].map(framed);
    assert.deepEqual(peer.received, Buffer.concat(expected));
    assert.equal(bench.connections[0]?.requestsInFlight, 0);
    assert.equal(bench.connections[0]?.bytesInFlight, 0);
  }));

test('no more requests are taken than may be in flight, and the rest follow the answers', () =>
  simulate(async (io) => {
    const bench = await Bench.start(io, { requestsInFlightMax: 3 });
    const peer = await Peer.connect(io);
    peer.connection.write(Array.from({ length: 10 }, (_, i) => framed(`request${i}`)));
    await wait(io);
    assert.equal(bench.requests.length, 3);
    bench.requests[0]?.exchange.respond([framed('a')]);
    await wait(io);
    assert.equal(bench.requests.length, 4);
    for (let i = 1; i < 10; i++) {
      bench.requests[i]?.exchange.respond([framed('b')]);
      await wait(io);
    }
    assert.equal(bench.requests.length, 10);
    assert.equal(bench.requests[9]?.frame.toString(), 'request9');
  }));

test('a peer that sends large requests is not read beyond the limit on bytes', () =>
  simulate(async (io) => {
    const bench = await Bench.start(io, { bytesInFlightMax: 1000 });
    const peer = await Peer.connect(io);
    peer.connection.write(Array.from({ length: 8 }, () => framed('x'.repeat(600))));
    await wait(io);
    assert.equal(bench.requests.length, 2);
    bench.requests[0]?.exchange.skip();
    await wait(io);
    assert.equal(bench.requests.length, 3);
  }));

test('a peer that does not read its answers is not served further until it does', () =>
  simulate(async (io) => {
    const bench = await Bench.start(io, { outputBytesMax: 100_000 });
    const answer = framed('y'.repeat(50_000));
    bench.onRequest = ({ exchange }) => exchange.respond([answer]);
    const peer = await Peer.connect(io);
    peer.connection.pause();
    peer.connection.write(Array.from({ length: 100 }, () => framed('requests')));
    await wait(io, 1000);
    const served = bench.requests.length;
    assert.ok(served < 40, `${served} requests were served to a peer that does not read`);
    peer.connection.resume();
    await wait(io, 5000);
    assert.equal(bench.requests.length, 100);
    assert.equal(peer.received.length, 100 * answer.length);
  }));

test('muting stops the taking of requests and nests', () =>
  simulate(async (io) => {
    const bench = await Bench.start(io);
    const peer = await Peer.connect(io);
    await wait(io);
    const connection = bench.connections[0] as ServerConnection;
    connection.mute();
    connection.mute();
    peer.connection.write([framed('request1')]);
    await wait(io);
    connection.unmute();
    await wait(io);
    assert.equal(bench.requests.length, 0);
    connection.unmute();
    await wait(io);
    assert.equal(bench.requests.length, 1);
  }));

test('what came before a close and was not taken is never served', () =>
  simulate(async (io) => {
    const bench = await Bench.start(io);
    const peer = await Peer.connect(io);
    await wait(io);
    const connection = bench.connections[0] as ServerConnection;
    connection.mute();
    peer.connection.write([framed('request1')]);
    await wait(io);
    connection.close(new Error('not let in'));
    assert.ok(connection.isClosed);
    connection.unmute();
    await wait(io);
    assert.equal(bench.requests.length, 0);
    assert.match(String(bench.closed[0]), /not let in/);
    assert.ok(peer.isClosed);
  }));

test('a stream that is not made of frames costs the connection and nobody else', () =>
  simulate(async (io) => {
    const bench = await Bench.start(io, { requestBytesMax: 1000 });
    const good = await Peer.connect(io);
    for (const bytes of ['GET / HTTP/1.1\r\n\r\n', '\x00\x00\x00\x00', '\x7f\xff\xff\xff']) {
      const bad = await Peer.connect(io);
      bad.connection.write([framed('request1'), Buffer.from(bytes, 'latin1')]);
      await wait(io);
      assert.equal(bad.isClosed, true);
    }
    assert.match(bench.closed[0]?.message ?? '', /HTTP request/);
    assert.match(bench.closed[1]?.message ?? '', /a frame of 0 bytes \(allowed: 8 to 1000\)/);
    assert.equal(bench.closed.length, 3);
    good.connection.write([framed('request1')]);
    await wait(io);
    assert.equal(bench.requests.length, 4);
    assert.equal(bench.server.connectionCount, 1);
  }));

test('an idle connection is closed after connections.max.idle.ms, a busy one is not', () =>
  simulate(async (io) => {
    const bench = await Bench.start(io, { idleMsMax: 60_000 });
    const idle = await Peer.connect(io);
    const active = await Peer.connect(io);
    const waiting = await Peer.connect(io);
    waiting.connection.write([framed('longpoll')]);
    for (let minute = 0; minute < 3; minute++) {
      await wait(io, 50_000);
      active.connection.write([framed('request1')]);
      await wait(io);
      bench.requests.at(-1)?.exchange.skip();
    }
    assert.deepEqual([idle.isClosed, active.isClosed, waiting.isClosed], [true, false, false]);
    assert.match(bench.closed[0]?.message ?? '', /connections\.max\.idle\.ms/);
  }));

test('connections beyond the limits are refused and counted', () =>
  simulate(async (io) => {
    const bench = await Bench.start(io, {
      connectionsPerIpMax: 1,
      connectionsPerIpOverrides: new Map([['127.0.0.1', 3]]),
    });
    const peers: Peer[] = [];
    for (let i = 0; i < 5; i++) peers.push(await Peer.connect(io));
    await wait(io);
    assert.deepEqual(
      peers.map((peer) => peer.isClosed),
      [false, false, false, true, true],
    );
    assert.equal(bench.server.connectionCountOf('127.0.0.1'), 3);
    assert.equal(bench.server.refusedCount, 2);
    peers[0]?.connection.destroy();
    await wait(io);
    const next = await Peer.connect(io);
    await wait(io);
    assert.equal(next.isClosed, false);
    assert.equal(bench.server.connectionCount, 3);
  }));

test('closing sends the answers of requests that were taken, and cuts what hangs', () =>
  simulate(async (io) => {
    const bench = await Bench.start(io);
    const polite = await Peer.connect(io);
    const hanging = await Peer.connect(io);
    polite.connection.write([framed('request1')]);
    hanging.connection.write([framed('request2')]);
    await wait(io);
    const beganMs = io.clock.monotonic();
    const closing = bench.server.close({ drainMs: 2000 });
    await wait(io);
    const taken = bench.requests.find(({ frame }) => frame.toString() === 'request1');
    taken?.exchange.respond([framed('answer')]);
    await closing;
    assert.equal(Math.round((io.clock.monotonic() - beganMs) / 1000), 2);
    await wait(io);
    assert.deepEqual(polite.received, framed('answer'));
    assert.deepEqual([polite.isClosed, hanging.isClosed], [true, true]);
    await assert.rejects(Peer.connect(io), { code: 'ECONNREFUSED' });
  }));

test('the address at which the client reached us is known', () =>
  simulate(async (io) => {
    const bench = await Bench.start(io);
    await Peer.connect(io);
    await wait(io);
    const [connection] = bench.connections;
    assert.equal(connection?.localHost, '127.0.0.1');
    assert.equal(connection?.localPort, port);
    assert.match(connection?.id ?? '', /^127\.0\.0\.1:\d+-PLAINTEXT-0$/);
  }));

test('answers whose turn has not come count as held, so that one open request bounds them', () =>
  simulate(async (io) => {
    const bench = await Bench.start(io, { outputBytesMax: 1000, requestsInFlightMax: 100 });
    const peer = await Peer.connect(io);
    bench.onRequest = ({ frame, exchange }) => {
      if (frame.toString() !== 'parked00') exchange.respond([Buffer.alloc(600)]);
    };
    peer.connection.write([
      framed('parked00'),
      ...Array.from({ length: 50 }, () => framed('request1')),
    ]);
    await wait(io);
    assert.equal(bench.requests.length, 3, 'the parked one, and as many as fill the bound');
    bench.requests[0]?.exchange.respond([Buffer.alloc(8)]);
    await wait(io);
    assert.equal(bench.requests.length, 51);
    assert.equal(peer.received.length, 8 + 50 * 600);
  }));

test('a full listener makes its own connections wait, and no others', () =>
  simulate(async (io) => {
    const bench = await Bench.start(io, { connectionsByListenerMax: new Map([['PLAINTEXT', 1]]) });
    await bench.server.listen({ name: 'INTERNAL', host: '0.0.0.0', port: port + 1 });
    const first = await Peer.connect(io);
    await Peer.connect(io);
    const other = await io.network.connect({ host: '127.0.0.1', port: port + 1 });
    await wait(io);
    const served = () => bench.connections.map(({ listenerName }) => listenerName);
    assert.deepEqual(served(), ['PLAINTEXT', 'INTERNAL']);
    assert.equal(bench.server.waitingCount, 1);
    first.connection.destroy();
    await wait(io);
    assert.deepEqual(served(), ['PLAINTEXT', 'INTERNAL', 'PLAINTEXT']);
    await Peer.connect(io);
    await wait(io);
    bench.server.configure({ connectionsByListenerMax: new Map([['PLAINTEXT', 2]]) });
    await wait(io);
    assert.equal(bench.server.waitingCount, 0, 'a higher limit lets in who waits');
    other.destroy();
  }));

test('a client that sends thousands of requests at once leaves turns to others', () =>
  simulate(async (io) => {
    const bench = await Bench.start(io);
    const greedy = await Peer.connect(io);
    const modest = await Peer.connect(io);
    const order: string[] = [];
    bench.onRequest = ({ frame, exchange }) => {
      order.push(frame.toString());
      // In a microtask, as handlers that wait for something that is there already.
      void Promise.resolve().then(() => exchange.respond([Buffer.alloc(8)]));
    };
    greedy.connection.write(Array.from({ length: 5000 }, () => framed('greedy00')));
    modest.connection.write([framed('modest00')]);
    await wait(io);
    assert.equal(order.length, 5001);
    assert.ok(order.indexOf('modest00') < 1000, `it was number ${order.indexOf('modest00')}`);
  }));

test('a connection whose handlers are set late is forgotten all the same', () =>
  simulate(async (io) => {
    const bench = await Bench.start(io);
    const peer = await Peer.connect(io);
    await wait(io);
    (bench.connections[0] as ServerConnection).onClose = () => {};
    peer.connection.destroy();
    await wait(io);
    assert.equal(bench.server.connectionCount, 0);
    await bench.server.close();
  }));

test('strangers without a place among the handshakes are kept, lest they come again', () =>
  simulate(async (io) => {
    const bench = new Bench(io);
    const limits = { ...defaultTlsGateLimits, timeoutMs: 60_000, unfinishedMax: 10 };
    const tls = () => assert.fail('nobody begins a handshake');
    const at = { host: '127.0.0.1', port };
    await bench.server.listen({ name: 'SSL', ...at }, { tls, limits: () => limits });
    let made = 0;
    const comeAgain = async (): Promise<void> => {
      const connection = await io.network.connect(at);
      made++;
      connection.onClose = () => {
        if (made < 1000) void comeAgain();
      };
    };
    for (let stranger = 0; stranger < 30; stranger++) await comeAgain();
    await wait(io, 10_000);
    assert.ok(made > 100 && made < 300, `${made} connections of 30 strangers in 10 s`);
    await bench.server.close();
  }));
