// Which transactional clients there are in a world, and what each of their lives is like: drawn
// from the seed.

import type { Prng } from '../../src/base/prng.ts';
import type { CopierPlan, WriterPlan } from '../workloads/index.ts';
import { placesOf, type TopicPlan } from './load-run.ts';

export const sourceTopic = 'source';
export const copiesTopic = 'copies';

/** What is the same for all lives of a client. */
export interface ClientPlan {
  readonly kind: 'writer' | 'copier';
  /** Also the host. */
  readonly name: string;
  readonly transactionalId: string;
  readonly transactionTimeoutMs: number;
  readonly slowChance: number;
  readonly abortChance: number;
}

export interface TransactionTopics {
  readonly topics: readonly TopicPlan[];
  readonly clients: readonly ClientPlan[];
}

export function drawTransactions(prng: Prng): TransactionTopics {
  const partitionCount = 1 + prng.int(3);
  const configs = drawTopicConfigs(prng);
  const topics = [
    { name: sourceTopic, partitionCount, configs },
    { name: 'other', partitionCount: 1 + prng.int(2), configs },
    { name: copiesTopic, partitionCount, configs },
  ];
  const slowChance = prng.pick([0, 0.05, 0.2]);
  const transactionTimeoutMs = prng.pick([1_000, 4_000, 10_000]);
  const client = (kind: ClientPlan['kind'], number: number, transactionalId: string) => {
    const abortChance = prng.pick([0, 0.2, 0.5]);
    const name = `${kind}-${number}`;
    return { kind, name, transactionalId, transactionTimeoutMs, slowChance, abortChance };
  };
  const clients: ClientPlan[] = [];
  const writerCount = 1 + prng.int(3);
  const isShared = prng.chance(0.4);
  for (let i = 1; i <= writerCount; i++) {
    // Two producers of one id fence each other.
    const idNumber = isShared && i === 2 ? 1 : i;
    clients.push(client('writer', i, `writes-${idNumber}`));
  }
  const copierCount = prng.int(3);
  for (let i = 1; i <= copierCount; i++) clients.push(client('copier', i, `copies-${i}`));
  return { topics, clients };
}

function drawTopicConfigs(prng: Prng): Record<string, string> {
  return {
    // No batch of ours is larger than that: it would never be taken.
    'internal.segment.bytes': prng.pick(['20000', '20000', '1000000']),
    'segment.ms': prng.pick(['1000', '604800000']),
    'index.interval.bytes': prng.pick(['0', '500', '4096']),
    'file.delete.delay.ms': prng.pick(['0', '60000']),
    // Clocks are off by hours here.
    'message.timestamp.after.max.ms': '9223372036854775807',
  };
}

const codecs = ['none', 'none', 'gzip', 'snappy', 'lz4', 'zstd'] as const;

/** What one life of a client is like. */
export function drawLife(
  prng: Prng,
  { topics, clients }: TransactionTopics,
  life: { readonly client: ClientPlan; readonly name: string },
): WriterPlan | CopierPlan {
  const { client, name } = life;
  const { transactionalId, transactionTimeoutMs, slowChance, abortChance } = client;
  const plan = {
    name,
    transactionalId,
    abortChance,
    slowChance,
    options: {
      transactionTimeoutMs,
      compressionType: prng.pick(codecs),
      batchSizeBytes: prng.pick([200, 2_000, 16_384]),
      lingerMs: prng.pick([0, 5, 50]),
      requestTimeoutMs: prng.pick([1_000, 5_000]),
      deliveryTimeoutMs: prng.pick([6_000, 120_000]),
      maxBlockMs: prng.pick([1_000, 60_000]),
      retryBackoffMs: prng.pick([20, 100]),
    },
  };
  if (client.kind === 'writer') {
    const places = placesOf(topics.filter((topic) => topic.name !== copiesTopic));
    const transactionCount = prng.pick([2, 10, 40]);
    const recordsMax = prng.pick([1, 4, 20]);
    return { ...plan, places, transactionCount, recordsMax, pauseMsMean: prng.pick([5, 100, 500]) };
  }
  // All members of a group speak one protocol.
  const isClassic = clients.length % 2 === 0;
  const consumerOptions = isClassic
    ? ({ groupProtocol: 'classic', sessionTimeoutMs: 6_000, heartbeatIntervalMs: 1_500 } as const)
    : ({ groupProtocol: 'consumer' } as const);
  const maxPollRecords = prng.pick([1, 5, 50]);
  const groupId = 'copiers';
  const copies = { groupId, sourceTopic, targetTopic: copiesTopic };
  return { ...plan, ...copies, consumerOptions: { ...consumerOptions, maxPollRecords } };
}

/** Of a broker that notices within seconds what happens to transactions and groups. */
export function drawTransactionConfig(prng: Prng): Record<string, string> {
  return {
    'transaction.state.log.num.partitions': prng.pick(['1', '3']),
    'offsets.topic.num.partitions': prng.pick(['1', '3']),
    'transaction.abort.timed.out.transaction.cleanup.interval.ms': prng.pick(['100', '1000']),
    'group.min.session.timeout.ms': '1000',
    'group.initial.rebalance.delay.ms': '0',
    'group.consumer.min.session.timeout.ms': '1000',
    'group.consumer.session.timeout.ms': '6000',
    'group.consumer.min.heartbeat.interval.ms': '100',
    'group.consumer.heartbeat.interval.ms': '1000',
    // The logs of the coordinators are compacted while they are written to.
    'log.cleaner.backoff.ms': prng.pick(['500', '15000']),
    'log.cleaner.min.cleanable.ratio': prng.pick(['0', '0.5']),
    'log.flush.offset.checkpoint.interval.ms': prng.pick(['50', '500', '60000']),
    'log.retention.check.interval.ms': prng.pick(['500', '300000']),
    'auto.create.topics.enable': 'false',
    'num.recovery.threads.per.data.dir': '1',
  };
}
