// Kafka's metadata records about credentials, delegation tokens and access control.

import {
  array,
  bytes,
  defineStruct,
  int8,
  int32,
  int64,
  string,
  uuid,
} from '../../protocol/index.ts';

export const userScramCredentialRecord = defineStruct({
  name: 'UserScramCredentialRecord',
  versions: '0',
  flexible: '0+',
  fields: {
    name: string('0+'),
    mechanism: int8('0+'),
    salt: bytes('0+'),
    storedKey: bytes('0+'),
    serverKey: bytes('0+'),
    iterations: int32('0+'),
  },
});

export const removeUserScramCredentialRecord = defineStruct({
  name: 'RemoveUserScramCredentialRecord',
  versions: '0',
  flexible: '0+',
  fields: { name: string('0+'), mechanism: int8('0+') },
});

export const accessControlEntryRecord = defineStruct({
  name: 'AccessControlEntryRecord',
  versions: '0',
  flexible: '0+',
  fields: {
    id: uuid('0+'),
    resourceType: int8('0+'),
    resourceName: string('0+'),
    patternType: int8('0+'),
    principal: string('0+'),
    host: string('0+'),
    operation: int8('0+'),
    permissionType: int8('0+'),
  },
});

export const removeAccessControlEntryRecord = defineStruct({
  name: 'RemoveAccessControlEntryRecord',
  versions: '0',
  flexible: '0+',
  fields: { id: uuid('0+') },
});

export const delegationTokenRecord = defineStruct({
  name: 'DelegationTokenRecord',
  versions: '0',
  flexible: '0+',
  fields: {
    owner: string('0+'),
    requester: string('0+'),
    renewers: array('0+', 'string'),
    issueTimestamp: int64('0+'),
    maxTimestamp: int64('0+'),
    expirationTimestamp: int64('0+'),
    tokenId: string('0+'),
  },
});

export const removeDelegationTokenRecord = defineStruct({
  name: 'RemoveDelegationTokenRecord',
  versions: '0',
  flexible: '0+',
  fields: { tokenId: string('0+') },
});
