// Requests of this broker to brokers, itself among them. The one door of this folder.
//
//   broker-requests.ts       asks whoever it is now, again where that does no harm
//   peer.ts                  what brokers ask each other, and which of it may be sent twice
//   whereabouts.ts           who controls, leads and coordinates
//   forwarded-controller.ts  the controller, wherever it is

export { type Asking, BrokerRequests, type BrokerRequestsOptions } from './broker-requests.ts';
export { forwardedController } from './forwarded-controller.ts';
export type { Peer, PeerApis } from './peer.ts';
export { ImageWhereabouts, type Target, type Whereabouts } from './whereabouts.ts';
