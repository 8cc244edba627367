// Which fetcher has which partition that this broker follows. Each leader has as many fetchers as
// num.replica.fetchers says, and a partition's place among them follows from its name.
//
// Invariants: a partition is in one fetcher at most, in that of the leader it has now, and for the
// leader epoch that it has now; a fetcher without partitions is closed.

import { javaHashCode } from '../../base/java-hash-code.ts';
import type { Io } from '../../io/index.ts';
import type { Partition } from '../partition.ts';
import type { ReplicaFetchersOptions } from './fetcher-options.ts';
import { LeaderFetcher } from './leader-fetcher.ts';

export class ReplicaFetchers {
  readonly #io: Io;
  readonly #options: ReplicaFetchersOptions;
  /** By leader and place. */
  readonly #fetchers = new Map<string, LeaderFetcher>();
  readonly #fetcherOf = new Map<Partition, LeaderFetcher>();
  readonly #closing = new Set<Promise<void>>();
  #fetchersPerLeader: number;
  #isClosed = false;

  constructor(io: Io, options: ReplicaFetchersOptions) {
    this.#io = io;
    this.#options = options;
    this.#fetchersPerLeader = options.settings().fetchersPerLeader;
    for (const partition of options.replicas.all()) this.onRoleChanged(partition);
  }

  /** The partition was made, has another role, leader or epoch, went offline or is gone. */
  onRoleChanged(partition: Partition): void {
    if (this.#isClosed) return;
    const { following } = partition;
    const before = this.#fetcherOf.get(partition);
    if (following === null) {
      if (before !== undefined) this.#remove(partition, before);
      return;
    }
    const fetcher = this.#fetcherFor(partition, following.leader);
    if (before !== undefined && before !== fetcher) this.#remove(partition, before);
    this.#fetcherOf.set(partition, fetcher);
    fetcher.add(partition, following);
  }

  /**
   * num.replica.fetchers may be another one: partitions change their places. All fetchers are made
   * anew, since a leader takes what comes on an older connection than before for late.
   */
  onSettings(): void {
    const { fetchersPerLeader } = this.#options.settings();
    if (fetchersPerLeader === this.#fetchersPerLeader) return;
    this.#fetchersPerLeader = fetchersPerLeader;
    const partitions = [...this.#fetcherOf.keys()];
    this.#endAll();
    for (const partition of partitions) this.onRoleChanged(partition);
  }

  /** Resolves when nothing is under way any more that fetchers began. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#endAll();
    await Promise.all(this.#closing);
  }

  #remove(partition: Partition, fetcher: LeaderFetcher): void {
    this.#fetcherOf.delete(partition);
    fetcher.remove(partition);
    if (!fetcher.isEmpty) return;
    this.#fetchers.delete(fetcher.name);
    this.#end(fetcher);
  }

  #endAll(): void {
    for (const fetcher of this.#fetchers.values()) this.#end(fetcher);
    this.#fetchers.clear();
    this.#fetcherOf.clear();
  }

  #end(fetcher: LeaderFetcher): void {
    const ended = fetcher.close().finally(() => this.#closing.delete(ended));
    this.#closing.add(ended);
  }

  #fetcherFor({ topic, partition }: Partition, leader: number): LeaderFetcher {
    // Kafka's place, so that its tools' users find what they know.
    const place = Math.abs(31 * javaHashCode(topic) + partition) % this.#fetchersPerLeader;
    const name = `${leader}-${place}`;
    let fetcher = this.#fetchers.get(name);
    if (fetcher === undefined) {
      fetcher = new LeaderFetcher(this.#io, {
        ...this.#options,
        ...{ leader, name },
        onSettingsSeen: () => this.onSettings(),
      });
      this.#fetchers.set(name, fetcher);
    }
    return fetcher;
  }
}
