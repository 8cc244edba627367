// An encrypted port in front of a plain one, as the secure port of a server: whoever comes must
// prove who it is, and is passed on.

import { once } from 'node:events';
import { connect } from 'node:net';
import { createServer, type TlsOptions } from 'node:tls';
import { authority, certificate, key } from '../io/certificates.ts';

export interface TlsFront {
  readonly port: number;
  close(): void;
}

export async function startTlsFront(port: number, options: TlsOptions = {}): Promise<TlsFront> {
  const must = { ca: authority, requestCert: true, rejectUnauthorized: true };
  const server = createServer({ cert: certificate, key, ...must, ...options }, (front) => {
    const back = connect({ host: '127.0.0.1', port });
    for (const [from, to] of [
      [front, back],
      [back, front],
    ] as const) {
      from.on('error', () => {});
      from.on('close', () => to.destroy());
      from.pipe(to);
    }
  });
  server.on('tlsClientError', () => {});
  // Whatever address of this machine is named.
  server.listen(0, '0.0.0.0');
  await once(server, 'listening');
  const address = server.address() as { port: number };
  return { port: address.port, close: () => server.close() };
}
