// Quotas, measurements and what clients report about themselves.

import { acceptedOnly, className, int, list, long, string } from './definition.ts';
import { reasons } from './reasons.ts';

export const brokerMetrics = acceptedOnly('metrics of Java classes are not offered', {
  'metric.reporters': list(
    ['org.apache.kafka.common.metrics.JmxReporter'],
    'Java classes that are told about metrics.',
    { importance: 'low', update: 'cluster-wide' },
  ),
  'metrics.num.samples': int(2, 'Samples a metric is computed from.', {
    importance: 'low',
    min: 1,
  }),
  'metrics.sample.window.ms': long(30_000, 'Length of such a sample, in ms.', {
    importance: 'low',
    min: 1,
  }),
  'metrics.recording.level': string('INFO', 'How many metrics are recorded.', {
    importance: 'low',
  }),
  'kafka.metrics.reporters': list([], "Java classes that are told about Kafka's older metrics.", {
    importance: 'low',
  }),
  'kafka.metrics.polling.interval.secs': int(10, 'Time between two reports of those, in seconds.', {
    importance: 'low',
    min: 1,
  }),
  'telemetry.max.bytes': int(1_048_576, 'Largest report of metrics a client may push, in bytes.', {
    importance: 'low',
    min: 1,
    accepted: 'reports of clients are not served yet',
  }),
  'client.quota.callback.class': className(
    null,
    'Java class that decides which quota a client has.',
    { importance: 'low', accepted: reasons.java },
  ),
});

export const brokerQuotas = {
  'quota.window.num': int(11, 'Samples kept to measure clients against their quotas.', {
    importance: 'low',
    min: 1,
  }),
  'quota.window.size.seconds': int(1, 'Length of such a sample, in seconds.', {
    importance: 'low',
    min: 1,
  }),
  'controller.quota.window.num': int(
    11,
    'Samples kept to measure changes of topics against their quota.',
    { importance: 'low', min: 1 },
  ),
  'controller.quota.window.size.seconds': int(1, 'Length of such a sample, in seconds.', {
    importance: 'low',
    min: 1,
  }),
} as const;
