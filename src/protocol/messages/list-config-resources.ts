// ListConfigResources (key 74, KIP-714): 0 lists the client metrics resources only, and was
// ListClientMetricsResources then.
//
// Versions: 1 can ask for other types (KIP-1142).

import { array, defineApi, int8, int16, int32, string } from '../schema.ts';

export const listConfigResources = defineApi({
  name: 'ListConfigResources',
  key: 74,
  versions: '0-1',
  flexible: '0+',
  request: {
    resourceTypes: array('1+', 'int8'),
  },
  response: {
    throttleTimeMs: int32('0+'),
    errorCode: int16('0+'),
    configResources: array('0+', {
      resourceName: string('0+'),
      resourceType: int8('1+', { default: 16, ignorable: true }),
    }),
  },
});
