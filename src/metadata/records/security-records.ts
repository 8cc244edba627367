// Kafka's metadata records about credentials and access control.

import { bytes, defineStruct, int8, int32, string, uuid } from '../../protocol/index.ts';

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
