// Groups whose members assign among themselves (the protocol before KIP-848), once it is known that
// a request is about one: who finds that out is ../requests. Nothing here knows of other groups.
//
//   join-group.ts        JoinGroup: who may come in, under which id; parks whoever does
//   rebalance.ts         the join phase, from its beginning to the answers of all who joined
//   sync-group.ts        SyncGroup: the assignment of the leader, handed out
//   leave-group.ts       LeaveGroup
//   fencing.ts           who a request comes from: Heartbeat, and who may commit offsets
//   sessions.ts          for how long a member that is not heard of stays
//   classic-group.ts     the state of a group: members, generation, who waits
//   classic-member.ts    one member, and which of its requests is parked
//   group-metadata.ts    a group as it is written down, and built again from that
//   classic-protocol.ts  the requests and their answers, as values

export { ClassicGroup, type ClassicGroupState } from './classic-group.ts';
export { ClassicMember } from './classic-member.ts';
export {
  failedJoin,
  failedSync,
  type HeartbeatRequest,
  type Join,
  type JoinAnswer,
  type JoinGroupRequest,
  type LeaveAnswer,
  type LeaveGroupRequest,
  type LeavingMember,
  type LeftMember,
  leaveAnswer,
  leavingMembers,
  noBytes,
  rebalanceTimeoutOf,
  type SyncAnswer,
  type SyncGroupRequest,
} from './classic-protocol.ts';
export {
  assertMayCommit,
  assertMayCommitInTransaction,
  heartbeatClassicGroup,
} from './fencing.ts';
export { groupMetadataRecord, groupTombstone, restoreGroup } from './group-metadata.ts';
export { joinClassicGroup } from './join-group.ts';
export { leaveClassicGroup } from './leave-group.ts';
export { Rebalance } from './rebalance.ts';
export { syncClassicGroup } from './sync-group.ts';
