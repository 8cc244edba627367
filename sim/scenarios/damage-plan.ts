// Which topics and directories the broker has whose files are damaged, how it is stopped, and how
// often it is damaged: drawn from the seed.

import type { Prng } from '../../src/base/prng.ts';
import type { ClusterOptions } from '../cluster.ts';
import type { Damage } from '../damage.ts';
import type { FileSystem } from '../file-system.ts';
import type { TopicPlan } from './load-run.ts';

export interface DamagePlan extends ClusterOptions {
  readonly topics: readonly TopicPlan[];
  readonly directories: readonly string[];
  readonly isStoppedCleanly: boolean;
  readonly damageCount: number;
  /** Other damage than the drawn one, for tests. */
  readonly damage?: (files: FileSystem) => Damage;
}

export const group = 'readers';

/** What clocks say when the world begins. */
export const epochMs = Date.UTC(2026, 0, 1);
/** Is deleted. */
export const goneTopic = 'gone';
/** Is deleted and created again. */
export const againTopic = 'again';

/** A small topic of each kind, and a broker that writes all of its files soon. */
export function drawDamage(prng: Prng): DamagePlan {
  const configs = (): Record<string, string> => ({
    'internal.segment.bytes': prng.pick(['4000', '8000', '60000']),
    'index.interval.bytes': prng.pick(['0', '500', '4096']),
    'file.delete.delay.ms': prng.pick(['0', '60000']),
    'compression.type': prng.pick(['producer', 'producer', 'zstd']),
    'message.timestamp.after.max.ms': '9223372036854775807',
  });
  const compacted = { 'cleanup.policy': 'compact', 'min.cleanable.dirty.ratio': '0.01' };
  const topics = [
    { name: 'plain', partitionCount: 2, configs: configs() },
    { name: 'keyed', partitionCount: 1, configs: { ...configs(), ...compacted } },
    { name: 'transactional', partitionCount: 2, configs: configs() },
    { name: againTopic, partitionCount: 1, configs: configs() },
    { name: goneTopic, partitionCount: 1, configs: configs() },
  ];
  const directories = prng.pick([['/data'], ['/data-1', '/data-2']]);
  const config = {
    'log.dirs': directories.join(','),
    'metadata.log.max.record.bytes.between.snapshots': prng.pick(['500', '4000', '20971520']),
    'log.cleaner.backoff.ms': prng.pick(['200', '2000']),
    'log.flush.offset.checkpoint.interval.ms': prng.pick(['100', '500', '60000']),
    'replica.high.watermark.checkpoint.interval.ms': prng.pick(['50', '5000']),
    'transaction.state.log.num.partitions': '1',
    'offsets.topic.num.partitions': prng.pick(['1', '2']),
    'transaction.abort.timed.out.transaction.cleanup.interval.ms': '500',
    'group.initial.rebalance.delay.ms': '0',
    'auto.create.topics.enable': 'false',
    'num.recovery.threads.per.data.dir': '1',
  };
  const isStoppedCleanly = prng.chance(0.5);
  const damageCount = prng.pick([1, 1, 1, 2, 3]);
  return { topics, directories, config, isStoppedCleanly, damageCount };
}
