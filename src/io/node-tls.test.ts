// Encrypted connections are connections: the behaviour of the plain ones holds for them.

import { test } from 'node:test';
import { authority, certificate, key } from '../../tests/doubles/io/certificates.ts';
import { Deferred } from '../base/deferred.ts';
import type { Connection, Io } from './io.ts';
import { connectionBehaviour, type Pair, pairTests } from './network-behaviour.ts';
import { createNodeIo } from './node-io.ts';

const io = createNodeIo();
const host = '127.0.0.1';
const ca = Buffer.from(authority);
const identity = { certificate: Buffer.from(certificate), key: Buffer.from(key) };

async function connectPair({ network }: Io, version: 'TLSv1.2' | 'TLSv1.3'): Promise<Pair> {
  const tls = await network.serverTls?.({
    ...{ identities: [identity], ca, clientAuth: 'none', versions: [version] },
    ciphers: 'TLS_AES_128_GCM_SHA256:ECDHE-ECDSA-AES128-GCM-SHA256',
  });
  const accepted = new Deferred<Connection>();
  const listener = await network.listen({ host, port: 0 }, (raw) => {
    raw.onData = async (chunk) => {
      const secured = await tls?.accept(raw, chunk, 5_000);
      if (secured === undefined) return;
      accepted.resolve(secured.connection);
      await accepted.promise;
      secured.connection.resume();
    };
  });
  const client = await network.connect({
    ...{ host, port: listener.port },
    tls: { ca, identity: null, serverName: host, verify: 'name' },
  });
  return { listener, client, server: await accepted.promise };
}

for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
  const testIo = (title: string, body: (io: Io) => Promise<void>): void => {
    test(`${version}: ${title}`, () => body(io));
  };
  connectionBehaviour(pairTests(testIo, (each) => connectPair(each, version)));
}
