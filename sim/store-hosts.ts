// What a cluster's store is to whoever starts it and does it harm: hosts with processes, and an
// address. sim-store.ts is the shared store, modelled-store.ts etcd and ZooKeeper as models.

import type { Host } from './host.ts';
import type { MetadataCounts } from './metadata-counts.ts';

/** Chooses one of several; whoever has only one does not ask. */
export type Pick = <T>(items: readonly T[]) => T;

export interface StoreHosts {
  readonly hosts: readonly Host[];
  /** What brokers have as `cluster.store`. */
  readonly address: string;
  /** All of its processes run. */
  readonly isUp: boolean;
  /** What was committed, as it is. */
  readonly counts: MetadataCounts;
  /** Starts what is down, on hosts that are switched on for it. */
  start(): void;
  /** kill -9 of one of its processes. */
  kill(pick?: Pick): void;
  /** One of its processes does not run for so long. */
  hold(forMs: number, pick?: Pick): void;
  /** All of its processes at once; none is started by itself. */
  killAll?(): void;
  /** One of its processes hears of changes late for a while. */
  lag?(): void;
  /** Everybody is taken for dead, and nobody is. */
  endAllSessions?(): void;
  /** The process that shares a machine with the broker. */
  killBeside?(nodeId: number): void;
  /** No room for changes for so long. */
  fill?(forMs: number): void;
  /**
   * A backup: whoever calls what is returned ends all of its processes, and puts the data back as
   * they are now.
   */
  keep?(): () => void;
}
