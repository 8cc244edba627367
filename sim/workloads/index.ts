// The workloads: what clients do in a world, over our own clients, and what they report to the
// checkers while they do it.
//
// produce-load.ts     a producer that sends bursts of records, as drawn from the seed
// tail-reader.ts      a consumer that follows partitions while everything goes on
// read-back.ts        partitions read from beginning to end, and lookups in them
// metadata-churn.ts   topics created, changed and deleted
// producer-id-taker.ts asks for producer ids
// group-member.ts     a member of a group that commits what it was handed
// running-member.ts   a member of a group that runs a handler
// group-observer.ts   looks at groups from outside
// transactional-life.ts    a transactional producer, from its start to its end
// transactional-writer.ts  one that writes to several partitions
// transactional-copier.ts  one that copies a topic, with a group's offsets
// keyed-writer.ts          a producer that updates a few keys
// read-keyed.ts            compacted partitions as they are read
// read-committed.ts        partitions as they are read under read_committed
// watch-leaders.ts         asks who leads, how far the watermark is and where partitions end
// near-reader.ts        consumers that read at followers
// replica-mover.ts      reassigns partitions to other brokers, and cuts that short
// log-keeper.ts            keeps the metadata log in a store, as a broker does
// access-churn.ts          an operator who changes rights and users
// bounded-client.ts        a client who asks within those rights, and without
// topic-questions.ts       asks brokers what only a controller knows
// read-raw.ts              partitions batch by batch, with what is wrong with them
export { churnAccess, operatorSecurity } from './access-churn.ts';
export { askWithinRights } from './bounded-client.ts';
export { type GroupWatch, type MemberPlan, runMember } from './group-member.ts';
export {
  lookAtGroups,
  type ObserverOptions,
  observeGroups,
  type SeenGroup,
} from './group-observer.ts';
export { type KeyedWatch, type KeyedWriterPlan, writeKeyed } from './keyed-writer.ts';
export { type KeeperHabits, keepLog, LogCopy } from './log-keeper.ts';
export { type ChurnOptions, churnMetadata, compareMetadata } from './metadata-churn.ts';
export { readNear } from './near-reader.ts';
export { drawProducer, type ProducerPlan, produceLoad } from './produce-load.ts';
export { takeProducerIds } from './producer-id-taker.ts';
export { lookUp, readBack } from './read-back.ts';
export { followCommitted, readCommitted, stableEnds } from './read-committed.ts';
export { readKeyed, rereadKeyed } from './read-keyed.ts';
export { type RawRead, readRaw } from './read-raw.ts';
export { electPreferred, moveReplicas, reassign, reassignMsMax } from './replica-mover.ts';
export { type RunningPlan, type RunningWatch, runRunningMember } from './running-member.ts';
export { followTail, type TailOptions } from './tail-reader.ts';
export { askAboutTopics, createManyTopics } from './topic-questions.ts';
export { type CopierPlan, copyTransactions } from './transactional-copier.ts';
export { TransactionalIds, type TransactionWatch } from './transactional-life.ts';
export { type WriterPlan, writeTransactions } from './transactional-writer.ts';
export { type WatchLeadersOptions, watchLeaders } from './watch-leaders.ts';
