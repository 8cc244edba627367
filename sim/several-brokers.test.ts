// Three brokers over the store that they share, real processes of a simulated world: how they come,
// go and come back.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Admin, Consumer, Producer } from '../src/client/index.ts';
import type { Io } from '../src/io/index.ts';
import { storedLogs } from './checkers/stored-logs.ts';
import { Cluster } from './cluster.ts';
import type { SimBroker } from './sim-broker.ts';
import type { SimProcess } from './sim-process.ts';
import { World } from './world.ts';

const places = [0, 1, 2, 3, 4, 5].map((partition) => ({ topic: 't', partition }));

class Scene {
  readonly world: World;
  readonly cluster: Cluster;
  readonly exits: string[] = [];
  #sent = 0;

  constructor(seed: number, config: Readonly<Record<string, string>> = {}) {
    this.world = new World({ seed });
    this.cluster = new Cluster(this.world, {
      brokers: 3,
      config: { 'min.insync.replicas': '2', ...config },
      onExit: ({ broker, error }) => this.exits.push(`${broker.host.name}: ${error.message}`),
    });
  }

  async start(): Promise<void> {
    this.cluster.start();
    await this.allReady();
    const { bootstrapServers } = this.cluster;
    await this.cluster.asClient('admin', async (io) => {
      const admin = new Admin({ bootstrapServers }, io);
      await admin.createTopics([{ name: 't', numPartitions: 6, replicationFactor: 3 }]);
      await admin.close();
    });
  }

  allReady(): Promise<void> {
    return this.world.run(() => this.cluster.brokers.every(({ isReady }) => isReady), 120_000);
  }

  /** One record for each partition; resolves with the time until the last was acknowledged. */
  produce(name: string): Promise<number> {
    return this.cluster.asClient(name, (io) => this.#send(io));
  }

  /** The same, beside what else is done: `hasReturned` says whether all are acknowledged. */
  produceAside(name: string): SimProcess {
    return this.cluster.runClient(name, async (io) => {
      await this.#send(io);
    });
  }

  async #send(io: Io): Promise<number> {
    const { bootstrapServers } = this.cluster;
    const value = Buffer.from(String(this.#sent++));
    const beganMs = io.clock.monotonic();
    const producer = new Producer({ bootstrapServers, acks: -1, retryBackoffMs: 20 }, io);
    await Promise.all(places.map((place) => producer.send({ ...place, value })));
    const tookMs = io.clock.monotonic() - beganMs;
    await producer.close();
    return tookMs;
  }

  /** The partitions that somebody else leads. */
  followedBy(nodeId: number): Promise<number[]> {
    const { bootstrapServers } = this.cluster;
    return this.cluster.asClient('admin', async (io) => {
      const admin = new Admin({ bootstrapServers }, io);
      const [topic] = await admin.describeTopics(['t']);
      await admin.close();
      const others = topic?.partitions.filter(({ leader }) => leader !== nodeId) ?? [];
      return others.map(({ partition }) => partition);
    });
  }

  /** How many records each partition has. */
  counts(): Promise<number[]> {
    const { bootstrapServers } = this.cluster;
    return this.cluster.asClient('reader', async (io) => {
      const consumer = new Consumer({ bootstrapServers, autoOffsetReset: 'none' }, io);
      const ends = await consumer.endOffsets(places);
      await consumer.close();
      return ends.map(({ offset }) => offset);
    });
  }
}

test('a follower whose log must be on the platter first asks on as soon as it is', async () => {
  const slow = { 'log.flush.interval.messages': '1', 'replica.fetch.wait.max.ms': '5000' };
  const at = new Scene(1, { ...slow, 'replica.lag.time.max.ms': '30000' });
  await at.start();
  await at.produce('p1');
  // Every partition has something new for a follower whose last fetch waits at the leader.
  for (const name of ['p2', 'p3']) assert.ok((await at.produce(name)) < 200);
});

test('a broker that is killed is replaced soon, whichever, and then back in the sets', async () => {
  for (const index of [0, 1, 2]) {
    const at = new Scene(1);
    await at.start();
    await at.produce('p1');
    const broker = at.cluster.brokers[index];
    broker?.kill();
    const tookMs = await at.produce('p2');
    assert.ok(tookMs < 1500, `broker ${index + 1}: ${tookMs} ms`);
    // At once: its session is still there, and it is the successor.
    broker?.start();
    await at.allReady();
    await at.produce('p3');
    assert.deepEqual(await at.counts(), [3, 3, 3, 3, 3, 3]);
    assert.deepEqual(at.exits, []);
  }
});

const orders = [
  [0, 1, 2],
  [0, 2, 1],
  [1, 0, 2],
  [1, 2, 0],
  [2, 0, 1],
  [2, 1, 0],
];

test('brokers that are all killed at once come back, whoever comes first', async () => {
  for (const order of orders) {
    const at = new Scene(2);
    await at.start();
    await at.produce('p1');
    for (const broker of at.cluster.brokers) broker.kill();
    for (const index of order) {
      at.cluster.brokers[index]?.start();
      await at.world.run(at.world.loop.timeMs + 3_000);
    }
    await at.allReady();
    await at.produce('p2');
    assert.deepEqual(await at.counts(), [2, 2, 2, 2, 2, 2]);
    assert.deepEqual(at.exits, []);
  }
});

// The last of them in sync may be the one that never comes: killed, the others have lost nothing.
test('of brokers that are all killed at once two serve without the third, whichever', async () => {
  for (const pauseMs of [0, 3_000, 20_000]) {
    for (const [first = 0, second = 0] of orders) {
      const at = new Scene(2);
      await at.start();
      await at.produce('p1');
      for (const broker of at.cluster.brokers) broker.kill();
      for (const index of [first, second]) {
        at.cluster.brokers[index]?.start();
        await at.world.run(at.world.loop.timeMs + pauseMs);
      }
      await at.produce('p2');
      assert.deepEqual(await at.counts(), [2, 2, 2, 2, 2, 2]);
      assert.deepEqual(at.exits, []);
    }
  }
});

// A broker that is killed says by its incarnation which life it was, whatever that had heard.
const lifeEnds = {
  'while it starts, before or after the cluster knows of it': (broker: SimBroker): void => {
    broker.kill();
    broker.start();
  },
  'while it renews its session': (broker: SimBroker): void => broker.process?.freeze(3_000),
} as const;
for (const [when, begin] of Object.entries(lifeEnds)) {
  test(`a broker that is killed ${when}, has lost nothing`, async () => {
    // Whoever lost nothing stays eligible wherever it leaves the in-sync set.
    const at = new Scene(3, { 'min.insync.replicas': '3', 'broker.session.timeout.ms': '2000' });
    await at.start();
    const unclean = (): number => at.world.reached.counts.get('unclean restarts') ?? 0;
    const broker = at.cluster.brokers[2] as SimBroker;
    let kills = 0;
    for (let operation = 0; operation < 30; operation++) {
      begin(broker);
      broker.process?.killAtNetworkOperation(operation);
      await at.world.run(at.world.loop.timeMs + 6_000);
      if (!broker.isUp) kills++;
      broker.kill();
      broker.start();
      await at.allReady();
      await at.produce('p');
      assert.equal(unclean(), 0, `killed at operation ${operation}`);
    }
    assert.equal(kills, 30);
    broker.powerCut();
    broker.start();
    await at.allReady();
    assert.ok(unclean() > 0, 'after a power cut it may have');
  });
}

// What each of them had synced nobody but itself knows, so that all leave the in-sync sets
// (KIP-966): the last of those who come may have more, and it is waited for.
test('brokers whose power fails at once serve again with the last of them, whoever', async () => {
  for (const order of orders) {
    const at = new Scene(2, { 'log.flush.interval.messages': '1' });
    await at.start();
    await at.produce('p1');
    for (const broker of at.cluster.brokers) broker.powerCut();
    const [last, ...first] = order;
    for (const index of first) {
      at.cluster.brokers[index]?.start();
      await at.world.run(at.world.loop.timeMs + 3_000);
    }
    const producer = at.produceAside('p2');
    await at.world.run(at.world.loop.timeMs + 20_000);
    assert.equal(producer.hasReturned, false);
    at.cluster.brokers[last as number]?.start();
    await at.world.run(() => producer.hasReturned, 60_000);
    assert.deepEqual(await at.counts(), [2, 2, 2, 2, 2, 2]);
    assert.deepEqual(at.exits, []);
  }
});

test('with unclean election on two of three whose power failed serve without a third', async () => {
  for (const [first = 0, second = 0] of orders) {
    const config = { 'unclean.leader.election.enable': 'true' };
    const at = new Scene(2, { 'log.flush.interval.messages': '1', ...config });
    await at.start();
    await at.produce('p1');
    for (const broker of at.cluster.brokers) broker.powerCut();
    for (const index of [first, second]) at.cluster.brokers[index]?.start();
    await at.produce('p2');
    assert.deepEqual(await at.counts(), [2, 2, 2, 2, 2, 2]);
    assert.deepEqual(at.exits, []);
  }
});

// Each clock deciding for itself, the replica that may lead next would be empty.
test('a follower whose clock is a hundred days ahead keeps what its leader keeps', async () => {
  const at = new Scene(5, {
    'log.retention.check.interval.ms': '100',
    'log.retention.hours': '168',
    'log.segment.bytes': '1048576',
    'log.roll.ms': '100',
  });
  const { host } = at.cluster.brokers[2] as SimBroker;
  host.shiftClock(100 * 24 * 3_600_000);
  await at.start();
  for (let round = 1; round <= 4; round++) {
    await at.produce(`p${round}`);
    await at.world.advance(500);
  }
  const logs = storedLogs(host.files, ['/data']);
  for (const partition of await at.followedBy(3)) {
    const log = logs.get(`t-${partition}`);
    assert.equal(log?.segments[0]?.baseOffset, 0);
    assert.equal(log?.segments.length, 4);
  }
});

test('a second process with the id of one that lives is told so in one line', async () => {
  const at = new Scene(3, { 'initial.broker.registration.timeout.ms': '12000' });
  await at.start();
  const second = at.cluster.brokers[2];
  second?.stop();
  await at.world.run(() => second?.isUp === false);
  second?.start({ config: { 'node.id': '1', 'log.dirs': '/other' } });
  await at.world.run(() => at.exits.length > 0, 60_000);
  assert.match(at.exits[0] ?? '', /another process is running as broker 1; stop it/);
  await at.produce('p1');
});

// Otherwise a broker that dies while it starts with its new disk could never come back.
test('a start that accepts a lost disk does so again until the broker has served', async () => {
  const at = new Scene(4);
  await at.start();
  const broker = at.cluster.brokers[2] as SimBroker;
  broker.kill();
  broker.host.replaceTree('/data');
  broker.start({ acceptLostLogDirs: true });
  broker.kill();
  broker.start();
  await at.allReady();
  assert.deepEqual(at.exits, []);
});
