// How a transaction coordinator has the leaders of partitions write the ends of transactions, and
// what they answer: WriteTxnMarkers as values.

import type { EndMarker } from '../../storage/index.ts';

export interface TransactionMarker extends EndMarker {
  readonly topics: readonly {
    readonly name: string;
    readonly partitionIndexes: readonly number[];
  }[];
}

/** The answer to one marker: a code for every partition it named. */
export interface MarkerResult {
  readonly producerId: number;
  readonly topics: readonly {
    readonly name: string;
    readonly partitions: readonly { readonly partitionIndex: number; readonly errorCode: number }[];
  }[];
}

/** Sends markers to a broker; one result per marker, in their order. May be this very broker. */
export type SendMarkers = (
  brokerId: number,
  markers: readonly TransactionMarker[],
) => Promise<readonly MarkerResult[]>;
