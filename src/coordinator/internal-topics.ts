// The internal topics, __consumer_offsets and __transaction_state: what they are called, with which
// settings they are made, and how. They are made when the first client looks for a coordinator.

import type { BrokerConfig } from '../config/index.ts';
import type { Controller, MetadataImage } from '../metadata/index.ts';
import { ErrorCode, KafkaError } from '../protocol/index.ts';

/** What groups commit, and who is in them. */
export const OFFSETS_TOPIC = '__consumer_offsets';
/** What is known of transactional ids. */
export const TRANSACTION_TOPIC = '__transaction_state';

export interface InternalTopic {
  readonly name: string;
  readonly partitionCount: number;
  /** Wanted; a broker on its own makes one replica. */
  readonly replicationFactor: number;
  /** @param replicationFactor as it came out */
  readonly configsOf: (replicationFactor: number) => Readonly<Record<string, string>>;
}

export interface TopicMaking {
  readonly controller: Controller;
  readonly image: MetadataImage;
  /** There is no cluster that other brokers could join. */
  readonly isAlone: boolean;
}

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

/**
 * Creates the topic if it is not there. In a cluster it is never made with fewer replicas than
 * wanted, for they would be fewer for ever: until so many brokers live there is no coordinator.
 * Only a broker on its own makes do with one, so that the default of three does not keep it from
 * having groups and transactions.
 * @throws KafkaError COORDINATOR_NOT_AVAILABLE
 */
export async function createInternalTopic(
  { controller, image, isAlone }: TopicMaking,
  { name, partitionCount, replicationFactor: wanted, configsOf }: InternalTopic,
): Promise<void> {
  if (image.topic(name) !== undefined) return;
  const aliveCount = [...image.aliveBrokers()].length;
  if (!isAlone && aliveCount < wanted) {
    const why = `${name} has ${wanted} replicas, and ${aliveCount} brokers are alive`;
    throw new KafkaError('COORDINATOR_NOT_AVAILABLE', why);
  }
  const replicationFactor = isAlone ? Math.max(1, Math.min(wanted, aliveCount)) : wanted;
  const configs = Object.entries(configsOf(replicationFactor));
  const [result] = await controller.createTopics({
    topics: [
      {
        ...{ name, partitionCount, replicationFactor },
        configs: configs.map(([key, value]) => ({ name: key, value })),
      },
    ],
  });
  const error = result?.error ?? null;
  if (error === null || error.code === ErrorCode.TOPIC_ALREADY_EXISTS) return;
  throw new KafkaError('COORDINATOR_NOT_AVAILABLE', error.message);
}
