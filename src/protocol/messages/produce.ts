// Produce (key 0): record sets for partitions. acks 0 has no response, 1 waits for the leader, -1
// for the ISR.
//
// Versions: 0-2 carry message sets (2 with timestamps, KIP-32); 3 brings record batches and
// transactions (KIP-98). 5 answers with logStartOffset. 7 allows zstd (KIP-110). 8 tells which
// records of a batch are at fault (KIP-467). 9 is flexible. 10 names the current leader when the
// receiver is not it (KIP-951). 11 and 12 are about errors and the transaction protocol only
// (KIP-890). 13 has topic ids instead of names (KIP-516).

import { array, defineApi, int16, int32, int64, records, string, struct, uuid } from '../schema.ts';

export const produce = defineApi({
  name: 'Produce',
  key: 0,
  versions: '0-13',
  flexible: '9+',
  request: {
    transactionalId: string('3+', { nullable: '3+', default: null }),
    acks: int16('0+'),
    timeoutMs: int32('0+'),
    topicData: array('0+', {
      name: string('0-12', { ignorable: true }),
      topicId: uuid('13+', { ignorable: true }),
      partitionData: array('0+', {
        index: int32('0+'),
        records: records('0+'),
      }),
    }),
  },
  response: {
    responses: array('0+', {
      name: string('0-12', { ignorable: true }),
      topicId: uuid('13+', { ignorable: true }),
      partitionResponses: array('0+', {
        index: int32('0+'),
        errorCode: int16('0+'),
        baseOffset: int64('0+'),
        logAppendTimeMs: int64('2+', { default: -1, ignorable: true }),
        logStartOffset: int64('5+', { default: -1, ignorable: true }),
        recordErrors: array(
          '8+',
          {
            batchIndex: int32('0+'),
            batchIndexErrorMessage: string('0+', { nullable: '0+', default: null }),
          },
          { ignorable: true },
        ),
        errorMessage: string('8+', { nullable: '8+', default: null, ignorable: true }),
        currentLeader: struct(
          '10+',
          {
            leaderId: int32('0+', { default: -1 }),
            leaderEpoch: int32('0+', { default: -1 }),
          },
          { tag: 0 },
        ),
      }),
    }),
    throttleTimeMs: int32('1+', { default: 0, ignorable: true }),
    nodeEndpoints: array(
      '10+',
      {
        nodeId: int32('0+'),
        host: string('0+'),
        port: int32('0+'),
        rack: string('0+', { nullable: '0+', default: null }),
      },
      { tag: 0 },
    ),
  },
});
