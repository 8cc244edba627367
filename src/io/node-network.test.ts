// Encrypted connections of the real network: who has to prove what, and what is said otherwise.

import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { test } from 'node:test';
import { connect as connectTls, createServer, type Server, type TlsOptions } from 'node:tls';
import { simulate } from '../../sim/index.ts';
import { authority, certificate, key } from '../../tests/doubles/io/certificates.ts';
import { Deferred } from '../base/deferred.ts';
import type {
  Connection,
  ConnectTls,
  IoError,
  ServerTls,
  ServerTlsOptions,
  TlsPeer,
} from './io.ts';
import { nodeNetwork } from './node-network.ts';

const host = '127.0.0.1';
const ca = Buffer.from(authority);
const identity = { certificate: Buffer.from(certificate), key: Buffer.from(key) };
const trusting: ConnectTls = { ca, identity: null, serverName: host, verify: 'name' };

/** A server that sends back what it hears, and how much that was when nobody should have spoken. */
async function withServer(
  options: TlsOptions,
  body: (port: number, heard: () => string) => Promise<void>,
): Promise<void> {
  let heard = '';
  const server: Server = createServer({ cert: certificate, key, ...options }, (socket) => {
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      heard += chunk.toString();
      socket.write(chunk);
    });
  });
  server.on('tlsClientError', () => {});
  server.listen(0, host);
  await once(server, 'listening');
  try {
    await body((server.address() as { port: number }).port, () => heard);
  } finally {
    server.close();
  }
}

/** What comes back of a word. */
async function echo(port: number, tls: ConnectTls): Promise<string> {
  const connection = await nodeNetwork.connect({ host, port, tls });
  const answer = new Deferred<string>();
  connection.onData = (chunk) => answer.resolve(chunk.toString());
  connection.onClose = (error) => answer.reject(error ?? new Error('closed'));
  connection.write([Buffer.from('he'), Buffer.from('llo')]);
  try {
    return await answer.promise;
  } finally {
    connection.destroy();
  }
}

test('an encrypted connection carries bytes both ways, once the other side is known', async () => {
  await withServer({}, async (port) => {
    assert.match(await echo(port, trusting), /^he/);
    assert.match(await echo(port, { ...trusting, serverName: 'localhost' }), /^he/);
    assert.match(await echo(port, { ...trusting, ca: null, verify: 'none' }), /^he/);
    assert.match(
      await echo(port, { ...trusting, serverName: 'elsewhere', verify: 'chain' }),
      /^he/,
    );
  });
});

test('who does not prove that he is meant hears nothing, and the error says why', async () => {
  await withServer({}, async (port, heard) => {
    const refused: [ConnectTls, string][] = [
      [{ ...trusting, serverName: 'elsewhere' }, 'ERR_TLS_CERT_ALTNAME_INVALID'],
      [{ ...trusting, ca: null }, 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'],
    ];
    for (const [tls, code] of refused) {
      await assert.rejects(echo(port, tls), (error: Error) => {
        assert.equal(error.name, 'TlsError');
        assert.equal((error as { code?: string }).code, code);
        assert.match(error.message, /^cannot connect to 127\.0\.0\.1:\d+: [^\n]+$/);
        return true;
      });
    }
    assert.equal(heard(), '');
  });
});

test('a server that demands a certificate gets the one that is configured', async () => {
  await withServer({ ca: authority, requestCert: true, rejectUnauthorized: true }, async (port) => {
    assert.match(await echo(port, { ...trusting, identity }), /^he/);
    await assert.rejects(echo(port, trusting), { name: 'TlsError' });
  });
});

test('files that are no PEM are an error of the connection', async () => {
  await withServer({}, async (port) => {
    const broken = { certificate: Buffer.from('x'), key: Buffer.from('y') };
    await assert.rejects(echo(port, { ...trusting, identity: broken }), { name: 'IoError' });
  });
});

test('a server that says nothing is given up in time', async () => {
  const listener = await nodeNetwork.listen({ host, port: 0 }, (connection) => {
    connection.onData = () => {};
  });
  const options = { host, port: listener.port, timeoutMs: 50, tls: trusting };
  await assert.rejects(nodeNetwork.connect(options), { code: 'ETIMEDOUT' });
  await listener.close();
});

async function serverTls(options: ServerTlsOptions): Promise<ServerTls> {
  const made = await nodeNetwork.serverTls?.(options);
  assert.ok(made);
  return made;
}

/** An encrypted listener that sends back what it hears, and whom it let in or refused. */
async function withListener(
  options: Partial<ServerTlsOptions>,
  body: (port: number, found: { peers: TlsPeer[]; refusals: Error[] }) => Promise<void>,
): Promise<void> {
  const tls = await serverTls({ ...serving, ...options });
  const found: { peers: TlsPeer[]; refusals: Error[] } = { peers: [], refusals: [] };
  const accept = async (raw: Connection, received: Buffer): Promise<void> => {
    try {
      const { connection, peer } = await tls.accept(raw, received, 2_000);
      found.peers.push(peer);
      connection.onData = (chunk) => connection.write([chunk]);
      connection.resume();
    } catch (error) {
      found.refusals.push(error as Error);
    }
  };
  const listener = await nodeNetwork.listen({ host, port: 0 }, (raw) => {
    raw.onData = (chunk) => {
      raw.pause();
      void accept(raw, chunk);
    };
  });
  try {
    await body(listener.port, found);
  } finally {
    await listener.close();
  }
}

const serving: ServerTlsOptions = {
  identities: [identity],
  ca,
  clientAuth: 'none',
  versions: ['TLSv1.2', 'TLSv1.3'],
  ciphers: 'TLS_AES_128_GCM_SHA256:ECDHE-ECDSA-AES128-GCM-SHA256',
};

test('an accepted connection is encrypted in both versions, by the ciphers asked for', async () => {
  await withListener({}, async (port, { peers }) => {
    assert.equal(await echo(port, { ...trusting, versions: ['TLSv1.3'] }), 'hello');
    assert.equal(await echo(port, { ...trusting, versions: ['TLSv1.2'] }), 'hello');
    assert.deepEqual(peers, [
      { certificate: null, protocol: 'TLSv1.3', cipher: 'TLS_AES_128_GCM_SHA256' },
      { certificate: null, protocol: 'TLSv1.2', cipher: 'ECDHE-ECDSA-AES128-GCM-SHA256' },
    ]);
  });
});

test('an accepted connection knows the certificate that the client had to show', async () => {
  const own = new X509Certificate(certificate).raw;
  for (const versions of [['TLSv1.2'], ['TLSv1.3']] as const) {
    await withListener({ clientAuth: 'required', versions }, async (port, { peers, refusals }) => {
      assert.equal(await echo(port, { ...trusting, identity }), 'hello');
      assert.ok(peers[0]?.certificate?.equals(own));
      await assert.rejects(echo(port, trusting), { name: 'TlsError' });
      assert.equal(peers.length, 1);
      assert.match(String(refusals[0]), /the other side has shown no certificate/);
    });
    await withListener({ clientAuth: 'requested', versions }, async (port, { peers }) => {
      assert.equal(await echo(port, { ...trusting, identity }), 'hello');
      assert.equal(await echo(port, trusting), 'hello');
      assert.ok(peers[0]?.certificate?.equals(own));
      assert.equal(peers[1]?.certificate, null);
    });
  }
});

test('a certificate of an unknown authority is not let in, even if none is demanded', async () => {
  for (const clientAuth of ['required', 'requested'] as const) {
    await withListener({ clientAuth, ca: null }, async (port, { peers, refusals }) => {
      await assert.rejects(echo(port, { ...trusting, identity }));
      assert.equal(peers.length, 0);
      assert.match(String(refusals[0]), /the certificate of 127\.0\.0\.1:\d+ is not accepted/);
    });
  }
});

test('a version that is not served is refused, and the client is told', async () => {
  await withListener({ versions: ['TLSv1.3'] }, async (port, { refusals }) => {
    await assert.rejects(echo(port, { ...trusting, versions: ['TLSv1.2'] }), {
      name: 'TlsError',
      message: /accepts none of our versions of TLS/,
    });
    assert.match(String(refusals[0]), /speaks none of our versions of TLS/);
  });
});

test('a handshake is not begun anew on a connection that has one', async () => {
  await withListener({ versions: ['TLSv1.2'] }, async (port) => {
    const checkServerIdentity = (): undefined => undefined;
    const socket = connectTls({ host, port, ca: authority, checkServerIdentity });
    await once(socket, 'secureConnect');
    socket.on('error', () => {});
    const renewed = await new Promise<Error | null>((resolve) => {
      socket.renegotiate({}, resolve);
      socket.once('error', resolve);
    });
    socket.destroy();
    assert.match(String(renewed), /renegotiation/i);
  });
});

test('a session is resumed with its certificate, but never under other keys', async () => {
  await withListener({ clientAuth: 'required' }, async (port, { peers }) => {
    const session = await sessionOf(port);
    assert.equal((await resumed(port, session)).isReused, true);
    assert.ok(peers[1]?.certificate?.equals(new X509Certificate(certificate).raw));
    await withListener({ clientAuth: 'required' }, async (other) => {
      assert.equal((await resumed(other, session)).isReused, false);
    });
  });
});

/** What a client keeps of its first connection. */
async function sessionOf(port: number): Promise<Buffer> {
  const socket = connectTls({ host, port, ca: authority, cert: certificate, key });
  socket.write('hello');
  const [session] = (await once(socket, 'session')) as [Buffer];
  socket.destroy();
  return session;
}

async function resumed(port: number, session: Buffer): Promise<{ isReused: boolean }> {
  const socket = connectTls({ host, port, ca: authority, cert: certificate, key, session });
  await once(socket, 'secureConnect');
  const isReused = socket.isSessionReused();
  socket.write('hello');
  await once(socket, 'data');
  socket.destroy();
  return { isReused };
}

test('a client that stops half way is given up in time, one that goes is heard of', async () => {
  const tls = await serverTls(serving);
  for (const [isGone, code] of [
    [false, 'ETIMEDOUT'],
    [true, 'ECONNRESET'],
  ] as const) {
    const refusal = new Deferred<Error>();
    const listener = await nodeNetwork.listen({ host, port: 0 }, (raw) => {
      raw.onData = (chunk) => {
        tls.accept(raw, chunk, isGone ? 5_000 : 50).catch(refusal.resolve);
      };
    });
    const client = await nodeNetwork.connect({ host, port: listener.port });
    client.write([Buffer.from('160301', 'hex')]);
    if (isGone) setTimeout(() => client.destroy(), 20);
    assert.equal(((await refusal.promise) as IoError).code, code);
    client.destroy();
    await listener.close();
  }
});

test('keys and ciphers that cannot be used are refused before anybody connects', async () => {
  const broken = { certificate: Buffer.from('x'), key: Buffer.from('y') };
  const name = /IoError|TlsError/;
  await assert.rejects(serverTls({ ...serving, identities: [broken] }), { name });
  await assert.rejects(serverTls({ ...serving, ciphers: 'NONE-SUCH' }), { name });
});

test('the simulated network has no encrypted connections, and says so', async () => {
  await simulate(async ({ network }) => {
    await assert.rejects(network.connect({ host, port: 1, tls: trusting }), { code: 'EPROTO' });
  });
});
