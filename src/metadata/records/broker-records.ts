// Kafka's metadata records about brokers: who is registered, fenced, gone.

import {
  array,
  bool,
  defineStruct,
  int8,
  int16,
  int32,
  int64,
  string,
  uint16,
  uuid,
} from '../../protocol/index.ts';

export const registerBrokerRecord = defineStruct({
  name: 'RegisterBrokerRecord',
  versions: '0-4',
  flexible: '0+',
  fields: {
    brokerId: int32('0+'),
    isMigratingZkBroker: bool('2+', { default: false }),
    incarnationId: uuid('0+'),
    brokerEpoch: int64('0+'),
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
    rack: string('0+', { nullable: '0+' }),
    fenced: bool('0+', { default: true }),
    inControlledShutdown: bool('1+', { default: false }),
    logDirs: array('3+', 'uuid', { tag: 0 }),
    cordonedLogDirs: array('4+', 'uuid', { nullable: '4+', default: null, tag: 1 }),
  },
});

export const unregisterBrokerRecord = defineStruct({
  name: 'UnregisterBrokerRecord',
  versions: '0',
  flexible: '0+',
  fields: { brokerId: int32('0+'), brokerEpoch: int64('0+') },
});

/** How `fenced` of BrokerRegistrationChangeRecord reads; 0 leaves it as it was. */
export const FencingChange = { FENCED: 1, UNFENCED: -1 } as const;

export const brokerRegistrationChangeRecord = defineStruct({
  name: 'BrokerRegistrationChangeRecord',
  versions: '0-3',
  flexible: '0+',
  fields: {
    brokerId: int32('0+'),
    brokerEpoch: int64('0+'),
    fenced: int8('0+', { default: 0, tag: 0 }),
    inControlledShutdown: int8('1+', { default: 0, tag: 1 }),
    logDirs: array('2+', 'uuid', { tag: 2 }),
    cordonedLogDirs: array('3+', 'uuid', { nullable: '3+', default: null, tag: 3 }),
  },
});

export const fenceBrokerRecord = defineStruct({
  name: 'FenceBrokerRecord',
  versions: '0',
  flexible: '0+',
  fields: { id: int32('0+'), epoch: int64('0+') },
});

export const unfenceBrokerRecord = defineStruct({
  name: 'UnfenceBrokerRecord',
  versions: '0',
  flexible: '0+',
  fields: { id: int32('0+'), epoch: int64('0+') },
});
