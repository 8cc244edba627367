// InitProducerId with a transactional id: who asks becomes the only producer of that id. An older
// incarnation is fenced by a higher epoch; what it left open is aborted first, and the new one
// comes back until that is over (KIP-98). A producer that names its id and epoch goes on from them
// (KIP-360), and so does its retry.
//
// Invariant: an epoch is given to one producer; when the epochs of a producer id are used up, the
// transactional id moves to another producer id.

import { assert } from '../../base/assert.ts';
import { KafkaError } from '../../protocol/index.ts';
import { fenceTransaction } from './end-transaction.ts';
import {
  type InitializedProducer,
  isAtRest,
  isEpochExhausted,
  isPrepared,
  noPartitions,
  type Transaction,
} from './transaction.ts';
import {
  become,
  type TransactionDecision,
  type TransactionMachine,
} from './transaction-machine.ts';

export interface InitProducerRequest {
  readonly transactionalId: string;
  readonly timeoutMs: number;
  /** What the producer had, to go on from; -1 and -1 for a new incarnation. */
  readonly producerId: number;
  readonly producerEpoch: number;
}

/**
 * null: what is open is being aborted; the producer is to ask again (CONCURRENT_TRANSACTIONS).
 * @param newProducerId used when the id is new, or its epochs are used up
 * @throws KafkaError CONCURRENT_TRANSACTIONS, PRODUCER_FENCED
 */
export function initProducerId(
  machine: TransactionMachine,
  request: InitProducerRequest,
  newProducerId: number,
): TransactionDecision<InitializedProducer | null> {
  const known = machine.transactions.get(request.transactionalId);
  const nowMs = machine.at.clock.now();
  if (known === undefined) return handOut(firstOf(request, newProducerId), request, nowMs);
  // First of all: the producer may name an id that counts once this end is complete.
  if (isPrepared(known)) throw new KafkaError('CONCURRENT_TRANSACTIONS');
  assertSameProducer(known, request);
  if (known.state === 'Ongoing') {
    const { records } = fenceTransaction(machine, known, newProducerId);
    return { records, response: null };
  }
  assert(isAtRest(known), `${request.transactionalId} has no other state than those`);
  return handOut(nextIncarnation(known, request, newProducerId), request, nowMs);
}

/** Whether the decision may need a producer id that nobody has. */
export function needsProducerId(machine: TransactionMachine, transactionalId: string): boolean {
  const known = machine.transactions.get(transactionalId);
  return known === undefined || isEpochExhausted(known.producerEpoch);
}

function firstOf({ transactionalId, timeoutMs }: InitProducerRequest, producerId: number) {
  const identity = { transactionalId, producerId, previousProducerId: producerId };
  const epochs = { nextProducerId: -1, producerEpoch: 0, lastProducerEpoch: -1 };
  return { ...identity, ...epochs, timeoutMs, transactionVersion: 0 };
}

/**
 * A producer names what it has: that is this id, or the one before it if it retries after its
 * epochs were used up and the answer was lost.
 */
function assertSameProducer(known: Transaction, request: InitProducerRequest): void {
  const { producerId, producerEpoch } = request;
  if (producerId < 0 || producerId === known.producerId) return;
  const isRetry = producerId === known.previousProducerId && isEpochExhausted(producerEpoch);
  if (!isRetry) throw new KafkaError('PRODUCER_FENCED');
}

type Identity = Omit<Transaction, 'state' | 'partitions' | 'startMs' | 'lastUpdateMs'>;

function nextIncarnation(
  known: Transaction,
  request: InitProducerRequest,
  newProducerId: number,
): Identity {
  const previousProducerId = known.producerId;
  const isResumed = request.producerEpoch >= 0;
  if (isResumed && request.producerEpoch !== known.producerEpoch) {
    // A retry whose answer was lost gets it again; nobody else can have asked in between, for that
    // would have cleared the last epoch.
    if (request.producerEpoch !== known.lastProducerEpoch) throw new KafkaError('PRODUCER_FENCED');
    return { ...known, previousProducerId };
  }
  const lastProducerEpoch = isResumed ? known.producerEpoch : -1;
  const bumped = { ...known, previousProducerId, lastProducerEpoch };
  return isEpochExhausted(known.producerEpoch)
    ? { ...bumped, producerId: newProducerId, producerEpoch: 0 }
    : { ...bumped, producerEpoch: known.producerEpoch + 1 };
}

function handOut(
  identity: Identity,
  { timeoutMs }: InitProducerRequest,
  nowMs: number,
): TransactionDecision<InitializedProducer> {
  const { producerId, producerEpoch } = identity;
  const rest = { state: 'Empty', partitions: noPartitions, startMs: -1 } as const;
  return become(
    { ...identity, ...rest, timeoutMs, lastUpdateMs: nowMs },
    { producerId, producerEpoch },
  );
}
