// One of several processes that keep a metadata log in a store, as brokers do, and nothing else: it
// follows the log, says that it lives, stands for controller, and whenever it is elected appends,
// asks whether it controls, takes snapshots, and goes at times.

import type { Prng } from '../../src/base/prng.ts';
import type { Io } from '../../src/io/index.ts';
import {
  type ClusterStore,
  type ControllerTerm,
  openStore,
  type StoreBatch,
  type StoreSnapshot,
  UnknownOutcomeError,
} from '../../src/metadata/index.ts';
import { decodeRecord, encodeRecord } from '../../src/metadata/records/index.ts';
import { KafkaError } from '../../src/protocol/index.ts';
import type { MetadataLogs } from '../checkers/index.ts';
import type { Reached } from '../reached.ts';

const retryMs = 200;
/** Of one record. A store takes less than this at once. */
const largeBytes = 1_700_000;
const topicId = 'AAAAAAAAAAAAAAAAAAAAAQ';

/** What one of them has read: it outlives the process, as what a broker has on its disk does. */
export class LogCopy {
  readonly #logs: MetadataLogs;
  readonly #reached: Reached;
  #next = 0;
  #names: string[] = [];
  #timestampMs = 0;
  #epoch = 0;

  constructor(logs: MetadataLogs, reached: Reached) {
    this.#logs = logs;
    this.#reached = reached;
  }

  get next(): number {
    return this.#next;
  }

  onBatch(batch: StoreBatch): void {
    const { baseOffset, endOffset, records, timestampMs, controllerEpoch } = batch;
    if (baseOffset !== this.#next) {
      throw new Error(`offset ${baseOffset} came where ${this.#next} was due`);
    }
    const names = records.map(nameIn);
    this.#logs.onBatch(batch, names);
    this.#names.push(...names);
    this.#next = endOffset;
    this.#timestampMs = timestampMs;
    this.#epoch = controllerEpoch;
  }

  async onSnapshot({ endOffset, pieces, timestampMs, controllerEpoch }: StoreSnapshot) {
    const names: string[] = [];
    for await (const piece of pieces) names.push(...piece.map(nameIn));
    this.#logs.onSnapshot(endOffset, names);
    if (this.#next > 0) this.#reached.onReached('restarted watches');
    this.#names = names;
    this.#next = endOffset;
    this.#timestampMs = timestampMs;
    this.#epoch = controllerEpoch;
  }

  snapshot(): StoreSnapshot {
    const { length } = this.#names;
    const half = length >> 1;
    const parts = [this.#names.slice(0, half), this.#names.slice(half)];
    return {
      endOffset: this.#next,
      controllerEpoch: this.#epoch,
      timestampMs: this.#timestampMs,
      pieces: parts.filter((part) => part.length > 0).map((part) => part.map(recordOf)),
    };
  }
}

function nameIn(encoded: Buffer): string {
  const record = decodeRecord(encoded);
  return record.type === 'TopicRecord' ? record.name : `a ${record.type}`;
}

function recordOf(name: string): Buffer {
  return encodeRecord({ type: 'TopicRecord', name, topicId });
}

/** What it does while it controls, and how often. */
export interface KeeperHabits {
  readonly pauseMsMean: number;
  /** Of the log, behind the newest snapshot, before the next one is taken. */
  readonly snapshotBytes: number;
  /** Of what is no snapshot, so much is the question whether it controls. Default 0.2. */
  readonly confirmChance?: number;
  /** Of batches that are larger than what a store takes at once. Default 0. */
  readonly largeChance?: number;
  /** Meanwhile nothing is appended. Default: never. */
  readonly isQuiet?: () => boolean;
}

export interface KeeperOptions extends KeeperHabits {
  readonly nodeId: number;
  /** `1.2` is the second process of node 1. */
  readonly life: string;
  readonly address: string;
  readonly sessionTimeoutMs: number;
  readonly copy: LogCopy;
  readonly logs: MetadataLogs;
  readonly reached: Reached;
  readonly prng: Prng;
  /** Those who live, as they are told. */
  readonly onBrokers: (nodeIds: readonly number[]) => void;
  /** The store is not what it was. */
  readonly onRefusal: (error: KafkaError) => void;
  /** It cannot go on. */
  readonly onFailure: (error: Error) => void;
}

/** Never ends, except with a refusal: its process is killed. */
export async function keepLog(io: Io, options: KeeperOptions): Promise<void> {
  const keeper = new LogKeeper(io, options);
  const store = await keeper.open();
  if (store !== null) await Promise.all([keeper.live(store), keeper.stand(store)]);
}

class LogKeeper {
  readonly #io: Io;
  readonly #options: KeeperOptions;
  #batchCount = 0;
  #isOver = false;

  constructor(io: Io, options: KeeperOptions) {
    this.#io = io;
    this.#options = options;
  }

  /** null: what was read before is not in it. */
  async open(): Promise<ClusterStore | null> {
    const { address, sessionTimeoutMs, copy, onRefusal, onFailure, onBrokers } = this.#options;
    const known = { clusterId: null, hasData: false };
    const options = { address, clusterId: null, known, sessionTimeoutMs };
    const store = await this.#answered(() => openStore(this.#io, options));
    const watcher = {
      onSnapshot: (snapshot: StoreSnapshot) => copy.onSnapshot(snapshot),
      onBatch: (batch: StoreBatch) => copy.onBatch(batch),
      onError: onFailure,
    };
    try {
      await this.#answered(() => store.watch(copy.next, watcher));
    } catch (error) {
      if ((error as Error).name !== 'StoreRolledBackError') throw error;
      onRefusal(error as KafkaError);
      await store.close();
      return null;
    }
    store.watchBrokers((alive) => onBrokers([...alive.keys()]));
    return store;
  }

  /** Of what may be asked twice. */
  async #answered<T>(ask: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await ask();
      } catch (error) {
        if (!(error instanceof KafkaError) || error.name === 'StoreRolledBackError') throw error;
      }
      await this.#io.clock.sleep(retryMs);
    }
  }

  /** It is registered for as long as it lives. */
  async live(store: ClusterStore): Promise<void> {
    const { nodeId, life } = this.#options;
    const broker = {
      nodeId,
      incarnationId: `process ${life}`,
      directoryIds: [`directory of ${nodeId}`],
      endpoints: [],
      rack: null,
    };
    for (;;) {
      await this.#answered(
        () =>
          new Promise<void>((resolve, reject) => {
            store.register(broker, () => resolve()).catch(reject);
          }),
      );
      this.#options.reached.onReached('renewed sessions');
    }
  }

  async stand(store: ClusterStore): Promise<void> {
    const { nodeId, logs } = this.#options;
    for (;;) {
      this.#isOver = false;
      const onLost = (): void => {
        this.#isOver = true;
      };
      const term = await this.#answered(() => store.elect({ nodeId, onLost }).term);
      logs.onElected(term.epoch);
      await this.#control(store, term);
    }
  }

  async #control(store: ClusterStore, term: ControllerTerm): Promise<void> {
    const { copy, prng, pauseMsMean, snapshotBytes, confirmChance = 0.2 } = this.#options;
    const { clock } = this.#io;
    while (!this.#isOver && copy.next < term.endOffset) await clock.sleep(10);
    while (!this.#isOver) {
      await clock.sleep(prng.float() * 2 * pauseMsMean);
      if (this.#isOver) return;
      if (this.#options.isQuiet?.() === true) continue;
      if (store.bytesSinceSnapshot > snapshotBytes && prng.chance(0.7)) {
        await this.#asController(term, () => store.saveSnapshot(copy.snapshot(), term.epoch));
      } else if (prng.chance(confirmChance)) {
        await this.#asController(term, () => store.confirm(term.epoch));
      } else if (prng.chance(0.02)) {
        this.#isOver = true;
        await term.resign();
      } else {
        await this.#appendSome(store, term);
      }
    }
  }

  /** Whoever was deposed before is refused. */
  async #asController({ epoch }: ControllerTerm, ask: () => Promise<void>): Promise<void> {
    const { logs } = this.#options;
    const { newestEpoch } = logs;
    await this.#unlessRefused(async () => {
      await ask();
      logs.assertConfirmed(epoch, newestEpoch);
    });
  }

  /** One behind the other, without waiting for answers. */
  async #appendSome(store: ClusterStore, term: ControllerTerm): Promise<void> {
    const { copy, prng } = this.#options;
    let expectedEnd = copy.next;
    const appends: Promise<void>[] = [];
    for (let left = prng.pick([1, 1, 1, 3]); left > 0; left--) {
      const names = this.#newBatch();
      appends.push(this.#append(store, term, { names, expectedEnd }));
      expectedEnd += names.length;
    }
    await Promise.all(appends);
  }

  #newBatch(): string[] {
    const { life, prng, largeChance = 0 } = this.#options;
    this.#batchCount += 1;
    const name = `${life}.${this.#batchCount}`;
    const isLarge = largeChance > 0 && prng.chance(largeChance);
    if (isLarge) return [`${name}.0${'.'.repeat(largeBytes)}`];
    const padding = '.'.repeat(prng.pick([0, 20, 200]));
    return Array.from({ length: 1 + prng.int(3) }, (_, index) => `${name}.${index}${padding}`);
  }

  async #append(
    store: ClusterStore,
    { epoch: controllerEpoch }: ControllerTerm,
    { names, expectedEnd }: { names: readonly string[]; expectedEnd: number },
  ): Promise<void> {
    const { logs } = this.#options;
    try {
      await store.append(names.map(recordOf), { expectedEnd, controllerEpoch });
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error;
      this.#io.log.debug(`an append of ${names[0]} fails: ${error.message}`);
      if (error instanceof UnknownOutcomeError) this.#isOver = true;
      else {
        if (error.errorName === 'NOT_CONTROLLER') this.#isOver = true;
        logs.onRefused(names);
      }
      return;
    }
    logs.onAcknowledged(names, expectedEnd);
  }

  async #unlessRefused(ask: () => Promise<void>): Promise<void> {
    try {
      await ask();
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error;
      this.#io.log.debug(`is refused: ${error.message}`);
      if (error.errorName === 'NOT_CONTROLLER') this.#isOver = true;
    }
  }
}
