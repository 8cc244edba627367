// Fetching from leaders: what this broker follows comes through here.
//
// replica-fetchers.ts   which fetcher has which partition, after every change of a role
// leader-fetcher.ts     one connection to one leader, one fetch after the other
// fetch-session.ts      what the leader's session knows, so that a fetch says what changed
// fetched-partition.ts  one partition: what becomes of the leader's answer
// fetcher-options.ts    what they are given
//
// It is loaded by a broker of a cluster only.
export type {
  FetcherSettings,
  LeaderConnection,
  ReplicaFetchersOptions,
} from './fetcher-options.ts';
export { ReplicaFetchers } from './replica-fetchers.ts';
