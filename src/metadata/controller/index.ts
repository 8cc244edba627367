// The controller: decides what enters the metadata log. This file is the map.
//
//   api.ts                   what can be asked of it, in plain values
//   metadata-controller.ts   stands for election; runs the machine while it is elected
//   controller-machine.ts    its state, decided and committed; controller-log.ts: its log, and the
//                            question whether it still is the controller
//   take-over.ts             what a term begins with; dead-brokers.ts: who is taken for dead
//
// The decisions, by what they are about:
//   topics.ts, partitions.ts   new-partition.ts: one on its first day; placement.ts: where it goes
//   partition-change.ts        what becomes of one partition, and who leads it then;
//                              partition-updates.ts: of all that one decision changes
//   leaders.ts                 elections, also when a broker is fenced or comes back;
//                              periodic-decisions.ts: those that nobody asks for
//   alter-partition.ts         the in-sync replicas that a leader reports
//   reassignments.ts           moves to other brokers
//   directories.ts             where replicas lie, and what failed under them
//   brokers.ts, heartbeats.ts  who comes, lives and goes; registered-broker.ts: one of them;
//                              progress.ts: how much of the metadata each has read
//   configs.ts                 config-rules.ts: what of them matters here
//   features.ts, quotas.ts, scram.ts, acls.ts, tokens.ts, producer-ids.ts
export {};
