// The metrics of a client, under the groups, names, tags and descriptions of Java's (KIP-714 and
// before): those of every client are here, producer-metrics.ts and consumer-metrics.ts add theirs.
//
// Invariant: the hot path only adds to numbers; names and rates are made when somebody asks.

import type { ConnectionMeter } from '../../network/index.ts';
import { Sensor } from './sensor.ts';

export interface ClientMetric {
  readonly group: string;
  readonly name: string;
  readonly description: string;
  /** `client-id`, and where it applies `node-id`, `topic`, `partition`. */
  readonly tags: Readonly<Record<string, string>>;
  /** NaN where nothing was measured, as in Java. */
  readonly value: number | string;
}

export type Read = (nowMs: number) => number | string;
/** A name, Java's description, and the value of now. */
export type MetricRow = readonly [name: string, description: string, read: Read];

export interface MetricGroup {
  readonly group: string;
  readonly tags?: Readonly<Record<string, string>>;
  readonly rows: readonly MetricRow[];
}

export type ClientKind = 'producer' | 'consumer' | 'admin-client';

/** Produce and Fetch: those whose latency Java measures by node. */
const lastTimedApi = 1;

/** What goes over the connections to one broker; those of a client report to its totals, too. */
export class TrafficMeter implements ConnectionMeter {
  readonly sent = new Sensor();
  readonly received = new Sensor();
  readonly responses = new Sensor();
  readonly latency = new Sensor();
  readonly #sum: NetworkMeter;

  constructor(sum: NetworkMeter) {
    this.#sum = sum;
  }

  onConnected(nowMs: number): void {
    this.#sum.created.record(1, nowMs);
  }

  onClosed(nowMs: number): void {
    this.#sum.closed.record(1, nowMs);
  }

  onAuthenticated(isAgain: boolean, latencyMs: number, nowMs: number): void {
    const sum = this.#sum;
    if (isAgain) {
      sum.reauthenticated.record(1, nowMs);
      sum.reauthenticationLatency.record(latencyMs, nowMs);
    } else sum.authenticated.record(1, nowMs);
  }

  onRefused(isAgain: boolean, nowMs: number): void {
    (isAgain ? this.#sum.refusedAgain : this.#sum.refused).record(1, nowMs);
  }

  onSent(bytes: number, nowMs: number): void {
    this.sent.record(bytes, nowMs);
    this.#sum.sent.record(bytes, nowMs);
    this.#sum.inFlight++;
  }

  onReceived(bytes: number, nowMs: number): void {
    this.received.record(bytes, nowMs);
    this.#sum.received.record(bytes, nowMs);
  }

  onResponse(apiKey: number, latencyMs: number, nowMs: number): void {
    this.responses.record(1, nowMs);
    this.#sum.responses.record(1, nowMs);
    if (apiKey > lastTimedApi) return;
    this.latency.record(latencyMs, nowMs);
    this.#sum.latency.record(latencyMs, nowMs);
  }

  onSettled(): void {
    this.#sum.inFlight--;
  }
}

/** All connections of a client. */
export class NetworkMeter {
  readonly created = new Sensor();
  readonly closed = new Sensor();
  readonly sent = new Sensor();
  readonly received = new Sensor();
  readonly responses = new Sensor();
  readonly latency = new Sensor();
  readonly authenticated = new Sensor();
  readonly refused = new Sensor();
  readonly reauthenticated = new Sensor();
  readonly refusedAgain = new Sensor();
  readonly reauthenticationLatency = new Sensor();
  inFlight = 0;
  readonly #nodes = new Map<string, TrafficMeter>();

  /** Under Java's names of nodes: `node-1`, of a coordinator `node-2147483646`. */
  node(name: string): TrafficMeter {
    let meter = this.#nodes.get(name);
    if (meter === undefined) {
      meter = new TrafficMeter(this);
      this.#nodes.set(name, meter);
    }
    return meter;
  }

  get nodes(): ReadonlyMap<string, TrafficMeter> {
    return this.#nodes;
  }
}

/** Every metric of a client now. `groups` are those of its kind. */
export function readMetrics(
  kind: ClientKind,
  client: { readonly clientId: string; readonly startedAtMs: number },
  meter: NetworkMeter,
  groups: readonly MetricGroup[],
  nowMs: number,
): ClientMetric[] {
  const all: MetricGroup[] = [
    { group: 'app-info', rows: appRows(client) },
    { group: `${kind}-metrics`, rows: networkRows(meter) },
    ...groups,
  ];
  for (const [name, node] of meter.nodes) {
    all.push({ group: `${kind}-node-metrics`, tags: { 'node-id': name }, rows: nodeRows(node) });
  }
  const count = all.reduce((sum, { rows }) => sum + rows.length, 1);
  const counted: MetricRow = ['count', 'total number of registered metrics', () => count];
  all.push({ group: 'kafka-metrics-count', rows: [counted] });
  return all.flatMap(({ group, tags, rows }) =>
    rows.map(([name, description, read]) => ({
      group,
      name,
      description,
      tags: { 'client-id': client.clientId, ...tags },
      value: read(nowMs),
    })),
  );
}

function appRows({ startedAtMs }: { readonly startedAtMs: number }): MetricRow[] {
  return [['start-time-ms', 'Metric indicating start-time-ms', () => startedAtMs]];
}

/** `x-rate` and `x-total` of how often something happened. */
export function occurrences(
  name: string,
  sensor: Sensor,
  rate: string,
  total: string,
): MetricRow[] {
  return [
    [`${name}-rate`, rate, (nowMs) => sensor.countRate(nowMs)],
    [`${name}-total`, total, () => sensor.count],
  ];
}

/** `x-rate` and `x-total` of an amount. */
export function amounts(name: string, sensor: Sensor, rate: string, total: string): MetricRow[] {
  return [
    [`${name}-rate`, rate, (nowMs) => sensor.rate(nowMs)],
    [`${name}-total`, total, () => sensor.total],
  ];
}

/** `x-avg` and `x-max`. */
export function spread(name: string, sensor: Sensor, avg: string, max: string): MetricRow[] {
  return [
    [`${name}-avg`, avg, (nowMs) => sensor.avg(nowMs)],
    [`${name}-max`, max, (nowMs) => sensor.max(nowMs)],
  ];
}

function networkRows(meter: NetworkMeter): MetricRow[] {
  const { created, closed, sent, received, responses } = meter;
  return [
    ...occurrences(
      'connection-close',
      closed,
      perSecond('connections closed'),
      'The total number of connections closed',
    ),
    ...occurrences(
      'connection-creation',
      created,
      perSecond('new connections established'),
      'The total number of new connections established',
    ),
    [
      'connection-count',
      'The current number of active connections.',
      () => created.count - closed.count,
    ],
    ...authenticationRows(meter),
    ...amounts(
      'incoming-byte',
      received,
      'The number of bytes read off all sockets per second',
      'The total number of bytes read off all sockets',
    ),
    ...amounts(
      'outgoing-byte',
      sent,
      'The number of outgoing bytes sent to all servers per second',
      'The total number of outgoing bytes sent to all servers',
    ),
    [
      'network-io-rate',
      'The number of network operations (reads or writes) on all connections per second',
      (nowMs) => sent.countRate(nowMs) + received.countRate(nowMs),
    ],
    [
      'network-io-total',
      'The total number of network operations (reads or writes) on all connections',
      () => sent.count + received.count,
    ],
    ...requestRows(sent, responses),
  ];
}

function authenticationRows(meter: NetworkMeter): MetricRow[] {
  const again = 're-authentication of connections';
  return [
    ...occurrences(
      'successful-authentication',
      meter.authenticated,
      perSecond('connections with successful authentication'),
      'The total number of connections with successful authentication',
    ),
    ...occurrences(
      'failed-authentication',
      meter.refused,
      perSecond('connections with failed authentication'),
      'The total number of connections with failed authentication',
    ),
    ...occurrences(
      'successful-reauthentication',
      meter.reauthenticated,
      perSecond(`successful ${again}`),
      `The total number of successful ${again}`,
    ),
    ...occurrences(
      'failed-reauthentication',
      meter.refusedAgain,
      perSecond(`failed ${again}`),
      `The total number of failed ${again}`,
    ),
    ...spread(
      'reauthentication-latency',
      meter.reauthenticationLatency,
      'The average latency observed due to re-authentication',
      'The max latency observed due to re-authentication',
    ),
  ];
}

function perSecond(what: string): string {
  return `The number of ${what} per second`;
}

function requestRows(sent: Sensor, responses: Sensor): MetricRow[] {
  return [
    ...occurrences(
      'request',
      sent,
      'The number of requests sent per second',
      'The total number of requests sent',
    ),
    ...spread(
      'request-size',
      sent,
      'The average size of requests sent.',
      'The maximum size of any request sent.',
    ),
    ...occurrences(
      'response',
      responses,
      'The number of responses received per second',
      'The total number of responses received',
    ),
  ];
}

function nodeRows({ sent, received, responses, latency }: TrafficMeter): MetricRow[] {
  return [
    ...amounts(
      'incoming-byte',
      received,
      'The number of incoming bytes per second',
      'The total number of incoming bytes',
    ),
    ...amounts(
      'outgoing-byte',
      sent,
      'The number of outgoing bytes per second',
      'The total number of outgoing bytes',
    ),
    ...requestRows(sent, responses),
    ...spread('request-latency', latency, '', ''),
  ];
}
