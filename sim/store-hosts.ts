// What a cluster's store is to whoever starts it and does it harm: hosts with processes, and an
// address. sim-store.ts is the shared store, modelled-store.ts etcd and ZooKeeper as models.

import type { Host } from './host.ts';

/** Chooses one of several; whoever has only one does not ask. */
export type Pick = <T>(items: readonly T[]) => T;

export interface StoreHosts {
  readonly hosts: readonly Host[];
  /** What brokers have as `cluster.store`. */
  readonly address: string;
  /** All of its processes run. */
  readonly isUp: boolean;
  /** The brokers that lead a partition of one of the topics, by what was committed last. */
  leadersOf(topics: readonly string[]): Set<number>;
  /** Starts what is down, on hosts that are switched on for it. */
  start(): void;
  /** kill -9 of one of its processes. */
  kill(pick?: Pick): void;
  /** One of its processes does not run for so long. */
  hold(forMs: number, pick?: Pick): void;
}
