// Kafka's metadata records about configuration, quotas, features and producer ids, those that
// enclose a decision too large for one batch, and the one that says nothing.

import {
  array,
  bool,
  defineStruct,
  float64,
  int8,
  int16,
  int32,
  int64,
  string,
} from '../../protocol/index.ts';

export const configRecord = defineStruct({
  name: 'ConfigRecord',
  versions: '0',
  flexible: '0+',
  fields: {
    resourceType: int8('0+'),
    resourceName: string('0+'),
    name: string('0+'),
    /** null removes the override. */
    value: string('0+', { nullable: '0+' }),
  },
});

export const featureLevelRecord = defineStruct({
  name: 'FeatureLevelRecord',
  versions: '0',
  flexible: '0+',
  fields: { name: string('0+'), featureLevel: int16('0+') },
});

export const clientQuotaRecord = defineStruct({
  name: 'ClientQuotaRecord',
  versions: '0',
  flexible: '0+',
  fields: {
    entity: array('0+', {
      entityType: string('0+'),
      entityName: string('0+', { nullable: '0+' }),
    }),
    key: string('0+'),
    value: float64('0+'),
    remove: bool('0+'),
  },
});

export const producerIdsRecord = defineStruct({
  name: 'ProducerIdsRecord',
  versions: '0',
  flexible: '0+',
  fields: {
    brokerId: int32('0+'),
    brokerEpoch: int64('0+', { default: -1 }),
    nextProducerId: int64('0+'),
  },
});

export const noOpRecord = defineStruct({
  name: 'NoOpRecord',
  versions: '0',
  flexible: '0+',
  fields: {},
});

export const beginTransactionRecord = defineStruct({
  name: 'BeginTransactionRecord',
  versions: '0',
  flexible: '0+',
  fields: { name: string('0+', { nullable: '0+', default: null, tag: 0 }) },
});

export const endTransactionRecord = defineStruct({
  name: 'EndTransactionRecord',
  versions: '0',
  flexible: '0+',
  fields: {},
});

export const abortTransactionRecord = defineStruct({
  name: 'AbortTransactionRecord',
  versions: '0',
  flexible: '0+',
  fields: { reason: string('0+', { nullable: '0+', default: null, tag: 0 }) },
});
