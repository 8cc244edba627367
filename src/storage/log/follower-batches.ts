// What a leader sends is taken as it is, if it lies behind what is there already.

import { type BatchHeader, KafkaError } from '../../protocol/index.ts';

/** @throws KafkaError OFFSET_OUT_OF_RANGE */
export function assertInOrder(
  batches: readonly BatchHeader[],
  logEndOffset: number,
  topicPartition: string,
): void {
  let expected = logEndOffset;
  for (const { baseOffset, lastOffset } of batches) {
    if (baseOffset < expected) {
      const sent = `the leader of ${topicPartition} sent offset ${baseOffset}`;
      throw new KafkaError('OFFSET_OUT_OF_RANGE', `${sent}, expected was ${expected}`);
    }
    expected = lastOffset + 1;
  }
}
