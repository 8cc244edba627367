// __transaction_state: what is known of transactional ids.

import type { BrokerConfig } from '../../config/index.ts';
import type { InternalTopic } from '../create-internal-topic.ts';

export const TRANSACTION_TOPIC = '__transaction_state';

export function transactionTopic(config: BrokerConfig): InternalTopic {
  const minIsrWanted = config.get('transaction.state.log.min.isr');
  return {
    name: TRANSACTION_TOPIC,
    partitionCount: config.get('transaction.state.log.num.partitions'),
    replicationFactor: config.get('transaction.state.log.replication.factor'),
    configsOf: (replicationFactor) => ({
      'cleanup.policy': 'compact',
      'compression.type': 'uncompressed',
      // The default of two would keep a single broker from having transactions.
      'min.insync.replicas': String(Math.min(minIsrWanted, replicationFactor)),
      'segment.bytes': String(config.get('transaction.state.log.segment.bytes')),
      'unclean.leader.election.enable': 'false',
    }),
  };
}
