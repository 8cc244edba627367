// __consumer_offsets: made when the first client looks for a coordinator.

import type { BrokerConfig } from '../config/index.ts';
import type { Controller, MetadataImage } from '../metadata/index.ts';
import { KafkaError } from '../protocol/index.ts';

export const OFFSETS_TOPIC = '__consumer_offsets';

/**
 * Creates the topic if it is not there. Replicas are bounded by the brokers that live, so that the
 * default of three does not keep a single broker from having groups.
 * @throws KafkaError COORDINATOR_NOT_AVAILABLE
 */
export async function createOffsetsTopic(
  controller: Controller,
  config: BrokerConfig,
  image: MetadataImage,
): Promise<void> {
  if (image.topic(OFFSETS_TOPIC) !== undefined) return;
  const aliveCount = [...image.aliveBrokers()].length;
  const [result] = await controller.createTopics({
    topics: [
      {
        name: OFFSETS_TOPIC,
        partitionCount: config.get('offsets.topic.num.partitions'),
        replicationFactor: Math.max(
          1,
          Math.min(config.get('offsets.topic.replication.factor'), aliveCount),
        ),
        configs: [
          { name: 'cleanup.policy', value: 'compact' },
          { name: 'compression.type', value: 'producer' },
          { name: 'segment.bytes', value: String(config.get('offsets.topic.segment.bytes')) },
        ],
      },
    ],
  });
  const error = result?.error ?? null;
  if (error === null || error.errorName === 'TOPIC_ALREADY_EXISTS') return;
  throw new KafkaError('COORDINATOR_NOT_AVAILABLE', error.message);
}
