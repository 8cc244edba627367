// GetTelemetrySubscriptions (key 71, KIP-714): which metrics the broker wants of a client.

import { array, bool, defineApi, int16, int32, uuid } from '../schema.ts';

export const getTelemetrySubscriptions = defineApi({
  name: 'GetTelemetrySubscriptions',
  key: 71,
  versions: '0',
  flexible: '0+',
  request: {
    clientInstanceId: uuid('0+'),
  },
  response: {
    throttleTimeMs: int32('0+'),
    errorCode: int16('0+'),
    clientInstanceId: uuid('0+'),
    subscriptionId: int32('0+'),
    acceptedCompressionTypes: array('0+', 'int8'),
    pushIntervalMs: int32('0+'),
    telemetryMaxBytes: int32('0+'),
    deltaTemporality: bool('0+'),
    requestedMetrics: array('0+', 'string'),
  },
});
