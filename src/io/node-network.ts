// Real listeners and connections, plain or encrypted. Invariants: every connection has TCP_NODELAY
// (a small answer must not wait for an acknowledgement); what encrypts is loaded when it is needed.

import { type AddressInfo, connect as connectSocket, createServer, type Socket } from 'node:net';
import {
  type Connection,
  type ConnectOptions,
  type HttpAnswer,
  type HttpRequest,
  IoError,
  type Listener,
  type Network,
  type ServerTls,
  type ServerTlsOptions,
} from './io.ts';
import { NodeConnection, socketOptions } from './node-connection.ts';
import { ioError } from './node-error.ts';

export const nodeNetwork: Network = { listen, connect, serverTls, hostName, http };

/** The same, with connections for which a process that has nothing else to do does not stay. */
export const idleNetwork: Network = {
  ...nodeNetwork,
  connect: async (options) => {
    const connection = await connect(options);
    connection.unref();
    return connection;
  },
};

async function serverTls(options: ServerTlsOptions): Promise<ServerTls> {
  return (await import('./node-tls.ts')).serverTls(options);
}

/** Few processes ask anybody by HTTP. */
async function http(request: HttpRequest): Promise<HttpAnswer> {
  return (await import('./node-http.ts')).nodeHttp(request);
}

/** Only members of a cluster ask, so that no other process loads the module. */
async function hostName(): Promise<string> {
  return (await import('node:os')).hostname();
}

function listen(
  { host, port }: { host: string; port: number },
  onConnection: (connection: Connection) => void,
  onAcceptError: (error: IoError) => void = ignore,
): Promise<Listener> {
  const server = createServer(socketOptions, (socket) => {
    onConnection(new NodeConnection(socket));
  });
  return new Promise((resolve, reject) => {
    const onError = (error: Error): void => reject(ioError(`listen on ${host}:${port}`, error));
    server.once('error', onError);
    server.listen({ host, port, backlog: 511 }, () => {
      server.off('error', onError);
      // Without a listener an accept that fails would end the process.
      server.on('error', (error) => onAcceptError(ioError(`accept on ${host}:${port}`, error)));
      const address = server.address() as AddressInfo;
      resolve({
        host: address.address,
        port: address.port,
        close: async () => {
          // Node's callback would wait for the open connections; the port is free at once.
          server.close();
        },
      });
    });
  });
}

async function connect(options: ConnectOptions): Promise<NodeConnection> {
  const { host, port, tls } = options;
  if (tls === undefined) {
    const socket = connectSocket({ host, port, ...socketOptions });
    return await connected(socket, 'connect', options);
  }
  // Most brokers have no such connection.
  const { openTlsSocket } = await import('./node-tls.ts');
  try {
    const socket = openTlsSocket({ host, port }, tls);
    return await connected(socket, 'secureConnect', options);
  } catch (error) {
    if (error instanceof IoError) throw error;
    // A certificate or key that cannot be read.
    throw ioError(`connect to ${host}:${port}`, error);
  }
}

function connected(
  socket: Socket,
  event: 'connect' | 'secureConnect',
  { host, port, timeoutMs }: ConnectOptions,
): Promise<NodeConnection> {
  return new Promise((resolve, reject) => {
    const fail = (error: Error): void => {
      clearTimeout(timer);
      socket.destroy();
      reject(error);
    };
    const onError = (error: Error): void => fail(ioError(`connect to ${host}:${port}`, error));
    const timer =
      timeoutMs === undefined
        ? undefined
        : setTimeout(() => {
            const message = `cannot connect to ${host}:${port}: no answer within ${timeoutMs} ms`;
            fail(new IoError('ETIMEDOUT', `${message} (ETIMEDOUT)`));
          }, timeoutMs);
    socket.once('error', onError);
    socket.once(event, () => {
      clearTimeout(timer);
      socket.off('error', onError);
      resolve(new NodeConnection(socket));
    });
  });
}

function ignore(): void {}
