// What a consumer measures, under Java's names (FetchMetricsRegistry, ConsumerCoordinatorMetrics,
// KafkaConsumerMetrics): numbers that are added to once a fetch, a poll, a request or a rebalance.

import type { Clock } from '../../io/index.ts';
import {
  amounts,
  type MetricGroup,
  type MetricRow,
  occurrences,
  type Read,
  spread,
} from './client-metrics.ts';
import { Sensor } from './sensor.ts';

/** A partition that is assigned, as it stands now. */
export interface PartitionGauges {
  readonly topic: string;
  readonly partition: number;
  /** null before the first record. */
  readonly position: number | null;
  /** -1 before the first answer. */
  readonly highWatermark: number;
  readonly logStartOffset: number;
  readonly preferredReplica: number;
}

class TopicSensors {
  readonly bytes = new Sensor();
  readonly records = new Sensor();
  readonly fetchBytes = new Sensor();
}

/** What a listener is told of. */
export type RebalanceCallback = 'assigned' | 'revoked' | 'lost';
type GroupRequest = 'heartbeat' | 'join' | 'sync' | 'commit';

/** Requests of a group that are measured, by API key; the last is that of KIP-848. */
const groupRequests: Readonly<Record<number, GroupRequest>> = {
  8: 'commit',
  11: 'join',
  12: 'heartbeat',
  14: 'sync',
  68: 'heartbeat',
};

const dots =
  ' Note: For topic names with periods (.), an additional metric with underscores is emitted. ' +
  'However, the periods replaced metric is deprecated. Please use the metric with actual topic ' +
  'name instead.';

export class ConsumerMetrics {
  readonly #fetchMs = new Sensor();
  readonly #throttleMs = new Sensor();
  readonly #fetchBytes = new Sensor();
  readonly #bytes = new Sensor();
  readonly #records = new Sensor();
  readonly #lag = new Sensor();
  readonly #lead = new Sensor();
  readonly #topics = new Map<string, TopicSensors>();
  readonly #partitions = new Map<string, { lag: Sensor; lead: Sensor }>();
  readonly #betweenPolls = new Sensor();
  readonly #idle = new Sensor();
  readonly #requests: Readonly<Record<GroupRequest, Sensor>> = {
    heartbeat: new Sensor(),
    join: new Sensor(),
    sync: new Sensor(),
    commit: new Sensor(),
  };
  readonly #callbacks: Readonly<Record<RebalanceCallback, Sensor>> = {
    assigned: new Sensor(),
    revoked: new Sensor(),
    lost: new Sensor(),
  };
  readonly #rebalances = new Sensor();
  readonly #failedRebalances = new Sensor();
  #committedNs = 0;
  #commitNs = 0;
  #pollAtMs = Number.NaN;
  #pollEndMs = Number.NaN;
  #heartbeatAtMs = Number.NaN;
  #rebalanceBeganMs = Number.NaN;
  #rebalanceAtMs = Number.NaN;

  onFetched(elapsedMs: number, throttleTimeMs: number, nowMs: number): void {
    this.#fetchMs.record(elapsedMs, nowMs);
    this.#throttleMs.record(throttleTimeMs, nowMs);
  }

  /** What an answer has brought of one partition. */
  onBytes(topic: string, bytes: number, nowMs: number): void {
    const sensors = this.#topic(topic);
    this.#fetchBytes.record(bytes, nowMs);
    this.#bytes.record(bytes, nowMs);
    sensors.fetchBytes.record(bytes, nowMs);
    sensors.bytes.record(bytes, nowMs);
  }

  /** Records that `poll` hands out, of one partition. */
  onRecords(partition: PartitionGauges, recordCount: number, nowMs: number): void {
    const { topic, position, highWatermark, logStartOffset } = partition;
    this.#records.record(recordCount, nowMs);
    this.#topic(topic).records.record(recordCount, nowMs);
    if (position === null || highWatermark < 0) return;
    const own = this.#of(partition);
    const lag = Math.max(0, highWatermark - position);
    this.#lag.record(lag, nowMs);
    own.lag.record(lag, nowMs);
    const lead = Math.max(0, position - logStartOffset);
    this.#lead.record(lead, nowMs);
    own.lead.record(lead, nowMs);
  }

  onPollBegin(nowMs: number): void {
    if (!Number.isNaN(this.#pollAtMs)) this.#betweenPolls.record(nowMs - this.#pollAtMs, nowMs);
    const busyMs = nowMs - this.#pollEndMs;
    const idleMs = this.#pollEndMs - this.#pollAtMs;
    if (busyMs + idleMs > 0) this.#idle.record(idleMs / (busyMs + idleMs), nowMs);
    this.#pollAtMs = nowMs;
  }

  onPollEnd(nowMs: number): void {
    this.#pollEndMs = nowMs;
  }

  /** A coordinator has answered. */
  onAnswered(apiKey: number, elapsedMs: number, nowMs: number): void {
    const request = groupRequests[apiKey];
    if (request === undefined) return;
    this.#requests[request].record(elapsedMs, nowMs);
    if (request === 'heartbeat') this.#heartbeatAtMs = nowMs;
    if (request !== 'join') return;
    // A second one within a rebalance: the first has not led to an assignment.
    if (Number.isNaN(this.#rebalanceBeganMs)) this.#rebalanceBeganMs = nowMs - elapsedMs;
    else this.#failedRebalances.record(1, nowMs);
  }

  /** Measures a call of a listener; null and undefined: there is none. */
  async timed(clock: Clock, callback: RebalanceCallback, call: unknown): Promise<void> {
    if (call === undefined) return;
    const beganMs = clock.monotonic();
    try {
      await call;
    } finally {
      const nowMs = clock.monotonic();
      this.#callbacks[callback].record(nowMs - beganMs, nowMs);
    }
  }

  /** The partitions of a new assignment are ours. */
  onRebalanced(nowMs: number): void {
    const beganMs = this.#rebalanceBeganMs;
    this.#rebalances.record(Number.isNaN(beganMs) ? 0 : nowMs - beganMs, nowMs);
    this.#rebalanceAtMs = nowMs;
    this.#rebalanceBeganMs = Number.NaN;
  }

  onCall(call: 'commit' | 'committed', elapsedMs: number): void {
    if (call === 'commit') this.#commitNs += elapsedMs * 1e6;
    else this.#committedNs += elapsedMs * 1e6;
  }

  groups(
    partitions: Iterable<PartitionGauges>,
    protocol: 'classic' | 'consumer' | null,
  ): MetricGroup[] {
    const assigned = [...partitions];
    const fetching = 'consumer-fetch-manager-metrics';
    const groups: MetricGroup[] = [
      { group: 'consumer-metrics', rows: this.#callRows() },
      { group: fetching, rows: this.#fetchRows() },
      ...[...this.#topics].map(([topic, sensors]) => {
        return { group: fetching, tags: { topic }, rows: topicRows(sensors) };
      }),
      ...assigned.map((each) => {
        const tags = { topic: each.topic, partition: String(each.partition) };
        return { group: fetching, tags, rows: this.#partitionRows(each) };
      }),
    ];
    if (protocol === null) return groups;
    const rows = this.#groupRows(assigned.length, protocol);
    return [...groups, { group: 'consumer-coordinator-metrics', rows }];
  }

  #topic(name: string): TopicSensors {
    let sensors = this.#topics.get(name);
    if (sensors === undefined) {
      sensors = new TopicSensors();
      this.#topics.set(name, sensors);
    }
    return sensors;
  }

  #of({ topic, partition }: PartitionGauges): { lag: Sensor; lead: Sensor } {
    const key = `${partition} ${topic}`;
    let sensors = this.#partitions.get(key);
    if (sensors === undefined) {
      sensors = { lag: new Sensor(), lead: new Sensor() };
      this.#partitions.set(key, sensors);
    }
    return sensors;
  }

  #callRows(): MetricRow[] {
    return [
      ...spread(
        'time-between-poll',
        this.#betweenPolls,
        'The average delay between invocations of poll() in milliseconds.',
        'The max delay between invocations of poll() in milliseconds.',
      ),
      [
        'last-poll-seconds-ago',
        'The number of seconds since the last poll() invocation.',
        secondsSince(() => this.#pollAtMs),
      ],
      [
        'poll-idle-ratio-avg',
        "The average fraction of time the consumer's poll() is idle as opposed to " +
          'waiting for the user code to process records.',
        (nowMs) => this.#idle.avg(nowMs),
      ],
      [
        'commit-sync-time-ns-total',
        'The total time the consumer has spent in commitSync in nanoseconds',
        () => this.#commitNs,
      ],
      [
        'committed-time-ns-total',
        'The total time the consumer has spent in committed in nanoseconds',
        () => this.#committedNs,
      ],
    ];
  }

  #fetchRows(): MetricRow[] {
    return [
      ...spread(
        'fetch-latency',
        this.#fetchMs,
        'The average time taken for a fetch request.',
        'The max time taken for any fetch request.',
      ),
      ...occurrences(
        'fetch',
        this.#fetchMs,
        'The number of fetch requests per second.',
        'The total number of fetch requests.',
      ),
      ...spread(
        'fetch-throttle-time',
        this.#throttleMs,
        'The average throttle time in ms',
        'The maximum throttle time in ms',
      ),
      ...spread(
        'fetch-size',
        this.#fetchBytes,
        'The average number of bytes fetched per request',
        'The maximum number of bytes fetched per request',
      ),
      ...amounts(
        'bytes-consumed',
        this.#bytes,
        'The average number of bytes consumed per second',
        'The total number of bytes consumed',
      ),
      ...amounts(
        'records-consumed',
        this.#records,
        'The average number of records consumed per second',
        'The total number of records consumed',
      ),
      [
        'records-per-request-avg',
        'The average number of records in each request',
        () =>
          this.#fetchBytes.count === 0 ? Number.NaN : this.#records.total / this.#fetchBytes.count,
      ],
      [
        'records-lag-max',
        'The maximum lag in terms of number of records for any partition in this ' +
          'window. NOTE: This is based on current offset and not committed offset',
        (nowMs) => this.#lag.max(nowMs),
      ],
      [
        'records-lead-min',
        'The minimum lead in terms of number of records for any partition in this window',
        (nowMs) => this.#lead.min(nowMs),
      ],
    ];
  }

  #partitionRows(each: PartitionGauges): MetricRow[] {
    const { lag, lead } = this.#of(each);
    const { position, highWatermark, logStartOffset, preferredReplica } = each;
    const known = position !== null && highWatermark >= 0;
    const shown = (name: string, text: string, read: Read): MetricRow => [name, text + dots, read];
    return [
      shown('records-lag', 'The latest lag of the partition.', () =>
        known ? Math.max(0, highWatermark - position) : Number.NaN,
      ),
      shown('records-lag-avg', 'The average lag of the partition.', (nowMs) => lag.avg(nowMs)),
      shown('records-lag-max', 'The max lag of the partition.', (nowMs) => lag.max(nowMs)),
      shown('records-lead', 'The latest lead of the partition.', () =>
        known ? Math.max(0, position - logStartOffset) : Number.NaN,
      ),
      shown('records-lead-avg', 'The average lead of the partition.', (nowMs) => lead.avg(nowMs)),
      shown('records-lead-min', 'The min lead of the partition.', (nowMs) => lead.min(nowMs)),
      shown(
        'preferred-read-replica',
        'The current read replica for the partition, or -1 if reading from leader.',
        () => preferredReplica,
      ),
    ];
  }

  #groupRows(assigned: number, protocol: 'classic' | 'consumer'): MetricRow[] {
    const { heartbeat, commit } = this.#requests;
    const taken = (callback: RebalanceCallback): MetricRow[] => {
      const what = `time taken for a partition-${callback} rebalance listener callback`;
      const sensor = this.#callbacks[callback];
      return spread(
        `partition-${callback}-latency`,
        sensor,
        `The average ${what}`,
        `The max ${what}`,
      );
    };
    return [
      [
        'assigned-partitions',
        'The number of partitions currently assigned to this consumer',
        () => assigned,
      ],
      ...spread(
        'commit-latency',
        commit,
        'The average time taken for a commit request',
        'The max time taken for a commit request',
      ),
      ...occurrences(
        'commit',
        commit,
        'The number of commit calls per second',
        'The total number of commit calls',
      ),
      ...occurrences(
        'heartbeat',
        heartbeat,
        'The number of heartbeats per second',
        'The total number of heartbeats',
      ),
      [
        'heartbeat-response-time-max',
        'The max time taken to receive a response to a heartbeat request',
        (nowMs) => heartbeat.max(nowMs),
      ],
      [
        'last-heartbeat-seconds-ago',
        'The number of seconds since the last coordinator heartbeat was sent',
        secondsSince(() => this.#heartbeatAtMs),
      ],
      ...taken('assigned'),
      ...taken('revoked'),
      ...taken('lost'),
      ...this.#rebalanceRows(protocol),
    ];
  }

  #rebalanceRows(protocol: 'classic' | 'consumer'): MetricRow[] {
    const { join, sync } = this.#requests;
    const isClassic = protocol === 'classic';
    const event = isClassic
      ? 'successful rebalance events per hour, each event is composed of several ' +
        'failed re-trials until it succeeded'
      : 'rebalance events per hour';
    const time = isClassic
      ? 'time taken for a group to complete a successful rebalance, which may be ' +
        'composed of several failed re-trials until it succeeded'
      : 'time in ms taken for a group to complete a rebalance';
    const rebalances = this.#rebalances;
    const failed = this.#failedRebalances;
    return [
      ...spread('rebalance-latency', rebalances, `The average ${time}`, `The max ${time}`),
      [
        'rebalance-latency-total',
        isClassic
          ? 'The total number of milliseconds this consumer has spent in successful ' +
            'rebalances since creation'
          : 'The total number of milliseconds spent in rebalances',
        () => rebalances.total,
      ],
      [
        'rebalance-total',
        `The total number of ${event.replace(' per hour', '')}`,
        () => rebalances.count,
      ],
      [
        'rebalance-rate-per-hour',
        `The number of ${event}`,
        (nowMs) => rebalances.countRate(nowMs) * 3600,
      ],
      ['failed-rebalance-total', 'The total number of failed rebalance events', () => failed.count],
      [
        'failed-rebalance-rate-per-hour',
        'The number of failed rebalance events per hour',
        (nowMs) => failed.countRate(nowMs) * 3600,
      ],
      [
        'last-rebalance-seconds-ago',
        `The number of seconds since the last ${isClassic ? 'successful ' : ''}rebalance event`,
        secondsSince(() => this.#rebalanceAtMs),
      ],
      ...(isClassic ? stepRows('join', 'a group rejoin', 'group joins', join) : []),
      ...(isClassic ? stepRows('sync', 'a group sync', 'group syncs', sync) : []),
    ];
  }
}

function stepRows(name: string, one: string, many: string, sensor: Sensor): MetricRow[] {
  return [
    ...spread(
      `${name}-time`,
      sensor,
      `The average time taken for ${one}`,
      `The max time taken for ${one}`,
    ),
    ...occurrences(name, sensor, `The number of ${many} per second`, `The total number of ${many}`),
  ];
}

/** -1 before the first time, as in Java. */
function secondsSince(atMs: () => number): Read {
  return (nowMs) => (Number.isNaN(atMs()) ? -1 : Math.floor((nowMs - atMs()) / 1000));
}

function topicRows({ bytes, records, fetchBytes }: TopicSensors): MetricRow[] {
  return [
    ...spread(
      'fetch-size',
      fetchBytes,
      `The average number of bytes fetched per request for a topic.${dots}`,
      `The maximum number of bytes fetched per request for a topic.${dots}`,
    ),
    ...amounts(
      'bytes-consumed',
      bytes,
      `The average number of bytes consumed per second for a topic.${dots}`,
      `The total number of bytes consumed for a topic.${dots}`,
    ),
    ...amounts(
      'records-consumed',
      records,
      `The average number of records consumed per second for a topic.${dots}`,
      `The total number of records consumed for a topic.${dots}`,
    ),
    [
      'records-per-request-avg',
      `The average number of records in each request for a topic.${dots}`,
      () => (fetchBytes.count === 0 ? Number.NaN : records.total / fetchBytes.count),
    ],
  ];
}
