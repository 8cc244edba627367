// Keys and values of control records: ends of transactions in topics; leader changes, snapshot
// borders and voter sets in Kafka's metadata log. The key and EndTxnMarker are preceded by their
// version as an int16; the others carry it as their first field.

import {
  array,
  defineStruct,
  int16,
  int32,
  int64,
  string,
  struct,
  uint16,
  uuid,
} from '../schema.ts';

const voter = {
  voterId: int32('0+'),
  voterDirectoryId: uuid('1+'),
} as const;

export const controlRecordKey = defineStruct({
  name: 'ControlRecordKey',
  versions: '0',
  flexible: 'none',
  fields: {
    type: int16('0+'),
  },
});

export const endTxnMarker = defineStruct({
  name: 'EndTxnMarker',
  versions: '0',
  flexible: 'none',
  fields: {
    coordinatorEpoch: int32('0+'),
  },
});

export const leaderChangeMessage = defineStruct({
  name: 'LeaderChangeMessage',
  versions: '0-1',
  flexible: '0+',
  fields: {
    version: int16('0+'),
    leaderId: int32('0+'),
    voters: array('0+', voter),
    grantingVoters: array('0+', voter),
  },
});

export const snapshotHeaderRecord = defineStruct({
  name: 'SnapshotHeaderRecord',
  versions: '0',
  flexible: '0+',
  fields: {
    version: int16('0+'),
    lastContainedLogTimestamp: int64('0+'),
  },
});

export const snapshotFooterRecord = defineStruct({
  name: 'SnapshotFooterRecord',
  versions: '0',
  flexible: '0+',
  fields: {
    version: int16('0+'),
  },
});

export const kraftVersionRecord = defineStruct({
  name: 'KRaftVersionRecord',
  versions: '0',
  flexible: '0+',
  fields: {
    version: int16('0+'),
    kRaftVersion: int16('0+'),
  },
});

export const votersRecord = defineStruct({
  name: 'VotersRecord',
  versions: '0',
  flexible: '0+',
  fields: {
    version: int16('0+'),
    voters: array('0+', {
      voterId: int32('0+'),
      voterDirectoryId: uuid('0+'),
      endpoints: array('0+', {
        name: string('0+'),
        host: string('0+'),
        port: uint16('0+'),
      }),
      kRaftVersionFeature: struct('0+', {
        minSupportedVersion: int16('0+'),
        maxSupportedVersion: int16('0+'),
      }),
    }),
  },
});
