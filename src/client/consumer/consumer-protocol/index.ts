// Membership by the consumer protocol (KIP-848): one request, and the broker assigns.
//
// consumer-membership.ts  the member: epochs, reconciliation, being fenced, leaving
// heartbeat-fields.ts     what a heartbeat must say, and what it may leave out
// owned-topics.ts         partitions by topic id, as the wire has them
export { ConsumerMembership } from './consumer-membership.ts';
