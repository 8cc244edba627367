// Replays the records about brokers. A record names the broker epoch it is about: one that is
// about an older registration than the present one is a broken log.

import { assert } from '../base/assert.ts';
import type { PersistentMap } from '../base/persistent-map.ts';
import type { BrokerRegistration } from './image.ts';
import { type DecodedRecord, FencingChange } from './records/index.ts';

type BrokerRecord = Extract<
  DecodedRecord,
  {
    type:
      | 'RegisterBrokerRecord'
      | 'UnregisterBrokerRecord'
      | 'BrokerRegistrationChangeRecord'
      | 'FenceBrokerRecord'
      | 'UnfenceBrokerRecord';
  }
>;

type Brokers = PersistentMap<number, BrokerRegistration>;

export function replayBrokerRecord(
  brokers: Brokers,
  record: BrokerRecord,
): { brokers: Brokers; id: number } {
  if (record.type === 'RegisterBrokerRecord') {
    const id = record.brokerId;
    return { brokers: brokers.set(id, registrationOf(record)), id };
  }
  const isFencing = record.type === 'FenceBrokerRecord' || record.type === 'UnfenceBrokerRecord';
  const id = isFencing ? record.id : record.brokerId;
  const epoch = isFencing ? record.epoch : record.brokerEpoch;
  const before = brokers.get(id);
  assert(before !== undefined, `the metadata log changes broker ${id}, which is not registered`);
  assert(before.epoch === epoch, `broker ${id} has epoch ${before.epoch}, its record ${epoch}`);
  if (record.type === 'UnregisterBrokerRecord') return { brokers: brokers.delete(id), id };
  return { brokers: brokers.set(id, changed(before, record)), id };
}

function changed(
  before: BrokerRegistration,
  record: Exclude<BrokerRecord, { type: 'RegisterBrokerRecord' | 'UnregisterBrokerRecord' }>,
): BrokerRegistration {
  if (record.type === 'FenceBrokerRecord') return { ...before, fenced: true };
  if (record.type === 'UnfenceBrokerRecord') return { ...before, fenced: false };
  return {
    ...before,
    fenced: record.fenced === 0 ? before.fenced : record.fenced === FencingChange.FENCED,
    inControlledShutdown: before.inControlledShutdown || record.inControlledShutdown === 1,
    logDirs: record.logDirs.length === 0 ? before.logDirs : record.logDirs,
  };
}

function registrationOf(
  record: Extract<BrokerRecord, { type: 'RegisterBrokerRecord' }>,
): BrokerRegistration {
  return {
    id: record.brokerId,
    epoch: record.brokerEpoch,
    incarnationId: record.incarnationId,
    listeners: record.endPoints,
    features: new Map(
      record.features.map((feature) => [
        feature.name,
        { minVersion: feature.minSupportedVersion, maxVersion: feature.maxSupportedVersion },
      ]),
    ),
    rack: record.rack,
    fenced: record.fenced,
    inControlledShutdown: record.inControlledShutdown,
    logDirs: record.logDirs,
  };
}
