// Coordinators: who decides about groups, over the internal topics. The one door of this folder.
//
//   offsets-topic.ts          __consumer_offsets and its creation
//   partition-machine-log.ts  a partition of an internal topic as the log of a machine
//   group/group-coordinator   finds the partition of a group; group-shard: one partition
//   group/group-machine       the state of a partition, and who replays what
//   group/group-record        Kafka's records; outcome, group-context: what decisions use
//   group/group-views         listing and describing
//   group/classic/            groups whose members assign among themselves
//   group/consumer/           groups of KIP-848; group/assignors/: who gets what in them
//   group/offsets/            committed offsets

export type { GroupClient } from './group/group-context.ts';
export { GroupCoordinator, type GroupCoordinatorOptions } from './group/group-coordinator.ts';
export { OFFSETS_TOPIC } from './offsets-topic.ts';
