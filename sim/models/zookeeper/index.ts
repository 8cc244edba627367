// A small ZooKeeper that speaks the real protocol on any network, simulated or real, so that the
// real engine runs against it in simulated worlds. tests/interop/zookeeper compares it with the
// real one, answer by answer. This file is the map.
//
//   ensemble.ts           the members, who leads, the order of changes, the sessions and their end
//   member.ts             one member: its copy of the tree, which may lag; watches; connections
//   server-connection.ts  one connection: a session, questions and answers in order
//   parts.ts              what these know of each other
//   requests.ts           changes as they are read off the wire
//   tree.ts               the nodes; what becomes of a change
export { type EnsembleOptions, ZooKeeperEnsemble } from './ensemble.ts';
export type { Member } from './member.ts';
