// One partition of __consumer_offsets that this broker leads, and the machine of the groups in it.
//
// Invariants: a request is decided only when the log is replayed; when the machine is lost (its
// log refused an append, or leadership moved) every request it had parked is answered, and it is
// built again as long as this broker leads.

import { assert } from '../../base/assert.ts';
import type { BrokerConfig } from '../../config/index.ts';
import type { Io } from '../../io/index.ts';
import { MachineRuntime } from '../../machine/index.ts';
import type { MetadataImage, TopicImage } from '../../metadata/index.ts';
import { type CompressionCodec, KafkaError } from '../../protocol/index.ts';
import type { Partition } from '../../replication/index.ts';
import type { OpeningBatch, TransactionVerification } from '../../storage/index.ts';
import type { Shard } from '../internal-topic-shards.ts';
import { PartitionMachineLog } from '../partition-machine-log.ts';
import type { GroupContext } from './group-context.ts';
import { GroupMachine } from './group-machine.ts';
import { type GroupRecord, groupRecordCodec } from './group-record.ts';
import { DecidedProducers } from './offsets/decided-producers.ts';
import { expireOffsets, forgetLostTopics, forgetTopics } from './offsets/offset-requests.ts';
import { Outcome } from './outcome.ts';

export interface GroupShardOptions {
  readonly partition: Partition;
  readonly config: () => BrokerConfig;
  readonly image: () => MetadataImage;
  /** An invariant is broken: the process must not go on. */
  readonly onBug: (error: Error) => void;
}

type Runtime = MachineRuntime<GroupMachine, GroupRecord>;

/** Pause before a machine that was lost is built again. */
const reloadDelayMs = 1000;
/** Appends that may wait for the in-sync replicas at once. */
const appendsInFlightMax = 8;

export class GroupShard implements Shard {
  readonly leaderEpoch: number;
  readonly #io: Io;
  readonly #options: GroupShardOptions;
  readonly #runtime: Runtime;
  readonly #log: PartitionMachineLog<GroupRecord>;
  #machine: GroupMachine | null = null;
  #isReady = false;
  #isClosed = false;
  #loading: Promise<void> = Promise.resolve();

  constructor(io: Io, options: GroupShardOptions) {
    this.#io = io;
    this.#options = options;
    const { partition } = options;
    this.leaderEpoch = partition.leaderEpoch;
    const config = options.config();
    this.#log = new PartitionMachineLog<GroupRecord>(io, {
      partition,
      codec: groupRecordCodec,
      compression: config.get('offsets.topic.compression.codec') as CompressionCodec,
      readBytesMax: config.get('offsets.load.buffer.size'),
      unknown: { kind: 'Unknown' },
    });
    this.#runtime = new MachineRuntime<GroupMachine, GroupRecord>(io, {
      name: `${partition.topic}-${partition.partition}`,
      log: this.#log,
      build: () => this.#build(),
      lostError: lostError,
      onLost: (cause) => this.#onLost(cause),
      appendsInFlightMax,
    });
  }

  /** Resolves when the machine is loaded, or cannot be for now. */
  get loaded(): Promise<void> {
    return this.#loading;
  }

  get isReady(): boolean {
    return this.#isReady;
  }

  start(): void {
    this.#loading = this.#load();
  }

  close(): void {
    this.#isClosed = true;
    this.#runtime.close();
    this.#abandon(new KafkaError('NOT_COORDINATOR'));
  }

  /**
   * Decides on a request. What is parked resolves when its time has come.
   * @throws KafkaError COORDINATOR_LOAD_IN_PROGRESS, NOT_COORDINATOR, and what the decision throws
   */
  async decide<T>(decide: (machine: GroupMachine, outcome: Outcome) => T | Promise<T>): Promise<T> {
    this.#assertReady();
    return await this.#submit(decide);
  }

  /**
   * A transaction is about to write offsets here: what its decision must show. null if it has.
   * @throws KafkaError COORDINATOR_LOAD_IN_PROGRESS, NOT_COORDINATOR, INVALID_PRODUCER_EPOCH
   */
  beginVerification(batch: OpeningBatch): TransactionVerification | null {
    this.#assertReady();
    const { producers } = this.#options.partition.log;
    return producers.beginVerification(batch, this.#io.clock.now());
  }

  #assertReady(): void {
    if (this.#isClosed) throw new KafkaError('NOT_COORDINATOR');
    if (!this.#isReady) throw new KafkaError('COORDINATOR_LOAD_IN_PROGRESS');
  }

  /** Forgets the offsets of topics that were deleted. */
  onTopicsDeleted(topics: readonly TopicImage[]): void {
    if (this.#isReady) {
      this.#forEachGroup((machine, groupId, outcome) =>
        forgetTopics(machine, groupId, { topics, outcome }),
      );
    }
  }

  async #submit<T>(
    decide: (machine: GroupMachine, outcome: Outcome) => T | Promise<T>,
  ): Promise<T> {
    const outcome = new Outcome();
    // Wrapped: the commit is awaited here, a parked answer is not.
    const { answer } = await this.#runtime.submit((machine) => {
      const response = { answer: decide(machine, outcome) };
      return { records: outcome.records, response };
    });
    outcome.onCommitted();
    return await answer;
  }

  /** A decision that nobody waits for. */
  #decideAlone(decide: (machine: GroupMachine, outcome: Outcome) => void): void {
    this.#submit(decide).catch((error: unknown) => {
      // The machine is gone, and with it the reason to decide.
      if (!(error instanceof KafkaError)) this.#options.onBug(error as Error);
    });
  }

  /** One decision per group, so that none is large. */
  #forEachGroup(decide: (machine: GroupMachine, groupId: string, outcome: Outcome) => void): void {
    for (const groupId of [...(this.#machine?.groups.keys() ?? [])]) {
      this.#decideAlone((machine, outcome) => decide(machine, groupId, outcome));
    }
  }

  #build(): { machine: GroupMachine; replayFrom: number } {
    const { partition } = this.#options;
    const hadPredecessor = partition.logEndOffset > 0 || partition.leaderEpoch > 0;
    this.#machine = new GroupMachine(this.#context(), { hadPredecessor });
    return { machine: this.#machine, replayFrom: 0 };
  }

  #context(): GroupContext {
    const { config, image } = this.#options;
    return {
      clock: this.#io.clock,
      config,
      image,
      producers: new DecidedProducers(this.#options.partition),
      recordBytesMax: () => this.#log.batchBytesMax,
      newUuid: () => hyphenated(this.#io.random.bytes(16)),
      later: (delayMs, decide) =>
        this.#runtime.after(delayMs, () => {
          this.#decideAlone((_, outcome) => decide(outcome));
        }),
    };
  }

  async #load(): Promise<void> {
    try {
      await this.#runtime.load();
    } catch (error) {
      this.#onLost(error);
      return;
    }
    if (this.#isClosed || this.#runtime.state !== 'active') return;
    this.#isReady = true;
    this.#decideAlone((machine, outcome) => machine.onLoaded(outcome));
    this.#forEachGroup(forgetLostTopics);
    this.#expireRepeatedly();
  }

  #expireRepeatedly(): void {
    const intervalMs = this.#options.config().get('offsets.retention.check.interval.ms');
    this.#runtime.after(Math.min(intervalMs, 2 ** 31 - 1), () => {
      this.#forEachGroup(expireOffsets);
      this.#expireRepeatedly();
    });
  }

  #onLost(cause: unknown): void {
    if (this.#isClosed) return;
    if (!(cause instanceof KafkaError) && !(cause instanceof Error && 'code' in cause)) {
      this.#options.onBug(cause as Error);
      return;
    }
    this.#abandon(lostError(cause));
    const { partition } = this.#options;
    const name = `${partition.topic}-${partition.partition}`;
    this.#io.log.warn(`the groups of ${name} are not served: ${cause.message}`);
    const isOurs = partition.isLeader && partition.leaderEpoch === this.leaderEpoch;
    if (!isOurs) return;
    this.#io.clock.after(reloadDelayMs, () => {
      if (!this.#isClosed && this.#runtime.state === 'idle') this.start();
    });
  }

  #abandon(error: KafkaError): void {
    this.#isReady = false;
    this.#machine?.abandon(error);
    this.#machine = null;
  }
}

/** What a client is told whose request went down with the machine: ask for the coordinator. */
function lostError(cause: unknown): KafkaError {
  const isBusy =
    cause instanceof KafkaError &&
    (cause.errorName === 'NOT_ENOUGH_REPLICAS' || cause.errorName === 'REQUEST_TIMED_OUT');
  return new KafkaError(isBusy ? 'COORDINATOR_NOT_AVAILABLE' : 'NOT_COORDINATOR');
}

/** A UUID of version 4 as Java prints it. */
function hyphenated(bytes: Buffer): string {
  assert(bytes.length === 16, 'a UUID has 16 bytes');
  bytes[6] = ((bytes[6] as number) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] as number) & 0x3f) | 0x80;
  const hex = bytes.toString('hex');
  const parts = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20)];
  return [...parts, hex.slice(20)].join('-');
}
