// Where the replicas of new partitions go, as Kafka's StripedReplicaPlacer spreads them: in turns
// over the racks and, within each rack, over its brokers, from a random start, so that leaders and
// replicas spread evenly and the replicas of one partition lie in as many racks as there are. When
// each broker that is alive has had its turn as a leader the order is drawn anew, so that what
// comes later does not put the same brokers together again.
//
// Invariants: a partition's replicas are distinct; no broker gets a second replica of a partition
// while another has none; a fenced broker is never first (it could not lead). The outcome depends
// only on the brokers and the random source.

import type { Random } from '../../io/index.ts';
import { KafkaError } from '../../protocol/index.ts';
import type { MetadataImage } from '../image.ts';

export interface PlacementRequest {
  readonly partitionCount: number;
  readonly replicationFactor: number;
}

/** Brokers in a ring, which begins one further in each round. */
class BrokerRing {
  readonly #brokers: number[];
  #offset: number;
  #round = 0;
  /** Of those that were handed out in this round. */
  #count = 0;

  constructor(brokers: readonly number[], random: Random) {
    this.#brokers = [...brokers].sort((a, b) => a - b);
    this.#offset = brokers.length > 0 ? random.int(brokers.length) : 0;
  }

  /** null: all have been handed out in this round. */
  next(round: number): number | null {
    const { length } = this.#brokers;
    if (length === 0) return null;
    if (this.#round !== round) {
      this.#round = round;
      this.#count = 0;
      this.#offset = (this.#offset + 1) % length;
    }
    if (this.#count >= length) return null;
    return this.#brokers[(this.#offset + this.#count++) % length] as number;
  }

  shuffle(random: Random): void {
    shuffle(this.#brokers, random);
  }
}

class Rack {
  readonly alive: BrokerRing;
  readonly fenced: BrokerRing;

  constructor(alive: readonly number[], fenced: readonly number[], random: Random) {
    this.fenced = new BrokerRing(fenced, random);
    this.alive = new BrokerRing(alive, random);
  }

  /** Those that are alive first. */
  next(round: number): number | null {
    return this.alive.next(round) ?? this.fenced.next(round);
  }

  shuffle(random: Random): void {
    this.fenced.shuffle(random);
    this.alive.shuffle(random);
  }
}

/** @throws KafkaError INVALID_REPLICATION_FACTOR when there are not enough brokers. */
export function placeReplicas(
  image: MetadataImage,
  { partitionCount, replicationFactor }: PlacementRequest,
  random: Random,
): number[][] {
  const usable = usableBrokers(image);
  assertPlaceable(usable, replicationFactor);
  const aliveCount = usable.filter(({ isAlive }) => isAlive).length;
  const racks = racksOf(usable, random);
  const placed: number[][] = [];
  let firstRack = random.int(racks.length);
  let round = 0;
  for (let partition = 0; partition < partitionCount; partition++) {
    if (round === aliveCount && aliveCount > 1) {
      shuffle(racks, random);
      for (const rack of racks) rack.shuffle(random);
      round = 0;
    }
    firstRack %= racks.length;
    placed.push(placePartition(racks, { firstRack, round }, replicationFactor));
    round += 1;
    firstRack += 1;
  }
  return placed;
}

function placePartition(
  racks: readonly Rack[],
  { firstRack, round }: { readonly firstRack: number; readonly round: number },
  count: number,
): number[] {
  const replicas: number[] = [];
  // The first replica leads: its rack must have somebody who can.
  let leading = firstRack;
  for (; replicas.length === 0; leading++) {
    const leader = (racks[leading % racks.length] as Rack).alive.next(round);
    if (leader !== null) replicas.push(leader);
  }
  let passed = (leading - 1) % racks.length;
  for (let index = firstRack; replicas.length < count; index = (index + 1) % racks.length) {
    if (index === passed) {
      // It has one already: its turn comes when the others have had theirs.
      passed = -1;
      continue;
    }
    const broker = (racks[index] as Rack).next(round);
    if (broker !== null) replicas.push(broker);
  }
  return replicas;
}

interface UsableBroker {
  readonly id: number;
  readonly rack: string | null;
  readonly isAlive: boolean;
}

/** A broker that is shutting down gets nothing new; one that is fenced may come back. */
function usableBrokers(image: MetadataImage): UsableBroker[] {
  return [...image.brokers.values()]
    .filter(({ fenced, inControlledShutdown }) => fenced || !inControlledShutdown)
    .map(({ id, rack, fenced }) => ({ id, rack, isAlive: !fenced }));
}

function racksOf(brokers: readonly UsableBroker[], random: Random): Rack[] {
  const byRack = new Map<string | null, UsableBroker[]>();
  for (const broker of brokers) {
    const others = byRack.get(broker.rack);
    if (others === undefined) byRack.set(broker.rack, [broker]);
    else others.push(broker);
  }
  const names = [...byRack.keys()].sort((a, b) => {
    if (a === null || b === null) return a === b ? 0 : a === null ? -1 : 1;
    return a < b ? -1 : 1;
  });
  return names.map((name) => {
    const members = byRack.get(name) as UsableBroker[];
    const idsOf = (isAlive: boolean): number[] =>
      members.filter((broker) => broker.isAlive === isAlive).map(({ id }) => id);
    return new Rack(idsOf(true), idsOf(false), random);
  });
}

/** From the end, as Java does it. */
function shuffle<T>(items: T[], random: Random): void {
  for (let size = items.length; size > 1; size--) {
    const other = random.int(size);
    const kept = items[size - 1] as T;
    items[size - 1] = items[other] as T;
    items[other] = kept;
  }
}

function assertPlaceable(brokers: readonly UsableBroker[], replicationFactor: number): void {
  const refuse = (why: string): never => {
    const what = `Unable to replicate the partition ${replicationFactor} time(s): `;
    throw new KafkaError('INVALID_REPLICATION_FACTOR', what + why);
  };
  if (!brokers.some(({ isAlive }) => isAlive)) {
    refuse('All brokers are currently fenced, or have all their log directories cordoned.');
  }
  if (replicationFactor <= brokers.length) return;
  refuse(
    `The target replication factor of ${replicationFactor} cannot be reached because only ` +
      `${brokers.length} broker(s) are registered or some brokers have all their log directories ` +
      'cordoned.',
  );
}
