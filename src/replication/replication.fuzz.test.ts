// Three replicas of a partition that fetch from each other, a controller that elects and whose
// answers get lost, and metadata that each broker learns of in its own time: what was committed at
// one of them is in the log of every later leader, and nobody ever has another record in its place.
// Seeded.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simulate } from '../../sim/index.ts';
import { logOf } from '../../tests/doubles/replication/logs.ts';
import { Prng } from '../base/prng.ts';
import { ZERO_UUID } from '../base/uuid.ts';
import type { Io } from '../io/index.ts';
import { batchHeaders, decodeRecords, encodeBatch } from '../protocol/index.ts';
import { defaultLogConfig, LogResources, PartitionLog } from '../storage/index.ts';
import type { IsrChange } from './in-sync-set.ts';
import { Partition } from './partition.ts';
import type { PartitionState } from './partition-state.ts';

const SEEDS = Number(process.env.PARTITA_MODEL_SEEDS ?? 10);
const STEPS = 400;
const lagMsMax = 15;
const ids = [1, 2, 3];

class Run {
  readonly #io: Io;
  readonly #prng: Prng;
  readonly #replicas = new Map<number, Partition>();
  /** What the controller has decided, oldest first, and how much of it each broker has heard. */
  readonly #states: PartitionState[] = [];
  readonly #heard = new Map<number, number>();
  /** By offset: what was below a high watermark. */
  readonly #committed: string[] = [];
  #values = 0;
  #isOver = false;
  readonly counts = { committed: 0, elected: 0, cut: 0, shrunk: 0, grown: 0 };

  constructor(io: Io, prng: Prng) {
    this.#io = io;
    this.#prng = prng;
  }

  async run(): Promise<void> {
    for (const nodeId of ids) this.#replicas.set(nodeId, await this.#open(nodeId));
    const first = { metadataOffset: 1, leader: 1, leaderEpoch: 1, partitionEpoch: 1 };
    this.#states.push({ ...first, replicas: ids, isr: ids });
    const fetching = ids.map((nodeId) => this.#fetchOn(nodeId));
    for (let step = 0; step < STEPS; step++) {
      this.#act();
      if (this.#prng.chance(0.5)) await this.#io.clock.sleep(this.#prng.float() * 3);
      if (this.#prng.chance(0.3)) await this.#check();
    }
    this.#isOver = true;
    await Promise.all(fetching);
    await this.#check();
  }

  async #open(nodeId: number): Promise<Partition> {
    const log = await PartitionLog.open(this.#io, {
      ...{ directory: `/data-${nodeId}/t-0`, topic: 't', partition: 0 },
      config: { ...defaultLogConfig, segmentBytesMax: 1000 },
      wasCleanShutdown: true,
      resources: new LogResources(this.#io),
    });
    const identity = { topic: 't', topicId: ZERO_UUID, partition: 0 };
    return new Partition(this.#io, { ...identity, nodeId, log, highWatermark: 0 });
  }

  get #newest(): PartitionState {
    return this.#states.at(-1) as PartitionState;
  }

  #act(): void {
    const kind = this.#prng.int(100);
    const nodeId = this.#prng.pick(ids);
    if (kind < 45) this.#append(nodeId);
    else if (kind < 75) this.#hear(nodeId);
    else if (kind < 92) this.#changeIsr(nodeId);
    else if (kind < 96) this.#elect();
  }

  #append(nodeId: number): void {
    const partition = this.#replicas.get(nodeId) as Partition;
    if (!partition.isLeader) return;
    const records = [{ value: Buffer.from(`${this.#values++}`), timestamp: 0 }];
    partition.appendAsLeader(encodeBatch({ records }));
  }

  #hear(nodeId: number): void {
    const known = this.#heard.get(nodeId) ?? 0;
    if (known === this.#states.length) return;
    // An image has all that came before it: what lies between may not be seen.
    const at = this.#prng.chance(0.3) ? this.#states.length - 1 : known;
    this.#heard.set(nodeId, at + 1);
    const state = this.#states[at] as PartitionState;
    const partition = this.#replicas.get(nodeId) as Partition;
    if (state.leader === nodeId) partition.becomeLeader(state);
    else partition.becomeFollower(state);
  }

  #elect(): void {
    const { leader, isr, ...state } = this.#newest;
    const next = this.#prng.pick(isr);
    if (next === leader && this.#prng.chance(0.8)) return;
    this.#decide({ ...state, leader: next, leaderEpoch: state.leaderEpoch + 1, isr });
    this.counts.elected++;
  }

  #decide(state: PartitionState): void {
    const { metadataOffset, partitionEpoch } = state;
    const grown = { metadataOffset: metadataOffset + 1, partitionEpoch: partitionEpoch + 1 };
    this.#states.push({ ...state, ...grown });
  }

  #changeIsr(nodeId: number): void {
    const partition = this.#replicas.get(nodeId) as Partition;
    const { leading, isr, highWatermark, logEndOffset } = partition;
    if (leading === null || leading.pendingIsrChange !== null) return;
    const behind = leading.behind(logEndOffset, this.#io.clock.monotonic(), lagMsMax);
    const entering = ids.filter((id) => leading.mayEnter(id, id, highWatermark));
    if (behind.length + entering.length === 0) return;
    const wanted = [...isr.filter((id) => !behind.includes(id)), ...entering];
    const change = partition.beginIsrChange(wanted);
    const delayMs = this.#prng.int(20);
    this.#io.clock.after(delayMs, () => this.#onIsrChange(change));
  }

  /** The answer is always lost: what became of it only the metadata say. */
  #onIsrChange({ leaderEpoch, partitionEpoch, isr }: IsrChange): void {
    const state = this.#newest;
    if (state.leaderEpoch !== leaderEpoch || state.partitionEpoch !== partitionEpoch) return;
    this.counts[isr.length < state.isr.length ? 'shrunk' : 'grown']++;
    this.#decide({ ...state, isr });
  }

  async #fetchOn(nodeId: number): Promise<void> {
    const pace = this.#prng.pick([1, 3, 10]);
    while (!this.#isOver) {
      const isAway = this.#prng.chance(0.04);
      await this.#io.clock.sleep(isAway ? 100 : this.#prng.float() * pace);
      await this.#fetch(nodeId);
    }
  }

  async #fetch(nodeId: number): Promise<void> {
    const follower = (this.#replicas.get(nodeId) as Partition).following;
    const position = follower?.fetchPosition() ?? null;
    if (follower === null || position === null) return;
    const leader = this.#replicas.get(follower.leader) as Partition;
    if (!leader.isLeader || leader.leaderEpoch !== follower.leaderEpoch) return;
    const { fetchOffset, lastFetchedEpoch, logStartOffset } = position;
    const found = leader.logView.endOffsetForEpoch(lastFetchedEpoch);
    const isApart = found.epoch < lastFetchedEpoch || found.endOffset < fetchOffset;
    if (lastFetchedEpoch >= 0 && isApart) {
      await this.#io.clock.sleep(this.#prng.float());
      if (await follower.truncateTo(found)) this.counts.cut++;
      return;
    }
    const life = { timeMs: this.#io.clock.monotonic(), brokerEpoch: nodeId, connectionNumber: 0 };
    const { leaderEpoch: currentLeaderEpoch } = follower;
    const fetch = { replicaId: nodeId, fetchOffset, logStartOffset, ...life };
    leader.onFollowerFetch({ ...fetch, currentLeaderEpoch });
    const { highWatermark, logEndOffset: upperBound } = leader;
    const read = await logOf(leader).read(fetchOffset, 300, { upperBound, atLeastOneBatch: true });
    const records = Buffer.concat(read.buffers);
    await this.#io.clock.sleep(this.#prng.float());
    follower.append({ fetchOffset, records, highWatermark });
  }

  async #check(): Promise<void> {
    for (const partition of this.#replicas.values()) {
      const { highWatermark, logEndOffset } = partition;
      assert.ok(highWatermark <= logEndOffset);
      await this.#assertCommitted(partition, highWatermark);
    }
    const leader = this.#replicas.get(this.#newest.leader) as Partition;
    if (!leader.isLeader || leader.leaderEpoch !== this.#newest.leaderEpoch) return;
    assert.ok(leader.logEndOffset >= this.#committed.length, 'a leader has what is committed');
    await this.#assertCommitted(leader, this.#committed.length);
    this.counts.committed = this.#committed.length;
  }

  async #assertCommitted(partition: Partition, end: number): Promise<void> {
    const known = new Map(this.#committed.entries());
    const log = logOf(partition);
    for (let offset = Math.max(0, end - 40); offset < end; ) {
      const read = await log.read(offset, 10_000, { upperBound: end, atLeastOneBatch: true });
      if (read.sizeBytes === 0) return;
      for (const buffer of read.buffers) {
        for (const header of batchHeaders(buffer)) {
          for (const record of decodeRecords(buffer, header)) {
            const value = String(record.value);
            const before = known.get(record.offset);
            assert.ok(before === undefined || before === value, `${record.offset} has changed`);
            this.#committed[record.offset] = value;
          }
        }
      }
      offset = read.nextOffset;
    }
  }
}

test(`what is committed stays, whoever leads (${SEEDS} seeds)`, async () => {
  const totals: Record<string, number> = {};
  for (let seed = 0; seed < SEEDS; seed++) {
    const prng = new Prng(`replication ${seed}`);
    await simulate(
      async (io) => {
        const run = new Run(io, prng);
        await run.run();
        for (const [name, count] of Object.entries(run.counts)) {
          totals[name] = (totals[name] ?? 0) + count;
        }
      },
      { seed },
    ).catch((error: Error) => {
      throw new Error(`seed "replication ${seed}": ${error.stack}`, { cause: error });
    });
  }
  for (const [name, count] of Object.entries(totals)) assert.ok(count > 0, `${name}: none`);
});
