// What a producer measures, under Java's names (SenderMetricsRegistry, KafkaProducerMetrics,
// BufferPool): numbers that the sender adds to once a batch, never once a record.

import type { Clock } from '../../io/index.ts';
import {
  amounts,
  type MetricGroup,
  type MetricRow,
  type NetworkMeter,
  occurrences,
  spread,
} from './client-metrics.ts';
import { Sensor } from './sensor.ts';

/** What the sender knows of a batch that goes out. */
export interface SentBatch {
  readonly topic: string;
  readonly recordCount: number;
  readonly sizeBytes: number;
  readonly recordBytesMax: number;
  readonly createdMs: number;
}

class TopicSensors {
  readonly bytes = new Sensor();
  readonly records = new Sensor();
  readonly errors = new Sensor();
  readonly retries = new Sensor();
  readonly compression = new Sensor();
}

/** Calls whose time is counted. */
export type TimedCall =
  | 'flush'
  | 'txn-init'
  | 'txn-begin'
  | 'txn-send-offsets'
  | 'txn-commit'
  | 'txn-abort'
  | 'metadata-wait'
  | 'bufferpool-wait';

export interface ProducerGauges {
  readonly bufferBytesMax: number;
  readonly bufferedBytes: number;
  /** Records that wait for room. */
  readonly waiting: number;
  readonly metadataAgeMs: number;
}

export class ProducerMetrics {
  readonly #batchBytes = new Sensor();
  readonly #recordBytes = new Sensor();
  readonly #queueMs = new Sensor();
  readonly #compression = new Sensor();
  readonly #records = new Sensor();
  readonly #perRequest = new Sensor();
  readonly #throttleMs = new Sensor();
  readonly #errors = new Sensor();
  readonly #retries = new Sensor();
  readonly #splits = new Sensor();
  readonly #exhausted = new Sensor();
  readonly #waitedNs = new Sensor();
  readonly #topics = new Map<string, TopicSensors>();
  readonly #times = new Map<TimedCall, number>();
  readonly #clock: Clock;
  /** The records of the request that is being put together. */
  #requestRecords = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** `uncompressedBytes`: of its records before they were packed. */
  onBatch(batch: SentBatch, uncompressedBytes: number, nowMs: number): void {
    const { recordCount, sizeBytes } = batch;
    const topic = this.#topic(batch.topic);
    const ratio = uncompressedBytes === 0 ? 1 : sizeBytes / uncompressedBytes;
    this.#batchBytes.record(sizeBytes, nowMs);
    this.#recordBytes.record(batch.recordBytesMax, nowMs);
    this.#queueMs.record(nowMs - batch.createdMs, nowMs);
    this.#compression.record(ratio, nowMs);
    this.#records.record(recordCount, nowMs);
    topic.bytes.record(sizeBytes, nowMs);
    topic.records.record(recordCount, nowMs);
    topic.compression.record(ratio, nowMs);
    this.#requestRecords += recordCount;
  }

  /** The batches since the last one go out in one request. */
  onRequest(nowMs: number): void {
    this.#perRequest.record(this.#requestRecords, nowMs);
    this.#requestRecords = 0;
  }

  onThrottled(throttleTimeMs: number, nowMs: number): void {
    this.#throttleMs.record(throttleTimeMs, nowMs);
  }

  onRetry(topic: string, recordCount: number, nowMs: number): void {
    this.#retries.record(recordCount, nowMs);
    this.#topic(topic).retries.record(recordCount, nowMs);
  }

  onErrors(topic: string, recordCount: number, nowMs: number): void {
    this.#errors.record(recordCount, nowMs);
    this.#topic(topic).errors.record(recordCount, nowMs);
  }

  onSplit(nowMs: number): void {
    this.#splits.record(1, nowMs);
  }

  /** A record was refused after it had waited for room. */
  onExhausted(): void {
    this.#exhausted.record(1, this.#clock.monotonic());
  }

  /** Adds up the time of a call. */
  async timed<T>(call: TimedCall, work: Promise<T>): Promise<T> {
    const clock = this.#clock;
    const beganMs = clock.monotonic();
    try {
      return await work;
    } finally {
      this.onTime(call, clock.monotonic() - beganMs);
    }
  }

  onTime(call: TimedCall, elapsedMs: number): void {
    const elapsedNs = elapsedMs * 1e6;
    this.#times.set(call, (this.#times.get(call) ?? 0) + elapsedNs);
    if (call === 'bufferpool-wait') {
      this.#waitedNs.record(elapsedNs, this.#clock.monotonic());
    }
  }

  groups(network: NetworkMeter, gauges: ProducerGauges): MetricGroup[] {
    const group = 'producer-topic-metrics';
    return [
      { group: 'producer-metrics', rows: [...this.#rows(network, gauges), ...this.#timeRows()] },
      ...[...this.#topics].map(([topic, sensors]) => {
        return { group, tags: { topic }, rows: topicRows(sensors) };
      }),
    ];
  }

  #topic(name: string): TopicSensors {
    let sensors = this.#topics.get(name);
    if (sensors === undefined) {
      sensors = new TopicSensors();
      this.#topics.set(name, sensors);
    }
    return sensors;
  }

  #rows(network: NetworkMeter, gauges: ProducerGauges): MetricRow[] {
    return [
      ...this.#batchRows(),
      ...spread(
        'produce-throttle-time',
        this.#throttleMs,
        'The average time in ms a request was throttled by a broker',
        'The maximum time in ms a request was throttled by a broker',
      ),
      ...spread(
        'request-latency',
        network.latency,
        'The average request latency in ms',
        'The maximum request latency in ms',
      ),
      [
        'requests-in-flight',
        'The current number of in-flight requests awaiting a response.',
        () => network.inFlight,
      ],
      [
        'metadata-age',
        'The age in seconds of the current producer metadata being used.',
        () => gauges.metadataAgeMs / 1000,
      ],
      [
        'buffer-total-bytes',
        'The maximum amount of buffer memory the client can use (whether or not it ' +
          'is currently used).',
        () => gauges.bufferBytesMax,
      ],
      [
        'buffer-available-bytes',
        'The total amount of buffer memory that is not being used (either ' +
          'unallocated or in the free list).',
        () => Math.max(0, gauges.bufferBytesMax - gauges.bufferedBytes),
      ],
      [
        'waiting-threads',
        'The number of user threads blocked waiting for buffer memory to enqueue their records',
        () => gauges.waiting,
      ],
      [
        'bufferpool-wait-ratio',
        'The fraction of time an appender waits for space allocation.',
        (nowMs) => this.#waitedNs.rate(nowMs) / 1e9,
      ],
      ...occurrences(
        'buffer-exhausted',
        this.#exhausted,
        'The average per-second number of record sends that are dropped due to buffer exhaustion',
        'The total number of record sends that are dropped due to buffer exhaustion',
      ),
    ];
  }

  #batchRows(): MetricRow[] {
    return [
      ...spread(
        'batch-size',
        this.#batchBytes,
        'The average number of bytes sent per partition per-request.',
        'The max number of bytes sent per partition per-request.',
      ),
      ...spread(
        'record-size',
        this.#recordBytes,
        'The average record size',
        'The maximum record size',
      ),
      ...spread(
        'record-queue-time',
        this.#queueMs,
        'The average time in ms record batches spent in the send buffer.',
        'The maximum time in ms record batches spent in the send buffer.',
      ),
      [
        'compression-rate-avg',
        'The average compression rate of record batches, defined as the average ' +
          'ratio of the compressed batch size over the uncompressed size.',
        (nowMs) => this.#compression.avg(nowMs),
      ],
      [
        'records-per-request-avg',
        'The average number of records per request.',
        (nowMs) => this.#perRequest.avg(nowMs),
      ],
      ...amounts(
        'record-send',
        this.#records,
        'The average number of records sent per second.',
        'The total number of records sent.',
      ),
      ...amounts(
        'record-retry',
        this.#retries,
        'The average per-second number of retried record sends',
        'The total number of retried record sends',
      ),
      ...amounts(
        'record-error',
        this.#errors,
        'The average per-second number of record sends that resulted in errors',
        'The total number of record sends that resulted in errors',
      ),
      ...occurrences(
        'batch-split',
        this.#splits,
        'The average number of batch splits per second',
        'The total number of batch splits',
      ),
    ];
  }

  #timeRows(): MetricRow[] {
    const within = (call: TimedCall, method: string): MetricRow => [
      `${call}-time-ns-total`,
      `Total time producer has spent in ${method} in nanoseconds.`,
      () => this.#times.get(call) ?? 0,
    ];
    return [
      within('flush', 'flush'),
      within('txn-init', 'initTransactions'),
      within('txn-begin', 'beginTransaction'),
      within('txn-send-offsets', 'sendOffsetsToTransaction'),
      within('txn-commit', 'commitTransaction'),
      within('txn-abort', 'abortTransaction'),
      [
        'metadata-wait-time-ns-total',
        'Total time producer has spent waiting on topic metadata in nanoseconds.',
        () => this.#times.get('metadata-wait') ?? 0,
      ],
      [
        'bufferpool-wait-time-ns-total',
        'The total time in nanoseconds an appender waits for space allocation.',
        () => this.#times.get('bufferpool-wait') ?? 0,
      ],
    ];
  }
}

function topicRows({ bytes, records, errors, retries, compression }: TopicSensors): MetricRow[] {
  return [
    ...amounts(
      'byte',
      bytes,
      'The average number of bytes sent per second for a topic.',
      'The total number of bytes sent for a topic.',
    ),
    ...amounts(
      'record-send',
      records,
      'The average number of records sent per second for a topic.',
      'The total number of records sent for a topic.',
    ),
    ...amounts(
      'record-retry',
      retries,
      'The average per-second number of retried record sends for a topic',
      'The total number of retried record sends for a topic',
    ),
    ...amounts(
      'record-error',
      errors,
      'The average per-second number of record sends that resulted in errors for a topic',
      'The total number of record sends that resulted in errors for a topic',
    ),
    [
      'compression-rate',
      'The average compression rate of record batches for a topic, defined as the ' +
        'average ratio of the compressed batch size over the uncompressed size.',
      (nowMs) => compression.avg(nowMs),
    ],
  ];
}
