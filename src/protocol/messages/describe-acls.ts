// DescribeAcls (key 29).
//
// Versions: 1 adds the pattern type (KIP-290). 2 is flexible. 3 adds the user resource (KIP-373).

import { array, defineApi, int8, int16, int32, string } from '../schema.ts';

export const describeAcls = defineApi({
  name: 'DescribeAcls',
  key: 29,
  versions: '0-3',
  flexible: '2+',
  request: {
    resourceTypeFilter: int8('0+'),
    resourceNameFilter: string('0+', { nullable: '0+' }),
    patternTypeFilter: int8('1+', { default: 3 }),
    principalFilter: string('0+', { nullable: '0+' }),
    hostFilter: string('0+', { nullable: '0+' }),
    operation: int8('0+'),
    permissionType: int8('0+'),
  },
  response: {
    throttleTimeMs: int32('0+'),
    errorCode: int16('0+'),
    errorMessage: string('0+', { nullable: '0+' }),
    resources: array(
      '0+',
      {
        resourceType: int8('0+'),
        resourceName: string('0+'),
        patternType: int8('1+', { default: 3 }),
        acls: array(
          '0+',
          {
            principal: string('0+'),
            host: string('0+'),
            operation: int8('0+'),
            permissionType: int8('0+'),
          },
          { sliced: true },
        ),
      },
      { sliced: true },
    ),
  },
});
