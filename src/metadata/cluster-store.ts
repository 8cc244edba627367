// The seam between the cluster and the engine that keeps its metadata log: an ordered log with
// compare-and-append, one controller at a time with a growing epoch, and sessions of living
// brokers. Engines: local (a folder), etcd, ZooKeeper, the simulator's. cluster-store-contract.ts
// states what each must keep.
//
// Invariants: a record that `append` acknowledged is durable and every reader sees it at the same
// offset; an append with a controller epoch older than the newest elected one never succeeds;
// batches reach watchers in order, each exactly once, and never before they are committed.

import type { Endpoint } from './image.ts';

export interface ClusterStore {
  /** Stable for the life of the cluster. */
  readonly clusterId: string;
  /** One past the last committed offset. */
  readonly endOffset: number;
  /** The engine gave up for good; only a restart helps. */
  readonly isFailed: boolean;

  /**
   * Appends the records as one batch: all of them are committed or none is. A record is opaque
   * here: the framed bytes of records/record-codec.ts.
   *
   * @throws KafkaError NOT_CONTROLLER when a newer controller was elected; INVALID_REQUEST when
   * the log does not end at `expectedEnd`; KAFKA_STORAGE_ERROR when the engine could not write
   * (nothing was committed; where that is not known, the engine fences the epoch first).
   */
  append(records: readonly Buffer[], options: AppendOptions): Promise<void>;

  /**
   * Resolves when no newer controller was elected up to a moment after the call: what the
   * controller of this epoch knows is the newest, so that it may answer a question from it.
   *
   * @throws KafkaError NOT_CONTROLLER when a newer one was elected, or the term is over; another
   * one when nobody could be asked.
   */
  confirm(controllerEpoch: number): Promise<void>;

  /**
   * The committed batches from the offset on, up to the end at the time of the call.
   *
   * @throws KafkaError OFFSET_OUT_OF_RANGE when the log no longer reaches back that far: begin
   * with the newest snapshot.
   */
  read(from: number): AsyncIterable<StoreBatch>;

  /** null if none was taken. */
  newestSnapshot(): Promise<StoreSnapshot | null>;

  /**
   * Delivers every batch from the offset on, in order, then those that are committed later. When
   * there is a snapshot of more than `from`, it is delivered first, in place of what it contains.
   * `onBatch` is synchronous and is called before the `append` of the batch resolves (for appends
   * of this process). The promise resolves when the reader has all that was committed.
   */
  watch(from: number, watcher: StoreWatcher): Promise<Subscription>;

  /** Offers the store a snapshot to start readers from; the log behind it may be dropped. */
  saveSnapshot(snapshot: StoreSnapshot): Promise<void>;
  /** Bytes appended since the newest snapshot: the measure of when the next one is due. */
  readonly bytesSinceSnapshot: number;

  /** Resolves when the candidate is the controller; rejects with NOT_CONTROLLER after `close`. */
  elect(candidate: Candidate): Promise<ControllerTerm>;

  /** Announces a living broker; the session ends with `close` or with the death of the process. */
  register(broker: StoreBroker): Promise<BrokerSession>;
  /** Called at once with those alive now, and after every change. */
  watchBrokers(onChange: (alive: ReadonlyMap<number, StoreBroker>) => void): Subscription;

  close(): Promise<void>;
}

export interface AppendOptions {
  readonly expectedEnd: number;
  readonly controllerEpoch: number;
}

export interface StoreBatch {
  readonly baseOffset: number;
  /** One past the last offset of the batch; it may be more than the records (control records). */
  readonly endOffset: number;
  readonly controllerEpoch: number;
  /** -1 when the batch does not say; the newest batch that does holds. */
  readonly controllerId: number;
  readonly timestampMs: number;
  /** Empty for the batch with which a controller begins its term. */
  readonly records: readonly Buffer[];
}

export interface StoreSnapshot {
  /** The snapshot holds the effect of every record below this offset. */
  readonly endOffset: number;
  readonly controllerEpoch: number;
  /** The time of the last record it contains. */
  readonly timestampMs: number;
  readonly records: readonly Buffer[];
}

export interface StoreWatcher {
  /** Replaces whatever was read before. */
  onSnapshot(snapshot: StoreSnapshot): void;
  onBatch(batch: StoreBatch): void;
  /** The engine can no longer follow the log; nothing comes after it. */
  onError(error: Error): void;
}

export interface Subscription {
  close(): void;
}

export interface Candidate {
  readonly nodeId: number;
  /** Another controller was elected or the session ended: appends of this term now fail. */
  onLost(error: Error): void;
}

export interface ControllerTerm {
  readonly epoch: number;
  /** The end of the log when the term began: the controller replays up to here before it acts. */
  readonly endOffset: number;
  resign(): Promise<void>;
}

export interface StoreBroker {
  readonly nodeId: number;
  /** Changes with every start of the process. */
  readonly incarnationId: string;
  readonly endpoints: readonly Endpoint[];
  readonly rack: string | null;
}

export interface BrokerSession {
  close(): Promise<void>;
}
