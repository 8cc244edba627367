// Encrypted connections of the real network: who has to prove what, and what is said otherwise.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { createServer, type Server, type TlsOptions } from 'node:tls';
import { simulate } from '../../sim/index.ts';
import { authority, certificate, key } from '../../tests/doubles/io/certificates.ts';
import { Deferred } from '../base/deferred.ts';
import type { ConnectTls } from './io.ts';
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
        assert.equal(error.name, 'IoError');
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
    await assert.rejects(echo(port, trusting), { name: 'IoError' });
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

test('the simulated network has no encrypted connections, and says so', async () => {
  await simulate(async ({ network }) => {
    await assert.rejects(network.connect({ host, port: 1, tls: trusting }), { code: 'EPROTO' });
  });
});
