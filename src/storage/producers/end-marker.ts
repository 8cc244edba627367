// The marker with which a transaction coordinator ends a transaction in one partition (KIP-98): a
// control batch of its own, which commits or aborts what the producer wrote there before it.

import { encodeEndTransactionMarker } from '../../protocol/index.ts';

export interface EndMarker {
  readonly producerId: number;
  /** With transactions of version 2 one more than the transaction's own (KIP-890). */
  readonly producerEpoch: number;
  /** Of the coordinator that decided: a lower one than before is a zombie's. */
  readonly coordinatorEpoch: number;
  readonly isCommit: boolean;
  /** 2 when each transaction has a producer epoch of its own; not stored. */
  readonly transactionVersion: number;
}

export function encodeEndMarker(marker: EndMarker, timestamp: number): Buffer {
  const { producerId, producerEpoch, coordinatorEpoch, isCommit } = marker;
  const identity = { producerId, producerEpoch, coordinatorEpoch };
  return encodeEndTransactionMarker({ ...identity, isCommit, timestamp });
}
