// The broker: from sockets to logs. The one door of this folder.
//
//   broker.ts          the composition root: opens, starts and stops everything
//   broker-error.ts    why a broker did not start, in one line
//   log-directories.ts     the entries of log.dirs; known-log-dirs.ts: what was there before
//   broker-server.ts       listeners, and the limits of their connections
//                          listener-tls.ts: keys and certificates of one that is encrypted
//   cluster.ts             the metadata and the way to other brokers; dynamic-config.ts: the
//                          configuration under changes made on the running cluster
//   requests/              to the controller, to leaders, coordinators and nodes
//   registration.ts        how the cluster knows this broker; member-registration.ts: one of
//                          several; offline-report.ts: tells what is offline, until it is known
//   member.ts              what only a member of a cluster loads; member-replication.ts: it fetches
//   inter-broker-security.ts   as whom it connects to the others
//   member-addresses.ts    that could lead somebody to this broker
//   told-directories.ts    where replicas lie
//   store-access.ts        who a broker is to an etcd: user, certificates; zookeeper-access.ts: to
//                          a ZooKeeper; pem-file.ts: the files of both
//   death-watch.ts         the controller and the others notice each other's death
//   started-replicas.ts    the replicas from their start on
//   coordinators.ts        of groups and of transactions; producer-ids.ts: ids for producers
//   dispatch.ts        frame to handler to answer
//   authentication.ts      on SASL listeners; sasl-gate.ts: of one client, before it is served;
//                      unproven-bytes.ts: what those hold that nobody knows yet
//   error-answer.ts    the answer to a request that failed as a whole
//   handler.ts         what a handler is and may see; broker-parts.ts: of the broker;
//                      client.ts: for whom it works
//   handlers/          one file per API, and the list of them
//   fetch-sessions.ts  incremental fetch sessions; fetch-read.ts: one pass over their partitions
//   endpoints.ts       where clients find brokers; current-leaders.ts: and those who moved
//   config-entries.ts  configuration as clients see it; broker-loggers.ts: the levels of logs;
//                      log-config.ts: what storage takes of it
//   quotas/            what clients may use per second, measured and enforced
//   transactional-produce.ts   batches that may open a transaction; enter-transaction.ts: asking
//                              its coordinator; transaction-markers.ts: ending it
//   authorization.ts       what a client may do; audit.ts: who was let in and refused what
//   bounded-wait.ts        waits that somebody else may never end; slices.ts: long work, in turns
//   descriptor-budget.ts   files and connections share what the process may have open

import type { BrokerConfig } from '../config/index.ts';
import type { Io } from '../io/index.ts';
import { loadStoreEngines, type StoreOptions } from '../metadata/index.ts';

import { loadAuthorizer } from '../security/acl/index.ts';

export { Broker, type BrokerOptions } from './broker.ts';
export { BrokerError } from './broker-error.ts';
export type { BoundListener } from './broker-server.ts';

/** What `partita start` tells the store that the configuration names. */
export async function storeOptionsOf(io: Io, config: BrokerConfig): Promise<StoreOptions> {
  const { storeOptions } = await import('./store-access.ts');
  return storeOptions(io, config);
}

/** Loads what a start may load, for whoever has a start that must take no time. */
export async function loadMemberParts(): Promise<void> {
  await import('./member.ts');
  await import('./authentication.ts');
  await import('./handlers/describe-acls.ts');
  await loadAuthorizer();
  await loadStoreEngines();
}
