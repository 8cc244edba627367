// __consumer_offsets: what groups commit, and who is in them.

import type { BrokerConfig } from '../config/index.ts';
import type { InternalTopic } from './create-internal-topic.ts';

export const OFFSETS_TOPIC = '__consumer_offsets';

export function offsetsTopic(config: BrokerConfig): InternalTopic {
  return {
    name: OFFSETS_TOPIC,
    partitionCount: config.get('offsets.topic.num.partitions'),
    replicationFactor: config.get('offsets.topic.replication.factor'),
    configsOf: () => ({
      'cleanup.policy': 'compact',
      'compression.type': 'producer',
      'segment.bytes': String(config.get('offsets.topic.segment.bytes')),
    }),
  };
}
