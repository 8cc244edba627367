// Stored batches as the cluster store hands them out. A control batch has no records for the
// reader, but its offsets count and it may announce a controller.

import { batchHeaders, decodeRecords } from '../../../protocol/index.ts';
import type { StoreBatch } from '../../cluster-store.ts';
import { leaderOf } from '../../records/index.ts';

export function* batchesIn(buffers: readonly Buffer[]): Generator<StoreBatch, void, undefined> {
  for (const buffer of buffers) {
    for (const header of batchHeaders(buffer)) {
      const decoded = decodeRecords(buffer, header);
      let controllerId = -1;
      if (header.isControl) {
        for (const record of decoded) controllerId = leaderOf(record) ?? controllerId;
      }
      yield {
        baseOffset: header.baseOffset,
        endOffset: header.lastOffset + 1,
        controllerEpoch: header.partitionLeaderEpoch,
        controllerId,
        timestampMs: header.maxTimestamp,
        records: header.isControl ? [] : decoded.map((record) => record.value as Buffer),
      };
    }
  }
}
