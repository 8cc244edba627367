// Which brokers may have lost something, and when: what is promised of a record depends on it. A
// record that the high watermark has passed is promised to be there as long as one member of the
// in-sync replicas that acknowledged it keeps its disk. There were at least min.insync.replicas of
// them (KIP-966), so that it is promised while fewer replicas than that have lost something since
// it was sent.
//
// A restart after a power cut is unclean even where appends were synced: nobody can know that it
// lost nothing. If disks are lost, too, the in-sync replicas and those eligible beside them (ELR)
// may all be gone; then the last known leader leads, also with an empty disk, and what the others
// kept is cut. So where a replica's disk was lost, unclean restarts count like losses.

import { nameOf, type RecordIdentity } from './record-identity.ts';

export interface ReplicatedTopic {
  readonly name: string;
  readonly minInSyncReplicas: number;
}

export interface DiskLossesOptions {
  readonly topics: readonly ReplicatedTopic[];
  /** The brokers that have a replica of the partition. */
  readonly replicasOf: (place: { topic: string; partition: number }) => readonly number[];
  /** When the record was sent, in the time of `onLoss`. */
  readonly sentMs: (record: RecordIdentity) => number;
}

interface Loss {
  readonly nodeId: number;
  readonly timeMs: number;
}

export class DiskLosses {
  readonly #options: DiskLossesOptions;
  readonly #losses: Loss[] = [];
  readonly #uncleanRestarts: Loss[] = [];

  constructor(options: DiskLossesOptions) {
    this.#options = options;
  }

  /** What the broker had not made durable may be gone from now on. */
  onLoss(nodeId: number, timeMs: number): void {
    this.#losses.push({ nodeId, timeMs });
  }

  /** The broker will come back with all that it had acknowledged, and cannot prove it. */
  onUncleanRestart(nodeId: number, timeMs: number): void {
    this.#uncleanRestarts.push({ nodeId, timeMs });
  }

  /** Whether the record, once it was below the high watermark, has to be there. */
  isPromised(record: RecordIdentity): boolean {
    return this.#isKept(record, this.#options.sentMs(record));
  }

  /** Whether everything that was ever below the partition's high watermark has to be there. */
  isPromisedAll(place: { topic: string; partition: number }): boolean {
    return this.#isKept(place, Number.NEGATIVE_INFINITY);
  }

  #isKept(place: { topic: string; partition: number }, sinceMs: number): boolean {
    if (this.#losses.length === 0) return true;
    const { topics, replicasOf } = this.#options;
    const topic = topics.find(({ name }) => name === place.topic);
    const replicas = replicasOf(place);
    const isOfReplica = ({ nodeId, timeMs }: Loss) =>
      timeMs >= sinceMs && replicas.includes(nodeId);
    if (!this.#losses.some(isOfReplica)) return true;
    const since = [...this.#losses, ...this.#uncleanRestarts].filter(isOfReplica);
    const harmed = replicas.filter((id) => since.some(({ nodeId }) => nodeId === id));
    return harmed.length < Math.min(topic?.minInSyncReplicas ?? 1, replicas.length);
  }

  describe(record: RecordIdentity): string {
    const sentMs = this.#options.sentMs(record);
    return `${nameOf(record)} sent at ${sentMs.toFixed(3)}`;
  }
}
