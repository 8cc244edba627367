// Members that join, leave, die and are slow, under a coordinator that restarts, from a seed. What
// must hold whatever happens: a partition has one owner in a generation, a member that lives is
// never unknown, and an acknowledged commit is what the next fetch returns.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type TestMember,
  type TestShard,
  withShard,
} from '../../../tests/doubles/coordinator/group-shard.ts';
import { Prng } from '../../base/prng.ts';
import { errorName } from '../../protocol/index.ts';
import { fetchOffsets } from './offsets/fetch-offsets.ts';

const seeds = Number(process.env.PARTITA_CHURN_SEEDS ?? 10);
const partitionCount = 8;
const sessionTimeoutMs = 6000;

class Checker {
  readonly #owners = new Map<string, string>();
  /** By partition: the last acknowledged offset, and those sent since whose fate is unknown. */
  readonly #acknowledged = new Map<number, number>();
  readonly #uncertain = new Map<number, Set<number>>();
  #nextOffset = 1;
  ownershipCount = 0;
  commitCount = 0;

  onAssigned(member: TestMember, partitions: readonly number[]): void {
    for (const partition of partitions) {
      const key = `${member.generationId}/${partition}`;
      const owner = this.#owners.get(key) ?? member.memberId;
      assert.equal(owner, member.memberId, `two owners of ${key}`);
      this.#owners.set(key, owner);
      this.ownershipCount += 1;
    }
  }

  onCommitSent(partition: number): number {
    const offset = this.#nextOffset++;
    const uncertain = this.#uncertain.get(partition) ?? new Set();
    this.#uncertain.set(partition, uncertain.add(offset));
    return offset;
  }

  onCommitAnswered(partition: number, offset: number, answer: string): void {
    if (answer === 'NONE') {
      this.#acknowledged.set(partition, offset);
      this.#uncertain.set(partition, new Set());
      this.commitCount += 1;
    } else if (answer !== 'NOT_COORDINATOR') {
      this.#uncertain.get(partition)?.delete(offset);
    }
  }

  onFetched(partition: number, offset: number): void {
    const acknowledged = this.#acknowledged.get(partition) ?? -1;
    const isPossible =
      offset === acknowledged || this.#uncertain.get(partition)?.has(offset) === true;
    assert.ok(isPossible, `partition ${partition}: ${offset}, acknowledged is ${acknowledged}`);
  }
}

/** One member from its first join to its end; says in which way it ended. */
class Life {
  readonly #at: TestShard;
  readonly #random: Prng;
  readonly #checker: Checker;
  readonly #member: TestMember;
  #owned: number[] = [];
  /** Whatever it did since it was last heard took less than its session. */
  #heardAtMs: number;

  constructor(at: TestShard, random: Prng, checker: Checker) {
    this.#at = at;
    this.#random = random;
    this.#checker = checker;
    this.#member = at.member({ sessionTimeoutMs, rebalanceTimeoutMs: 8000 });
    this.#heardAtMs = at.io.clock.monotonic();
  }

  async run(endMs: number): Promise<void> {
    const { clock } = this.#at.io;
    while (clock.monotonic() < endMs) {
      if (!(await this.#join())) continue;
      while (clock.monotonic() < endMs && (await this.#beat())) {
        const fate = this.#random.float();
        if (fate < 0.01) return;
        if (fate < 0.03) {
          await this.#member.leave();
          return;
        }
        await this.#commit();
      }
    }
    await this.#member.leave();
  }

  async #join(): Promise<boolean> {
    const { errorCode } = await this.#member.join();
    if (!this.#isFine(errorName(errorCode))) return await this.#pause(false);
    // Slow to compute, and sometimes gone before it says what it computed.
    await this.#at.io.clock.sleep(this.#random.int(300));
    const ids = (this.#member.joined?.members ?? []).map(({ memberId }) => memberId);
    const assignments = ids.map((memberId, index) => ({
      memberId,
      assignment: Buffer.from(
        Array.from({ length: partitionCount }, (_, partition) => partition).filter(
          (partition) => partition % ids.length === index,
        ),
      ),
    }));
    const answer = await this.#member.sync(this.#member.isLeader ? assignments : []);
    if (!this.#isFine(errorName(answer.errorCode))) return await this.#pause(false);
    this.#owned = [...answer.assignment];
    this.#checker.onAssigned(this.#member, this.#owned);
    for (const partition of this.#owned) await this.#fetch(partition);
    return true;
  }

  async #beat(): Promise<boolean> {
    const isSlow = this.#random.chance(0.01);
    await this.#at.io.clock.sleep(this.#random.int(isSlow ? 2 * sessionTimeoutMs : 800));
    const answer = await this.#member.heartbeat();
    if (answer === 'COORDINATOR_LOAD_IN_PROGRESS' || answer === 'NOT_COORDINATOR') return true;
    return this.#isFine(answer);
  }

  async #commit(): Promise<void> {
    for (const partition of this.#owned) {
      const offset = this.#checker.onCommitSent(partition);
      const name = `t${partition}`;
      const answer = await this.#at.commit({
        memberId: this.#member.memberId,
        generationIdOrMemberEpoch: this.#member.generationId,
        topics: [topicWith(name, offset)],
      });
      this.#checker.onCommitAnswered(partition, offset, answer);
      if (answer !== 'NONE') return;
    }
  }

  async #fetch(partition: number): Promise<void> {
    const offset = await this.#at
      .decide(
        (machine) =>
          fetchOffsets(machine.offsets, 'g', [{ name: `t${partition}`, partitionIndexes: [0] }])[0]
            ?.partitions[0]?.committedOffset ?? -1,
      )
      .catch(() => null);
    if (offset !== null) this.#checker.onFetched(partition, offset);
  }

  /** A member that is unknown was not heard of for a session, and begins anew. */
  #isFine(answer: string): boolean {
    const nowMs = this.#at.io.clock.monotonic();
    const silentMs = nowMs - this.#heardAtMs;
    this.#heardAtMs = nowMs;
    if (answer !== 'UNKNOWN_MEMBER_ID') return answer === 'NONE';
    assert.ok(silentMs >= sessionTimeoutMs, `a member heard of ${silentMs} ms ago is unknown`);
    this.#member.memberId = '';
    this.#member.generationId = -1;
    return false;
  }

  async #pause(result: boolean): Promise<boolean> {
    await this.#at.io.clock.sleep(1 + this.#random.int(100));
    return result;
  }
}

function topicWith(name: string, committedOffset: number) {
  const partition = {
    partitionIndex: 0,
    committedOffset,
    committedLeaderEpoch: -1,
    committedMetadata: null,
    commitTimestamp: -1,
  };
  return { name, topicId: 'AAAAAAAAAAAAAAAAAAAAAA', partitions: [partition] };
}

async function churn(at: TestShard, random: Prng, checker: Checker): Promise<void> {
  const endMs = at.io.clock.monotonic() + 120_000;
  const lives: Promise<void>[] = [];
  const restarts = (async () => {
    while (at.io.clock.monotonic() < endMs) {
      await at.io.clock.sleep(random.int(30_000));
      await at.restart();
    }
  })();
  for (let index = 0; at.io.clock.monotonic() < endMs; index++) {
    lives.push(new Life(at, random.fork(`life-${index}`), checker).run(endMs));
    await at.io.clock.sleep(random.int(10_000));
  }
  await Promise.all([...lives, restarts]);
  // The faults are over: whoever comes now owns everything.
  const last = at.member();
  await at.settle(last);
  assert.equal(await at.state(), 'Stable');
}

test('a group that churns keeps one owner per partition, live members, and commits', async () => {
  for (let seed = 0; seed < seeds; seed++) {
    const checker = new Checker();
    try {
      await withShard((at) => churn(at, new Prng(`churn/${seed}`), checker), {
        config: { 'group.initial.rebalance.delay.ms': '500' },
      });
    } catch (error) {
      throw new Error(`seed ${seed}: ${(error as Error).message}`, { cause: error });
    }
    assert.ok(checker.ownershipCount > partitionCount && checker.commitCount > 100);
  }
});
