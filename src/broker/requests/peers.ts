// The other brokers of the cluster, for whoever asks them.

import type { Io } from '../../io/index.ts';
import { BrokerConnections, type BrokerConnectionsOptions } from './broker-connections.ts';
import type { Peer } from './peer.ts';
import { RemotePeer } from './remote-peer.ts';

export class Peers {
  readonly connections: BrokerConnections;
  readonly #peers = new Map<number, Peer>();

  constructor(io: Io, options: BrokerConnectionsOptions) {
    this.connections = new BrokerConnections(io, options);
  }

  of(nodeId: number): Peer {
    let peer = this.#peers.get(nodeId);
    if (peer === undefined) {
      peer = new RemotePeer(nodeId, this.connections);
      this.#peers.set(nodeId, peer);
    }
    return peer;
  }

  close(): void {
    this.connections.close();
  }
}
