// One partition of __consumer_offsets that this broker leads, and the machine of the groups in it.
//
// Invariant: when the machine is lost every request that it had parked is answered.

import { assert } from '../../base/assert.ts';
import type { BrokerConfig } from '../../config/index.ts';
import type { Io } from '../../io/index.ts';
import type { MetadataImage, TopicImage } from '../../metadata/index.ts';
import type { CompressionCodec } from '../../protocol/index.ts';
import type { Partition } from '../../replication/index.ts';
import type { OpeningBatch, TransactionVerification } from '../../storage/index.ts';
import type { Shard } from '../internal-topic-shards.ts';
import { MachineShard } from '../machine-shard.ts';
import { PartitionMachineLog } from '../partition-machine-log.ts';
import { type GroupContext, Outcome } from './decision.ts';
import { GroupMachine } from './group-machine.ts';
import { type GroupRecord, groupRecordCodec } from './group-record.ts';
import type { GroupTable } from './group-table.ts';
import { expireOffsets, forgetLostTopics, forgetTopics } from './group-upkeep.ts';
import { DecidedProducers } from './offsets/index.ts';

export interface GroupShardOptions {
  readonly partition: Partition;
  readonly config: () => BrokerConfig;
  readonly image: () => MetadataImage;
  /** An invariant is broken: the process must not go on. */
  readonly onBug: (error: Error) => void;
}

export class GroupShard implements Shard {
  readonly #io: Io;
  readonly #options: GroupShardOptions;
  readonly #shard: MachineShard<GroupMachine, GroupRecord>;
  readonly #log: PartitionMachineLog<GroupRecord>;

  constructor(io: Io, options: GroupShardOptions) {
    this.#io = io;
    this.#options = options;
    const { partition, onBug } = options;
    const config = options.config();
    this.#log = new PartitionMachineLog<GroupRecord>(io, {
      partition,
      codec: groupRecordCodec,
      compression: config.get('offsets.topic.compression.codec') as CompressionCodec,
      readBytesMax: config.get('offsets.load.buffer.size'),
      unknown: { kind: 'Unknown' },
    });
    this.#shard = new MachineShard<GroupMachine, GroupRecord>(io, {
      ...{ what: 'groups', partition, log: this.#log, onBug },
      build: () => this.#build(),
      onLoaded: (machine) => this.#onLoaded(machine),
      onAbandoned: (machine, error) => machine?.abandon(error),
    });
  }

  /** Resolves when the machine is loaded, or cannot be for now. */
  get loaded(): Promise<void> {
    return this.#shard.loaded;
  }

  start(): void {
    this.#shard.start();
  }

  close(): void {
    this.#shard.close();
  }

  /**
   * Decides on a request. What is parked resolves when its time has come.
   * @throws KafkaError COORDINATOR_LOAD_IN_PROGRESS, NOT_COORDINATOR, and what the decision throws
   */
  async decide<T>(decide: (table: GroupTable, outcome: Outcome) => T | Promise<T>): Promise<T> {
    const outcome = new Outcome();
    // Wrapped: the commit is awaited here, a parked answer is not.
    const { answer } = await this.#shard.decide((machine) => {
      const response = { answer: decide(machine.table, outcome) };
      return { records: outcome.records, response };
    });
    outcome.onCommitted();
    return await answer;
  }

  /**
   * A transaction is about to write offsets here: what its decision must show. null if it has.
   * @throws KafkaError COORDINATOR_LOAD_IN_PROGRESS, NOT_COORDINATOR, INVALID_PRODUCER_EPOCH
   */
  beginVerification(batch: OpeningBatch): TransactionVerification | null {
    this.#shard.assertReady();
    const { producers } = this.#options.partition;
    return producers.beginVerification(batch, this.#io.clock.now());
  }

  /** Forgets the offsets of topics that were deleted. */
  onTopicsDeleted(topics: readonly TopicImage[]): void {
    if (this.#shard.isReady) {
      this.#forEachGroup((table, groupId, outcome) =>
        forgetTopics(table, groupId, { topics, outcome }),
      );
    }
  }

  /** A decision that nobody waits for. */
  #decideAlone(decide: (table: GroupTable, outcome: Outcome) => void): void {
    this.#shard.alone(this.decide(decide));
  }

  /** One decision per group, so that none is large. */
  #forEachGroup(decide: (table: GroupTable, groupId: string, outcome: Outcome) => void): void {
    for (const groupId of [...(this.#shard.machine?.table.groups.keys() ?? [])]) {
      this.#decideAlone((table, outcome) => decide(table, groupId, outcome));
    }
  }

  #build(): GroupMachine {
    const { partition } = this.#options;
    const hadPredecessor = partition.logEndOffset > 0 || partition.leaderEpoch > 0;
    const producers = new DecidedProducers(partition);
    return new GroupMachine(this.#context(), { producers, hadPredecessor });
  }

  #context(): GroupContext {
    const { config, image } = this.#options;
    return {
      clock: this.#io.clock,
      config,
      image,
      recordBytesMax: () => this.#log.batchBytesMax,
      newUuid: () => hyphenated(this.#io.random.bytes(16)),
      later: (delayMs, decide) =>
        this.#shard.after(delayMs, () => {
          this.#decideAlone((_, outcome) => decide(outcome));
        }),
    };
  }

  #onLoaded(machine: GroupMachine): void {
    this.#decideAlone((_, outcome) => machine.onLoaded(outcome));
    this.#forEachGroup(forgetLostTopics);
    const intervalMs = () => this.#options.config().get('offsets.retention.check.interval.ms');
    this.#shard.every(intervalMs, () => this.#forEachGroup(expireOffsets));
  }
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
