// Asking other brokers: who is asked, how often, and what is said in the end.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simulate } from '../../../sim/index.ts';
import { RemoteBrokers } from '../../../tests/doubles/broker/remote-brokers.ts';
import { type Io, IoError } from '../../io/index.ts';
import type { Controller } from '../../metadata/index.ts';
import { KafkaError } from '../../protocol/index.ts';
import { BrokerRequests } from './broker-requests.ts';
import { administratorMsMax, forwardedController } from './forwarded-controller.ts';
import type { Peer, PeerApis } from './peer.ts';
import type { Target } from './whereabouts.ts';

const controller: Target = { role: 'controller' };
const token = { principal: 'User:u' };
const coordinator: Target = { role: 'coordinator', transactionalId: 'tx' };
const leader: Target = { role: 'leader', topic: 't', partition: 0 };

/** This broker is 1. */
class Scene {
  readonly others: RemoteBrokers;
  readonly requests: BrokerRequests;
  readonly #io: Io;
  readonly #beganMs: number;

  constructor(io: Io) {
    this.#io = io;
    this.#beganMs = io.clock.monotonic();
    this.others = new RemoteBrokers(io);
    const { peer } = this.others;
    const options = { nodeId: 1, whereabouts: this.others, peer, timeoutMs: () => 5000 };
    this.requests = new BrokerRequests(io, options);
  }

  rest(): Promise<void> {
    return this.#io.clock.sleep(10);
  }

  get elapsedMs(): number {
    return Math.round(this.#io.clock.monotonic() - this.#beganMs);
  }

  add(own: Pick<Peer, 'addPartitions'> = unasked, retryMsMax = 5000) {
    return this.requests.ask('addPartitions', addition, { to: coordinator, own, retryMsMax });
  }

  alterPartition() {
    const own = { alterPartition: fail };
    return this.requests.ask('alterPartition', alteration, { to: controller, own });
  }

  createTopics() {
    return this.requests.ask('createTopics', { topics: [] }, { to: controller, own: unasked });
  }
}

const addition: PeerApis['addPartitions']['request'] = {
  ...{ transactionalId: 'tx', producerId: 1, producerEpoch: 0, verifyOnly: true },
  topics: [{ name: 't', partitions: [0] }],
  transactionVersion: 2,
};
const alteration = { brokerId: 1, brokerEpoch: 1, partitions: [] };
const added = [{ name: 't', partitions: [{ partitionIndex: 0, errorCode: 0 }] }];
const fail = (): never => assert.fail('this broker is not the one');
const unasked = { addPartitions: fail, createTopics: fail, writeTransactionMarkers: fail };

function scene(title: string, run: (at: Scene) => Promise<void>): void {
  test(title, () => simulate((io) => run(new Scene(io))));
}

scene('what is for this broker is a call, and no other broker hears of it', async (at) => {
  at.others.move(coordinator, 1);
  assert.deepEqual(await at.add({ addPartitions: async () => [] }), []);
  assert.deepEqual([at.others.asked, at.elapsedMs], [[], 0]);
});

scene('a call is waited for beyond the deadline, for it always comes back', async (at) => {
  at.others.move(coordinator, 1);
  const slow = async () => {
    while (at.elapsedMs < 8000) await at.rest();
    return [];
  };
  assert.deepEqual(await at.add({ addPartitions: slow }), []);
});

scene('what its own disk refuses a broker is no reason to try again', async (at) => {
  at.others.move(coordinator, 1);
  let calls = 0;
  const addPartitions = async (): Promise<never> => {
    calls++;
    throw new IoError('EIO', 'a disk');
  };
  await assert.rejects(at.add({ addPartitions }), { name: 'IoError' });
  assert.deepEqual([calls, at.elapsedMs], [1, 0]);
});

scene('a coordinator that moved is found as soon as it is known', async (at) => {
  at.others.move(coordinator, 2);
  at.others.move(coordinator, 3, { knownAfterMs: 250 });
  assert.deepEqual(await at.add(), added);
  const refused = ['2 addPartitions', '2 addPartitions', '2 addPartitions'];
  assert.deepEqual(at.others.asked, [...refused, '3 addPartitions']);
  assert.deepEqual(at.others.carriedOut, ['3 addPartitions']);
});

scene('who is known to be the one by now is asked without a rest', async (at) => {
  at.others.move(coordinator, 2);
  at.others.move(coordinator, 3, { knownAfterMs: 0.5 });
  await at.add();
  assert.deepEqual(at.others.asked, ['2 addPartitions', '3 addPartitions']);
  assert.ok(at.elapsedMs < 10, `${at.elapsedMs} ms`);
});

scene('a coordinator that becomes this broker is called', async (at) => {
  at.others.move(coordinator, 2);
  at.others.move(coordinator, 1, { knownAfterMs: 150 });
  assert.deepEqual(await at.add({ addPartitions: async () => added }), added);
});

scene(
  'a coordinator that loads is asked again, and is waited for no longer than told',
  async (at) => {
    at.others.move(coordinator, 2);
    at.others.refuse(2, 'COORDINATOR_LOAD_IN_PROGRESS', 3);
    assert.deepEqual(await at.add(), added);
    assert.ok(at.elapsedMs >= 300 && at.elapsedMs < 320, `${at.elapsedMs} ms`);
    at.others.refuse(2, 'COORDINATOR_LOAD_IN_PROGRESS', 9);
    await assert.rejects(at.add(unasked, 500), { errorName: 'COORDINATOR_LOAD_IN_PROGRESS' });
    assert.ok(at.elapsedMs < 820, `${at.elapsedMs} ms`);
  },
);

scene('a controller that moved did nothing, and the next one is asked', async (at) => {
  at.others.move(controller, 2);
  at.others.move(controller, 3, { knownAfterMs: 150 });
  await at.createTopics();
  assert.deepEqual(at.others.carriedOut, ['3 createTopics']);
});

scene('a leader that moved did nothing, and the next one is asked', async (at) => {
  at.others.move(leader, 2);
  at.others.refuse(2, 'NOT_LEADER_OR_FOLLOWER', 9);
  at.others.move(leader, 3, { knownAfterMs: 150 });
  await at.requests.ask('writeTransactionMarkers', [], { to: leader, own: unasked });
  assert.deepEqual(at.others.carriedOut, ['3 writeTransactionMarkers']);
});

scene(
  'a request that may be carried out twice is sent again when its answer is lost',
  async (at) => {
    at.others.move(coordinator, 2);
    at.others.loseAnswer(2);
    assert.deepEqual(await at.add(), added);
    assert.deepEqual(at.others.carriedOut, ['2 addPartitions', '2 addPartitions']);
  },
);

scene('one that may not is sent once: what became of it is not known', async (at) => {
  at.others.move(controller, 2);
  at.others.loseAnswer(2);
  await assert.rejects(at.alterPartition(), { errorName: 'NETWORK_EXCEPTION' });
  assert.deepEqual(at.others.carriedOut, ['2 alterPartition']);
});

scene('what an administrator asks for is sent again when its answer is lost', async (at) => {
  at.others.move(controller, 2);
  const own = {} as Controller;
  const forwarded = forwardedController(at.requests, own);
  const asks = [
    () => forwarded.createTopics({ topics: [] }),
    () => forwarded.deleteTopics({ topics: [] }),
    () => forwarded.createPartitions({ topics: [] }),
    () => forwarded.alterConfigs({ resources: [] }),
    () => forwarded.incrementalAlterConfigs({ resources: [] }),
    () => forwarded.electLeaders({ type: 'preferred', partitions: null }),
    () => forwarded.alterReassignments({ partitions: [] }),
    () => forwarded.alterClientQuotas({ entries: [] }),
    () => forwarded.alterScramCredentials({ deletions: [], upsertions: [] }),
    () => forwarded.createToken({ ...token, owner: 'User:u', renewers: [], maxLifetimeMs: -1 }),
    () => forwarded.renewToken({ ...token, hmac: Buffer.alloc(0), renewPeriodMs: -1 }),
    () => forwarded.expireToken({ ...token, hmac: Buffer.alloc(0), expiryTimePeriodMs: -1 }),
  ];
  for (const ask of asks) {
    at.others.loseAnswer(2);
    await ask();
  }
  const twice = at.others.carriedOut.filter((each, i, all) => i % 2 === 1 && all[i - 1] === each);
  assert.equal(twice.length, asks.length);
});

scene('what is asked while the controller changes is asked of the next one', async (at) => {
  at.others.move(controller, 2);
  at.others.silence(2);
  const asking = at.createTopics();
  await at.rest();
  at.others.move(controller, 3);
  at.requests.onRolesChanged();
  await asking;
  assert.deepEqual(at.others.carriedOut, ['3 createTopics']);
});

scene('a broker that cannot be reached was sent nothing, and is tried again', async (at) => {
  at.others.move(controller, 2);
  at.others.takeDown(2);
  const asking = at.createTopics();
  while (at.elapsedMs < 1000) await at.rest();
  at.others.bringUp(2);
  await asking;
  assert.deepEqual(at.others.asked, ['2 createTopics']);
  at.others.takeDown(2);
  await assert.rejects(at.createTopics(), { errorName: 'NETWORK_EXCEPTION', message: /broker 2/ });
});

scene('an answer that does not come is waited for until the deadline', async (at) => {
  at.others.move(coordinator, 2);
  at.others.silence(2);
  await assert.rejects(at.add(), { errorName: 'REQUEST_TIMED_OUT', message: /broker 2 .*addPart/ });
  assert.equal(at.elapsedMs, 5000);
  assert.deepEqual(at.others.asked, ['2 addPartitions']);
});

scene('nobody is asked while nobody is known, and that is said in the end', async (at) => {
  at.others.move(coordinator, 2, { knownAfterMs: 350 });
  assert.deepEqual(await at.add(), added);
  at.others.move(coordinator, -1);
  await assert.rejects(at.add(), { errorName: 'COORDINATOR_NOT_AVAILABLE' });
  await assert.rejects(at.createTopics(), { errorName: 'NOT_CONTROLLER' });
});

scene(
  'an administrator is answered when the time is up, whatever was met until then',
  async (at) => {
    const forwarded = forwardedController(at.requests, {} as Controller, { administratorMsMax });
    const asked = async (pattern: RegExp): Promise<void> => {
      const beganMs = at.elapsedMs;
      const asking = forwarded.createTopics({ topics: [] });
      await assert.rejects(asking, { errorName: 'REQUEST_TIMED_OUT', message: pattern });
      const tookMs = at.elapsedMs - beganMs;
      assert.ok(tookMs > 59_800 && tookMs <= 60_100, `${tookMs} ms`);
    };
    at.others.move(controller, -1);
    await asked(/no controller has answered in time: /);
    at.others.move(controller, 2);
    at.others.takeDown(2);
    await asked(/in time: .*/);
    at.others.bringUp(2);
    at.others.refuse(2, 'NOT_CONTROLLER', 1000);
    await asked(/in time: .*controller/);
    at.others.move(controller, 3);
    at.others.silence(3);
    await asked(/did not answer createTopics in time/);
  },
);

scene('a broker that is alone takes a refusal for the answer', async (at) => {
  at.others.isAlone = true;
  at.others.move(controller, 1);
  const createTopics = async (): Promise<never> => {
    throw new KafkaError('NOT_CONTROLLER', 'the log cannot be written');
  };
  const asking = { to: controller, own: { createTopics } };
  const asked = at.requests.ask('createTopics', { topics: [] }, asking);
  await assert.rejects(asked, { message: 'the log cannot be written' });
  await assert.rejects(at.add(), { errorName: 'COORDINATOR_NOT_AVAILABLE' });
  assert.equal(at.elapsedMs, 0);
});

scene('what is wrong with a request is answered once', async (at) => {
  at.others.move(coordinator, 2);
  at.others.refuse(2, 'PRODUCER_FENCED');
  await assert.rejects(at.add(), { errorName: 'PRODUCER_FENCED' });
  assert.deepEqual(at.others.asked, ['2 addPartitions']);
});

scene('a node that is meant itself is asked once, whatever it says', async (at) => {
  at.others.refuse(2, 'NOT_LEADER_OR_FOLLOWER');
  const to: Target = { role: 'node', nodeId: 2 };
  const asked = at.requests.ask('writeTransactionMarkers', [], { to, own: unasked });
  await assert.rejects(asked, { errorName: 'NOT_LEADER_OR_FOLLOWER' });
  assert.equal(at.others.asked.length, 1);
});

scene('whoever has the forwarded controller need not know where it is', async (at) => {
  const own = { allocateProducerIds: async () => ({ firstProducerId: 0, count: 1 }) };
  const forwarded = forwardedController(at.requests, own as Partial<Controller> as Controller);
  at.others.move(controller, 1);
  const here = await forwarded.allocateProducerIds({ brokerId: 1, brokerEpoch: 7 });
  assert.deepEqual([here.count, at.others.asked], [1, []]);
  at.others.move(controller, 2);
  at.others.move(controller, 3, { knownAfterMs: 150 });
  const block = await forwarded.allocateProducerIds({ brokerId: 1, brokerEpoch: 7 });
  assert.equal(block.count, 1000);
  assert.deepEqual(at.others.carriedOut, ['3 allocateProducerIds']);
});

scene('one that has lost its role is not waited for, though it never says so', async (at) => {
  at.others.silence(2);
  at.others.move(coordinator, 2);
  const asked = at.add();
  await at.rest();
  at.others.move(coordinator, 3);
  at.requests.onRolesChanged();
  assert.deepEqual(await asked, added);
  assert.ok(at.elapsedMs < 200, `${at.elapsedMs} ms`);
});

scene('a broker that stops asks nobody again', async (at) => {
  at.others.move(coordinator, 2);
  at.requests.close();
  at.others.refuse(2, 'NOT_COORDINATOR');
  await assert.rejects(at.add(), { errorName: 'NOT_COORDINATOR' });
  assert.equal(at.others.asked.length, 1);
});
