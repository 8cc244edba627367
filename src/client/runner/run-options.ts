// What the work runner can be told, and what makes no sense. Durations have their unit in the name.

import { ClientConfigError } from '../client-config-error.ts';
import type { BatchLimits } from './lanes.ts';
import type { WorkContext } from './work-context.ts';

/** What stays in order: the records of a key, those of a partition, or nothing. */
export type Ordering = 'key' | 'partition' | 'none';

/** Whose names the headers of a dead letter have. */
export type DeadLetterHeaders = 'partita' | 'connect' | 'streams' | 'spring';

/** Where records go that cannot be handled: `onPoison: { topic }`. */
export interface DeadLetterOptions {
  /** The topic for dead letters, or a function that names it by the topic of the record. */
  readonly topic: string | ((topic: string) => string);
  /**
   * Whose names the headers have that say where the record is from and what failed. Default
   * `partita`: `__partita.errors.topic` and so on.
   */
  readonly headers?: DeadLetterHeaders;
}

/** What becomes of a record that cannot be handled. */
export type OnPoison = 'stop' | 'skip' | DeadLetterOptions;

/** How often and when a record is tried again: `retry` of a run. */
export interface RetryOptions {
  /** How often a record is tried before it goes elsewhere, the first time included. Default 3. */
  readonly attempts?: number;
  /** The pause before the second attempt, in milliseconds; it doubles with each. Default 100. */
  readonly backoffMs?: number;
  /** The longest pause between attempts, in milliseconds. Default 10 000. */
  readonly backoffMaxMs?: number;
  /**
   * Delays of retry topics. After the last attempt a record goes through these topics, one after
   * the other, each with its delay: `5s`, `1m` are `orders-retry-5s` and `orders-retry-1m`. They
   * must exist, or be created by the broker; records in them come later than those behind them.
   * Units: ms, s, m, h. Default: none.
   */
  readonly topics?: readonly string[];
  /** Whether another attempt may help. Default: unless `error.retriable` is false. */
  readonly isRetriable?: (error: unknown) => boolean;
}

/** How large a batch for a handler is, and how long it waits for that. */
export interface BatchOptions {
  /** The most records of a batch. Default 100. */
  readonly size?: number;
  /** The most bytes of keys and values. Default 1 MiB. */
  readonly bytes?: number;
  /** How long a batch that is not full waits for more, in milliseconds. Default 0. */
  readonly waitMs?: number;
}

interface CommonRunOptions {
  /**
   * What stays in order: the records of a key, those of a partition, or nothing. With `key`, which
   * is the default, records without a key are in no order.
   */
  readonly ordering?: Ordering;
  /** How many calls of the handler may be under way. Default 16. */
  readonly concurrency?: number;
  /**
   * A handler that takes longer gets its signal, and when it has not ended `drainMs` after that
   * either, counts as failed. Default: a handler may take as long as it likes.
   */
  readonly handlerTimeoutMs?: number;
  /**
   * How often and when a record is tried again. Default: 3 attempts, with pauses of 100 and 200.
   */
  readonly retry?: RetryOptions;
  /**
   * What becomes of a record that fails in every attempt. `stop`: the run ends with a
   * PoisonRecordError, and the record comes again at the next start; `skip`: it counts as done; `{
   * topic }`: it goes to that topic. Default `stop`.
   */
  readonly onPoison?: OnPoison;
  /** A signal whose abort stops the run, as `consumer.stop` does. */
  readonly signal?: AbortSignal;
  /**
   * How long handlers may go on when their partition goes to another member, or at the end; then
   * their signal fires, and what they do is not committed. Must be below maxPollIntervalMs.
   * Default: 10 000, or half of maxPollIntervalMs.
   */
  readonly drainMs?: number;
  /** How often what is done is committed, in milliseconds. Default 1000. */
  readonly commitIntervalMs?: number;
  /**
   * How many records may be in hand (polled and not done); above that partitions rest. Default
   * 1000, and never less than `concurrency`.
   */
  readonly inHandMax?: number;
  /** The same in bytes of keys and values. Default 64 MiB. */
  readonly inHandBytesMax?: number;
}

/**
 * Options of `consumer.run` with a handler of single records. Throws a ClientConfigError for one
 * that makes no sense.
 */
export interface RunOptions<R> extends CommonRunOptions {
  /**
   * Handles one record. The record is done when it returns, or when its promise resolves; when it
   * throws or rejects, the attempt has failed.
   */
  readonly handler: (record: R, context: WorkContext) => unknown;
  /** Left out: with it the handler gets several records at a time (RunBatchOptions). */
  readonly batch?: undefined;
}

/**
 * Options of `consumer.run` with a handler of batches; all but these two are those of RunOptions.
 */
export interface RunBatchOptions<R> extends CommonRunOptions {
  /**
   * Handles several records at a time: of one partition with ordering `partition`, else of any.
   * When it has failed often enough each of its records is tried alone.
   */
  readonly handler: (records: R[], context: WorkContext) => unknown;
  /** How large a batch is; `{}` for the defaults. */
  readonly batch: BatchOptions;
}

export interface RetryDelay {
  readonly name: string;
  readonly delayMs: number;
}

export interface ResolvedRunOptions {
  readonly handler: (records: unknown, context: WorkContext) => unknown;
  readonly isBatch: boolean;
  readonly ordering: Ordering;
  readonly concurrency: number;
  readonly handlerTimeoutMs: number | null;
  readonly attempts: number;
  readonly backoffMs: number;
  readonly backoffMaxMs: number;
  readonly retryDelays: readonly RetryDelay[];
  readonly isRetriable: (error: unknown) => boolean;
  readonly onPoison: OnPoison;
  readonly signal: AbortSignal | null;
  readonly drainMs: number;
  readonly commitIntervalMs: number;
  readonly inHandMax: number;
  readonly inHandBytesMax: number;
  readonly limits: BatchLimits;
}

const names: readonly string[] = [
  'handler',
  'batch',
  'ordering',
  'concurrency',
  'handlerTimeoutMs',
  'retry',
  'onPoison',
  'signal',
  'drainMs',
  'commitIntervalMs',
  'inHandMax',
  'inHandBytesMax',
];
const orderings: readonly string[] = ['key', 'partition', 'none'];
const dialects: readonly string[] = ['partita', 'connect', 'streams', 'spring'];
const units: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** @throws ClientConfigError */
export function resolveRunOptions<R>(
  options: RunOptions<R> | RunBatchOptions<R>,
  maxPollIntervalMs: number,
): ResolvedRunOptions {
  if (typeof options !== 'object' || options === null) {
    throw new ClientConfigError('run needs options: run({ handler })');
  }
  const unknown = Object.keys(options).find((name) => !names.includes(name));
  if (unknown !== undefined) {
    throw new ClientConfigError(`run has no option ${unknown}; there are ${names.join(', ')}`);
  }
  if (typeof options.handler !== 'function') {
    throw new ClientConfigError(`handler is ${typeof options.handler}: expected a function`);
  }
  const { ordering = 'key', batch, retry = {}, onPoison = 'stop', signal } = options;
  assertOneOf('ordering', ordering, orderings);
  assertOnPoison(onPoison);
  const concurrency = count('concurrency', options.concurrency, 16, 1);
  const drainMs = count('drainMs', options.drainMs, Math.min(10_000, maxPollIntervalMs / 2), 0);
  if (drainMs >= maxPollIntervalMs) {
    const limit = `must be below maxPollIntervalMs (${maxPollIntervalMs})`;
    throw new ClientConfigError(`drainMs is ${drainMs}: ${limit}`);
  }
  const isOfOneLane = batch === undefined || ordering === 'partition';
  return {
    handler: options.handler as ResolvedRunOptions['handler'],
    isBatch: batch !== undefined,
    ordering,
    concurrency,
    handlerTimeoutMs:
      options.handlerTimeoutMs === undefined
        ? null
        : count('handlerTimeoutMs', options.handlerTimeoutMs, 0, 1),
    attempts: count('retry.attempts', retry.attempts, 3, 1),
    backoffMs: count('retry.backoffMs', retry.backoffMs, 100, 0),
    backoffMaxMs: count('retry.backoffMaxMs', retry.backoffMaxMs, 10_000, 0),
    retryDelays: (retry.topics ?? []).map(parseDelay),
    isRetriable: retry.isRetriable ?? mayHelp,
    onPoison,
    signal: signal ?? null,
    drainMs,
    commitIntervalMs: count('commitIntervalMs', options.commitIntervalMs, 1000, 1),
    inHandMax: Math.max(concurrency, count('inHandMax', options.inHandMax, 1000, 1)),
    inHandBytesMax: count('inHandBytesMax', options.inHandBytesMax, 64 * 1024 * 1024, 1),
    limits: {
      countMax: batch === undefined ? 1 : count('batch.size', batch.size, 100, 1),
      bytesMax: batch === undefined ? Infinity : count('batch.bytes', batch.bytes, 1_048_576, 1),
      waitMs: batch === undefined ? 0 : count('batch.waitMs', batch.waitMs, 0, 0),
      isOfOneLane,
    },
  };
}

function mayHelp(error: unknown): boolean {
  return (error as { retriable?: unknown } | null)?.retriable !== false;
}

function assertOnPoison(onPoison: OnPoison): void {
  if (onPoison === 'stop' || onPoison === 'skip') return;
  const kind = typeof (onPoison as Partial<DeadLetterOptions> | null)?.topic;
  if (kind !== 'string' && kind !== 'function') {
    throw new ClientConfigError(`onPoison is ${onPoison}: expected stop, skip or { topic }`);
  }
  assertOneOf('onPoison.headers', onPoison.headers ?? 'partita', dialects);
}

function assertOneOf(name: string, value: string, allowed: readonly string[]): void {
  if (allowed.includes(value)) return;
  throw new ClientConfigError(`${name} is ${value}: expected one of ${allowed.join(', ')}`);
}

function count(name: string, given: number | undefined, byDefault: number, min: number): number {
  const value = given ?? byDefault;
  if (typeof value === 'number' && value >= min) return value;
  throw new ClientConfigError(`${name} is ${value}: expected a number of at least ${min}`);
}

function parseDelay(text: string): RetryDelay {
  const match = /^([1-9]\d*)(ms|s|m|h)$/.exec(text);
  if (match === null) {
    throw new ClientConfigError(`retry.topics has "${text}": expected delays such as 5s, 1m, 2h`);
  }
  return { name: text, delayMs: Number(match[1]) * (units[match[2] as string] as number) };
}
