// TLS over real sockets, both sides of it. Loaded by the first connection or listener that needs
// it.
//
// Invariants: unless it is said otherwise nothing is sent or heard before the other side has
// proven who it is; sessions are resumed only within one ServerTls, whose keys for tickets nobody
// else has.

import { constants } from 'node:crypto';
import { isIP, type Socket } from 'node:net';
import {
  type ConnectionOptions,
  connect,
  createServer,
  type Server,
  type TLSSocket,
  type TlsOptions,
} from 'node:tls';
import {
  type Connection,
  type ConnectTls,
  IoError,
  type SecuredConnection,
  type ServerTls,
  type ServerTlsOptions,
  TlsError,
} from './io.ts';
import { NodeConnection, socketOptions } from './node-connection.ts';
import { ioError } from './node-error.ts';

/** Not connected yet: it tells by `secureConnect` or `error`. */
export function openTlsSocket(to: { host: string; port: number }, tls: ConnectTls): TLSSocket {
  const socket = connect({ ...to, ...clientOptions(tls) });
  socket.setNoDelay(socketOptions.noDelay);
  socket.setKeepAlive(socketOptions.keepAlive, socketOptions.keepAliveInitialDelay);
  return socket;
}

function clientOptions(tls: ConnectTls): ConnectionOptions {
  const { ca, identity, keyPassword, serverName, versions, ciphers, verify } = tls;
  return {
    // An address is no name that could be asked for (RFC 6066).
    ...(isIP(serverName) === 0 ? { servername: serverName } : {}),
    // As in Java, whoever is trusted need not be at the end of a chain.
    ...(ca === null ? {} : { ca, allowPartialTrustChain: true }),
    ...(identity === null ? {} : { cert: identity.certificate, key: identity.key }),
    ...(keyPassword === undefined ? {} : { passphrase: keyPassword }),
    ...versionRange(versions ?? []),
    ...(ciphers === undefined ? {} : { ciphers }),
    rejectUnauthorized: verify !== 'none',
    ...(verify === 'name' ? {} : { checkServerIdentity: () => undefined }),
  };
}

function versionRange(
  versions: readonly ('TLSv1.2' | 'TLSv1.3')[],
): Pick<TlsOptions, 'minVersion' | 'maxVersion'> {
  const ordered = versions.toSorted();
  const [first] = ordered;
  return first === undefined ? {} : { minVersion: first, maxVersion: ordered.at(-1) };
}

/** @throws IoError */
export function serverTls(options: ServerTlsOptions): ServerTls {
  try {
    return new NodeServerTls(options);
  } catch (error) {
    throw ioError('serve TLS', error);
  }
}

interface Handshake {
  readonly resolve: (secured: SecuredConnection) => void;
  readonly reject: (error: IoError) => void;
  readonly who: string;
  readonly timer: NodeJS.Timeout;
}

class NodeServerTls implements ServerTls {
  readonly #options: ServerTlsOptions;
  /** It listens nowhere: connections are given to it. */
  readonly #server: Server;
  readonly #handshakes = new Map<Socket, Handshake>();

  constructor(options: ServerTlsOptions) {
    this.#options = options;
    const { identities, ca, clientAuth, versions, ciphers } = options;
    this.#server = createServer({
      cert: identities.map(({ certificate }) => certificate),
      key: identities.map(({ key }) => key),
      // Not those of Node.js, which would vouch for half of the world.
      ca: ca ?? [],
      allowPartialTrustChain: true,
      requestCert: clientAuth !== 'none',
      rejectUnauthorized: clientAuth === 'required',
      ...versionRange(versions),
      ciphers,
      honorCipherOrder: true,
      // Each would cost as much as the handshake, and nobody counts them.
      secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
      noDelay: true,
    } as TlsOptions);
    this.#server.on('secureConnection', (socket) => this.#onSecure(socket));
    this.#server.on('tlsClientError', (error, socket) => this.#onError(error, socket));
  }

  accept(given: Connection, received: Buffer, timeoutMs: number): Promise<SecuredConnection> {
    const socket = (given as NodeConnection).release();
    const who = `${given.remoteHost}:${given.remotePort}`;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        const message = `the handshake with ${who} took more than ${timeoutMs} ms (ETIMEDOUT)`;
        this.#fail(socket, () => new IoError('ETIMEDOUT', message));
      }, timeoutMs);
      this.#handshakes.set(socket, { resolve, reject, who, timer });
      socket.on('error', ignore);
      const isGone = (): void =>
        this.#fail(socket, (whom) => new IoError('ECONNRESET', `${whom} has gone (ECONNRESET)`));
      // Why it was closed here is told in the same turn, but later.
      socket.once('close', () => setImmediate(isGone));
      if (socket.destroyed) socket.emit('close');
      else {
        socket.pause();
        socket.unshift(received);
        this.#server.emit('connection', socket);
      }
    });
  }

  #onSecure(socket: TLSSocket): void {
    socket.on('error', ignore);
    const raw = rawSocketOf(socket);
    const handshake = this.#handshakes.get(raw);
    const certificate = socket.getPeerX509Certificate()?.raw ?? null;
    if (certificate !== null && !socket.authorized) {
      // `requested` lets those in who show none, not those who show a bad one.
      const reason = socket.authorizationError as unknown as string;
      this.#fail(raw, (who) => refusedCertificate(who, reason));
      setImmediate(() => socket.destroy());
      return;
    }
    if (handshake === undefined) {
      setImmediate(() => socket.destroy());
      return;
    }
    this.#handshakes.delete(raw);
    clearTimeout(handshake.timer);
    const isAsked = this.#options.clientAuth !== 'none';
    const connection = new NodeConnection(socket);
    // What came with the end of the handshake waits for who will hear it.
    connection.pause();
    handshake.resolve({
      connection,
      peer: {
        certificate: isAsked ? certificate : null,
        protocol: socket.getProtocol() ?? '',
        cipher: socket.getCipher().name,
      },
    });
  }

  #onError(error: Error, socket: TLSSocket): void {
    const reason = socket.authorizationError as unknown as string | null;
    this.#fail(rawSocketOf(socket), (who) =>
      reason ? refusedCertificate(who, reason) : ioError(`agree on TLS with ${who}`, error),
    );
  }

  #fail(raw: Socket, errorOf: (who: string) => IoError): void {
    const handshake = this.#handshakes.get(raw);
    if (handshake === undefined) return;
    this.#handshakes.delete(raw);
    clearTimeout(handshake.timer);
    // OpenSSL may be in the middle of a call that led here: what it uses must not go under it.
    setImmediate(() => raw.destroy());
    handshake.reject(errorOf(handshake.who));
  }
}

function refusedCertificate(who: string, reason: string): TlsError {
  return new TlsError(reason, `the certificate of ${who} is not accepted (${reason})`);
}

/** Node.js tells of a failed handshake by the encrypted socket alone. */
function rawSocketOf(socket: TLSSocket): Socket {
  return (socket as unknown as { readonly _parent: Socket })._parent;
}

function ignore(): void {}
