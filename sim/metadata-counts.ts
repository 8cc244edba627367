// What a cluster came by, as the metadata say it: elections and of whom, replicas that fell out of
// sync and came back, brokers that were not stopped cleanly, controllers. It reads what the store
// commits, and changes nothing.

import type { StoreBatch } from '../src/metadata/index.ts';
import { decodeRecord } from '../src/metadata/records/index.ts';
import type { Reach, Reached } from './reached.ts';

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
  { name: '… cut short', line },
];

interface Known {
  leader: number;
  isr: readonly number[];
  eligible: readonly number[];
  adding: readonly number[];
  removing: readonly number[];
}

type Decoded = ReturnType<typeof decodeRecord>;
type Change = Extract<Decoded, { type: 'PartitionChangeRecord' }>;

const noChange = -2;

export class MetadataCounts {
  readonly #reached: Reached;
  readonly #partitions = new Map<string, Known>();
  readonly #topics = new Map<string, string>();
  readonly #incarnations = new Map<number, string>();
  #controllerEpoch = -1;
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

  onBatch({ records, controllerEpoch }: StoreBatch): void {
    if (this.#controllerEpoch >= 0 && controllerEpoch > this.#controllerEpoch) {
      this.#reached.onReached('controller changes');
    }
    this.#controllerEpoch = Math.max(this.#controllerEpoch, controllerEpoch);
    /** Whoever registers in this batch as another process than before. */
    const returned = new Set<number>();
    for (const record of records.map(decodeRecord)) {
      if (record.type === 'TopicRecord') this.#topics.set(record.topicId, record.name);
      else if (record.type === 'PartitionRecord') {
        const { topicId, partitionId, leader, isr } = record;
        const eligible = record.eligibleLeaderReplicas ?? [];
        this.#partitions.set(`${topicId} ${partitionId}`, {
          ...{ leader, isr, eligible },
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
    if (change.leader !== noChange) known.leader = change.leader;
    this.#onReplicas(change, known);
  }

  #onReplicas({ replicas, addingReplicas, removingReplicas }: Change, known: Known): void {
    const adding = addingReplicas ?? known.adding;
    const removing = removingReplicas ?? known.removing;
    const isUnderWay = adding.length + removing.length > 0;
    const wasUnderWay = known.adding.length + known.removing.length > 0;
    const isCut = replicas !== null && !known.adding.every((id) => replicas?.includes(id));
    if (wasUnderWay && isCut) this.#reached.onReached('… cut short');
    else if (wasUnderWay && !isUnderWay) this.#reached.onReached('… completed');
    if (isUnderWay && !wasUnderWay) this.#reached.onReached('reassignments');
    known.adding = adding;
    known.removing = removing;
  }
}
