// Handshakes that are changed on their way, by clients that have no right to be let in: nobody is,
// nothing crashes or grows, and whoever has the right is served beside them.
// TLS_FLIGHTS=1000000 TLS_HANDSHAKES=10000 make it long (`npm run test:tls-flights`).

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect as connectSocket, createServer, type Socket } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { connect } from 'node:tls';
import { authority, certificate, key } from '../../tests/doubles/io/certificates.ts';
import { goldenText } from '../../tests/doubles/security/key-stores.ts';
import { Prng } from '../base/prng.ts';
import { createNodeIo } from '../io/index.ts';
import { Server } from './server.ts';
import { defaultTlsGateLimits } from './tls-gate.ts';

const flights = Number(process.env.TLS_FLIGHTS ?? 2_000);
const handshakes = Number(process.env.TLS_HANDSHAKES ?? 150);
const host = '127.0.0.1';
const io = createNodeIo({ logSink: () => {} });
const prng = new Prng(process.env.TLS_SEED ?? 'flights');

let letIn = 0;
let port = 0;
const server = new Server(io, {}, (connection) => {
  letIn++;
  connection.onFrame = (_, exchange) => exchange.skip();
});

before(async () => {
  const tls = await io.network.serverTls?.({
    identities: [{ certificate: Buffer.from(certificate), key: Buffer.from(key) }],
    ca: Buffer.from(authority),
    clientAuth: 'required',
    versions: ['TLSv1.2', 'TLSv1.3'],
    ciphers: 'TLS_AES_128_GCM_SHA256:ECDHE-ECDSA-AES128-GCM-SHA256',
  });
  assert.ok(tls);
  const much = 1_000_000;
  const limits = {
    ...{ ...defaultTlsGateLimits, perSecondMax: much, perSecondPerIpMax: much },
    ...{ unfinishedMax: much, unfinishedPerIpMax: much, failureDelayMs: 0, timeoutMs: 300 },
  };
  const listener = { tls: () => tls, limits: () => limits };
  port = (await server.listen({ name: 'SSL', host, port: 0 }, listener)).port;
});
after(() => server.close({ drainMs: 0 }));

/** However it ends. */
function closeOf(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.once('close', () => resolve()));
}

/** What a client sends first, in each version. */
async function firstFlights(): Promise<Buffer[]> {
  const found: Buffer[] = [];
  const ear = createServer((socket) => {
    socket.once('data', (chunk) => {
      found.push(chunk);
      socket.destroy();
    });
  });
  ear.listen(0, host);
  await once(ear, 'listening');
  const { port: earPort } = ear.address() as { port: number };
  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    const client = connect({ host, port: earPort, minVersion: version, servername: 'localhost' });
    client.on('error', () => {});
    await closeOf(client);
  }
  ear.close();
  return found;
}

function changed(flight: Buffer): Buffer {
  const bytes = Buffer.from(flight.subarray(0, flight.length - (prng.int(8) === 0 ? 50 : 0)));
  // The header is what the gate looks at; most changes are for OpenSSL.
  for (let count = 1 + prng.int(6); count > 0; count--) {
    const from = prng.int(10) === 0 ? 0 : 9;
    bytes[from + prng.int(bytes.length - from)] = prng.int(256);
  }
  if (prng.int(20) === 0) return prng.bytes(1 + prng.int(300));
  return prng.int(10) === 0 ? Buffer.concat([bytes, prng.bytes(prng.int(500))]) : bytes;
}

async function send(bytes: Buffer): Promise<void> {
  const socket = connectSocket({ host, port });
  socket.on('error', () => {});
  socket.write(bytes);
  // What is a whole flight is answered, and what is none ends the connection.
  const heard = new Promise((resolve) => socket.once('data', resolve));
  const bounded = new Promise((resolve) => setTimeout(resolve, 20));
  await Promise.race([heard, closeOf(socket), bounded]);
  socket.destroy();
}

async function assertServes(): Promise<void> {
  const before = letIn;
  const tls = { ca: authority, cert: certificate, key };
  const client = connect({ host, port, ...tls });
  await once(client, 'secureConnect');
  client.write(Buffer.from('0000000800000000000000ff', 'hex'));
  while (letIn === before) await new Promise((resolve) => setTimeout(resolve, 5));
  client.destroy();
  letIn = before;
}

/** Nothing is left of those who were refused. */
async function assertEmpty(): Promise<void> {
  for (let waitedMs = 0; server.connectionCount > 0; waitedMs += 20) {
    assert.ok(waitedMs < 5_000, `${server.connectionCount} connections are left`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

describe('handshakes that are changed on their way', () => {
  test(`${flights} first flights let nobody in`, async () => {
    const originals = await firstFlights();
    let usedMiB = 0;
    const atOnce = 20;
    for (let sent = 0; sent < flights; sent += atOnce) {
      const batch = Array.from({ length: atOnce }, () =>
        send(changed(originals[prng.int(originals.length)] as Buffer)),
      );
      await Promise.all(batch);
      if (sent === Math.floor(flights / 2 / atOnce) * atOnce) {
        usedMiB = process.memoryUsage().rss / 2 ** 20;
      }
    }
    await assertEmpty();
    assert.equal(letIn, 0);
    const grownMiB = process.memoryUsage().rss / 2 ** 20 - usedMiB;
    assert.ok(grownMiB < 64, `${grownMiB} MiB more than half way`);
    await assertServes();
  });

  test(`${handshakes} whole handshakes without the right certificate let nobody in`, async () => {
    const relay = createServer((client) => relayed(client));
    relay.listen(0, host);
    await once(relay, 'listening');
    const { port: relayPort } = relay.address() as { port: number };
    const foreign = { cert: goldenText('chain.pem'), key: goldenText('key.pem') };
    for (let round = 0; round < handshakes; round++) {
      const client = connect({
        ...{ host, port: relayPort, rejectUnauthorized: false },
        ...(prng.int(2) === 0 ? foreign : {}),
        maxVersion: prng.int(2) === 0 ? 'TLSv1.2' : 'TLSv1.3',
      });
      client.on('error', () => {});
      client.write(Buffer.from('0000000800000000000000ff', 'hex'));
      await Promise.race([closeOf(client), new Promise((end) => setTimeout(end, 400))]);
      client.destroy();
    }
    relay.close();
    await assertEmpty();
    assert.equal(letIn, 0);
    await assertServes();
  });
});

/** Passes on what it hears; in most connections a byte becomes another one. */
function relayed(client: Socket): void {
  const upstream = connectSocket({ host, port });
  let left = prng.int(5) === 0 ? Number.POSITIVE_INFINITY : prng.int(2_500);
  const pass = (from: Socket, to: Socket): void => {
    from.on('error', () => {});
    from.on('close', () => to.destroy());
    from.on('data', (chunk: Buffer) => {
      if (left < chunk.length) chunk[left] = (chunk[left] as number) ^ (1 + prng.int(255));
      left -= left < 0 ? 0 : chunk.length;
      to.write(chunk);
    });
  };
  pass(client, upstream);
  pass(upstream, client);
}
