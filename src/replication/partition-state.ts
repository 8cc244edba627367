// What a partition is called, and what the cluster's metadata says of it. Role changes carry it.

export interface PartitionIdentity {
  readonly topic: string;
  readonly topicId: string;
  readonly partition: number;
}

/** What this broker is for it. */
export type PartitionRole = 'leader' | 'follower' | 'offline';

/** What the cluster's metadata says of a partition. */
export interface PartitionState {
  /** Where in the metadata log it was read: what is older never follows what is newer. */
  readonly metadataOffset: number;
  readonly leader: number;
  readonly leaderEpoch: number;
  /** Grows with every change of the partition's state, the leader epoch with every election. */
  readonly partitionEpoch: number;
  readonly replicas: readonly number[];
  readonly isr: readonly number[];
}

/** Of a partition of which the metadata have said nothing yet. */
export const unknownState: PartitionState = {
  metadataOffset: -1,
  leader: -1,
  leaderEpoch: -1,
  partitionEpoch: -1,
  replicas: [],
  isr: [],
};

/** False also for what an older image says, whatever epochs it claims. */
export function isNewer(state: PartitionState, than: PartitionState): boolean {
  if (state.metadataOffset <= than.metadataOffset) return false;
  if (state.leaderEpoch !== than.leaderEpoch) return state.leaderEpoch > than.leaderEpoch;
  return state.partitionEpoch > than.partitionEpoch;
}
