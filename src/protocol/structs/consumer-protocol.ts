// What the consumers of one group tell each other through JoinGroup and SyncGroup: the broker hands
// these bytes on unread. On the wire each is preceded by its version as an int16
// (encodeVersioned), and a reader takes a newer version than it knows for the newest it knows.
//
// Subscription 1 adds ownedPartitions (KIP-429, cooperative rebalance), 2 generationId (KIP-792),
// 3 rackId (KIP-881). Assignment has no change after 0.

import { array, bytes, defineStruct, int32, string } from '../schema.ts';

export const consumerProtocolSubscription = defineStruct({
  name: 'ConsumerProtocolSubscription',
  versions: '0-3',
  flexible: 'none',
  fields: {
    topics: array('0+', 'string'),
    userData: bytes('0+', { nullable: '0+', default: null }),
    ownedPartitions: array(
      '1+',
      {
        topic: string('0+'),
        partitions: array('0+', 'int32'),
      },
      { ignorable: true },
    ),
    generationId: int32('2+', { default: -1, ignorable: true }),
    rackId: string('3+', { nullable: '3+', default: null, ignorable: true }),
  },
});

export const consumerProtocolAssignment = defineStruct({
  name: 'ConsumerProtocolAssignment',
  versions: '0-3',
  flexible: 'none',
  fields: {
    assignedPartitions: array('0+', {
      topic: string('0+'),
      partitions: array('0+', 'int32'),
    }),
    userData: bytes('0+', { nullable: '0+', default: null }),
  },
});
