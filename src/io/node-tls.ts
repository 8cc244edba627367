// TLS for connections that ask for it. Loaded with the first of them: most brokers have none.
//
// Invariant: unless `verify` says otherwise nothing is sent before the other side has proven that
// it is who was meant.

import { isIP } from 'node:net';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import type { ConnectTls } from './io.ts';

/** Emits `secureConnect` when both sides know each other, or `error`. */
export function openTlsSocket(host: string, port: number, tls: ConnectTls): TLSSocket {
  const { ca, identity, keyPassword, serverName, verify } = tls;
  const options: ConnectionOptions = {
    host,
    port,
    // An address is no name that could be asked for (RFC 6066).
    ...(isIP(serverName) === 0 ? { servername: serverName } : {}),
    ...(ca === null ? {} : { ca }),
    ...(identity === null ? {} : { cert: identity.certificate, key: identity.key }),
    ...(keyPassword === undefined ? {} : { passphrase: keyPassword }),
    rejectUnauthorized: verify !== 'none',
    ...(verify === 'name' ? {} : { checkServerIdentity: () => undefined }),
  };
  const socket = connect(options);
  socket.setNoDelay(true);
  return socket;
}
