// BrokerRegistration (key 62, KIP-631): a broker begins its session with the controller.
//
// Versions: 1 told a migration from ZooKeeper. 2 adds log directories (KIP-858). 3 adds the
// previous broker epoch (KIP-966). 4 allows features that begin at version 0.

import { array, bool, defineApi, int16, int32, int64, string, uint16, uuid } from '../schema.ts';

export const brokerRegistration = defineApi({
  name: 'BrokerRegistration',
  key: 62,
  versions: '0-4',
  flexible: '0+',
  request: {
    brokerId: int32('0+'),
    clusterId: string('0+'),
    incarnationId: uuid('0+'),
    listeners: array('0+', {
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
    isMigratingZkBroker: bool('1+', { default: false }),
    logDirs: array('2+', 'uuid', { ignorable: true }),
    previousBrokerEpoch: int64('3+', { default: -1, ignorable: true }),
  },
  response: {
    throttleTimeMs: int32('0+'),
    errorCode: int16('0+'),
    brokerEpoch: int64('0+', { default: -1 }),
  },
});
