// A small etcd, on the network of any Io. This file is the map.
//
//   etcd-key-space.ts  keys, revisions, transactions, compaction, leases
//   etcd-ensemble.ts   what the members agree on: the data, who leads, the alarm
//   etcd-member.ts     one member: what it answers, and to whom
//   etcd-requests.ts   what the gateway offers, by path
//   watch-stream.ts    one stream of watches
//   http-server.ts     as much of HTTP as that needs
export { type EnsembleOptions, EtcdEnsemble } from './etcd-ensemble.ts';
export { EtcdMember } from './etcd-member.ts';
