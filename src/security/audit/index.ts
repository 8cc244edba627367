// The audit trail: who was let in, and who was refused what. Loaded by a broker that keeps one.
//
//   audit-trail.ts   events as lines, how many there may be, and what becomes of the others
//   audit-file.ts    a file that they go to

export { AuditFile } from './audit-file.ts';
export { type AuditEvent, type AuditSink, AuditTrail } from './audit-trail.ts';
