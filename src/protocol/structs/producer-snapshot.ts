// The .snapshot file beside a segment: what the log knew of each producer when the segment began,
// so that recovery need not read older segments. The file begins with the version as an int16,
// which the checksum (CRC32C of what follows it) does not cover.

import { array, defineStruct, int16, int32, int64, uint32 } from '../schema.ts';

export const producerSnapshot = defineStruct({
  name: 'ProducerSnapshot',
  versions: '1',
  flexible: 'none',
  fields: {
    crc: uint32('0+'),
    producerEntries: array('0+', {
      producerId: int64('0+'),
      epoch: int16('0+'),
      lastSequence: int32('0+'),
      lastOffset: int64('0+'),
      offsetDelta: int32('0+'),
      timestamp: int64('0+'),
      coordinatorEpoch: int32('0+'),
      currentTxnFirstOffset: int64('0+'),
    }),
  },
});
