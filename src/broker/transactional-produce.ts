// Appends the transactional batches of a produce request. A batch that goes on with a transaction
// its partition knows is appended at once. One that opens it there waits until the coordinator of
// the transaction has the partition (KIP-890), and batches of the same producer behind it.
//
// Invariants: batches of one producer in one partition are appended in the order in which they
// came; a batch whose transaction ended while it waited is refused.

import { type BatchHeader, KafkaError } from '../protocol/index.ts';
import type { Partition } from '../replication/index.ts';
import type { AppendResult, TransactionVerification } from '../storage/index.ts';
import { enterTransaction, type TransactionEntry } from './enter-transaction.ts';
import type { RequestContext } from './handler.ts';

export interface TransactionalAppend {
  readonly partition: Partition;
  readonly batch: Buffer;
  readonly header: BatchHeader;
  /** Told exactly once: how to append, which may throw. */
  readonly onTurn: (append: () => AppendResult) => void;
}

/** Versions of Produce in which the client knows more of transactions. */
const abortableVersionMin = 11;
const addsVersionMin = 12;

/** null when nothing has to wait: all are appended or refused. */
export function appendTransactional(
  appends: readonly TransactionalAppend[],
  transactionalId: string | null,
  context: RequestContext,
): Promise<void> | null {
  const { apiVersion } = context;
  const { producerId, producerEpoch } = (appends[0] as TransactionalAppend).header;
  const refused = refusal(appends, transactionalId);
  const waiting: TransactionalAppend[] = [];
  const waitingFor = new Set<TransactionalAppend['partition']>();
  for (const append of appends) {
    if (refused !== null) refuse(append, refused);
    else if (waitingFor.has(append.partition)) {
      refuse(append, new KafkaError('INVALID_REQUEST', 'a partition is named twice'));
    } else if (mustWait(append, context)) {
      waitingFor.add(append.partition);
      waiting.push(append);
    } else appendNow(append, isVerified(context) ? null : undefined);
  }
  if (waiting.length === 0 || transactionalId === null) return null;
  return appendInTurn(waiting, context, {
    transactionalId,
    producerId,
    producerEpoch,
    adds: apiVersion >= addsVersionMin,
    knowsAbortable: apiVersion >= abortableVersionMin,
  });
}

/** Of all of them, null if there is nothing against them. */
function refusal(
  appends: readonly TransactionalAppend[],
  transactionalId: string | null,
): KafkaError | null {
  if (transactionalId === null) return new KafkaError('TRANSACTIONAL_ID_AUTHORIZATION_FAILED');
  const { producerId, producerEpoch } = (appends[0] as TransactionalAppend).header;
  const isOfOne = appends.every(({ header }) => {
    return header.producerId === producerId && header.producerEpoch === producerEpoch;
  });
  if (isOfOne) return null;
  return new KafkaError('INVALID_PRODUCER_ID_MAPPING', 'a request is of one producer');
}

/** Old clients have added their partitions themselves; whether they are asked is configured. */
function isVerified({ apiVersion, broker }: RequestContext): boolean {
  if (apiVersion >= addsVersionMin) return true;
  return broker.config.get('transaction.partition.verification.enable');
}

function mustWait({ partition, header }: TransactionalAppend, context: RequestContext): boolean {
  const { producerId, producerEpoch } = header;
  if (partition.turns.isWaitedFor(producerId)) return true;
  if (partition.producers.hasOpenTransaction(producerId, producerEpoch)) return false;
  return isVerified(context);
}

function refuse({ onTurn }: TransactionalAppend, error: KafkaError): void {
  onTurn(() => {
    throw error;
  });
}

function appendNow(
  { partition, batch, onTurn }: TransactionalAppend,
  verification: TransactionVerification | null | undefined,
): void {
  onTurn(() =>
    verification === undefined
      ? partition.appendAsLeader(batch)
      : partition.appendInTransaction(batch, { verification }),
  );
}

async function appendInTurn(
  appends: readonly TransactionalAppend[],
  context: RequestContext,
  entry: TransactionEntry,
): Promise<void> {
  // Taken together and ended together, so that requests which wait for each other do so in order.
  const turns = appends.map(({ partition }) => partition.turns.take(entry.producerId));
  try {
    await Promise.all(turns.map(({ up }) => up));
    await appendEntered(appends, context, entry);
  } finally {
    for (const turn of turns) turn.end();
  }
}

interface Opening {
  readonly append: TransactionalAppend;
  readonly verification: TransactionVerification;
}

async function appendEntered(
  appends: readonly TransactionalAppend[],
  context: RequestContext,
  entry: TransactionEntry,
): Promise<void> {
  const openings: Opening[] = [];
  for (const append of appends) {
    const verification = isVerified(context) ? begin(append, context) : undefined;
    if (verification instanceof KafkaError) refuse(append, verification);
    else if (!verification) appendNow(append, verification);
    else openings.push({ append, verification });
  }
  if (openings.length === 0) return;
  const partitions = openings.map(({ append }) => append.partition);
  const errors = await enterTransaction(context.broker, entry, partitions);
  for (const [index, { append, verification }] of openings.entries()) {
    const error = errors[index] ?? null;
    if (error === null) appendNow(append, verification);
    else refuse(append, asProduceError(error, entry));
  }
}

/** null: the transaction is open here by now. */
function begin(
  { partition, header }: TransactionalAppend,
  { apiVersion, broker }: RequestContext,
): TransactionVerification | null | KafkaError {
  const { producerId, producerEpoch, baseSequence } = header;
  const hasOwnEpoch = apiVersion >= addsVersionMin;
  try {
    return partition.producers.beginVerification(
      { producerId, producerEpoch, baseSequence, hasOwnEpoch },
      broker.io.clock.now(),
    );
  } catch (error) {
    if (error instanceof KafkaError) return error;
    throw error;
  }
}

const notReady: ReadonlySet<string> = new Set([
  'NETWORK_EXCEPTION',
  'REQUEST_TIMED_OUT',
  'COORDINATOR_LOAD_IN_PROGRESS',
  'COORDINATOR_NOT_AVAILABLE',
  'NOT_COORDINATOR',
]);

/** Producers know no errors of coordinators: what passes is said as one they try again after. */
function asProduceError(error: KafkaError, { adds }: TransactionEntry): KafkaError {
  const isBusy = error.errorName === 'CONCURRENT_TRANSACTIONS' && !adds;
  if (!notReady.has(error.errorName) && !isBusy) return error;
  const message = `the partition could not be verified to be in the transaction: ${error.message}`;
  return new KafkaError('NOT_ENOUGH_REPLICAS', message);
}
