// What a cluster of several brokers is made of, drawn from the seed: how many brokers and replicas,
// how soon somebody counts as dead or behind, how logs are cut into segments and shortened, and who
// sends.

import type { Prng } from '../../src/base/prng.ts';
import type { ClusterOptions } from '../cluster.ts';
import { drawProducer, type ProducerPlan } from '../workloads/index.ts';
import { placesOf, type TopicPlan } from './load-run.ts';

export interface ReplicatedTopicPlan extends TopicPlan {
  readonly replicationFactor: number;
  readonly minInSyncReplicas: number;
}

export interface ReplicationPlan extends ClusterOptions {
  readonly brokers: number;
  readonly topics: readonly ReplicatedTopicPlan[];
  readonly producers: readonly ProducerPlan[];
  /** Retention is on, or records are deleted: logs may begin late. */
  readonly mayStartLate: boolean;
  /** An append is on the platter before it counts (flush.messages=1). */
  readonly isSynced: boolean;
  /** One broker's clock is so far off from the beginning, in ms. */
  readonly wrongClockMs: number;
  readonly sessionTimeoutMs: number;
  /** replica.lag.time.max.ms */
  readonly lagTimeMs: number;
  readonly logDirs: readonly string[];
  /** Consumers read at followers, too (KIP-392). */
  readonly isReadNear: boolean;
  /** How long they wait for news, at the most; less: they ask more often. */
  readonly nearWaitMs?: number;
}

/** A broker with two of them may lose one and live. */
export function withTwoLogDirs(plan: ReplicationPlan): ReplicationPlan {
  const logDirs = ['/data/a', '/data/b'];
  return { ...plan, logDirs, config: { ...plan.config, 'log.dirs': logDirs.join(',') } };
}

/** All topics with so many replicas that must be in sync, as far as they have them. */
export function withMinInSync(plan: ReplicationPlan, count: number): ReplicationPlan {
  const topics = plan.topics.map((topic) => {
    const minInSyncReplicas = Math.min(count, topic.replicationFactor);
    const configs = { ...topic.configs, 'min.insync.replicas': `${minInSyncReplicas}` };
    return { ...topic, minInSyncReplicas, configs };
  });
  return { ...plan, topics };
}

const dayMs = 24 * 3_600_000;

export interface DrawReplicationOptions {
  /** Default: half of the plans. */
  readonly isSynced?: boolean;
  readonly brokers?: number;
}

export function drawReplication(prng: Prng, options: DrawReplicationOptions = {}): ReplicationPlan {
  const brokers = options.brokers ?? prng.pick([3, 3, 3, 3, 4, 5]);
  const mayStartLate = prng.chance(0.3);
  const isSynced = options.isSynced ?? prng.chance(0.5);
  const topics = Array.from({ length: 1 + prng.int(2) }, (_, index): ReplicatedTopicPlan => {
    const replicationFactor = prng.pick([2, 3, 3, 3]);
    const minInSyncReplicas = 1 + prng.int(replicationFactor);
    return {
      name: `topic-${index + 1}`,
      partitionCount: 1 + prng.int(3),
      replicationFactor,
      minInSyncReplicas,
      configs: {
        ...drawTopicConfigs(prng, mayStartLate),
        ...(isSynced && { 'flush.messages': '1' }),
        'min.insync.replicas': `${minInSyncReplicas}`,
      },
    };
  });
  const producers = Array.from({ length: 2 + prng.int(2) }, (_, index) => {
    const producer = drawProducer(prng, {
      name: `producer-${index + 1}`,
      places: placesOf(topics),
      recordCount: 20 + prng.int(60),
      // One at least has to get everything through.
      isPatient: index === 0,
    });
    // To one a leader is enough: logs part that are cut off, or alone.
    const isSteady = index === 1 && prng.chance(0.5);
    return keepingKeysApart(isSteady ? { ...producer, ...steady } : producer, topics, isSteady);
  });
  const lagTimeMs = prng.pick([600, 600, 2_000, 10_000]);
  const sessionTimeoutMs = prng.pick([1_000, 2_000, 4_000]);
  return {
    brokers,
    store: prng.chance(0.5) ? { segmentBytesMax: 2_000 } : {},
    topics,
    producers,
    mayStartLate,
    isSynced,
    wrongClockMs: prng.chance(0.3) ? prng.pick([-100, 100]) * dayMs : 0,
    sessionTimeoutMs,
    lagTimeMs,
    logDirs: ['/data'],
    isReadNear: false,
    config: { ...drawConfig(prng, sessionTimeoutMs), 'replica.lag.time.max.ms': `${lagTimeMs}` },
  };
}

/**
 * Every record has a key of its own, so that compaction takes nothing; but one that a producer
 * without numbering sends again would take its first copy.
 */
export function keepingKeysApart(
  drawn: ProducerPlan,
  topics: readonly ReplicatedTopicPlan[],
  isLeaderEnough: boolean,
): ProducerPlan {
  const { options } = drawn;
  const producer = isLeaderEnough
    ? { ...drawn, options: { ...options, acks: 1, enableIdempotence: false } as const }
    : drawn;
  if (producer.options.enableIdempotence === true) return producer;
  const places = placesOf(topics.filter(({ configs }) => configs['cleanup.policy'] !== 'compact'));
  if (places.length > 0) return { ...producer, places };
  return { ...producer, options: { ...options, acks: -1, enableIdempotence: true } };
}

/** Somebody writes whoever leads, for as long as harm is done. */
const steady = { recordCount: 150, burstMax: 3, pauseMsMean: 50 };

function drawConfig(prng: Prng, sessionTimeoutMs: number): Record<string, string> {
  return {
    'broker.session.timeout.ms': `${sessionTimeoutMs}`,
    'broker.heartbeat.interval.ms': `${sessionTimeoutMs / prng.pick([4, 10])}`,
    'replica.fetch.wait.max.ms': prng.pick(['50', '500']),
    'replica.fetch.backoff.ms': prng.pick(['50', '300']),
    'replica.fetch.max.bytes': prng.pick(['1000', '20000', '1048576']),
    'replica.fetch.response.max.bytes': prng.pick(['4000', '10485760']),
    'num.replica.fetchers': prng.pick(['1', '1', '2']),
    'log.retention.check.interval.ms': prng.pick(['100', '500', '300000']),
    'log.flush.offset.checkpoint.interval.ms': prng.pick(['50', '500', '60000']),
    'replica.high.watermark.checkpoint.interval.ms': prng.pick(['50', '5000']),
    'metadata.log.max.record.bytes.between.snapshots': prng.pick(['1000', '20971520']),
    'auto.create.topics.enable': 'false',
    'num.recovery.threads.per.data.dir': '1',
    'log.cleaner.threads': '1',
    'log.cleaner.backoff.ms': '300',
    'log.cleaner.dedupe.buffer.size': '2097152',
  };
}

function drawTopicConfigs(prng: Prng, mayStartLate: boolean): Record<string, string> {
  const configs: Record<string, string> = {
    'internal.segment.bytes': prng.pick(['4000', '10000', '60000', '1000000']),
    'segment.ms': prng.pick(['300', '3000', '604800000']),
    'index.interval.bytes': prng.pick(['0', '500', '4096']),
    'file.delete.delay.ms': prng.pick(['0', '300', '60000']),
    // Clocks are off by months here.
    'message.timestamp.after.max.ms': '9223372036854775807',
    'compression.type': prng.pick(['producer', 'producer', 'gzip']),
  };
  // A leader whose clock is a hundred days ahead may delete what is a week old.
  if (!mayStartLate) configs['retention.ms'] = '-1';
  if (mayStartLate && prng.chance(0.5)) {
    configs['retention.bytes'] = prng.pick(['8000', '30000']);
  } else if (mayStartLate) {
    // By the leader's clock: the records of a living producer are younger than this by most.
    configs['retention.ms'] = prng.pick(['200', '2000']);
  } else if (prng.chance(0.3)) {
    configs['cleanup.policy'] = 'compact';
    configs['min.cleanable.dirty.ratio'] = '0.01';
  }
  return configs;
}
