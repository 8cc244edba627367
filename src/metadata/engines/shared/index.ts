// The cluster store of several processes: one of them keeps a local store and offers it over a
// socket, the others reach it there. Loaded only where `cluster.store` asks for it. This file is
// the map.
//
//   messages.ts             the frames that travel: calls, their answers, and news
//   shared-store-server.ts  keeps the store: who is connected, which sessions live
//   server-link.ts          one connection as the server has it: calls in, answers and news out
//   server-session.ts       what one client holds: registrations and elections
//   snapshot-transfer.ts    snapshots on their way through a connection, piece by piece
//   session-clock.ts        judges silence by the time in which the server itself ran
//   store-connector.ts      keeps the client connected under one session; how old its view is
//   shared-store.ts         the client: a ClusterStore that reconnects by itself
//   client-link.ts          one connection as the client has it
//   registrations.ts        the brokers that a client has announced
//   candidacies.ts          the elections in which a client stands, and the terms it won
export { SharedStore, type SharedStoreOptions } from './shared-store.ts';
export { SharedStoreServer, type SharedStoreServerOptions } from './shared-store-server.ts';
