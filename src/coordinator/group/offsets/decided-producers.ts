// What the partition of a machine will know of transactional producers once everything that is
// decided is appended: what its log knows, and on top of it the decisions that wait for their
// append. Who may write in a transaction, and end one, is asked here before it is decided, because
// a record that the log refuses would take the machine with it.

import { KafkaError } from '../../../protocol/index.ts';
import type { Partition } from '../../../replication/index.ts';
import {
  assertMayEnd,
  assertProducerEpoch,
  type EndMarker,
  type ProducerEpochs,
  type TransactionVerification,
} from '../../../storage/index.ts';
import type { ProducerIdentity } from '../../partition-machine-log.ts';

interface Decided extends ProducerEpochs {
  /** Of the newest record about the producer. */
  readonly offset: number;
}

export class DecidedProducers {
  readonly #partition: Partition;
  /** What may not be in the log yet. */
  readonly #decided = new Map<number, Decided>();

  constructor(partition: Partition) {
    this.#partition = partition;
  }

  /**
   * `verification` is what the log gave before the coordinator was asked; null where the
   * transaction was open, and undefined where nobody is asked.
   * @throws KafkaError INVALID_PRODUCER_EPOCH, INVALID_TXN_STATE
   */
  assertMayWrite(
    producer: ProducerIdentity,
    verification: TransactionVerification | null | undefined,
  ): void {
    const { producerId, producerEpoch } = producer;
    const known = this.#of(producerId);
    assertProducerEpoch(known, producer);
    if (known?.epoch === producerEpoch && known.currentTxnFirstOffset >= 0) return;
    const standing = this.#partition.producers.verificationOf(producerId);
    if (verification === undefined || (verification !== null && verification === standing)) return;
    throw new KafkaError(
      'INVALID_TXN_STATE',
      `the offsets of producer ${producerId} are not part of a transaction that goes on`,
    );
  }

  /** @throws KafkaError INVALID_PRODUCER_EPOCH, TRANSACTION_COORDINATOR_FENCED */
  assertMayEnd(marker: EndMarker): void {
    assertMayEnd(this.#of(marker.producerId), marker);
  }

  replayWrite({ producerId, producerEpoch }: ProducerIdentity, offset: number): void {
    if (offset < this.#partition.logEndOffset) return;
    const known = this.#of(producerId);
    const isOpen = known !== undefined && known.currentTxnFirstOffset >= 0;
    this.#remember(producerId, {
      epoch: producerEpoch,
      coordinatorEpoch: known?.coordinatorEpoch ?? -1,
      currentTxnFirstOffset: isOpen ? known.currentTxnFirstOffset : offset,
      offset,
    });
  }

  /** The oldest are first: what has been appended meanwhile is not kept. */
  #remember(producerId: number, decided: Decided): void {
    this.#decided.delete(producerId);
    for (const [known, { offset }] of this.#decided) {
      if (offset >= this.#partition.logEndOffset) break;
      this.#decided.delete(known);
    }
    this.#decided.set(producerId, decided);
  }

  replayEnd({ producerId, producerEpoch, coordinatorEpoch }: EndMarker, offset: number): void {
    const { producers, logEndOffset } = this.#partition;
    if (offset < logEndOffset) return;
    const closed = { epoch: producerEpoch, coordinatorEpoch, currentTxnFirstOffset: -1 };
    this.#remember(producerId, { ...closed, offset });
    // Who is being verified meanwhile hears of the end now, not when it is appended.
    producers.onDecided({ producerId, producerEpoch, isControl: true });
  }

  #of(producerId: number): ProducerEpochs | undefined {
    const decided = this.#decided.get(producerId);
    if (decided !== undefined && decided.offset >= this.#partition.logEndOffset) return decided;
    this.#decided.delete(producerId);
    return this.#partition.producers.epochsOf(producerId);
  }
}
