// PushTelemetry (key 72, KIP-714): metrics of a client, in OTLP, perhaps compressed.

import { bool, bytes, defineApi, int8, int16, int32, uuid } from '../schema.ts';

export const pushTelemetry = defineApi({
  name: 'PushTelemetry',
  key: 72,
  versions: '0',
  flexible: '0+',
  request: {
    clientInstanceId: uuid('0+'),
    subscriptionId: int32('0+'),
    terminating: bool('0+'),
    compressionType: int8('0+'),
    metrics: bytes('0+'),
  },
  response: {
    throttleTimeMs: int32('0+'),
    errorCode: int16('0+'),
  },
});
