// EndTxn, and the other ways in which a transaction ends: it took too long, or a new incarnation of
// its producer came. Either way the decision is one record, Prepare*; the markers follow when that
// record is committed, and Complete* when every partition has its marker.
//
// There are two protocols. In the first the producer keeps its epoch, and a retry is known by the
// state. In the second (KIP-890) every end raises the epoch, so that no batch of this transaction
// can slip into the next, and a retry is known by the epoch before. While an end is being carried
// out everybody is asked to come again; before and after it:
//
//                    abort             commit            retry: the epoch, or the producer id,
//                    retry   current   retry   current   is the one before this end
//   Empty            fenced  ends      fenced  invalid
//   CompleteAbort    done    ends      invalid invalid
//   CompleteCommit   invalid ends      done    invalid
//
// Invariants: a decision to commit is never followed by one to abort, nor the other way round; what
// is open ends with the epoch under which its markers fence the producer that left it.

import { assert } from '../../base/assert.ts';
import { KafkaError } from '../../protocol/index.ts';
import {
  type InitializedProducer,
  isAtRest,
  isEpochExhausted,
  isPrepared,
  nextEpoch,
  noPartitions,
  type Transaction,
} from './transaction.ts';
import {
  answer,
  assertRoomFor,
  become,
  type TransactionDecision,
  type TransactionMachine,
} from './transaction-machine.ts';

export interface EndTransactionRequest {
  readonly transactionalId: string;
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly isCommit: boolean;
  /** Of the client: 2 from EndTxn v5 on. */
  readonly transactionVersion: number;
}

/**
 * With what the producer is to go on; in the first protocol nobody reads it.
 * @param newProducerId used when the epochs of the producer id are used up
 * @throws KafkaError INVALID_PRODUCER_ID_MAPPING, PRODUCER_FENCED, INVALID_TXN_STATE,
 * CONCURRENT_TRANSACTIONS, UNSUPPORTED_VERSION
 */
export function endTransaction(
  machine: TransactionMachine,
  request: EndTransactionRequest,
  newProducerId: number,
): TransactionDecision<InitializedProducer> {
  const known = machine.transactions.get(request.transactionalId);
  if (known === undefined) throw new KafkaError('INVALID_PRODUCER_ID_MAPPING');
  const { isCommit, transactionVersion } = request;
  // In the second protocol the answer to this end tells the producer what to go on with, which may
  // be an id that counts once it is complete: it comes again, and is not fenced.
  if (transactionVersion >= 2 && isPrepared(known)) throw new KafkaError('CONCURRENT_TRANSACTIONS');
  const isRetry = transactionVersion >= 2 ? isRetryOfTheLast(known, request) : isAtRest(known);
  assertProducer(known, request, isRetry);
  const ends = { isCommit, transactionVersion, newProducerId };
  if (known.state === 'Ongoing') return prepare(machine, known, ends);
  if (isPrepared(known)) throw new KafkaError('CONCURRENT_TRANSACTIONS');
  const isSame = known.state.endsWith(isCommit ? 'Commit' : 'Abort');
  if (isRetry && isSame) return answer(producerOf(known));
  // A producer of the second protocol does not know whether a batch of it has arrived: it may
  // abort what has not begun, and be sure that nothing of it will.
  const mayEndNothing = transactionVersion >= 2 && !isCommit && !isRetry;
  if (!mayEndNothing) throw new KafkaError('INVALID_TXN_STATE', `it is ${known.state}`);
  return prepare(machine, { ...known, startMs: machine.at.clock.now() }, ends);
}

function isRetryOfTheLast(known: Transaction, request: EndTransactionRequest): boolean {
  if (request.producerId === known.producerId) {
    return known.producerEpoch === request.producerEpoch + 1;
  }
  const isOfThePrevious = request.producerId === known.previousProducerId;
  return isOfThePrevious && known.producerEpoch === 0 && request.producerEpoch === lastEpoch;
}

/** The last epoch that a producer is ever given. */
const lastEpoch = 32_766;

function assertProducer(known: Transaction, request: EndTransactionRequest, isRetry: boolean) {
  if (request.transactionVersion >= 2 && isRetry) {
    // Empty has no last transaction that could be retried, and Ongoing is another one.
    if (known.state.startsWith('Complete')) return;
    throw new KafkaError('PRODUCER_FENCED');
  }
  if (request.producerId !== known.producerId) throw new KafkaError('INVALID_PRODUCER_ID_MAPPING');
  if (request.producerEpoch !== known.producerEpoch) throw new KafkaError('PRODUCER_FENCED');
}

/**
 * Aborts what is open and raises the epoch, so that its producer is fenced.
 * @param newProducerId used when the epochs of the producer id are used up
 */
export function fenceTransaction(
  machine: TransactionMachine,
  known: Transaction,
  newProducerId: number,
): TransactionDecision<InitializedProducer> {
  assert(known.state === 'Ongoing', 'only an open transaction is fenced');
  const transactionVersion = machine.at.transactionVersion();
  const ends = { isCommit: false, transactionVersion, newProducerId };
  if (transactionVersion >= 2) return prepare(machine, known, ends);
  const fenced = { ...known, producerEpoch: nextEpoch(known.producerEpoch), lastProducerEpoch: -1 };
  return prepare(machine, fenced, ends);
}

interface End {
  readonly isCommit: boolean;
  readonly transactionVersion: number;
  readonly newProducerId: number;
}

function prepare(
  machine: TransactionMachine,
  known: Transaction,
  { isCommit, transactionVersion, newProducerId }: End,
): TransactionDecision<InitializedProducer> {
  assertRoomFor(transactionVersion, machine);
  const { producerId, producerEpoch } = known;
  const prepared: Transaction = {
    ...known,
    previousProducerId: producerId,
    nextProducerId: -1,
    state: isCommit ? 'PrepareCommit' : 'PrepareAbort',
    lastUpdateMs: machine.at.clock.now(),
    transactionVersion: transactionVersion >= 2 ? transactionVersion : 0,
  };
  if (transactionVersion < 2) return become(prepared, producerOf(prepared));
  const bumped: Transaction = {
    ...prepared,
    producerEpoch: nextEpoch(producerEpoch),
    lastProducerEpoch: producerEpoch,
    nextProducerId: isEpochExhausted(producerEpoch) ? newProducerId : -1,
  };
  return become(bumped, producerOf(completed(bumped, 0)));
}

/**
 * Every partition has its marker. null: somebody else has ended it meanwhile.
 * @param prepared the transaction whose markers these were
 */
export function completeTransaction(
  machine: TransactionMachine,
  prepared: Transaction,
): TransactionDecision<void> {
  const known = machine.transactions.get(prepared.transactionalId);
  assert(
    known === prepared,
    `${prepared.transactionalId} stays as it is until its end is complete`,
  );
  return become(completed(prepared, machine.at.clock.now()), undefined);
}

function completed(prepared: Transaction, nowMs: number): Transaction {
  const { producerId, producerEpoch, nextProducerId, transactionVersion } = prepared;
  const isRotated = transactionVersion >= 2 && nextProducerId >= 0;
  return {
    ...prepared,
    producerId: isRotated ? nextProducerId : producerId,
    producerEpoch: isRotated ? 0 : producerEpoch,
    previousProducerId: producerId,
    nextProducerId: -1,
    state: prepared.state === 'PrepareCommit' ? 'CompleteCommit' : 'CompleteAbort',
    partitions: noPartitions,
    lastUpdateMs: nowMs,
  };
}

function producerOf({ producerId, producerEpoch }: Transaction): InitializedProducer {
  return { producerId, producerEpoch };
}
