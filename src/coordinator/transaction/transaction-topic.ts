// __transaction_state: made when the first client looks for the coordinator of a transactional id.

import type { BrokerConfig } from '../../config/index.ts';
import type { Controller, MetadataImage } from '../../metadata/index.ts';
import { KafkaError } from '../../protocol/index.ts';

export const TRANSACTION_TOPIC = '__transaction_state';

/**
 * Creates the topic if it is not there. Replicas, and how many of them must be in sync, are bounded
 * by the brokers that live, so that the defaults of three and two do not keep a single broker from
 * having transactions.
 * @throws KafkaError COORDINATOR_NOT_AVAILABLE
 */
export async function createTransactionTopic(
  controller: Controller,
  config: BrokerConfig,
  image: MetadataImage,
): Promise<void> {
  if (image.topic(TRANSACTION_TOPIC) !== undefined) return;
  const aliveCount = [...image.aliveBrokers()].length;
  const wanted = config.get('transaction.state.log.replication.factor');
  const replicationFactor = Math.max(1, Math.min(wanted, aliveCount));
  const minIsr = Math.min(config.get('transaction.state.log.min.isr'), replicationFactor);
  const [result] = await controller.createTopics({
    topics: [
      {
        name: TRANSACTION_TOPIC,
        partitionCount: config.get('transaction.state.log.num.partitions'),
        replicationFactor,
        configs: Object.entries({
          'cleanup.policy': 'compact',
          'compression.type': 'uncompressed',
          'min.insync.replicas': String(minIsr),
          'segment.bytes': String(config.get('transaction.state.log.segment.bytes')),
          'unclean.leader.election.enable': 'false',
        }).map(([name, value]) => ({ name, value })),
      },
    ],
  });
  const error = result?.error ?? null;
  if (error === null || error.errorName === 'TOPIC_ALREADY_EXISTS') return;
  throw new KafkaError('COORDINATOR_NOT_AVAILABLE', error.message);
}
