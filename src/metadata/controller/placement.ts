// Where the replicas of new partitions go: round robin over the racks and, within each rack, over
// its brokers, from a random start, so that leaders and replicas spread evenly and the replicas of
// one partition lie in as many racks as there are.
//
// Invariants: a partition's replicas are distinct; no broker gets a second replica of a partition
// while another has none; a fenced broker is never first (it could not lead) while any other is
// there. The outcome depends only on the brokers and the random source.

import type { Random } from '../../io/index.ts';
import { KafkaError } from '../../protocol/index.ts';
import type { MetadataImage } from '../image.ts';

export interface PlacementRequest {
  readonly partitionCount: number;
  readonly replicationFactor: number;
}

/** A ring of brokers, gone through from a random point. */
class BrokerRing {
  readonly #brokers: readonly number[];
  #offset: number;

  constructor(brokers: readonly number[], random: Random) {
    this.#brokers = [...brokers].sort((a, b) => a - b);
    this.#offset = brokers.length > 1 ? random.int(brokers.length) : 0;
  }

  get size(): number {
    return this.#brokers.length;
  }

  at(index: number): number {
    return this.#brokers[(this.#offset + index) % this.#brokers.length] as number;
  }

  advance(): void {
    this.#offset += 1;
  }
}

class Rack {
  readonly alive: BrokerRing;
  readonly fenced: BrokerRing;

  constructor(alive: readonly number[], fenced: readonly number[], random: Random) {
    this.alive = new BrokerRing(alive, random);
    this.fenced = new BrokerRing(fenced, random);
  }

  /** The rack's brokers in order for one partition, those that are alive first. */
  broker(index: number): number | null {
    if (index < this.alive.size) return this.alive.at(index);
    const fencedIndex = index - this.alive.size;
    return fencedIndex < this.fenced.size ? this.fenced.at(fencedIndex) : null;
  }

  advance(): void {
    this.alive.advance();
    this.fenced.advance();
  }
}

/** @throws KafkaError INVALID_REPLICATION_FACTOR when there are not enough brokers. */
export function placeReplicas(
  image: MetadataImage,
  request: PlacementRequest,
  random: Random,
): number[][] {
  const { partitionCount, replicationFactor } = request;
  assertPlaceable(image, replicationFactor);
  const racks = racksOf(image, random);
  const placed: number[][] = [];
  let firstRack = racks.length > 1 ? random.int(racks.length) : 0;
  for (let partition = 0; partition < partitionCount; partition++) {
    // The first replica leads: its rack must have somebody who can.
    while (racks[firstRack % racks.length]?.alive.size === 0) firstRack += 1;
    placed.push(placePartition(racks, firstRack, replicationFactor));
    firstRack += 1;
  }
  return placed;
}

function placePartition(racks: readonly Rack[], firstRack: number, count: number): number[] {
  const replicas: number[] = [];
  const used = new Map<Rack, number>();
  for (let step = 0; replicas.length < count; step++) {
    const rack = racks[(firstRack + step) % racks.length] as Rack;
    const index = used.get(rack) ?? 0;
    const broker = rack.broker(index);
    used.set(rack, index + 1);
    if (broker !== null) replicas.push(broker);
  }
  for (const rack of used.keys()) rack.advance();
  return replicas;
}

function racksOf(image: MetadataImage, random: Random): Rack[] {
  const byRack = new Map<string | null, { alive: number[]; fenced: number[] }>();
  for (const broker of image.brokers.values()) {
    let rack = byRack.get(broker.rack);
    if (rack === undefined) {
      rack = { alive: [], fenced: [] };
      byRack.set(broker.rack, rack);
    }
    (broker.fenced || broker.inControlledShutdown ? rack.fenced : rack.alive).push(broker.id);
  }
  const names = [...byRack.keys()].sort((a, b) => ((a ?? '') < (b ?? '') ? -1 : 1));
  return names.map((name) => {
    const { alive, fenced } = byRack.get(name) as { alive: number[]; fenced: number[] };
    return new Rack(alive, fenced, random);
  });
}

function assertPlaceable(image: MetadataImage, replicationFactor: number): void {
  const registered = image.brokers.size;
  if (replicationFactor > registered) {
    throw new KafkaError(
      'INVALID_REPLICATION_FACTOR',
      `Unable to replicate the partition ${replicationFactor} time(s): The target replication ` +
        `factor of ${replicationFactor} cannot be reached because only ${registered} broker(s) ` +
        'are registered or some brokers have all their log directories cordoned.',
    );
  }
  for (const broker of image.brokers.values()) {
    if (!broker.fenced && !broker.inControlledShutdown) return;
  }
  throw new KafkaError(
    'INVALID_REPLICATION_FACTOR',
    'No broker can take a partition: all are fenced or shutting down.',
  );
}
