// Tokens that nobody would send, to the real library: changed tickets and signatures, in process.
// PARTITA_FUZZ_ROUNDS=10 makes ten times as many. And what time does to honest ones.
//
// Nobody is let in, nothing crashes, and nothing is kept of them.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createServer, type Socket } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Prng } from '../../src/base/prng.ts';
import { type Gssapi, GssError, type GssKeys, systemGssapi } from '../../src/io/gssapi/index.ts';
import { createNodeIo } from '../../src/io/index.ts';
import { gssapiServer, localNames } from '../../src/security/kerberos/index.ts';
import { SaslError, type SaslServer } from '../../src/security/sasl/index.ts';
import { hasKerberos, Kdc, realm } from './kerberos/kdc.ts';

const rounds = Number(process.env.PARTITA_FUZZ_ROUNDS ?? 1);
const empty = Buffer.alloc(0);
const { clock } = createNodeIo();

let kdc: Kdc;
let gssapi: Gssapi;
let keyTab: string;
let keys: GssKeys;

before(async () => {
  kdc = await Kdc.start();
  await kdc.addPrincipals(['kafka/localhost', 'alice']);
  await kdc.addPrincipals(['brief'], '-maxlife 3sec');
  keyTab = await kdc.keytab('all.keytab', ['kafka/localhost', 'alice', 'brief']);
  Object.assign(process.env, kdc.env);
  gssapi = systemGssapi(null);
  keys = gssapi.openKeys({ keyTab, principal: `kafka/localhost@${realm}` });
});

after(async () => {
  keys?.release();
  await kdc?.dispose();
});

const ticketsOf = (principal: string) => gssapi.getTickets({ kind: 'keytab', keyTab, principal });

function newServer(): SaslServer {
  const names = localNames(['DEFAULT'], gssapi.defaultRealm());
  return gssapiServer({ clock, keys, localNames: names, endsWithTicket: false });
}

/** One to four changes: bits, lengths, pieces of it and of others. */
function changed(prng: Prng, token: Buffer): Buffer {
  let bytes = Buffer.from(token);
  for (let changes = 1 + prng.int(4); changes > 0 && bytes.length > 0; changes--) {
    const at = prng.int(bytes.length);
    const kind = prng.int(7);
    if (kind === 0) bytes[at] = (bytes[at] as number) ^ (1 << prng.int(8));
    else if (kind === 1) bytes[at] = prng.int(256);
    else if (kind === 2) bytes = bytes.subarray(0, at);
    else if (kind === 3) bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1)]);
    else if (kind === 4) bytes = Buffer.concat([bytes.subarray(0, at), bytes]);
    else if (kind === 5)
      bytes.fill(
        [0, 0x7f, 0x80, 0x84, 0xff][prng.int(5)] as number,
        at,
        Math.min(at + 4, bytes.length),
      );
    else bytes = Buffer.concat([bytes, Buffer.alloc(prng.int(64), prng.int(256))]);
  }
  return bytes;
}

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Resident memory after a collection, in MiB. */
function residentMiB(): number {
  collect();
  return process.memoryUsage().rss / 2 ** 20;
}

describe('to the server', () => {
  test('a ticket that was changed says nothing, ten thousand times', async (t) => {
    if (!hasKerberos(t)) return;
    const prng = new Prng(13);
    const tickets = await ticketsOf('alice');
    const context = tickets.initiate('kafka', 'localhost');
    const { token } = await context.next(empty);
    context.release();
    tickets.release();
    // It was there: what still is that ticket, behind a change that means nothing, is a replay.
    const first = newServer();
    assert.ok((await first.next(token)).token.length > 0);
    first.release?.();
    const send = (count: number): void => {
      for (let i = 0; i < count; i++) {
        const odd =
          prng.int(50) === 0 ? Buffer.from(prng.bytes(prng.int(400))) : changed(prng, token);
        assert.throws(() => newServer().next(odd), SaslError, odd.toString('hex'));
      }
    };
    send(2_000);
    const before = residentMiB();
    send(10_000 * rounds);
    const grown = residentMiB() - before;
    assert.ok(grown < 16, `${grown} MiB`);
  });

  test('only what was signed for it is a choice, ten thousand times', async (t) => {
    if (!hasKerberos(t)) return;
    const prng = new Prng(14);
    const tickets = await ticketsOf('alice');
    const client = tickets.initiate('kafka', 'localhost');
    const server = keys.accept();
    const { token, peer } = server.next((await client.next(empty)).token);
    assert.equal(peer?.name, `alice@${realm}`);
    await client.next(token);
    const choice = Buffer.from([1, 0, 0, 0]);
    const honest = client.wrap(choice);
    assert.deepEqual(server.unwrap(honest), choice);
    const before = residentMiB();
    for (let i = 0; i < 10_000 * rounds; i++) {
      const odd = i % 2 === 0 ? changed(prng, honest) : Buffer.from(prng.bytes(prng.int(100)));
      try {
        assert.deepEqual(server.unwrap(odd), choice);
      } catch (error) {
        assert.ok(error instanceof GssError, `${error}`);
      }
    }
    assert.ok(residentMiB() - before < 16);
    for (const each of [client, server, tickets]) each.release();
  });

  test('contexts that are made and given back keep nothing', async (t) => {
    if (!hasKerberos(t)) return;
    const tickets = await ticketsOf('alice');
    const make = async (count: number): Promise<void> => {
      for (let i = 0; i < count; i++) {
        const client = tickets.initiate('kafka', 'localhost');
        const server = newServer();
        const { token } = await server.next((await client.next(empty)).token);
        await client.next(token);
        const offer = await server.next(empty);
        client.unwrap(offer.token);
        const last = await server.next(client.wrap(Buffer.from([1, 0, 0, 0])));
        assert.equal(last.identity?.principal.name, 'alice');
        client.release();
      }
    };
    await make(200);
    const before = residentMiB();
    await make(600 * rounds);
    const grown = residentMiB() - before;
    assert.ok(grown < 8, `${grown} MiB`);
    tickets.release();
  });

  test('a ticket that has ended, and a clock that is wrong, are refused', async (t) => {
    if (!hasKerberos(t)) return;
    const strict = kdc.configure('strict.conf', ['clockskew = 1']);
    const [brief, long] = [await ticketsOf('brief'), await ticketsOf('alice')];
    assert.ok(brief.lifetimeMs <= 3_000);
    const [ending, lasting] = [brief, long].map((each) => each.initiate('kafka', 'localhost'));
    const tokens = [await ending?.next(empty), await lasting?.next(empty)];
    await sleep(4_500);
    process.env.KRB5_CONFIG = strict;
    try {
      const [ended, late] = tokens.map((step) => step?.token as Buffer);
      assert.throws(() => newServer().next(ended as Buffer), /Ticket expired|Clock skew too great/);
      assert.throws(() => newServer().next(late as Buffer), /Clock skew too great/);
    } finally {
      process.env.KRB5_CONFIG = kdc.configuration;
    }
    const again = await brief
      .initiate('kafka', 'localhost')
      .next(empty)
      .then(
        () => 'a token',
        (error: Error) => error.message,
      );
    assert.match(again, /expired/i);
    for (const each of [brief, long, ending, lasting]) each?.release();
  });
});

test('a proof of the service that was changed is no harm to a client', async (t) => {
  if (!hasKerberos(t)) return;
  const prng = new Prng(15);
  const tickets = await ticketsOf('alice');
  let refused = 0;
  for (let i = 0; i < 500 * rounds; i++) {
    const client = tickets.initiate('kafka', 'localhost');
    const server = keys.accept();
    const { token } = server.next((await client.next(empty)).token);
    const odd = i % 5 === 0 ? Buffer.from(prng.bytes(prng.int(300))) : changed(prng, token);
    await client.next(odd).catch((error) => {
      assert.ok(error instanceof GssError, `${error}`);
      refused++;
    });
    try {
      client.unwrap(Buffer.from(prng.bytes(prng.int(100))));
      assert.fail('it takes what nobody signed');
    } catch (error) {
      assert.ok(error instanceof GssError, `${error}`);
    }
    client.release();
    server.release();
  }
  // Some changes are behind the end of the proof, and mean nothing.
  assert.ok(refused > 400 * rounds, `${refused}`);
  tickets.release();
});

test('keys are in a file, and nothing else is opened', async (t) => {
  if (!hasKerberos(t)) return;
  const pipe = kdc.path('pipe');
  assert.equal(spawnSync('mkfifo', [pipe]).status, 0);
  for (const path of [pipe, kdc.directory, '/dev/zero', `FILE:${pipe}`]) {
    const source = { keyTab: path, principal: 'alice' };
    assert.throws(() => gssapi.openKeys(source), /is no file/);
    await assert.rejects(gssapi.getTickets({ kind: 'keytab', ...source }), /is no file/);
  }
  const other = { keyTab: 'MEMORY:all', principal: 'alice' };
  assert.throws(() => gssapi.openKeys(other), /'MEMORY:all' not found/);
  gssapi.openKeys({ keyTab: `FILE:${keyTab}`, principal: 'alice' }).release();
});

test('a KDC that does not answer holds nobody else up', async (t) => {
  if (!hasKerberos(t)) return;
  const sockets: Socket[] = [];
  const silent = createServer((socket) => sockets.push(socket.on('error', () => {})));
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  const { port } = silent.address() as { port: number };
  process.env.KRB5_CONFIG = kdc.configure(
    ...(['silent.conf', ['udp_preference_limit = 0'], `127.0.0.1:${port}`] as const),
  );
  try {
    let outcome = 'waiting';
    const asked = ticketsOf('alice').then(
      () => assert.fail('there are tickets'),
      (error: GssError) => {
        outcome = error.kind;
      },
    );
    let ticks = 0;
    for (const from = Date.now(); Date.now() - from < 300; ticks++) await sleep(10);
    assert.equal(outcome, 'waiting');
    assert.ok(ticks > 10, `${ticks} turns of the event loop`);
    silent.close();
    for (const socket of sockets) socket.destroy();
    await asked;
    assert.equal(outcome, 'no answer');
  } finally {
    process.env.KRB5_CONFIG = kdc.configuration;
    silent.close();
  }
});
