// Requests of this broker to brokers, itself among them. The one door of this folder.
//
//   broker-requests.ts       asks whoever it is now, again where that does no harm
//   peer.ts                  what brokers ask each other, and which of it may be sent twice
//   whereabouts.ts           who controls, leads and coordinates
//   forwarded-controller.ts  the controller, wherever it is
//
// Loaded by a member of a cluster only:
//
//   peers.ts                 the other brokers; remote-peer.ts: one of them
//   broker-connections.ts    connections to brokers, who are who was meant
//   partition-alterations.ts AlterPartition in plain values and back
//   replica-assignments.ts   AssignReplicasToDirs in plain values and back
//   wire-values.ts           plain values as bytes

export { type Asking, BrokerRequests, type BrokerRequestsOptions } from './broker-requests.ts';
export { administratorMsMax, forwardedController } from './forwarded-controller.ts';
export type { Peer, PeerApis } from './peer.ts';
export { ImageWhereabouts, type Target, type Whereabouts } from './whereabouts.ts';
