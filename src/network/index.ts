// Frames and connections, on both sides of the wire.
//
// accept-queue.ts       accepted connections that must wait for a limit
// condemned.ts          and those that are kept for a while before they are closed
// client-connection.ts  one connection to a broker: requests out, answers by correlation id;
//                       client-authentication.ts: who opens it proves who it is
// frame-reader.ts       cuts a byte stream into frames
// frame-error.ts        the error of a stream that is not made of frames
// client-hello.ts       whether a connection begins a TLS handshake; tls-gate.ts: how many may at
//                       a time, and how fast
// server.ts             listeners, connection limits, closing
// server-connection.ts  one accepted connection: requests in, answers out in order

export type { ConnectionSecurity, SaslExchange, SaslLogin } from './client-authentication.ts';
export {
  ClientConnection,
  type ClientConnectionOptions,
  type ConnectionMeter,
  type RequestOptions,
  type RequestTrace,
  type TracedRequest,
} from './client-connection.ts';
export { FrameError, protocolHint } from './frame-error.ts';
export { FrameReader, type FrameReaderOptions } from './frame-reader.ts';
export {
  type ConnectionLimits,
  type ConnectionPace,
  type ListenerAddress,
  Server,
  type ServerOptions,
} from './server.ts';
export {
  type CloseReason,
  type Exchange,
  ServerConnection,
  type ServerConnectionOptions,
} from './server-connection.ts';
export { defaultTlsGateLimits, type TlsGateLimits, type TlsListener } from './tls-gate.ts';
