// What decisions ask of a broker's registration: whether a request comes from the process that is
// registered now, whether that process may lead, and in which of its directories a replica lies.

import { type Uuid, ZERO_UUID } from '../../base/uuid.ts';
import { KafkaError } from '../../protocol/index.ts';
import type { BrokerRegistration, MetadataImage } from '../image.ts';

/** Directory ids that are none, as Kafka numbers them (KIP-858). */
export const DirectoryId = {
  /** Of a replica from before there were directory ids. */
  MIGRATING: ZERO_UUID,
  /** The broker has not said yet where it puts the replica. */
  UNASSIGNED: 'AAAAAAAAAAAAAAAAAAAAAQ',
  /** The broker does not have the directory any more. */
  LOST: 'AAAAAAAAAAAAAAAAAAAAAg',
} as const;

export function canLead(broker: BrokerRegistration | undefined): boolean {
  return broker !== undefined && !broker.fenced && !broker.inControlledShutdown;
}

/** Whether a replica there can be read: its broker has not said that the directory failed. */
export function isOnline(broker: BrokerRegistration | undefined, directory: Uuid): boolean {
  if (broker === undefined || directory === DirectoryId.LOST) return false;
  if (directory === DirectoryId.UNASSIGNED || directory === DirectoryId.MIGRATING) return true;
  // A broker that names no directory is of a time when they had no ids.
  return broker.logDirs.length === 0 || broker.logDirs.includes(directory);
}

/** A broker of one directory leaves no choice; one of several says later which it chose. */
export function directoryForNew(broker: BrokerRegistration | undefined): Uuid {
  const logDirs = broker?.logDirs ?? [];
  if (broker !== undefined && logDirs.length === 0) return DirectoryId.MIGRATING;
  return logDirs.length === 1 ? (logDirs[0] as Uuid) : DirectoryId.UNASSIGNED;
}

/** @throws KafkaError STALE_BROKER_EPOCH, also for a broker that is not registered, as in Kafka */
export function assertBrokerEpoch(
  image: MetadataImage,
  brokerId: number,
  brokerEpoch: number,
): BrokerRegistration {
  const broker = image.brokers.get(brokerId);
  if (broker?.epoch === brokerEpoch) return broker;
  const now = broker === undefined ? 'is not registered' : `has epoch ${broker.epoch}`;
  throw new KafkaError(
    'STALE_BROKER_EPOCH',
    `Broker ${brokerId} ${now}, the request is of ${brokerEpoch}.`,
  );
}

/** @throws KafkaError BROKER_ID_NOT_REGISTERED */
export function assertRegistered(image: MetadataImage, brokerId: number): BrokerRegistration {
  const broker = image.brokers.get(brokerId);
  if (broker !== undefined) return broker;
  throw new KafkaError(
    'BROKER_ID_NOT_REGISTERED',
    `Broker ID ${brokerId} is not currently registered`,
  );
}
