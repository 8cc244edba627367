// Where replicas go in random clusters, as a line for Kafka's placer and by ours. Chance falls
// alike on both sides, by one number, whatever is drawn and in whatever order.

import { Prng } from '../../../src/base/prng.ts';
import type { Random } from '../../../src/io/index.ts';
import { placeReplicas } from '../../../src/metadata/controller/placement.ts';
import { KafkaError } from '../../../src/protocol/index.ts';
import { TestController } from '../../doubles/metadata/controllers.ts';

export interface Placement {
  readonly line: string;
  readonly ours: string;
}

export function placementOf(seed: number): Placement {
  const random = new Prng(`placement/${seed}`);
  const controller = new TestController({ seed });
  const [rackCount, chance] = [random.int(5), random.int(1000)];
  const partitionCount = 1 + random.int(40);
  const brokers = [];
  for (let id = 1; id <= 1 + random.int(9); id++) {
    const rack = rackCount === 0 || random.chance(0.1) ? null : `r${random.int(rackCount)}`;
    const isFenced = random.chance(0.25);
    controller.addBroker(id, rack, isFenced);
    brokers.push(`${id}:${rack ?? '-'}:${isFenced ? 'fenced' : 'alive'}`);
  }
  const replicationFactor = 1 + random.int(brokers.length + (random.chance(0.1) ? 2 : 0));
  const line = ['place', partitionCount, replicationFactor, chance, ...brokers].join(' ');
  const fallen = { int: (bound: number) => chance % bound } as Random;
  try {
    const size = { partitionCount, replicationFactor };
    return { line, ours: placeReplicas(controller.image, size, fallen).join(' ') };
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error;
    return { line, ours: error.errorName };
  }
}
