// ApiVersions (key 18): what the broker speaks. The response keeps header 0 at every version, and
// a request of an unknown version is answered in version 0 with UNSUPPORTED_VERSION, so that any
// client can read it (KIP-511).
//
// Versions: 1 adds throttleTimeMs. 3 is flexible, with the name of the client software and the
// features of the cluster (KIP-584). 4 allows features that begin at version 0. 5 lets a client
// say which cluster and node it expects (KIP-1242).

import { array, bool, defineApi, int16, int32, int64, string } from '../schema.ts';

export const apiVersions = defineApi({
  name: 'ApiVersions',
  key: 18,
  versions: '0-5',
  flexible: '3+',
  request: {
    clientSoftwareName: string('3+', { ignorable: true }),
    clientSoftwareVersion: string('3+', { ignorable: true }),
    clusterId: string('5+', { nullable: '5+', default: null, ignorable: true }),
    nodeId: int32('5+', { default: -1, ignorable: true }),
  },
  response: {
    errorCode: int16('0+'),
    apiKeys: array('0+', {
      apiKey: int16('0+'),
      minVersion: int16('0+'),
      maxVersion: int16('0+'),
    }),
    throttleTimeMs: int32('1+', { ignorable: true }),
    supportedFeatures: array(
      '3+',
      {
        name: string('0+'),
        minVersion: int16('0+'),
        maxVersion: int16('0+'),
      },
      { tag: 0, ignorable: true },
    ),
    finalizedFeaturesEpoch: int64('3+', { default: -1, tag: 1, ignorable: true }),
    finalizedFeatures: array(
      '3+',
      {
        name: string('0+'),
        maxVersionLevel: int16('0+'),
        minVersionLevel: int16('0+'),
      },
      { tag: 2, ignorable: true },
    ),
    zkMigrationReady: bool('3+', { default: false, tag: 3, ignorable: true }),
  },
});
