// Two brokers that have a replica of one partition each, whose logs begin with histories of their
// own, and that lead in turns from then on: answers are late, lost with their connections, taken
// twice, or taken long after they were asked for; processes are killed and come back. What was
// below a high watermark once must be in every log that leads later, and in the end both are equal.

import assert from 'node:assert/strict';
import type { Prng } from '../../../src/base/prng.ts';
import type { Io } from '../../../src/io/index.ts';
import {
  batchHeaders,
  controlRecordType,
  decodeRecords,
  encodeBatch,
  KafkaError,
} from '../../../src/protocol/index.ts';
import { type FetcherSettings, ReplicaFetchers } from '../../../src/replication/fetchers/index.ts';
import { Partition, type PartitionState } from '../../../src/replication/index.ts';
import { CleaningStopped } from '../../../src/storage/cleaner/index.ts';
import {
  defaultLogConfig,
  type LogConfig,
  LogResources,
  PartitionLog,
} from '../../../src/storage/index.ts';
import { clean } from '../storage/cleanings.ts';
import { logOf } from './logs.ts';
import { topicId } from './replicas-of-one.ts';
import { ScriptedLeader } from './scripted-leader.ts';

export type HistoryKind = 'plain' | 'transactional' | 'compacted';

/** What is wrong with the brokers; null if nothing is. */
export type PlantedBug =
  | 'a new follower is cut at its watermark'
  | 'the watermark is taken before the log is cut'
  | 'answers of an older epoch are taken'
  | 'a diverging log is cut at its watermark'
  | null;

const ids = [1, 2] as const;
type Id = (typeof ids)[number];

/** An answer as it came to a follower, to be taken again. */
interface Seen {
  readonly following: NonNullable<Partition['following']>;
  readonly fetchOffset: number;
  readonly records: Buffer;
  readonly highWatermark: number;
}

interface Node {
  readonly id: Id;
  readonly server: ScriptedLeader;
  readonly fetchers: ReplicaFetchers;
  partition: Partition;
  /** Of replication-offset-checkpoint. */
  checkpoint: number;
}

const settings: FetcherSettings = {
  ...{ fetchersPerLeader: 1, partitionBytesMax: 400, responseBytesMax: 1000 },
  ...{ responseBytesMin: 1, waitMsMax: 20, backoffMs: 30, requestTimeoutMs: 1000 },
};

export class TwoBrokers {
  readonly #io: Io;
  readonly #prng: Prng;
  readonly #kind: HistoryKind;
  readonly #bug: PlantedBug;
  readonly #config: LogConfig;
  readonly #nodes = new Map<Id, Node>();
  /** By offset: what was below a watermark. */
  readonly #committed = new Map<number, string>();
  readonly #bugs: Error[] = [];
  readonly #seen: Seen[] = [];
  #state: PartitionState;
  #values = 0;
  #isHealed = false;
  readonly counts = {
    ...{ elected: 0, cut: 0, cutOverEpochs: 0, lost: 0, repeated: 0, killed: 0, cleaned: 0 },
    ...{ committed: 0, shrunk: 0, grown: 0, startsMoved: 0 },
  };

  constructor(io: Io, prng: Prng, options: { kind: HistoryKind; bug?: PlantedBug }) {
    this.#io = io;
    this.#prng = prng;
    this.#kind = options.kind;
    this.#bug = options.bug ?? null;
    this.#config = {
      ...defaultLogConfig,
      segmentBytesMax: prng.pick([300, 700, 3000]),
      cleanupPolicy: this.#kind === 'compacted' ? ['compact'] : ['delete'],
      ...{ retentionMs: -1, fileDeleteDelayMs: 0, deleteRetentionMs: 0, minInSyncReplicas: 1 },
    };
    const epochs = { metadataOffset: 0, leaderEpoch: 0, partitionEpoch: 0 };
    this.#state = { ...epochs, leader: 1, replicas: ids, isr: ids };
  }

  async run(steps: number): Promise<void> {
    for (const id of ids) await this.#start(id);
    this.#beginHistories();
    this.#elect(this.#prng.pick(ids));
    for (let step = 0; step < steps; step++) {
      await this.#act();
      if (this.#prng.chance(0.6)) await this.#io.clock.sleep(this.#prng.float() * 8);
      if (this.#prng.chance(0.3)) await this.#check();
    }
    await this.#heal();
  }

  get #isOfSeveralBatches(): boolean {
    return this.#prng.chance(0.3);
  }

  async #start(id: Id): Promise<void> {
    const server = new ScriptedLeader(this.#io, id);
    server.delayMs = () => (this.#isHealed ? 0 : this.#prng.float() * 6);
    server.fate = () => {
      if (this.#isHealed || !this.#prng.chance(0.08)) return 'sent';
      this.counts.lost++;
      return 'lost';
    };
    server.onAnswer = (_, answer, asked) => {
      const following = this.#node(other(id)).partition.following;
      if (following !== null && answer.errorCode === 0 && answer.divergingEpoch === undefined) {
        const { highWatermark } = answer;
        const records = Buffer.from(answer.records as Buffer);
        const { fetchOffset } = asked;
        if (records.length > 0) this.#seen.push({ following, fetchOffset, records, highWatermark });
      }
      return answer;
    };
    const fetchers = new ReplicaFetchers(this.#io, {
      nodeId: id,
      replicas: { all: () => [].values() },
      connect: (leader) => this.#node(leader as Id).server.connect(leader),
      brokerEpoch: () => id,
      settings: () => settings,
      onBug: (error) => this.#bugs.push(error),
    });
    const partition = await this.#open(id, { highWatermark: 0 });
    this.#nodes.set(id, { id, server, fetchers, partition, checkpoint: 0 });
    server.host(partition);
  }

  async #open(
    nodeId: Id,
    found: { highWatermark: number; recoveryPoint?: number; logStartOffset?: number },
  ): Promise<Partition> {
    const { highWatermark, ...offsets } = found;
    const log = await PartitionLog.open(this.#io, {
      ...{ directory: `/node-${nodeId}/t-0`, topic: 't', partition: 0, ...offsets },
      ...{ config: this.#config, wasCleanShutdown: false, resources: new LogResources(this.#io) },
    });
    const identity = { topic: 't', topicId, partition: 0 };
    return new Partition(this.#io, { ...identity, nodeId, log, highWatermark });
  }

  #node(id: Id): Node {
    return this.#nodes.get(id) as Node;
  }

  /** The same records first; then each led for a while without being heard. */
  #beginHistories(): void {
    for (let i = this.#prng.int(6); i > 0; i--) {
      const batch = this.#batch();
      for (const id of ids) this.#appendOwn(id, Buffer.from(batch), 0);
    }
    let epoch = 0;
    for (let i = this.#prng.int(8); i > 0; i--) {
      epoch += 1 + this.#prng.int(2);
      const id = this.#prng.pick(ids);
      for (let n = this.#prng.int(4); n > 0; n--) this.#appendOwn(id, this.#batch(), epoch);
    }
    this.#state = { ...this.#state, leaderEpoch: epoch };
  }

  #appendOwn(id: Id, batch: Buffer, leaderEpoch: number): void {
    const options = { leaderEpoch, timestampNow: this.#io.clock.now() };
    logOf(this.#node(id).partition).appendAsLeader(batch, { ...options, origin: 'coordinator' });
  }

  #batch(): Buffer {
    const records = Array.from({ length: 1 + this.#prng.int(3) }, () => ({
      key: Buffer.from(`k${this.#prng.int(5)}`),
      value: this.#prng.chance(0.1) ? null : Buffer.from(`${this.#values++}`),
      timestamp: this.#io.clock.now(),
    }));
    if (this.#kind !== 'transactional' || this.#prng.chance(0.3)) return encodeBatch({ records });
    const producerId = this.#prng.int(4);
    const isTransactional = producerId < 3;
    const sequence = { baseSequence: this.#values, producerEpoch: 0 };
    return encodeBatch({ records, producerId, isTransactional, ...sequence });
  }

  async #act(): Promise<void> {
    if (this.#state.isr.length === 1 && this.#prng.chance(0.3)) this.#changeIsr();
    const kind = this.#prng.int(100);
    const id = this.#prng.pick(ids);
    if (kind < 45) this.#produce();
    else if (kind < 60) this.#maybeElect();
    else if (kind < 70) this.#hear(id);
    else if (kind < 80) this.#takeAgain();
    else if (kind < 85) this.#changeIsr();
    else if (kind < 88) await this.#kill(id);
    else if (kind < 92) await this.#clean(id);
    else if (kind < 94) await this.#deleteRecords();
    else if (kind < 97) this.#node(id).checkpoint = this.#node(id).partition.highWatermark;
    else await logOf(this.#node(id).partition).flush();
  }

  #produce(): void {
    const { partition } = this.#node(this.#state.leader as Id);
    if (!partition.isLeader) return;
    for (let count = this.#isOfSeveralBatches ? 4 : 1; count > 0; count--) {
      if (this.#kind === 'transactional' && this.#prng.chance(0.2)) this.#end(partition);
      else partition.appendAsLeader(this.#batch(), 'coordinator');
    }
    for (const { server } of this.#nodes.values()) server.onNews();
  }

  #end(partition: Partition): void {
    partition.appendTransactionMarker({
      ...{ producerId: this.#prng.int(3), producerEpoch: 0, coordinatorEpoch: 0 },
      ...{ isCommit: this.#prng.chance(0.5), transactionVersion: 1 },
    });
  }

  #maybeElect(): void {
    const { isr } = this.#state;
    this.#elect(this.#prng.pick(isr) as Id);
  }

  #elect(leader: Id): void {
    this.counts.elected++;
    this.#decide({ leader, leaderEpoch: this.#state.leaderEpoch + 1 + this.#prng.int(2) });
    // Each hears of it in its own time.
    for (const id of ids) if (this.#prng.chance(0.5)) this.#hear(id);
  }

  #decide(change: Partial<PartitionState>): void {
    const { metadataOffset, partitionEpoch } = this.#state;
    const grown = { metadataOffset: metadataOffset + 1, partitionEpoch: partitionEpoch + 1 };
    this.#state = { ...this.#state, ...change, ...grown };
  }

  #hear(id: Id): void {
    const { partition, fetchers, server } = this.#node(id);
    const before = partition.following;
    if (this.#state.leader === id) partition.becomeLeader(this.#state);
    else partition.becomeFollower(this.#state);
    const { following } = partition;
    if (following !== null && following !== before) this.#plant(partition, following);
    fetchers.onRoleChanged(partition);
    server.onNews();
  }

  #plant(partition: Partition, following: NonNullable<Partition['following']>): void {
    const truncateTo = following.truncateTo.bind(following);
    following.truncateTo = async (diverging) => {
      const { logEndOffset, highWatermark, leaderEpoch } = partition;
      if (this.#bug === 'the watermark is taken before the log is cut') {
        const leader = this.#node(other(this.#idOf(partition)));
        const taken = { fetchOffset: logEndOffset, records: none };
        following.append({ ...taken, highWatermark: leader.partition.highWatermark });
      }
      if (this.#bug === 'a diverging log is cut at its watermark') {
        return await following.truncateToEnd(highWatermark);
      }
      this.counts.cut++;
      if (diverging.epoch < leaderEpoch - 2) this.counts.cutOverEpochs++;
      const isCut = await truncateTo(diverging);
      // What was asked for before it comes now.
      for (let count = this.#prng.int(4); count > 0; count--) this.#takeAgain();
      return isCut;
    };
    if (this.#bug === 'answers of an older epoch are taken') {
      following.end = () => {};
      const append = following.append.bind(following);
      following.append = (fetched) => append({ ...fetched, fetchOffset: partition.logEndOffset });
    }
    if (this.#bug === 'a new follower is cut at its watermark') {
      void following.truncateToEnd(partition.highWatermark);
    }
  }

  #idOf(partition: Partition): Id {
    return ids.find((id) => this.#node(id).partition === partition) ?? 1;
  }

  /** An answer that was taken, or dropped, comes once more. */
  #takeAgain(): void {
    if (this.#seen.length === 0) return;
    const recent = Math.min(this.#seen.length, 12);
    const seen = this.#seen[this.#seen.length - 1 - this.#prng.int(recent)] as Seen;
    const { following, ...fetched } = seen;
    this.counts.repeated++;
    const leader = this.#node(this.#state.leader as Id).partition;
    const { isLeader, logEndOffset } = leader;
    try {
      following.append({ ...fetched, records: Buffer.from(fetched.records) });
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error;
    }
    const hasGrown = leader.logEndOffset > logEndOffset;
    assert.ok(!isLeader || !hasGrown, 'a leader has what it wrote, and what it had before');
  }

  /** A follower that is away leaves the in-sync set, and comes back when it has everything. */
  #changeIsr(): void {
    const { leader, isr, leaderEpoch } = this.#state;
    const { partition } = this.#node(leader as Id);
    if (!partition.isLeader || partition.leaderEpoch !== leaderEpoch) return;
    if (partition.leading?.pendingIsrChange !== null) return;
    const entering = other(leader as Id);
    const { highWatermark } = partition;
    if (isr.length === 2) this.counts.shrunk++;
    else if (partition.leading.mayEnter(entering, entering, highWatermark)) this.counts.grown++;
    else return;
    const wanted = isr.length === 2 ? [leader] : ids;
    partition.beginIsrChange(wanted);
    this.#decide({ isr: wanted });
  }

  /** Its page cache stays; its checkpoint is as old as it is. */
  async #kill(id: Id): Promise<void> {
    const node = this.#node(id);
    const log = logOf(node.partition);
    if (log.truncations.current !== null) return;
    this.counts.killed++;
    const { recoveryPoint, logStartOffset } = log;
    node.partition.close();
    node.fetchers.onRoleChanged(node.partition);
    log.abandon();
    for (const { server } of this.#nodes.values()) server.cutConnections();
    const found = { highWatermark: node.checkpoint, recoveryPoint, logStartOffset };
    node.partition = await this.#open(id, found);
    node.server.host(node.partition);
    if (this.#state.leader === id) this.#elect(this.#prng.pick(this.#state.isr) as Id);
    this.#hear(id);
  }

  async #clean(id: Id): Promise<void> {
    if (this.#kind !== 'compacted') return;
    const { partition } = this.#node(id);
    const log = logOf(partition);
    if (log.truncations.current !== null) return;
    const lastStableOffset = partition.highWatermark;
    try {
      if ((await clean(log, { lastStableOffset })) !== null) this.counts.cleaned++;
    } catch (error) {
      if (!(error instanceof CleaningStopped)) throw error;
    }
  }

  async #deleteRecords(): Promise<void> {
    const { partition } = this.#node(this.#state.leader as Id);
    // A log that begins within a transaction cannot know all of it.
    if (this.#kind !== 'plain' || !partition.isLeader) return;
    const { logStartOffset, highWatermark } = partition;
    const to = logStartOffset + this.#prng.int(Math.max(1, highWatermark - logStartOffset));
    await partition.upkeep.deleteRecordsBefore(to);
    if (to > logStartOffset) this.counts.startsMoved++;
  }

  async #check(): Promise<void> {
    assert.deepEqual(this.#bugs, []);
    for (const { partition } of this.#nodes.values()) {
      const { highWatermark, logEndOffset } = partition;
      assert.ok(highWatermark <= logEndOffset, 'a watermark is within its log');
      if (logOf(partition).truncations.current === null) {
        await this.#assertCommitted(partition, highWatermark);
      }
    }
    const { partition } = this.#node(this.#state.leader as Id);
    if (!partition.isLeader || partition.leaderEpoch !== this.#state.leaderEpoch) return;
    const end = Math.max(0, ...this.#committed.keys()) + (this.#committed.size > 0 ? 1 : 0);
    assert.ok(partition.logEndOffset >= end, 'a leader has what is committed');
    await this.#assertCommitted(partition, end);
    this.counts.committed = Math.max(this.counts.committed, end);
  }

  /** What lies below the end is what was committed there before, and all of it. */
  async #assertCommitted(partition: Partition, end: number): Promise<void> {
    const { truncations } = logOf(partition);
    const { count } = truncations;
    const found = await contentBelow(partition, end);
    // Reads beside a truncation may find less.
    if (truncations.current !== null || truncations.count !== count) return;
    const { logStartOffset } = partition;
    for (const [offset, text] of found) {
      const before = this.#committed.get(offset);
      assert.ok(before === undefined || before === text, `${offset} was ${before}, is ${text}`);
      this.#committed.set(offset, text);
    }
    // What a leader has compacted its follower never sees, however far that is.
    if (this.#kind === 'compacted' && !this.#isHealed) return;
    const latest = new Map<string, number>();
    for (const [offset, text] of this.#committed) {
      latest.set(keyOf(text), Math.max(offset, latest.get(keyOf(text)) ?? -1));
    }
    for (const [offset, text] of this.#committed) {
      if (offset >= end || offset < logStartOffset || found.has(offset)) continue;
      const mayGo = text.endsWith('=!') || latest.get(keyOf(text)) !== offset;
      assert.ok(this.#kind === 'compacted' && mayGo, `${offset} (${text}) is lost below ${end}`);
    }
  }

  async #heal(): Promise<void> {
    this.#isHealed = true;
    for (const id of ids) this.#hear(id);
    await this.#io.clock.sleep(1000);
    this.#produce();
    await this.#io.clock.sleep(1000);
    await this.#check();
    const leader = this.#node(this.#state.leader as Id).partition;
    const follower = this.#node(other(this.#state.leader as Id)).partition;
    assert.ok(leader.isLeader && leader.highWatermark > 0);
    assert.equal(follower.logEndOffset, leader.logEndOffset);
    assert.equal(follower.highWatermark, leader.highWatermark);
    assert.equal(follower.logStartOffset, leader.logStartOffset);
    if (this.#kind !== 'compacted') await assertEqual(leader, follower);
    for (const { fetchers } of this.#nodes.values()) await fetchers.close();
    assert.deepEqual(this.#bugs, []);
  }
}

const none = Buffer.alloc(0);

function other(id: Id): Id {
  return id === 1 ? 2 : 1;
}

function keyOf(text: string): string {
  return text.slice(0, text.indexOf('='));
}

/** By offset, `key=value` of records, and control records by their type. */
async function contentBelow(partition: Partition, end: number): Promise<Map<number, string>> {
  const log = logOf(partition);
  const content = new Map<number, string>();
  for (let offset = log.logStartOffset; offset < end; ) {
    offset = Math.max(offset, log.logStartOffset);
    const read = await log.read(offset, 5000, { upperBound: end, atLeastOneBatch: true });
    if (read.sizeBytes === 0) break;
    for (const buffer of read.buffers) {
      for (const header of batchHeaders(buffer)) {
        for (const record of decodeRecords(buffer, header)) {
          if (record.offset < log.logStartOffset || record.offset >= end) continue;
          const text = header.isControl
            ? `${record.offset} ${controlRecordType(record)}=${header.producerId}`
            : `${record.key}=${record.value ?? '!'}`;
          content.set(record.offset, text);
        }
      }
    }
    offset = read.nextOffset;
  }
  return content;
}

/** To the byte; and what is known of producers and their transactions. */
async function assertEqual(leader: Partition, follower: Partition): Promise<void> {
  const [a, b] = [logOf(leader), logOf(follower)];
  const [ours, theirs] = [await wholeOf(a), await wholeOf(b)];
  assert.ok(
    ours.bytes.equals(theirs.bytes),
    `${theirs.bytes.length} of ${ours.bytes.length} bytes`,
  );
  assert.deepEqual(theirs.aborted, ours.aborted);
  assert.equal(b.lastStableOffset, a.lastStableOffset);
  assert.deepEqual(producersOf(b), producersOf(a));
}

async function wholeOf(log: PartitionLog) {
  const buffers: Buffer[] = [];
  const aborted = new Set<string>();
  const upperBound = log.logEndOffset;
  for (let offset = log.logStartOffset; offset < upperBound; ) {
    const options = { upperBound, atLeastOneBatch: true, abortedTransactions: true };
    const read = await log.read(offset, 5000, options);
    for (const buffer of read.buffers) buffers.push(buffer);
    for (const { producerId, firstOffset } of read.abortedTransactions ?? []) {
      aborted.add(`${producerId} from ${firstOffset}`);
    }
    offset = read.nextOffset;
  }
  return { bytes: Buffer.concat(buffers), aborted: [...aborted].sort() };
}

/**
 * Of the times of batches only the last one's: a restart may make those before it older. When a
 * producer's last batch came (the entries without a batch) each broker knows for itself.
 */
function producersOf({ producers }: PartitionLog) {
  const ofBatches = producers.fullSnapshot().filter(({ lastOffset }) => lastOffset >= 0);
  const batches = ofBatches.map((entry) => ({ ...entry, timestamp: 0 }));
  const all = [...batches, ...producers.snapshot()];
  return all.sort((x, y) => x.producerId - y.producerId || x.lastOffset - y.lastOffset);
}
