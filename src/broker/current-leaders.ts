// Where a client should go that came to the wrong broker, or with an old epoch (KIP-951): answers
// name the leader of the partition and the addresses of such leaders, so that the client goes on
// without asking for metadata.

import type { BrokerEndpoint } from './endpoints.ts';
import type { RequestContext } from './handler.ts';

/** A partition as a request names it. */
export interface NamedPartition {
  /** null where topics are named by their ids. */
  readonly topic: string | null;
  readonly topicId: string;
  readonly partition: number;
}

export interface CurrentLeader {
  readonly leaderId: number;
  readonly leaderEpoch: number;
}

/** null: the partition is not known. */
export function currentLeaderOf(
  { topic, topicId, partition }: NamedPartition,
  { broker }: RequestContext,
): CurrentLeader | null {
  const { image } = broker.replicas;
  const known = topic === null ? image.topicById(topicId) : image.topic(topic);
  const state = known?.partitions[partition];
  return state === undefined ? null : { leaderId: state.leader, leaderEpoch: state.leaderEpoch };
}

/** Where the leaders are that an answer names. */
export function endpointsOf(
  leaderIds: ReadonlySet<number>,
  { broker, client }: RequestContext,
): BrokerEndpoint[] {
  return broker.endpoints(client).filter(({ nodeId }) => leaderIds.has(nodeId));
}
