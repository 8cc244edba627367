// Quotas: what a client may use per second, measured and enforced (KIP-13, 55, 124, 219, 599, 612).
//
//   quotas.ts            all kinds together; the door of this folder
//   quotas-of.ts         the ones that a configuration asks for
//   request-charge.ts    what one request costs, from its arrival to its answer
//   client-quota.ts      bytes produced, bytes consumed, time of the event loop
//   mutation-quota.ts    partitions created and deleted
//   replication-quota.ts bytes sent to followers that catch up
//   connection-quota.ts  new connections, of the broker and of an address
//   quota-table.ts       which of the eight levels limits a client
//   sampled-rate.ts      a rate over samples; token-bucket.ts: lumps against a rate
//   sensors.ts           what is measured, by who shares a limit

export { Quotas, type QuotasOptions } from './quotas.ts';
export { quotasOf } from './quotas-of.ts';
export type { ReplicationQuota } from './replication-quota.ts';
export { changeTopics, type RequestCharge } from './request-charge.ts';
