// The broker: from sockets to logs. The one door of this folder.
//
//   broker.ts          the composition root: opens, starts and stops everything
//   broker-error.ts    why a broker did not start, in one line
//   dispatch.ts        frame to handler to answer
//   error-answer.ts    the answer to a request that failed as a whole
//   handler.ts         what a handler is and may see; client.ts: for whom it works
//   handlers/          one file per API, and the list of them
//   fetch-sessions.ts  incremental fetch sessions; fetch-read.ts: one pass over their partitions
//   endpoints.ts       where clients find brokers
//   config-entries.ts  configuration as clients see it; log-config.ts: as storage takes it
//   quotas/            what clients may use per second, measured and enforced
//   producer-ids.ts    ids for idempotent producers
//   transactional-produce.ts   batches that may open a transaction; enter-transaction.ts: asking
//                              its coordinator; transaction-markers.ts: ending it
//   offline-report.ts      tells the controller what is offline, until it knows
//   descriptor-budget.ts   files and connections share what the process may have open
//   patience.ts        a stop does not wait for a disk that does not answer
//   rate-limited-log.ts

export { type BoundListener, Broker, type BrokerOptions } from './broker.ts';
export { BrokerError } from './broker-error.ts';
