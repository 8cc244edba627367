// The work runner: `consumer.run` without a loop. Loaded by the first run.
//
// work-runner.ts      polls, commits, gives partitions up, and ends
// run-options.ts      options, defaults, what makes no sense
// runner-port.ts      what it needs of the consumer
// in-hand.ts          partitions and their records in hand, within bounds
// offset-tracker.ts   what of a partition is done, and what may be committed
// done-offsets.ts     what is done beyond the commit, as text for its metadata
// commits.ts          one commit at a time
// workshop.ts         what happens to a record: handled, tried again, sent elsewhere, done
// lanes.ts            whose turn it is
// handling.ts         one call of the handler; work-context.ts: what it is told
// retry-topics.ts     records that are tried again later
// dead-letters.ts     records that nobody can handle; poison-record-error.ts: the same as an error
// shutdown.ts         ends clients at a signal of the system
export { decodeDone, encodeDone } from './done-offsets.ts';
export { PoisonRecordError } from './poison-record-error.ts';
export type {
  BatchOptions,
  DeadLetterHeaders,
  DeadLetterOptions,
  OnPoison,
  Ordering,
  RetryOptions,
  RunBatchOptions,
  RunOptions,
} from './run-options.ts';
export type { Outlet, RawRecord, RunnerPort, WorkHolder } from './runner-port.ts';
export { WorkAbortedError, type WorkContext } from './work-context.ts';
export { type StopOptions, WorkRunner } from './work-runner.ts';
