// Membership by the classic protocol: members join in rounds, one of them assigns.
//
// classic-membership.ts  when to join, what is given up before and taken after, leaving
// join-round.ts          JoinGroup and SyncGroup
// leader.ts              the assignment, and what would make it out of date
// heartbeats.ts          being alive between polls
export { ClassicMembership } from './classic-membership.ts';
