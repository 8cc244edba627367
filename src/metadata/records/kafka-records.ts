// Kafka's metadata records that only its own quorum writes. They are read, because a metadata log
// may have been begun by Apache Kafka, and say nothing that a broker of ours goes by: which
// controllers there are, eligible leader replicas of a topic, the way from ZooKeeper.

import {
  array,
  bool,
  defineStruct,
  int8,
  int16,
  int32,
  string,
  uint16,
  uuid,
} from '../../protocol/index.ts';

export const registerControllerRecord = defineStruct({
  name: 'RegisterControllerRecord',
  versions: '0',
  flexible: '0+',
  fields: {
    controllerId: int32('0+'),
    incarnationId: uuid('0+'),
    zkMigrationReady: bool('0+'),
    endPoints: array('0+', {
      name: string('0+'),
      host: string('0+'),
      port: uint16('0+'),
      securityProtocol: int16('0+'),
    }),
    features: array('0+', {
      name: string('0+'),
      minSupportedVersion: int16('0+'),
      maxSupportedVersion: int16('0+'),
    }),
  },
});

export const unregisterControllerRecord = defineStruct({
  name: 'UnregisterControllerRecord',
  versions: '0',
  flexible: '0+',
  fields: { controllerId: int32('0+') },
});

export const clearElrRecord = defineStruct({
  name: 'ClearElrRecord',
  versions: '0',
  flexible: '0+',
  /** Empty: of all topics. */
  fields: { topicName: string('0+') },
});

export const zkMigrationStateRecord = defineStruct({
  name: 'ZkMigrationStateRecord',
  versions: '0',
  flexible: '0+',
  fields: { zkMigrationState: int8('0+') },
});
