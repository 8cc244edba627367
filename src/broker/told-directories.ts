// Tells the controller in which log directory each replica of this broker lies, where the metadata
// say something else: whoever leads is chosen by the directories that work (KIP-858).
//
// Invariant: what could not be told is told again, until the metadata say it or the replica is
// gone.

import type { Io, Timer } from '../io/index.ts';
import type { AssignReplicasRequest, AssignReplicasResult } from '../metadata/index.ts';
import type { Partition, Replicas } from '../replication/index.ts';
import { isExpectedFailure } from '../storage/index.ts';
import type { Registration } from './registration.ts';

export interface ToldDirectoriesOptions {
  readonly replicas: Pick<Replicas, 'all' | 'image' | 'directoryOf'>;
  readonly registration: Pick<Registration, 'brokerId' | 'brokerEpoch'>;
  readonly assign: (request: AssignReplicasRequest) => Promise<AssignReplicasResult[]>;
  readonly onBug: (error: Error) => void;
}

/** What comes together is told together. */
const gatherMs = 50;
const retryMs = 1_000;
const perRequestMax = 1_000;

export class ToldDirectories {
  readonly #io: Io;
  readonly #options: ToldDirectoriesOptions;
  readonly #untold: Set<Partition>;
  #timer: Timer | null = null;
  #isTelling = false;
  #isClosed = false;

  constructor(io: Io, options: ToldDirectoriesOptions) {
    this.#io = io;
    this.#options = options;
    this.#untold = new Set(options.replicas.all());
    this.#tellIn(gatherMs);
  }

  /** The replica is new, or in another directory, or has another state. */
  onRoleChanged(partition: Partition): void {
    this.#untold.add(partition);
    this.#tellIn(gatherMs);
  }

  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
  }

  #tellIn(delayMs: number): void {
    if (this.#isClosed || this.#isTelling || this.#timer !== null) return;
    this.#timer = this.#io.clock.after(delayMs, () => {
      this.#timer = null;
      void this.#tell();
    });
  }

  async #tell(): Promise<void> {
    this.#isTelling = true;
    let restMs = gatherMs;
    try {
      while (this.#untold.size > 0 && !this.#isClosed) await this.#tellSome();
    } catch (error) {
      if (!isExpectedFailure(error)) this.#options.onBug(error as Error);
      restMs = retryMs;
    }
    this.#isTelling = false;
    if (this.#untold.size > 0) this.#tellIn(restMs);
  }

  async #tellSome(): Promise<void> {
    const { assign, registration } = this.#options;
    const told: Partition[] = [];
    const replicas: AssignReplicasRequest['replicas'][number][] = [];
    for (const partition of this.#untold) {
      const directoryId = this.#newsOf(partition);
      if (directoryId === null) this.#untold.delete(partition);
      else {
        const { topicId, partition: partitionIndex } = partition;
        told.push(partition);
        replicas.push({ topicId, partitionIndex, directoryId });
      }
      if (told.length === perRequestMax) break;
    }
    if (told.length === 0) return;
    const { brokerId, brokerEpoch } = registration;
    await assign({ brokerId, brokerEpoch, replicas });
    for (const partition of told) this.#untold.delete(partition);
  }

  /** Where it lies, if the metadata say something else. */
  #newsOf(partition: Partition): string | null {
    const { replicas, registration } = this.#options;
    if (partition.role === 'offline') return null;
    const state = replicas.image.topicById(partition.topicId)?.partitions[partition.partition];
    const index = state?.replicas.indexOf(registration.brokerId) ?? -1;
    const directoryId = replicas.directoryOf(partition)?.meta.directoryId;
    if (state === undefined || index < 0 || directoryId === undefined) return null;
    return state.directories[index] === directoryId ? null : directoryId;
  }
}
