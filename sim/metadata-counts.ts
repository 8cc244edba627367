// What a cluster came by, as the metadata say it: elections and of whom, replicas that fell out of
// sync and came back, brokers that were not stopped cleanly, controllers, reassignments and what
// became of them. It reads what the store commits, and changes nothing.

import type { StoreBatch } from '../src/metadata/index.ts';
import { decodeRecord } from '../src/metadata/records/index.ts';
import type { Reach, Reached } from './reached.ts';

interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

/** No log says these. */
const line = /^never$/;

export const metadataReaches: readonly Reach[] = [
  { name: 'controller changes', line },
  { name: 'elections', line },
  { name: 'ELR elections', line },
  { name: 'last-leader elections', line },
  { name: 'ISR shrinks', line },
  { name: 'ISR growths', line },
  { name: 'unclean restarts', line },
];

/** Where somebody moves replicas. */
export const reassignmentReaches: readonly Reach[] = [
  { name: 'reassignments', line },
  { name: '… completed', line },
  { name: '… cancelled', line },
  { name: '… superseded', line },
  { name: '… across an election', line },
  { name: '… across a change of controller', line },
  { name: 'replicas added', line },
  { name: 'replicas removed', line },
];

interface Known extends Assignment {
  leader: number;
  isr: readonly number[];
  eligible: readonly number[];
  /** Whoever has had a replica since the partition was made. */
  readonly everReplicas: Set<number>;
}

interface Assignment {
  replicas: readonly number[];
  adding: readonly number[];
  removing: readonly number[];
}

/** As it was committed last. */
export type KnownPartition = Readonly<Known>;

type Decoded = ReturnType<typeof decodeRecord>;
type Change = Extract<Decoded, { type: 'PartitionChangeRecord' }>;

const noChange = -2;

export class MetadataCounts {
  readonly #reached: Reached;
  readonly #partitions = new Map<string, Known>();
  readonly #topics = new Map<string, string>();
  readonly #incarnations = new Map<number, string>();
  #controllerEpoch = -1;
  #controllerId = -1;
  /** Told of who leads a partition when somebody has entered its ISR; null: nobody listens. */
  onIsrGrowth: ((leader: number) => void) | null = null;

  constructor(reached: Reached) {
    this.#reached = reached;
  }

  /** The brokers that lead a partition of one of the topics, by what was committed last. */
  leadersOf(topics: readonly string[]): Set<number> {
    const leaders = [...this.#partitions].map(([name, { leader }]) => {
      const topic = this.#topics.get(name.slice(0, name.indexOf(' ')));
      return topic !== undefined && topics.includes(topic) ? leader : -1;
    });
    return new Set(leaders.filter((id) => id >= 0));
  }

  partition({ topic, partition }: TopicPartition): KnownPartition | undefined {
    for (const [topicId, name] of this.#topics) {
      if (name === topic) return this.#partitions.get(`${topicId} ${partition}`);
    }
    return undefined;
  }

  /** Of the newest batch that says so; -1: none did. */
  get controllerId(): number {
    return this.#controllerId;
  }

  onBatch({ records, controllerEpoch, controllerId }: StoreBatch): void {
    if (this.#controllerEpoch >= 0 && controllerEpoch > this.#controllerEpoch) {
      this.#reached.onReached('controller changes');
      for (const known of this.#partitions.values()) {
        if (isUnderWay(known)) this.#reached.onReached('… across a change of controller');
      }
    }
    if (controllerId >= 0) this.#controllerId = controllerId;
    this.#controllerEpoch = Math.max(this.#controllerEpoch, controllerEpoch);
    /** Whoever registers in this batch as another process than before. */
    const returned = new Set<number>();
    for (const record of records.map(decodeRecord)) {
      if (record.type === 'TopicRecord') this.#topics.set(record.topicId, record.name);
      else if (record.type === 'PartitionRecord') {
        const { topicId, partitionId, leader, isr, replicas } = record;
        const eligible = record.eligibleLeaderReplicas ?? [];
        this.#partitions.set(`${topicId} ${partitionId}`, {
          ...{ leader, isr, eligible, replicas, everReplicas: new Set(replicas) },
          adding: record.addingReplicas,
          removing: record.removingReplicas,
        });
      } else if (record.type === 'PartitionChangeRecord') {
        this.#onChange(record, returned);
      } else if (record.type === 'RegisterBrokerRecord') {
        const { brokerId, incarnationId } = record;
        const before = this.#incarnations.get(brokerId) ?? incarnationId;
        if (before !== incarnationId) returned.add(brokerId);
        this.#incarnations.set(brokerId, incarnationId);
      }
    }
  }

  #onChange(change: Change, returned: ReadonlySet<number>): void {
    const known = this.#partitions.get(`${change.topicId} ${change.partitionId}`);
    if (known === undefined) return;
    const reached = this.#reached;
    const isr = change.isr ?? known.isr;
    const eligible = change.eligibleLeaderReplicas ?? known.eligible;
    if (change.leader >= 0) {
      reached.onReached('elections');
      if (change.leaderRecoveryState === 1) reached.onReached('last-leader elections');
      else if (known.eligible.includes(change.leader) && !known.isr.includes(change.leader)) {
        reached.onReached('ELR elections');
      }
    }
    if (known.isr.some((id) => !isr.includes(id))) reached.onReached('ISR shrinks');
    if (isr.some((id) => !known.isr.includes(id))) {
      reached.onReached('ISR growths');
      this.onIsrGrowth?.(known.leader);
    }
    const members = [...isr, ...eligible];
    const gone = [...known.isr, ...known.eligible].filter((id) => !members.includes(id));
    if (gone.some((id) => returned.has(id))) reached.onReached('unclean restarts');
    known.isr = isr;
    known.eligible = eligible;
    this.#onAssignment(change, known);
    if (change.leader !== noChange) known.leader = change.leader;
  }

  #onAssignment(change: Change, known: Known): void {
    const before: Assignment = { ...known };
    known.replicas = change.replicas ?? before.replicas;
    known.adding = change.addingReplicas ?? before.adding;
    known.removing = change.removingReplicas ?? before.removing;
    for (const id of known.replicas) {
      if (!before.replicas.includes(id)) this.#reached.onReached('replicas added');
      known.everReplicas.add(id);
    }
    for (const id of before.replicas) {
      if (!known.replicas.includes(id)) this.#reached.onReached('replicas removed');
    }
    if (!isUnderWay(before) && isUnderWay(known)) this.#reached.onReached('reassignments');
    else if (isUnderWay(before)) this.#onMoving(change, before, known);
  }

  #onMoving({ leader }: Change, before: Assignment, { leader: leaderBefore, ...now }: Known): void {
    const reached = this.#reached;
    if (!isUnderWay(now) && isSame(now.replicas, targetOf(before))) {
      reached.onReached('… completed');
    } else if (!isUnderWay(now) && isSame(now.replicas, originOf(before))) {
      reached.onReached('… cancelled');
    } else if (!isSame(targetOf(now), targetOf(before))) {
      reached.onReached('… superseded');
    } else if (leader >= 0 && leader !== leaderBefore) {
      reached.onReached('… across an election');
    }
  }
}

function isUnderWay({ adding, removing }: Assignment): boolean {
  return adding.length + removing.length > 0;
}

/** Whoever has a replica when the reassignment is complete. */
function targetOf({ replicas, removing }: Assignment): readonly number[] {
  return replicas.filter((id) => !removing.includes(id));
}

/** Whoever had one when it began. */
function originOf({ replicas, adding }: Assignment): readonly number[] {
  return replicas.filter((id) => !adding.includes(id));
}

function isSame(ids: readonly number[], others: readonly number[]): boolean {
  return ids.length === others.length && ids.every((id) => others.includes(id));
}
