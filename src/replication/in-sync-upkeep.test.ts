// Who leaves and enters the in-sync sets, and what is asked of a controller that loses answers,
// refuses, or takes its time.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simulate } from '../../sim/index.ts';
import { LeaderBroker } from '../../tests/doubles/broker/leader-broker.ts';
import type { Io } from '../io/index.ts';
import type {
  AlterPartitionRequest,
  AlterPartitionResult,
  BrokerRegistration,
} from '../metadata/index.ts';
import { type ErrorName, KafkaError } from '../protocol/index.ts';
import { InSyncUpkeep } from './in-sync-upkeep.ts';

const lagMsMax = 10_000;

/** What becomes of the next request. */
type Fate = 'made' | 'made, answer lost' | 'lost' | ErrorName;

class Run {
  readonly leader: LeaderBroker;
  readonly upkeep: InSyncUpkeep;
  readonly requests: AlterPartitionRequest[] = [];
  readonly fates: Fate[] = [];
  readonly io: Io;
  registration: Partial<BrokerRegistration> = {};
  /** How long this process was stopped, all in all. */
  heldMs = 0;
  underWay = 0;

  constructor(io: Io, leader: LeaderBroker) {
    this.io = io;
    this.leader = leader;
    const { clock } = io;
    const held = {
      now: () => clock.now(),
      monotonic: () => clock.monotonic() + this.heldMs,
      after: clock.after.bind(clock),
      sleep: clock.sleep.bind(clock),
      nextTurn: clock.nextTurn.bind(clock),
    };
    this.upkeep = new InSyncUpkeep(
      { ...io, clock: held },
      {
        replicas: leader.broker.replicas,
        alterPartition: (request) => this.#alterPartition(request),
        brokerId: 1,
        brokerEpoch: () => 5,
        broker: (id) =>
          ({ id, epoch: 7, fenced: false, ...this.registration }) as BrokerRegistration,
        lagMsMax: () => lagMsMax,
        onBug: (error) => {
          throw error;
        },
      },
    );
    this.upkeep.start();
  }

  async #alterPartition(request: AlterPartitionRequest): Promise<AlterPartitionResult[]> {
    assert.equal(this.underWay++, 0, 'one request at a time');
    await this.io.clock.sleep(5);
    this.underWay--;
    this.requests.push(request);
    const fate = this.fates.shift() ?? 'made';
    if (fate === 'lost') throw new KafkaError('NETWORK_EXCEPTION');
    const results = request.partitions.map((partition) => this.#result(partition, fate));
    if (fate === 'made, answer lost') throw new KafkaError('NETWORK_EXCEPTION');
    return results;
  }

  #result(
    {
      topicId,
      partitionIndex,
      partitionEpoch,
      newIsr,
    }: AlterPartitionRequest['partitions'][number],
    fate: Fate,
  ): AlterPartitionResult {
    const refuse = (name: ErrorName): AlterPartitionResult => {
      const { code, message } = new KafkaError(name);
      return { topicId, partitionIndex, partition: null, error: { code, message } };
    };
    if (!fate.startsWith('made')) return refuse(fate as ErrorName);
    const known = this.leader.history.image.partition('t', partitionIndex);
    if (known?.partitionEpoch !== partitionEpoch) return refuse('INVALID_UPDATE_VERSION');
    const isr = newIsr.map(({ brokerId }) => brokerId);
    // The image comes with the answer, or without it.
    this.leader.alter({ isr }, partitionIndex);
    return { topicId, partitionIndex, partition: known, error: null };
  }

  /** As `2: 1,2 @4`: partition, set, and the partition epoch that it is asked under. */
  get asked(): string[] {
    return this.requests.map(({ partitions }) =>
      partitions
        .map(({ partitionIndex, newIsr, partitionEpoch }) => {
          return `${partitionIndex}: ${newIsr.map(({ brokerId }) => brokerId)} @${partitionEpoch}`;
        })
        .join('; '),
    );
  }

  /** From the end of the partitions. */
  async fetch(
    replicaEpoch = 7,
    partitions = this.leader.broker.replicas.all(),
    replicaId = 2,
  ): Promise<void> {
    for (const { partition, logEndOffset, leaderEpoch: currentLeaderEpoch } of partitions) {
      const wanted = { partition, fetchOffset: logEndOffset, currentLeaderEpoch };
      await this.leader.fetch({ replica: { replicaId, replicaEpoch }, partitions: [wanted] });
      this.upkeep.onFollowerFetch(this.leader.partition(partition), replicaId);
    }
  }
}

function run(
  test: (at: Run) => Promise<void>,
  options: Parameters<typeof LeaderBroker.open>[1] = {},
): Promise<void> {
  return simulate(async (io) => {
    const leader = await LeaderBroker.open(io, options);
    const at = new Run(io, leader);
    await test(at);
    at.upkeep.close();
    await leader.broker.close();
    assert.deepEqual(leader.broker.failures, []);
  });
}

test('who falls behind leaves when the bound is over, in all partitions at once', async () => {
  await run(
    async (at) => {
      await at.fetch();
      for (const index of [0, 2]) at.leader.append(['a'], index);
      await at.io.clock.sleep(lagMsMax - 100);
      assert.deepEqual(at.asked, []);
      await at.io.clock.sleep(1200);
      assert.deepEqual(at.asked, ['0: 1 @1; 2: 1 @1']);
      assert.deepEqual(at.leader.partition(0).isr, [1]);
      assert.deepEqual(at.leader.partition(1).isr, [1, 2], 'it has all that there is');
      assert.equal(at.leader.partition(2).highWatermark, 1);
    },
    { partitions: 3 },
  );
});

test('who never fetched in the epoch is behind when the bound is over', async () => {
  await run(async (at) => {
    await at.io.clock.sleep(lagMsMax - 100);
    assert.deepEqual(at.asked, []);
    await at.io.clock.sleep(1200);
    assert.deepEqual(at.asked, ['0: 1 @1']);
  });
});

test('a replica that had everything before an append gets the whole bound after it', async () => {
  await run(async (at) => {
    await at.fetch();
    await at.io.clock.sleep(5 * lagMsMax);
    at.leader.append(['a']);
    await at.io.clock.sleep(lagMsMax - 100);
    assert.deepEqual(at.asked, []);
    await at.io.clock.sleep(1200);
    assert.deepEqual(at.asked, ['0: 1 @1']);
  });
});

test('a replica that has caught up enters with its fetch, in its present life', async () => {
  await run(
    async (at) => {
      at.leader.append(['a']);
      await at.fetch();
      await at.io.clock.sleep(20);
      assert.deepEqual(at.asked, ['0: 1,2 @1']);
      assert.deepEqual(at.requests[0]?.partitions[0]?.newIsr, [
        { brokerId: 1, brokerEpoch: 5 },
        { brokerId: 2, brokerEpoch: 7 },
      ]);
      assert.deepEqual(at.leader.partition().isr, [1, 2]);
    },
    { isr: [1] },
  );
});

test('whoever may not be in sync is not asked for, and holds nothing back', async () => {
  await run(
    async (at) => {
      const no = [{ fenced: true }, { inControlledShutdown: true }, { epoch: 8 }];
      for (const registration of no) {
        at.registration = registration;
        at.leader.append(['a']);
        await at.fetch();
        at.leader.append(['b']);
        await at.io.clock.sleep(2000);
        assert.deepEqual(at.asked, []);
        const { highWatermark, logEndOffset } = at.leader.partition();
        assert.equal(highWatermark, logEndOffset);
      }
      // It is unfenced; the log has not moved since it fetched.
      at.registration = {};
      await at.fetch();
      at.registration = {};
      await at.io.clock.sleep(20);
      assert.equal(at.requests.length, 1);
    },
    { isr: [1] },
  );
});

test('a replica that is unfenced after its last fetch enters by the clock', async () => {
  await run(
    async (at) => {
      at.registration = { fenced: true };
      await at.fetch();
      at.registration = {};
      await at.io.clock.sleep(1100);
      assert.deepEqual(at.asked, ['0: 1,2 @1']);
    },
    { isr: [1] },
  );
});

test('a replica that is unfenced after its last fetch enters when that is known', async () => {
  await run(
    async (at) => {
      at.registration = { fenced: true };
      await at.fetch();
      at.registration = {};
      at.upkeep.onBrokersChanged();
      await at.io.clock.sleep(20);
      assert.deepEqual(at.asked, ['0: 1,2 @1']);
    },
    { isr: [1] },
  );
});

test('who caught up while another change was on its way enters by the next one', async () => {
  await run(
    async (at) => {
      at.leader.alter({ replicas: [1, 2, 3] });
      await at.fetch();
      await at.fetch(7, at.leader.broker.replicas.all(), 3);
      await at.io.clock.sleep(20);
      at.upkeep.onStateChanged(at.leader.partition());
      await at.io.clock.sleep(20);
      assert.deepEqual(at.asked, ['0: 1,2 @2', '0: 1,2,3 @3']);
    },
    { isr: [1] },
  );
});

test('the changes of a turn travel together, and one request is under way at a time', async () => {
  await run(
    async (at) => {
      await at.fetch();
      await at.io.clock.sleep(50);
      assert.equal(at.requests.length <= 2, true, `${at.asked}`);
      for (const { isr } of at.leader.broker.replicas.all()) assert.deepEqual(isr, [1, 2]);
    },
    { partitions: 5, isr: [1] },
  );
});

test('a change whose answer is lost holds when the metadata say so', async () => {
  await run(
    async (at) => {
      at.fates.push('made, answer lost');
      at.leader.append(['a']);
      await at.fetch();
      await at.io.clock.sleep(5000);
      assert.deepEqual(at.asked, ['0: 1,2 @1']);
      assert.deepEqual(at.leader.partition().isr, [1, 2]);
    },
    { isr: [1] },
  );
});

test('a change that got lost counts until it was withdrawn, and is asked for anew', async () => {
  await run(
    async (at) => {
      at.fates.push('lost', 'lost', 'made', 'made');
      await at.fetch();
      await at.io.clock.sleep(20);
      at.leader.append(['a']);
      assert.equal(at.leader.partition().highWatermark, 0, 'it may hold at any moment');
      assert.ok(at.leader.partition().leading?.pendingIsrChange);
      await at.io.clock.sleep(2500);
      // The set that is, under the old epoch: the controller gives it a new one.
      assert.deepEqual(at.asked, ['0: 1,2 @1', '0: 1 @1', '0: 1 @1']);
      assert.equal(at.leader.partition().leading?.pendingIsrChange, null);
      assert.equal(at.leader.partition().highWatermark, 1);
      await at.fetch();
      await at.io.clock.sleep(20);
      assert.equal(at.asked.at(-1), '0: 1,2 @2');
      assert.deepEqual(at.leader.partition().isr, [1, 2]);
    },
    { isr: [1] },
  );
});

test('a change of which a newer epoch is said to be there waits for the metadata', async () => {
  await run(
    async (at) => {
      at.fates.push('INVALID_UPDATE_VERSION');
      await at.fetch();
      await at.io.clock.sleep(20);
      assert.ok(at.leader.partition().leading?.pendingIsrChange, 'it may be our own change');
      at.leader.alter({ isr: [1, 2] });
      await at.io.clock.sleep(3000);
      assert.equal(at.requests.length, 1);
    },
    { isr: [1] },
  );
});

test('a change that is refused counts no more, and is tried again once a second', async () => {
  await run(
    async (at) => {
      at.fates.push('INELIGIBLE_REPLICA', 'INELIGIBLE_REPLICA');
      await at.fetch();
      await at.io.clock.sleep(20);
      at.leader.append(['a']);
      assert.equal(at.leader.partition().highWatermark, 1);
      for (let i = 0; i < 10; i++) await at.fetch();
      await at.io.clock.sleep(20);
      assert.equal(at.requests.length, 1);
      await at.io.clock.sleep(2100);
      assert.equal(at.requests.length, 3);
      assert.deepEqual(at.leader.partition().isr, [1, 2]);
    },
    { isr: [1] },
  );
});

test('time in which this process did not run makes no replica late', async () => {
  await run(async (at) => {
    at.leader.append(['a']);
    await at.io.clock.sleep(5000);
    at.heldMs += 40_000;
    await at.io.clock.sleep(4900);
    assert.deepEqual(at.asked, []);
    await at.io.clock.sleep(1500);
    assert.deepEqual(at.asked, ['0: 1 @1'], 'the rest of the bound still counts');
  });
});

test('a leader that is no more asks for nothing', async () => {
  await run(async (at) => {
    at.leader.append(['a']);
    await at.io.clock.sleep(lagMsMax / 2);
    at.leader.alter({ leader: 2, leaderEpoch: 1 });
    await at.io.clock.sleep(2 * lagMsMax);
    assert.deepEqual(at.asked, []);
  });
});

test('a replica that keeps pace under load reaches the watermark, which waits for it', async () => {
  await run(
    async (at) => {
      const { leader } = at;
      let fetchOffset = 0;
      const fetchAndAppend = async (): Promise<void> => {
        const next = leader.partition().logEndOffset;
        await leader.fetch({ partitions: [{ fetchOffset }] });
        at.upkeep.onFollowerFetch(leader.partition(), 2);
        fetchOffset = next;
        // There is always one more record than it had asked for.
        leader.append(['a']);
        await at.io.clock.sleep(10);
      };
      leader.append(['a']);
      for (let i = 0; i < 5; i++) await fetchAndAppend();
      assert.deepEqual(leader.partition().isr, [1, 2]);
      at.registration = { fenced: true };
      leader.alter({ isr: [1] });
      for (let i = 0; i < 5; i++) await fetchAndAppend();
      const { highWatermark, logEndOffset } = leader.partition();
      assert.equal(highWatermark, logEndOffset, 'who may not enter is not waited for');
      at.registration = {};
      for (let i = 0; i < 5; i++) await fetchAndAppend();
      assert.deepEqual(leader.partition().isr, [1, 2]);
    },
    { isr: [1] },
  );
});

test('who does not keep pace any more is not waited for', async () => {
  await run(
    async (at) => {
      const { leader } = at;
      for (const fetchOffset of [0, 1]) {
        leader.append(['a']);
        await leader.fetch({ partitions: [{ fetchOffset }] });
        at.upkeep.onFollowerFetch(leader.partition(), 2);
      }
      leader.append(['a']);
      assert.equal(leader.partition().highWatermark, 2);
      await at.io.clock.sleep(lagMsMax + 1100);
      assert.equal(leader.partition().highWatermark, 3);
      assert.deepEqual(at.asked, []);
    },
    { isr: [1] },
  );
});
