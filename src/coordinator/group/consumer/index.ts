// Consumer groups (KIP-848), in which the coordinator assigns, once it is known that a request is
// about one: who finds that out is ../requests. Nothing here knows of classic groups; a classic
// client in a consumer group is a member with `classic` (its requests are in ../migration).
//
//   consumer-heartbeat.ts       ConsumerGroupHeartbeat: finds or makes the member, answers it
//   validate-heartbeat.ts       what such a request must say, whatever the group is
//   fencing.ts                  who a request comes from, and who may commit and fetch offsets
//   remove-members.ts           how members end
//   step.ts                     one step of a member and its group, in the order of what follows
//   regexes.ts                  which topics a regular expression stands for
//   subscriptions.ts            which partitions subscriptions come to, and whether that changed
//   target-assignment.ts        what each member shall have
//   reconcile.ts                how a member comes from what it has to what it shall have
//   consumer-timers.ts          settings and clocks: sessions, rebalance timeouts
//   describe-consumer-group.ts  ConsumerGroupDescribe
//   consumer-group.ts           the state of a group
//   consumer-member.ts          one member, as a value
//   topic-partitions.ts         sets of partitions by topic
//   consumer-records.ts         the state as records
//   replay-consumer-records.ts  the records as state

export { ConsumerGroup, type ConsumerGroupState, type TopicRights } from './consumer-group.ts';
export {
  type ConsumerHeartbeat,
  type ConsumerHeartbeatAnswer,
  type FoundMember,
  heartbeatConsumerGroup,
  type OpenedGroup,
  replaceStatic,
} from './consumer-heartbeat.ts';
export {
  awayEpoch,
  type ClassicMemberMetadata,
  type ConsumerMember,
  joiningEpoch,
  MemberState,
  newConsumerMember,
  sortedNames,
} from './consumer-member.ts';
export { groupRecords, groupTombstones } from './consumer-records.ts';
export { ConsumerTimers, type LateMember } from './consumer-timers.ts';
export { type DescribedConsumerGroup, describeConsumerGroup } from './describe-consumer-group.ts';
export {
  assertHasRoom,
  assertIsOwnerOfInstance,
  assertMayCommitInTransactionOf,
  assertMayFetch,
  type CommitCheck,
  checkCommit,
} from './fencing.ts';
export { type Leaving, leaveForAWhile, leavingMember, removeMembers } from './remove-members.ts';
export {
  type ConsumerGroupRecord,
  isConsumerGroupRecord,
  replayConsumerRecord,
} from './replay-consumer-records.ts';
export { advance } from './step.ts';
export { membersWith, metadataHash, subscribedTopics } from './subscriptions.ts';
export { assignorNames } from './target-assignment.ts';
export {
  eachOwned,
  OwnedBuilder,
  type OwnedPartitions,
  type TopicPartitionList,
} from './topic-partitions.ts';
export { assertValidHeartbeat, type ConsumerHeartbeatRequest } from './validate-heartbeat.ts';
