// Metrics of clients, under the groups, names, tags and descriptions of Java's.
//
//   sensor.ts            a stream of measurements: totals, rates, averages, maxima
//   client-metrics.ts    those of every client: connections, requests, by broker
//   producer-metrics.ts  those of a producer
//   consumer-metrics.ts  those of a consumer and of its part in a group
export {
  type ClientKind,
  type ClientMetric,
  type MetricGroup,
  NetworkMeter,
  readMetrics,
  type TrafficMeter,
} from './client-metrics.ts';
export { ConsumerMetrics, type RebalanceCallback } from './consumer-metrics.ts';
export { ProducerMetrics, type TimedCall } from './producer-metrics.ts';
