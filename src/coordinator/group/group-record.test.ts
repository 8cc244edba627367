// The records of __consumer_offsets: their versions, their bytes, and back.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ZERO_UUID } from '../../base/uuid.ts';
import { type GroupRecord, groupRecordCodec } from './group-record.ts';

function roundTrip(record: GroupRecord): GroupRecord | null {
  const { key, value } = groupRecordCodec.encode(record);
  return groupRecordCodec.decode(key, value);
}

const offset = {
  kind: 'OffsetCommit',
  key: { group: 'g', topic: 't', partition: 3 },
  value: {
    offset: 5,
    leaderEpoch: 7,
    metadata: 'm',
    commitTimestamp: 1000,
    expireTimestamp: -1,
    topicId: 'AAAAAAAAAAAAAAAAAAAAAQ',
  },
} as const;

test('an offset is written in version 4, with the id of its topic', () => {
  const { key, value } = groupRecordCodec.encode(offset);
  assert.equal(key.toString('hex'), '0001000167000174' + '00000003');
  assert.equal(value?.readInt16BE(0), 4);
  assert.deepEqual(roundTrip(offset), offset);
});

test('an offset with an expiry of its own is written in version 1, which alone can say it', () => {
  const expiring: GroupRecord = {
    ...offset,
    value: { ...offset.value, expireTimestamp: 2000 },
  };
  assert.equal(groupRecordCodec.encode(expiring).value?.readInt16BE(0), 1);
  const value = { ...expiring.value, leaderEpoch: -1, topicId: ZERO_UUID };
  assert.deepEqual(roundTrip(expiring), { ...expiring, value });
});

test('a group is written in version 3', () => {
  const group: GroupRecord = {
    kind: 'GroupMetadata',
    key: { group: 'g' },
    value: {
      protocolType: 'consumer',
      generation: 2,
      protocol: null,
      leader: null,
      currentStateTimestamp: 1000,
      members: [],
    },
  };
  const { key, value } = groupRecordCodec.encode(group);
  assert.equal(key.toString('hex'), '0002000167');
  assert.equal(value?.readInt16BE(0), 3);
  assert.deepEqual(roundTrip(group), group);
});

test('tombstones have a key and no value', () => {
  const tombstone: GroupRecord = { ...offset, value: null };
  assert.equal(groupRecordCodec.encode(tombstone).value, null);
  assert.deepEqual(roundTrip(tombstone), tombstone);
});

test('kinds of a later version are not known, and nor are keys too short to say one', () => {
  assert.equal(groupRecordCodec.decode(Buffer.from('7f000001', 'hex'), null), null);
  assert.equal(groupRecordCodec.decode(Buffer.from('00', 'hex'), null), null);
});
