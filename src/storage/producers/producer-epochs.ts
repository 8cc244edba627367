// What a partition holds a transactional producer, and the coordinator that ends its transactions,
// to: epochs that never go back.

import { KafkaError } from '../../protocol/index.ts';
import type { EndMarker } from './end-marker.ts';

export interface ProducerEpochs {
  readonly epoch: number;
  readonly coordinatorEpoch: number;
  /** -1 when no transaction is open. */
  readonly currentTxnFirstOffset: number;
}

const EPOCH_MAX = 0x7fff;

/** @throws KafkaError INVALID_PRODUCER_EPOCH */
export function assertProducerEpoch(
  known: ProducerEpochs | undefined,
  producer: { readonly producerId: number; readonly producerEpoch: number },
): void {
  if (known !== undefined && producer.producerEpoch < known.epoch) throw isOver(known, producer);
}

/**
 * Where each transaction has its own epoch, its marker has the next one: one that has not is of a
 * transaction before. It is taken if nothing is open (a coordinator repeats what it is not sure
 * of) and at the last epoch, behind which there is none.
 * @throws KafkaError INVALID_PRODUCER_EPOCH, TRANSACTION_COORDINATOR_FENCED
 */
export function assertMayEnd(
  known: ProducerEpochs | undefined,
  marker: Omit<EndMarker, 'isCommit'>,
): void {
  if (known === undefined) return;
  assertProducerEpoch(known, marker);
  const { producerEpoch, transactionVersion } = marker;
  if (transactionVersion >= 2 && producerEpoch === known.epoch) {
    const isOpen = known.currentTxnFirstOffset >= 0;
    if (isOpen && producerEpoch !== EPOCH_MAX) throw isOver(known, marker);
  }
  if (marker.coordinatorEpoch >= known.coordinatorEpoch) return;
  throw new KafkaError(
    'TRANSACTION_COORDINATOR_FENCED',
    `coordinator epoch ${marker.coordinatorEpoch} is older than ${known.coordinatorEpoch}`,
  );
}

function isOver(
  { epoch }: ProducerEpochs,
  { producerId, producerEpoch }: { readonly producerId: number; readonly producerEpoch: number },
): KafkaError {
  return new KafkaError(
    'INVALID_PRODUCER_EPOCH',
    `epoch ${producerEpoch} of producer ${producerId} is over, the partition has seen ${epoch}`,
  );
}
