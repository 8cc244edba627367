// AddPartitionsToTxn and AddOffsetsToTxn: which partitions a transaction writes to, written down
// before the first record of it, so that its end finds all of them. A leader of a partition may
// also only ask whether a partition is in (KIP-890): a batch that comes after the end of its
// transaction must not begin one that nobody ends.

import { ErrorCode, KafkaError } from '../../protocol/index.ts';
import {
  isAtRest,
  isPrepared,
  type Transaction,
  type TransactionPartitions,
} from './transaction.ts';
import {
  answer,
  assertRoomFor,
  become,
  type TransactionDecision,
  type TransactionMachine,
} from './transaction-machine.ts';

export interface AddPartitionsRequest {
  readonly transactionalId: string;
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly topics: readonly { readonly name: string; readonly partitions: readonly number[] }[];
  /** Adds nothing: what is not in is TRANSACTION_ABORTABLE. */
  readonly verifyOnly: boolean;
  /** Of the client: 2 from AddPartitionsToTxn v4 on, which only leaders send; 0 below. */
  readonly transactionVersion: number;
}

export interface AddedTopic {
  readonly name: string;
  readonly partitions: readonly { readonly partitionIndex: number; readonly errorCode: number }[];
}

/**
 * @throws KafkaError about all partitions: INVALID_PRODUCER_ID_MAPPING, PRODUCER_FENCED,
 * CONCURRENT_TRANSACTIONS, UNSUPPORTED_VERSION, UNKNOWN_SERVER_ERROR
 */
export function addPartitions(
  machine: TransactionMachine,
  request: AddPartitionsRequest,
): TransactionDecision<AddedTopic[]> {
  const known = machine.transactions.get(request.transactionalId);
  if (known === undefined) throw new KafkaError('INVALID_PRODUCER_ID_MAPPING');
  // First of all: the producer may go on with an id that counts once this end is complete.
  if (isPrepared(known) && !request.verifyOnly) throw new KafkaError('CONCURRENT_TRANSACTIONS');
  if (known.producerId !== request.producerId) throw new KafkaError('INVALID_PRODUCER_ID_MAPPING');
  if (known.producerEpoch !== request.producerEpoch) throw new KafkaError('PRODUCER_FENCED');
  if (isPrepared(known)) throw new KafkaError('CONCURRENT_TRANSACTIONS');
  if (request.verifyOnly) return answer(verified(known, request));
  const response = answered(request, () => ErrorCode.NONE);
  if (known.state === 'Ongoing' && hasAll(known.partitions, request)) return answer(response);
  assertRoomFor(request.transactionVersion, machine);
  const next = withPartitions(known, request, machine.at.clock.now());
  assertFits(next, machine.at.recordBytesMax());
  return become(next, response);
}

/** Of a record, beside its strings and partitions; more than it takes. */
const overheadBytes = 512;

/**
 * A record that the log does not take would cost the machine, and everybody else's transactions a
 * reload.
 * @throws KafkaError UNKNOWN_SERVER_ERROR, as Kafka has it
 */
function assertFits({ transactionalId, partitions }: Transaction, bytesMax: number): void {
  let bytes = overheadBytes + Buffer.byteLength(transactionalId);
  for (const [topic, indexes] of partitions) {
    bytes += Buffer.byteLength(topic) + 8 + 4 * indexes.size;
  }
  if (bytes <= bytesMax) return;
  throw new KafkaError(
    'UNKNOWN_SERVER_ERROR',
    `the partitions of ${transactionalId} do not fit into a record of ${bytesMax} bytes`,
  );
}

function verified({ partitions }: Transaction, request: AddPartitionsRequest): AddedTopic[] {
  return answered(request, (topic, index) =>
    partitions.get(topic)?.has(index) ? ErrorCode.NONE : ErrorCode.TRANSACTION_ABORTABLE,
  );
}

function answered(
  { topics }: AddPartitionsRequest,
  errorCodeOf: (topic: string, partitionIndex: number) => number,
): AddedTopic[] {
  return topics.map(({ name, partitions }) => ({
    name,
    partitions: partitions.map((partitionIndex) => {
      return { partitionIndex, errorCode: errorCodeOf(name, partitionIndex) };
    }),
  }));
}

function hasAll(known: TransactionPartitions, { topics }: AddPartitionsRequest): boolean {
  return topics.every(({ name, partitions }) => {
    const indexes = known.get(name);
    return partitions.every((index) => indexes?.has(index));
  });
}

function withPartitions(
  known: Transaction,
  { topics, transactionVersion }: AddPartitionsRequest,
  nowMs: number,
): Transaction {
  const added = new Map<string, Set<number>>();
  for (const { name, partitions } of topics) {
    if (partitions.length === 0) continue;
    const indexes = added.get(name) ?? new Set(known.partitions.get(name));
    for (const index of partitions) indexes.add(index);
    added.set(name, indexes);
  }
  return {
    ...known,
    previousProducerId: known.producerId,
    state: 'Ongoing',
    partitions: new Map([...known.partitions, ...added]),
    startMs: isAtRest(known) ? nowMs : known.startMs,
    lastUpdateMs: nowMs,
    transactionVersion,
  };
}
