// The door to the operating system.
//
//   io.ts              the types
//   node-io.ts         puts the real one together: node-clock.ts, node-network.ts (with
//                      node-connection.ts and, for who encrypts, node-tls.ts), node-disk.ts
//                      (with node-lock.ts), node-random.ts and node-log.ts
//   node-error.ts      what becomes of Node's errors; node-http.ts: one request of HTTP
//   gssapi/            Kerberos, a door of its own
//   node-children.ts   other processes of ours, for who starts some
//   node-signals.ts    signals of the system, for who ends in good order
//   node-secret-folder.ts  files that only their owner may read
//   log-line.ts        lays out a log entry; log-levels.ts: which are written;
//                      rate-limited-log.ts: how many of one kind
//   io-behaviour.ts    the suite that the real and the simulated implementation pass; its parts
//                      are network-behaviour.ts and disk-behaviour.ts
export type * from './io.ts';
export { IoError, TlsError } from './io.ts';
export { LogLevels } from './log-levels.ts';
export { type LogLevel, printable } from './log-line.ts';
export type { Child, ChildEnd } from './node-children.ts';
export type { NodeIoOptions } from './node-io.ts';
export {
  createNodeIo,
  keepProcess,
  loadChildren,
  loadSecretFolders,
  nodeEnvironment,
  nodeMonotonic,
} from './node-io.ts';
export type { SecretFolder } from './node-secret-folder.ts';
export type { SystemSignal } from './node-signals.ts';
export { ofOutages, RateLimitedLog } from './rate-limited-log.ts';
