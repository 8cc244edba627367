// What decisions ask of a broker's registration: whether a request comes from the process that is
// registered now, and whether that process may lead.

import { KafkaError } from '../../protocol/index.ts';
import type { BrokerRegistration, MetadataImage } from '../image.ts';

export function canLead(broker: BrokerRegistration | undefined): boolean {
  return broker !== undefined && !broker.fenced && !broker.inControlledShutdown;
}

/** @throws KafkaError STALE_BROKER_EPOCH, BROKER_ID_NOT_REGISTERED */
export function assertBrokerEpoch(
  image: MetadataImage,
  brokerId: number,
  brokerEpoch: number,
): BrokerRegistration {
  const broker = image.brokers.get(brokerId);
  if (broker === undefined) {
    throw new KafkaError(
      'BROKER_ID_NOT_REGISTERED',
      `Broker ID ${brokerId} is not currently registered`,
    );
  }
  if (broker.epoch !== brokerEpoch) {
    throw new KafkaError(
      'STALE_BROKER_EPOCH',
      `Broker ${brokerId} has epoch ${broker.epoch}, the request is of ${brokerEpoch}.`,
    );
  }
  return broker;
}
