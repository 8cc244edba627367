// The seam between the cluster and the engine that keeps its metadata log: an ordered log with
// compare-and-append, one controller at a time with a growing epoch, and sessions of living
// brokers. Engines: local (a folder), etcd, ZooKeeper, the simulator's. cluster-store-contract.ts
// and cluster-store-outages-contract.ts state what each must keep.
//
// Invariants: a record that `append` acknowledged is durable and every reader sees it at the same
// offset; an append with a controller epoch older than the newest elected one never succeeds;
// batches reach watchers in order, each exactly once, and never before they are committed. What
// this process knows of the store may be old, and says how old; what it was not told does not count
// as refused.

import type { Uuid } from '../base/uuid.ts';
import { KafkaError } from '../protocol/index.ts';
import type { Endpoint } from './image.ts';

/**
 * The answer to an append was lost: the batch is in the log, or it is not, or it is on its way. It
 * must not be sent again. The term is over; the next one fences what is on its way, and then the
 * log tells.
 */
export class UnknownOutcomeError extends KafkaError {
  constructor(why: string) {
    super('REQUEST_TIMED_OUT', `nobody knows whether the append was made: ${why}`);
    this.name = 'UnknownOutcomeError';
  }
}

/** What the store holds cannot be used. One line, for its owner: what it is, and what helps. */
export class StoreContentError extends KafkaError {
  constructor(message: string) {
    super('KAFKA_STORAGE_ERROR', message);
    this.name = 'StoreContentError';
  }
}

/** The store lacks what was read from it before: it is an older copy of itself, or another one. */
export class StoreRolledBackError extends StoreContentError {
  constructor(found: RolledBack) {
    super(`${sayRolledBack(found)}; ${rolledBackRemedy}`);
    this.name = 'StoreRolledBackError';
  }
}

/** What helps when a store lacks what a broker knows of it. */
export const rolledBackRemedy =
  'bring the store back as it was; where it is lost, partita cluster recover shows what that ' +
  'costs, and goes on';

function sayRolledBack({ kind, applied, endOffset, historyId }: RolledBack): string {
  const log = kind === 'emptied' ? 'the metadata log' : `the metadata log (history ${historyId})`;
  switch (kind) {
    case 'emptied':
      return `${log} is gone, but ${applied} was read before: the store was emptied`;
    case 'replaced':
      return `${log} is not the one that was read up to ${applied}: the store is another one`;
    case 'branched':
      return (
        `${log} has other records before offset ${applied} than were read before: the store was ` +
        'put back to an older state and has gone on from there'
      );
    default:
      return (
        `${log} ends at offset ${endOffset}, but ${applied} was read before: the store was put ` +
        'back to an older state, or it is another one'
      );
  }
}

export interface RolledBack {
  /**
   * `shorter`: the log ends before what was read; `branched`: it does not, and is not what was
   * read; `replaced`: it is of another history; `emptied`: there is none.
   */
  readonly kind: 'shorter' | 'branched' | 'replaced' | 'emptied';
  /** The offset up to which the log was read. */
  readonly applied: number;
  /** Where it ends now. */
  readonly endOffset: number;
  /** Of what is there now. */
  readonly historyId: Uuid;
}

export interface ClusterStore {
  /** Stable for the life of the cluster. */
  readonly clusterId: string;
  /** Offsets mean the same within one history: another one begins when records may be lost. */
  readonly historyId: Uuid;
  /**
   * Histories in whose place an operator has put this one (`partita cluster recover`): what was
   * known of them is no reason to refuse it. Absent: none.
   */
  readonly followedHistories?: readonly Uuid[];
  /** One past the last committed offset that this process has heard of. */
  readonly endOffset: number;
  /** For how long the end and the brokers alive are not known to be the newest; 0: they are. */
  readonly viewAgeMs: number;
  /**
   * Since when the store was never away, and no session of this process ended. A store that comes
   * back ends the sessions of processes that live, so that a session which ends soon afterwards is
   * no sign of a death. Infinity: the store never does that.
   */
  readonly steadyMs: number;
  /** The engine gave up for good; only a restart helps. */
  readonly isFailed: boolean;

  /**
   * Appends the records as one batch: all of them are committed or none is. A record is opaque
   * here: the framed bytes of records/record-codec.ts.
   *
   * @throws KafkaError NOT_CONTROLLER when a newer controller was elected or the term is over;
   * INVALID_REQUEST when the log does not end at `expectedEnd`; KAFKA_STORAGE_ERROR when the engine
   * could not write (nothing was committed, or the engine `isFailed`).
   * @throws UnknownOutcomeError when the answer was lost: the term is over with it
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

  /**
   * Whether the log has the batch, which may have been read in an earlier life: else it is another
   * branch. null: it does not reach back that far. Absent: nobody but this process writes it.
   */
  hasBatch?(fingerprint: BatchFingerprint): Promise<boolean | null>;

  /** null if none was taken. */
  newestSnapshot(): Promise<StoreSnapshot | null>;

  /**
   * Delivers every batch from the offset on, in order, then those that are committed later. When
   * there is a snapshot of more than `from`, it is delivered first, in place of what it contains.
   * `onBatch` is synchronous and is called before the `append` of the batch resolves (for appends
   * of this process). The promise resolves when the reader has all that was committed.
   *
   * After an outage the watch goes on where it was, or with the newest snapshot when the log no
   * longer reaches back that far. It fails with StoreRolledBackError when what it delivered last is
   * not in the log any more, be that shorter than before or longer.
   * @throws StoreRolledBackError when the log ends before `from`
   */
  watch(from: number, watcher: StoreWatcher): Promise<Subscription>;

  /**
   * The controller offers a snapshot to start readers from; the log behind it may be dropped.
   * @throws KafkaError NOT_CONTROLLER when the epoch is not that of the newest controller
   */
  saveSnapshot(snapshot: StoreSnapshot, controllerEpoch: number): Promise<void>;
  /** Bytes appended since the newest snapshot: the measure of when the next one is due. */
  readonly bytesSinceSnapshot: number;

  elect(candidate: Candidate): Election;

  /**
   * Announces a living broker. The session ends with `close`, with the death of the process, and
   * when the engine takes the process for dead. A process whose answer was lost asks again.
   *
   * @param onLost the session ended otherwise than by `close`. Unless a successor ended it
   * (DUPLICATE_BROKER_REGISTRATION) the process may register again.
   * @throws KafkaError DUPLICATE_BROKER_REGISTRATION when another process holds the node id and
   * this one is not its successor (`isSuccessor`): it is gone when its session ends
   */
  register(broker: StoreBroker, onLost: (error: Error) => void): Promise<BrokerSession>;
  /**
   * Somebody has proven that this process is dead: its session and its term end as if the engine
   * had taken it for dead. Should it live, it hears of both and may register again. Nothing becomes
   * of another process with the same node id.
   */
  expel(process: BrokerProcess): Promise<void>;
  /** Called at once with those known to be alive now, and after every change. */
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
  /** Who controls, for readers who do not read the batch that began the term; -1: see the log. */
  readonly controllerId?: number;
  /** Of the batch that ends at `endOffset`; absent: whoever took it did not know. */
  readonly lastBatch?: BatchFingerprint | null;
  /** Its records in order, some at a time; they can be read once. */
  readonly pieces: AsyncIterable<readonly Buffer[]> | Iterable<readonly Buffer[]>;
}

export interface StoreWatcher {
  /**
   * Replaces whatever was read before, once it is read to its end: it rejects with what the pieces
   * reject with, and is then called again.
   */
  onSnapshot(snapshot: StoreSnapshot): Promise<void>;
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

export interface Election {
  /** Resolves when the candidate is the controller; rejects with NOT_CONTROLLER if it never is. */
  readonly term: Promise<ControllerTerm>;
  /** The candidate stands no longer. A term that it has won meanwhile is over. */
  withdraw(): Promise<void>;
}

export interface ControllerTerm {
  readonly epoch: number;
  /** The end of the log when the term began: the controller replays up to here before it acts. */
  readonly endOffset: number;
  resign(): Promise<void>;
}

export interface BrokerProcess {
  readonly nodeId: number;
  /** Changes with every start of the process. */
  readonly incarnationId: string;
}

export interface StoreBroker extends BrokerProcess {
  /** Its log directories, which one process at a time can have open. */
  readonly directoryIds: readonly Uuid[];
  readonly endpoints: readonly Endpoint[];
  readonly rack: string | null;
}

/**
 * Whether the broker may end the session of the one that holds its node id: it is the same process,
 * or it has a directory that the other had open, which then is dead.
 */
export function isSuccessor(
  broker: Pick<StoreBroker, 'incarnationId' | 'directoryIds'>,
  holder: StoreBroker,
): boolean {
  if (broker.incarnationId === holder.incarnationId) return true;
  return broker.directoryIds.some((id) => holder.directoryIds.includes(id));
}

/** What a process hears that is not the successor of the one that holds its node id. */
export function heldError({ nodeId, endpoints }: StoreBroker): KafkaError {
  const { host, port } = endpoints[0] ?? { host: 'an unknown address', port: '' };
  return new KafkaError(
    'DUPLICATE_BROKER_REGISTRATION',
    `another process runs as broker ${nodeId} (at ${host}:${port}): stop it, or give this ` +
      'one another node.id',
  );
}

/** What a process hears whose session its successor ended. */
export function succeededError(nodeId: number): KafkaError {
  const why = `broker ${nodeId} was started again with the same log directories`;
  return new KafkaError('DUPLICATE_BROKER_REGISTRATION', why);
}

/** What a process hears that was expelled and lives. */
export function expelledError(nodeId: number): KafkaError {
  return new KafkaError('NETWORK_EXCEPTION', `another broker has found broker ${nodeId} dead`);
}

export interface BrokerSession {
  close(): Promise<void>;
}

/**
 * What tells a batch from any other one that is ever at its offset; batch-fingerprint.ts makes it.
 */
export type BatchFingerprint = string;
