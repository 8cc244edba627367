// Answers in words that two brokers share: what each hands out by itself (producer ids, topic ids,
// member ids) is named by what it stands for, times are told only from no times, and what a
// protocol leaves to the broker (orders, texts, addresses) is left out.

import {
  type BatchHeader,
  batchHeaders,
  decodeEndTransactionMarker,
  decodeRecords,
  errorName,
} from '../../../src/protocol/index.ts';

export interface Names {
  /** Of a producer id, in the order in which they were handed out. */
  readonly producer: (producerId: number) => string | number;
  /** Of texts that are this side's or this sequence's own. */
  readonly text: (text: string) => string;
  readonly time: (timestamp: number) => string | number;
}

const unsaid: ReadonlySet<string> = new Set([
  ...['throttleTimeMs', 'errorMessage', 'batchIndexErrorMessage', 'host', 'port', 'sessionId'],
  ...['nodeEndpoints', 'nodeId', 'leader', 'preferredReadReplica'],
  ...['currentLeader', 'divergingEpoch', 'snapshotId'],
]);
/** Said of what was refused, too, by some paths through Kafka; no client looks at it. */
const ofSuccess: ReadonlySet<string> = new Set(['logStartOffset', 'abortedTransactions']);
const times: ReadonlySet<string> = new Set([
  ...['lastTimestamp', 'transactionStartTimeMs', 'logAppendTimeMs', 'timestamp'],
]);
/** In their order, for it means something. */
const ordered: ReadonlySet<string> = new Set(['records', 'abortedTransactions']);

export function canonical(value: unknown, names: Names, key = ''): unknown {
  if (value === null || value === undefined) return null;
  if (Buffer.isBuffer(value)) return batches(value, names);
  if (Array.isArray(value)) {
    const all = value.map((one) => canonical(one, names, key));
    return ordered.has(key) ? all : all.sort((a, b) => (text(a) < text(b) ? -1 : 1));
  }
  if (typeof value === 'object') {
    const isRefused = 'errorCode' in value && value.errorCode !== 0;
    const isFetched = 'abortedTransactions' in value;
    const all = isFetched ? { ...value, ...abortedAmong(value as Fetched) } : value;
    const entries = Object.entries(all).filter(
      ([name]) => !unsaid.has(name) && !(isRefused && ofSuccess.has(name)),
    );
    // Of what was refused it is a number without a meaning, which may be somebody's.
    const own = isRefused ? { ...names, producer: (producerId: number) => producerId } : names;
    return Object.fromEntries(entries.map(([name, one]) => [name, canonical(one, own, name)]));
  }
  if (typeof value === 'string') return names.text(value);
  if (typeof value !== 'number') return value;
  if (/errorCode$/i.test(key)) return errorName(value);
  if (times.has(key)) return names.time(value);
  return key === 'producerId' ? names.producer(value) : value;
}

interface Fetched {
  readonly records: Buffer | null;
  readonly abortedTransactions: readonly { readonly firstOffset: number }[] | null;
}

/** Kafka names some that begin behind the records, too: as many as its offset index is coarse. */
function abortedAmong({ records, abortedTransactions }: Fetched) {
  const lastOffset = Math.max(-1, ...[...batchHeaders(records ?? Buffer.alloc(0))].map(end));
  const among = abortedTransactions?.filter(({ firstOffset }) => firstOffset <= lastOffset);
  return { abortedTransactions: among ?? null };
}

function end({ lastOffset }: BatchHeader): number {
  return lastOffset;
}

function text(value: unknown): string {
  return JSON.stringify(value) ?? '';
}

/** One line for each batch: where it is, whose, and what ends where it is an end. */
function batches(buffer: Buffer, names: Names): string[] {
  return [...batchHeaders(buffer)].map((header) => {
    const { baseOffset, lastOffset, producerEpoch, baseSequence, isTransactional } = header;
    const producer = `${names.producer(header.producerId)}:${producerEpoch}`;
    const place = `${baseOffset}-${lastOffset} ${producer}`;
    if (!header.isControl) {
      return `${place} sequence ${baseSequence}${isTransactional ? ' in transaction' : ''}`;
    }
    const [record] = decodeRecords(buffer, header);
    const marker = record === undefined ? null : decodeEndTransactionMarker(record);
    const end = marker?.isCommit ? 'commit' : 'abort';
    return `${place} ${end} by ${marker?.coordinatorEpoch} sequence ${baseSequence}`;
  });
}
