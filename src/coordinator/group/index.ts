// Who decides about groups: one machine for each partition of __consumer_offsets that this broker
// leads. The one door of this folder. A request goes down this list, from where it comes in to what
// it changes; no file imports one above it.
//
//   group-coordinator.ts  finds the partition that has a group
//   group-shard.ts        one such partition: decides, and lets answers leave when it is committed
//   group-machine.ts      its log: replayed, come to life, abandoned
//   group-upkeep.ts       what the clock and deleted topics do to groups
//   requests/             which kind of group a request is about, and who answers it:
//     member-requests.ts    JoinGroup, SyncGroup, Heartbeat, LeaveGroup, ConsumerGroupHeartbeat
//     offset-requests.ts    OffsetCommit, TxnOffsetCommit, OffsetFetch, OffsetDelete
//     view-requests.ts      ListGroups, DescribeGroups, ConsumerGroupDescribe
//   migration/            from one kind of group to the other, and classic clients in the other
//   group-table.ts        the groups of a partition: found, made, replaced, buried
//   classic/              groups whose members assign among themselves
//   consumer/             groups of KIP-848; assignors/: who gets what in them
//   offsets/              committed offsets, and those of transactions that are open
//   consumer-protocol.ts  the bytes that classic consumers exchange, as far as they are looked into
//   decision.ts           what a decision is made with, and what it comes to
//   group-record.ts       Kafka's records, as values and as bytes

export type { GroupClient } from './decision.ts';
export { GroupCoordinator, type GroupCoordinatorOptions } from './group-coordinator.ts';
export type { CommitTopic, CommittedTopic } from './offsets/index.ts';
