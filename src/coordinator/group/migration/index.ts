// Between the classic protocol and KIP-848 (online migration): the only folder that knows both
// kinds of groups from inside.
//
//   upgrade.ts              a classic group becomes a consumer group for the first new member
//   downgrade.ts            a consumer group becomes a classic one when the last new member ends
//   classic-clients.ts      JoinGroup, SyncGroup, Heartbeat and LeaveGroup in a consumer group
//   assigned-partitions.ts  what a client has, in the bytes of the one and the values of the other

export {
  heartbeatAsClassicClient,
  joinAsClassicClient,
  leaveAsClassicClients,
  syncAsClassicClient,
} from './classic-clients.ts';
export { removeLateMember, removeMembersOrDowngrade } from './downgrade.ts';
export { openForConsumers } from './upgrade.ts';
