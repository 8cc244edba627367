// The records of the metadata log, as Kafka defines them.
//
//   topic-records.ts     topics and partitions
//   broker-records.ts    registrations, fencing
//   cluster-records.ts   configs, quotas, features, producer ids, transactions of the log
//   security-records.ts  credentials, access control
//   kafka-records.ts     what only Kafka's own quorum writes
//   control-records.ts  leader change, the frame of a snapshot
//   record-codec.ts      the framing, and the union of them all

export { FencingChange } from './broker-records.ts';
export * from './control-records.ts';
export * from './record-codec.ts';
export { NO_LEADER_CHANGE, NO_RECOVERY_STATE_CHANGE } from './topic-records.ts';
