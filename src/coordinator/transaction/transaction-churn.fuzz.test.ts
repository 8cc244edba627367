// Producers that begin, end, are slow, lose answers and replace one another, under a coordinator
// that restarts and partitions that refuse, from a seed. What must hold whatever happens: all
// markers of a transaction say the same, an acknowledged end reaches every partition that the
// transaction has, no epoch is given to two producers, and nothing stays undecided.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type TestShard, withShard } from '../../../tests/doubles/coordinator/transaction-shard.ts';
import { Prng } from '../../base/prng.ts';
import { ErrorCode, type ErrorName, KafkaError } from '../../protocol/index.ts';

const seeds = Number(process.env.PARTITA_CHURN_SEEDS ?? 10);
const ids = ['a', 'b', 'c'];
const partitionCount = 3;

interface Producer {
  readonly producerId: number;
  readonly producerEpoch: number;
}

const keyOf = ({ producerId, producerEpoch }: Producer): string => `${producerId}/${producerEpoch}`;

class Checker {
  /** By the identity that the markers of a transaction carry: what they say. */
  readonly #results = new Map<string, boolean>();
  /** The partitions that have taken a marker of that identity. */
  readonly #written = new Map<string, Set<string>>();
  /** Acknowledged ends: the identity of their markers, what was decided, and where. */
  readonly #ended: { key: string; isCommit: boolean; partitions: readonly string[] }[] = [];
  /** Who was given an identity. */
  readonly #owners = new Map<string, string>();

  onMarker(key: string, isCommit: boolean): void {
    const known = this.#results.get(key) ?? isCommit;
    assert.equal(isCommit, known, `${key} is committed and aborted`);
    this.#results.set(key, known);
  }

  onWritten(key: string, partition: string): void {
    this.#written.set(key, (this.#written.get(key) ?? new Set()).add(partition));
  }

  onGiven(producer: Producer, owner: string): void {
    const key = keyOf(producer);
    assert.equal(this.#owners.get(key) ?? owner, owner, `two producers are ${key}`);
    this.#owners.set(key, owner);
  }

  onEnded(before: Producer, isCommit: boolean, partitions: readonly string[]): void {
    const { producerId, producerEpoch } = before;
    const key = keyOf({ producerId, producerEpoch: producerEpoch + 1 });
    this.#ended.push({ key, isCommit, partitions });
  }

  /** Everything has come to rest. */
  finish(): number {
    for (const { key, isCommit, partitions } of this.#ended) {
      if (partitions.length > 0) assert.equal(this.#results.get(key), isCommit, key);
      for (const partition of partitions) {
        assert.ok(this.#written.get(key)?.has(partition), `${key} has no marker in ${partition}`);
      }
    }
    return this.#ended.length;
  }
}

/** Refusals after which the same marker is sent again. */
const refusals = [
  ErrorCode.NOT_LEADER_OR_FOLLOWER,
  ErrorCode.NOT_ENOUGH_REPLICAS,
  ErrorCode.KAFKA_STORAGE_ERROR,
];
const ask = new Set<ErrorName>([
  ...(['CONCURRENT_TRANSACTIONS', 'NOT_COORDINATOR'] as const),
  ...(['COORDINATOR_LOAD_IN_PROGRESS', 'COORDINATOR_NOT_AVAILABLE'] as const),
]);

/** One incarnation of a producer, until it is fenced or has lived long enough. */
class Life {
  readonly #at: TestShard;
  readonly #random: Prng;
  readonly #checker: Checker;
  readonly #id: string;
  readonly #name: string;

  constructor(at: TestShard, random: Prng, checker: Checker, name: string) {
    this.#at = at;
    this.#random = random;
    this.#checker = checker;
    this.#name = name;
    this.#id = random.pick(ids);
  }

  async run(endMs: number): Promise<void> {
    const { clock } = this.#at.io;
    let producer = await this.#again(endMs, async () => {
      const timeoutMs = 1000 + this.#random.int(20_000);
      const initialized = await this.#at.init(this.#id, timeoutMs);
      if (initialized === null) throw new KafkaError('CONCURRENT_TRANSACTIONS');
      return initialized;
    });
    while (producer !== null && clock.monotonic() < endMs) {
      this.#checker.onGiven(producer, this.#name);
      producer = await this.#transact(producer, endMs);
      if (this.#random.chance(0.05)) return;
    }
  }

  /** null: it was fenced, or gave up. */
  async #transact(producer: Producer, endMs: number): Promise<Producer | null> {
    const added: string[] = [];
    for (let index = 0; index < partitionCount; index++) {
      if (this.#random.chance(0.4)) continue;
      const partition = `t-${index}`;
      const done = await this.#again(endMs, async () => {
        await this.#at.add(producer, [partition], this.#id);
        return true;
      });
      if (done === null) return null;
      added.push(partition);
    }
    await this.#at.io.clock.sleep(this.#random.int(this.#random.chance(0.05) ? 30_000 : 300));
    const isCommit = added.length > 0 && this.#random.chance(0.6);
    const next = await this.#again(endMs, () => this.#at.end(producer, isCommit, this.#id));
    if (next !== null) this.#checker.onEnded(producer, isCommit, added);
    return next;
  }

  /** Asks until there is an answer; some answers are lost, and asked for again. */
  async #again<T>(endMs: number, request: () => Promise<T>): Promise<T | null> {
    const { clock } = this.#at.io;
    while (clock.monotonic() < endMs) {
      try {
        const answer = await request();
        // An answer to InitProducerId that is lost costs an epoch; to the others, nothing.
        if (!this.#random.chance(0.1)) return answer;
      } catch (error) {
        if (!(error instanceof KafkaError)) throw error;
        if (!ask.has(error.errorName)) return null;
      }
      await clock.sleep(1 + this.#random.int(50));
    }
    return null;
  }
}

/** So that the epochs of the producer ids are soon used up. */
async function useUpEpochs(at: TestShard, random: Prng): Promise<void> {
  for (const transactionalId of ids) {
    await at.init(transactionalId);
    await at.shard.decide(({ transactions }) => {
      const known = transactions.get(transactionalId);
      assert.ok(known);
      const transaction = { ...known, producerEpoch: 32_700 + random.int(60) };
      return { records: [{ transactionalId, transaction }], response: undefined };
    });
  }
}

async function churn(at: TestShard, random: Prng, checker: Checker): Promise<number> {
  const { clock } = at.io;
  const endMs = clock.monotonic() + 120_000;
  await useUpEpochs(at, random);
  let isCalm = false;
  at.onSent = ({ markers }) => {
    for (const marker of markers) checker.onMarker(keyOf(marker), marker.isCommit);
  };
  at.answerOf = async (topic, partition, marker) => {
    if (!isCalm) await clock.sleep(random.int(random.chance(0.05) ? 5000 : 20));
    if (!isCalm && random.chance(0.2)) return random.pick(refusals);
    checker.onWritten(keyOf(marker), `${topic}-${partition}`);
    // It was written, and nobody hears of it.
    return !isCalm && random.chance(0.05) ? ErrorCode.REQUEST_TIMED_OUT : 0;
  };
  const restarts = (async () => {
    while (clock.monotonic() < endMs) {
      await clock.sleep(random.int(15_000));
      await at.restart();
    }
  })();
  const lives: Promise<void>[] = [];
  for (let index = 0; clock.monotonic() < endMs; index++) {
    const name = `life-${index}`;
    lives.push(new Life(at, random.fork(name), checker, name).run(endMs));
    await clock.sleep(random.int(4000));
  }
  await Promise.all([...lives, restarts]);
  isCalm = true;
  await clock.sleep(60_000);
  for (const id of ids) assert.match(await at.state(id), /^(none|Empty|Complete)/);
  return checker.finish();
}

test('producers that churn end each transaction one way, everywhere', async () => {
  let endedCount = 0;
  for (let seed = 0; seed < seeds; seed++) {
    await withShard(
      async (at) => {
        try {
          endedCount += await churn(at, new Prng(`transactions-${seed}`), new Checker());
        } catch (error) {
          throw new Error(`seed ${seed}`, { cause: error });
        }
      },
      { config: { 'transaction.abort.timed.out.transaction.cleanup.interval.ms': '500' } },
    );
  }
  assert.ok(endedCount > 100 * seeds, `${endedCount} transactions were ended`);
});
