// A key store on ZooKeeper, and the client that speaks its protocol over Io. Loaded only where the
// configuration names a ZooKeeper. This file is the map.
//
//   jute.ts               the encoding: integers, texts, vectors
//   protocol.ts           the requests and answers, with the numbers of operations and errors
//   zookeeper-link.ts     one connection: questions out, answers in order, events
//   zookeeper-session.ts  one session over many connections: which server, is it there, is it over
//   zookeeper-watches.ts  watches that go on, made of those that fire once
//   folders.ts            the nodes above a key
//   chroot.ts             what is looked at before anything is kept below a chroot
//   login.ts              who we are: SASL or the scheme digest; digest-md5.ts: the mechanism
//   failures.ts           servers that cannot be used, and what is said of them
//   zookeeper-store.ts    the key store: `sync` before reads, one `multi` for a change
//   connect-string.ts     `host:2181,host:2181/chroot`
export { KeyedStore } from '../keyed/index.ts';
export { parseConnectString } from './connect-string.ts';
export type { ZooKeeperLogin } from './login.ts';
export { ZooKeeperStore, type ZooKeeperStoreOptions } from './zookeeper-store.ts';
