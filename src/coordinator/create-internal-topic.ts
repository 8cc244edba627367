// Internal topics are made when the first client looks for a coordinator.

import type { Controller, MetadataImage } from '../metadata/index.ts';
import { KafkaError } from '../protocol/index.ts';

export interface InternalTopic {
  readonly name: string;
  readonly partitionCount: number;
  /** Wanted; there are no more replicas than brokers that live. */
  readonly replicationFactor: number;
  /** @param replicationFactor as it came out */
  readonly configsOf: (replicationFactor: number) => Readonly<Record<string, string>>;
}

/**
 * Creates the topic if it is not there. Replicas are bounded by the brokers that live, so that the
 * default of three does not keep a single broker from having groups and transactions.
 * @throws KafkaError COORDINATOR_NOT_AVAILABLE
 */
export async function createInternalTopic(
  controller: Controller,
  image: MetadataImage,
  { name, partitionCount, replicationFactor: wanted, configsOf }: InternalTopic,
): Promise<void> {
  if (image.topic(name) !== undefined) return;
  const aliveCount = [...image.aliveBrokers()].length;
  const replicationFactor = Math.max(1, Math.min(wanted, aliveCount));
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
  if (error === null || error.errorName === 'TOPIC_ALREADY_EXISTS') return;
  throw new KafkaError('COORDINATOR_NOT_AVAILABLE', error.message);
}
