// Keeps the in-sync sets of the partitions that this broker leads as they are in truth: whoever
// falls behind for longer than replica.lag.time.max.ms leaves (by the clock), whoever has caught up
// enters (by its fetches). The controller decides, by AlterPartition; one request at a time carries
// the changes of all partitions.
//
// Invariants: a change ends when the metadata show a newer partition epoch, or the controller has
// said that it did not make it. An answer that was lost says nothing: the change is not sent again,
// for a second one could be refused where the first comes to hold. It is withdrawn instead: the
// controller is asked for the same set under a new partition epoch, and whichever of both comes
// first makes the other void. Time in which this process did not run makes nobody late.

import type { Clock, Io, Log, Timer } from '../io/index.ts';
import type {
  AlterPartitionRequest,
  AlterPartitionResult,
  BrokerRegistration,
} from '../metadata/index.ts';
import { ErrorCode } from '../protocol/index.ts';
import { isExpectedFailure } from '../storage/index.ts';
import type { IsrChange } from './in-sync-set.ts';
import type { LeaderView, RemoteReplica } from './leader-state.ts';
import type { Partition } from './partition.ts';
import type { Replicas } from './replicas.ts';

export interface InSyncUpkeepOptions {
  readonly replicas: Pick<Replicas, 'all'>;
  /** Of the controller, wherever it is. */
  readonly alterPartition: (request: AlterPartitionRequest) => Promise<AlterPartitionResult[]>;
  readonly brokerId: number;
  /** That this broker is registered under now. */
  readonly brokerEpoch: () => number;
  /** As the newest image has it. */
  readonly broker: (id: number) => BrokerRegistration | undefined;
  /** replica.lag.time.max.ms */
  readonly lagMsMax: () => number;
  readonly onBug: (error: Error) => void;
}

/** What is asked for a partition: its change, or that it may never come to hold. */
interface Asked {
  readonly partition: Partition;
  readonly change: IsrChange;
  readonly isWithdrawal: boolean;
}

const checkMsMax = 1000;
/** A round that comes later than this was held up: by this process, not by others. */
const lateMsMax = 200;
const partitionsPerRequestMax = 1000;

/** The controller has not made the change, and will not make it. */
const refusals: ReadonlySet<number> = new Set([
  ErrorCode.INELIGIBLE_REPLICA,
  ErrorCode.INVALID_REQUEST,
  ErrorCode.OPERATION_NOT_ATTEMPTED,
]);

export class InSyncUpkeep {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #options: InSyncUpkeepOptions;
  /** To be sent. */
  readonly #unsent = new Map<Partition, Asked>();
  /** Nobody knows what became of them. */
  readonly #unknown = new Map<Partition, IsrChange>();
  /** Refused since the last round: another try at each fetch would be refused as well. */
  readonly #refused = new Set<Partition>();
  #timer: Timer | null = null;
  #plannedMs = 0;
  #isAsking = false;
  #isClosed = false;

  constructor(io: Io, options: InSyncUpkeepOptions) {
    this.#clock = io.clock;
    this.#log = io.log.child('in-sync');
    this.#options = options;
  }

  start(): void {
    const intervalMs = Math.min(checkMsMax, Math.max(1, this.#options.lagMsMax() / 2));
    this.#plannedMs = this.#clock.monotonic() + intervalMs;
    this.#timer = this.#clock.after(intervalMs, () => this.#onRound());
  }

  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
    this.#unsent.clear();
    this.#unknown.clear();
  }

  /** The partition has noted what the follower has. */
  onFollowerFetch(partition: Partition, replicaId: number): void {
    const { leading } = partition;
    if (leading === null || leading.pendingIsrChange !== null) return;
    if (leading.isr.includes(replicaId) || this.#refused.has(partition)) return;
    if (!this.#maybeGrow(partition, leading)) this.#maybeJoin(partition, leading, replicaId);
  }

  /** Who could not enter before may now, by fetches that were noted: the next is a wait away. */
  onBrokersChanged(): void {
    for (const partition of this.#options.replicas.all()) this.onStateChanged(partition);
  }

  /** Of those who fetched while a change was on its way, some may enter by the next one. */
  onStateChanged(partition: Partition): void {
    const { leading } = partition;
    if (this.#isClosed || leading === null || leading.pendingIsrChange !== null) return;
    if (leading.isr.length > leading.remotes.length || this.#refused.has(partition)) return;
    this.#lookAtOthers(partition, leading);
  }

  #onRound(): void {
    if (this.#isClosed) return;
    this.#refused.clear();
    try {
      for (const [partition, change] of this.#unknown) this.#maybeWithdraw(partition, change);
      this.#lookAtAll();
    } catch (error) {
      this.#options.onBug(error as Error);
      return;
    }
    this.start();
  }

  #lookAtAll(): void {
    const nowMs = this.#clock.monotonic();
    const heldMs = nowMs - this.#plannedMs;
    let shrunk = 0;
    for (const partition of this.#options.replicas.all()) {
      const { leading } = partition;
      if (leading === null || leading.remotes.length === 0) continue;
      if (heldMs > lateMsMax) leading.forgive(heldMs, nowMs);
      if (leading.pendingIsrChange !== null) continue;
      if (this.#maybeShrink(partition, leading, nowMs)) shrunk++;
      else if (leading.isr.length <= leading.remotes.length) this.#lookAtOthers(partition, leading);
    }
    if (shrunk > 0) this.#log.info(`replicas of ${shrunk} partitions are behind: out of sync`);
  }

  #lookAtOthers(partition: Partition, leading: LeaderView): void {
    if (this.#maybeGrow(partition, leading)) return;
    for (const { id } of leading.remotes) this.#maybeJoin(partition, leading, id);
  }

  #maybeShrink(partition: Partition, leading: LeaderView, nowMs: number): boolean {
    const behind = leading.behind(partition.logEndOffset, nowMs, this.#options.lagMsMax());
    if (behind.length === 0) return false;
    this.#propose(
      partition,
      leading.isr.filter((id) => !behind.includes(id)),
    );
    return true;
  }

  #maybeGrow(partition: Partition, leading: LeaderView): boolean {
    const entering = leading.remotes.filter((remote) => this.#mayEnter(partition, leading, remote));
    if (entering.length === 0) return false;
    const isr = [...leading.isr, ...entering.map(({ id }) => id)];
    // Whoever looks at the set sees it as Kafka's leaders report it.
    this.#propose(
      partition,
      isr.sort((a, b) => a - b),
    );
    return true;
  }

  /** Who cannot enter must not be waited for (KAFKA-15021). */
  #maybeJoin(partition: Partition, leading: LeaderView, id: number): void {
    const broker = this.#mayBeInSync(id);
    const isJoining =
      broker?.epoch === leading.remote(id)?.brokerEpoch &&
      leading.keepsPace(id, this.#clock.monotonic(), this.#options.lagMsMax());
    partition.setJoining(id, isJoining);
  }

  #mayEnter(partition: Partition, leading: LeaderView, { id }: RemoteReplica): boolean {
    const broker = this.#mayBeInSync(id);
    return broker !== null && leading.mayEnter(id, broker.epoch, partition.highWatermark);
  }

  #mayBeInSync(id: number): BrokerRegistration | null {
    const broker = this.#options.broker(id);
    return broker === undefined || broker.fenced || broker.inControlledShutdown ? null : broker;
  }

  #propose(partition: Partition, isr: readonly number[]): void {
    this.#ask({ partition, change: partition.beginIsrChange(isr), isWithdrawal: false });
  }

  /** The same set under a new partition epoch. */
  #maybeWithdraw(partition: Partition, change: IsrChange): void {
    if (partition.leading?.pendingIsrChange !== change) this.#unknown.delete(partition);
    else if (!this.#unsent.has(partition)) this.#ask({ partition, change, isWithdrawal: true });
  }

  #ask(asked: Asked): void {
    this.#unsent.set(asked.partition, asked);
    if (this.#isAsking) return;
    this.#isAsking = true;
    // What is decided in one turn travels together.
    this.#clock.nextTurn(() => void this.#sendAll());
  }

  async #sendAll(): Promise<void> {
    try {
      while (this.#unsent.size > 0) {
        const asked = [...this.#unsent.values()].slice(0, partitionsPerRequestMax);
        for (const { partition } of asked) this.#unsent.delete(partition);
        await this.#send(asked.filter(isPending));
      }
    } catch (error) {
      this.#options.onBug(error as Error);
    } finally {
      this.#isAsking = false;
    }
  }

  async #send(asked: readonly Asked[]): Promise<void> {
    if (asked.length === 0) return;
    const { brokerId, brokerEpoch, alterPartition } = this.#options;
    const partitions = asked.map((each) => this.#alterationOf(each));
    try {
      const results = await alterPartition({ brokerId, brokerEpoch: brokerEpoch(), partitions });
      for (const [index, each] of asked.entries()) {
        const { topicId, partition } = each.partition;
        const isOf = (result: AlterPartitionResult | undefined): boolean =>
          result?.topicId === topicId && result.partitionIndex === partition;
        this.#onResult(each, isOf(results[index]) ? results[index] : results.find(isOf));
      }
    } catch (error) {
      if (!isExpectedFailure(error)) throw error;
      if (this.#isClosed) return;
      this.#log.warn(`the in-sync sets of ${asked.length} partitions wait: ${error.message}`);
      for (const { partition, change } of asked) this.#unknown.set(partition, change);
    }
  }

  #alterationOf(asked: Asked): AlterPartitionRequest['partitions'][number] {
    const { partition, change, isWithdrawal } = asked;
    const { brokerId, brokerEpoch } = this.#options;
    const isr = isWithdrawal ? partition.isr : change.isr;
    const epochOf = (id: number): number =>
      id === brokerId ? brokerEpoch() : (partition.leading?.remote(id)?.brokerEpoch ?? -1);
    return {
      topicId: partition.topicId,
      partitionIndex: partition.partition,
      leaderEpoch: change.leaderEpoch,
      partitionEpoch: change.partitionEpoch,
      newIsr: isr.map((id) => ({ brokerId: id, brokerEpoch: epochOf(id) })),
    };
  }

  /** Whatever was done, the metadata will show it. */
  #onResult({ partition, change, isWithdrawal }: Asked, result: AlterPartitionResult | undefined) {
    if (partition.leading?.pendingIsrChange !== change) return;
    const error = result?.error ?? null;
    if (error === null) return;
    if (isWithdrawal || !refusals.has(error.code)) {
      this.#unknown.set(partition, change);
      return;
    }
    this.#refused.add(partition);
    partition.onIsrChangeRefused(change);
  }
}

function isPending({ partition, change }: Asked): boolean {
  return partition.leading?.pendingIsrChange === change;
}
