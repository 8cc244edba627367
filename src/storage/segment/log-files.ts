// The names of a log's files, which are Kafka's: twenty digits of the first offset and a suffix
// that says what the file holds; a second suffix marks files on their way in or out.

/** The batches. */
export const LOG_SUFFIX = '.log';
export const OFFSET_INDEX_SUFFIX = '.index';
export const TIME_INDEX_SUFFIX = '.timeindex';
export const TRANSACTION_INDEX_SUFFIX = '.txnindex';
export const SNAPSHOT_SUFFIX = '.snapshot';
/** Given up, removed after file.delete.delay.ms or at the next start. */
export const DELETED_SUFFIX = '.deleted';
/** Output of an unfinished compaction: worth nothing. */
export const CLEANED_SUFFIX = '.cleaned';
/** Output of a finished compaction that has not taken its place yet. */
export const SWAP_SUFFIX = '.swap';

export const SEGMENT_SUFFIXES: readonly string[] = [
  LOG_SUFFIX,
  OFFSET_INDEX_SUFFIX,
  TIME_INDEX_SUFFIX,
  TRANSACTION_INDEX_SUFFIX,
];

const pattern = /^(\d{20})(\.[a-z]+)(\.[a-z]+)?$/;

export function logFileName(offset: number, suffix: string): string {
  return `${String(offset).padStart(20, '0')}${suffix}`;
}

export interface LogFileName {
  readonly offset: number;
  readonly suffix: string;
  /** `.deleted`, `.cleaned`, `.swap` or nothing. */
  readonly state: string;
}

/** null for a name that is not of this family. */
export function parseLogFileName(name: string): LogFileName | null {
  const match = pattern.exec(name);
  if (match === null) return null;
  return { offset: Number(match[1]), suffix: match[2] as string, state: match[3] ?? '' };
}
