// CreateTopics (key 19).
//
// Versions: 1 adds validateOnly and messages. 4 lets the broker choose partitions and replication
// with -1 (KIP-464). 5 is flexible and answers with the configs of the topic (KIP-525). 6 may be
// throttled (KIP-599). 7 answers with the topic id.

import { array, bool, defineApi, int8, int16, int32, string, uuid } from '../schema.ts';

export const createTopics = defineApi({
  name: 'CreateTopics',
  key: 19,
  versions: '0-7',
  flexible: '5+',
  request: {
    topics: array('0+', {
      name: string('0+'),
      numPartitions: int32('0+'),
      replicationFactor: int16('0+'),
      assignments: array('0+', {
        partitionIndex: int32('0+'),
        brokerIds: array('0+', 'int32'),
      }),
      configs: array('0+', {
        name: string('0+'),
        value: string('0+', { nullable: '0+' }),
      }),
    }),
    timeoutMs: int32('0+', { default: 60000 }),
    validateOnly: bool('1+', { default: false }),
  },
  response: {
    throttleTimeMs: int32('2+', { ignorable: true }),
    topics: array('0+', {
      name: string('0+'),
      topicId: uuid('7+', { ignorable: true }),
      errorCode: int16('0+'),
      errorMessage: string('1+', { nullable: '0+', ignorable: true }),
      topicConfigErrorCode: int16('5+', { tag: 0, ignorable: true }),
      numPartitions: int32('5+', { default: -1, ignorable: true }),
      replicationFactor: int16('5+', { default: -1, ignorable: true }),
      configs: array(
        '5+',
        {
          name: string('0+'),
          value: string('0+', { nullable: '0+' }),
          readOnly: bool('0+'),
          configSource: int8('0+', { default: -1, ignorable: true }),
          isSensitive: bool('0+'),
        },
        { nullable: '5+', ignorable: true },
      ),
    }),
  },
});
