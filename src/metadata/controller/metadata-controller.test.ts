// The controller whose log refuses what it decides: it comes back, however often that takes, or it
// ends saying why; it is never gone for good.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simulate } from '../../../sim/index.ts';
import { StoreServer } from '../../../tests/doubles/metadata/remote-stores.ts';
import { BrokerConfig } from '../../config/index.ts';
import type { Io, Log } from '../../io/index.ts';
import { KafkaError } from '../../protocol/index.ts';
import { LogResources } from '../../storage/index.ts';
import type { ClusterStore } from '../cluster-store.ts';
import { LocalStore } from '../engines/local/local-store.ts';
import { ImageLoader } from '../image-loader.ts';
import { configRules } from './config-rules.ts';
import { MetadataController } from './metadata-controller.ts';

/** What the store throws, the next one first. */
interface Failures {
  readonly append: Error[];
  readonly read: Error[];
  readonly confirm: Error[];
}

interface Parts {
  readonly controller: MetadataController;
  readonly failures: Failures;
  readonly counted: { read: number };
  readonly bugs: Error[];
  readonly endTerm: () => Promise<void>;
  /** As `endTerm`, and the controller is not told. */
  readonly depose: () => Promise<void>;
  readonly store: ClusterStore;
  readonly create: (name: string) => Promise<unknown>;
}

async function open(io: Io): Promise<Parts> {
  const local = await LocalStore.open(io, {
    directory: '/data',
    clusterId: 'clusterAAAAAAAAAAAAAAA',
    resources: new LogResources(io),
  });
  const failures: Failures = { append: [], read: [], confirm: [] };
  const counted = { read: 0 };
  const bugs: Error[] = [];
  let endTerm = async (): Promise<void> => {};
  let depose = async (): Promise<void> => {};
  const store = new Proxy<ClusterStore>(local, {
    get(target, name) {
      if (name === 'read') counted.read++;
      if (name === 'append' || name === 'read' || name === 'confirm') {
        const failure = failures[name].shift();
        if (failure !== undefined) {
          return () => {
            if (name === 'read') throw failure;
            return Promise.reject(failure);
          };
        }
      }
      if (name === 'elect') {
        return (candidate: Parameters<ClusterStore['elect']>[0]) => {
          const election = target.elect(candidate);
          depose = () => election.withdraw();
          endTerm = async () => {
            await election.withdraw();
            candidate.onLost(refusal());
          };
          return election;
        };
      }
      const value = Reflect.get(target, name, target) as unknown;
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  const loader = await ImageLoader.start(io, { store: local, bytesBetweenSnapshotsMax: 1e6 });
  const controller = new MetadataController(io, {
    nodeId: 1,
    store,
    loader,
    rules: configRules(new BrokerConfig()),
    onBug: (error) => bugs.push(error),
  });
  await controller.start();
  const { brokerEpoch } = await controller.registerBroker({
    brokerId: 1,
    clusterId: 'clusterAAAAAAAAAAAAAAA',
    incarnationId: ''.padStart(21, 'C').concat('A'),
    listeners: [],
    fenced: false,
    wasCleanShutdown: true,
  });
  assert.ok(brokerEpoch >= 0);
  const create = async (name: string): Promise<unknown> => {
    const [result] = await controller.createTopics({ topics: [{ name, configs: [] }] });
    return result?.error ?? null;
  };
  const ends = { endTerm: () => endTerm(), depose: () => depose() };
  return { controller, failures, counted, bugs, ...ends, create, store: local };
}

function refusal(): KafkaError {
  return new KafkaError('KAFKA_STORAGE_ERROR', 'planted');
}

test('a controller that cannot be rebuilt at once is rebuilt later', () =>
  simulate(async (io) => {
    const { controller, failures, bugs, create } = await open(io);
    failures.append.push(refusal());
    failures.read.push(refusal(), refusal(), refusal());
    await assert.rejects(create('a'), { errorName: 'KAFKA_STORAGE_ERROR' });
    await assert.rejects(create('b'));
    await io.clock.sleep(5000);
    assert.equal(await create('c'), null);
    assert.deepEqual(bugs, []);
    await controller.close();
  }));

test('a controller whose store is away for minutes says so once in half a minute, and rests', () =>
  simulate(async (simulated) => {
    const lines: string[] = [];
    const note = (message: string): void => void lines.push(message);
    const log: Log = { debug() {}, info() {}, warn: note, error: note, child: () => log };
    const io: Io = { ...simulated, log };
    const { controller, failures, counted, bugs, create } = await open(io);
    const away = Array.from({ length: 10_000 }, refusal);
    failures.append.push(...away);
    failures.confirm.push(...away);
    counted.read = 0;
    for (let attempt = 0; attempt < 1_000; attempt++) {
      await assert.rejects(create(`t${attempt}`));
      await io.clock.sleep(100);
    }
    assert.ok(counted.read < 140, `the machine was built ${counted.read} times in 100 s`);
    const counts = new Map<string, number>();
    for (const line of lines) counts.set(line, (counts.get(line) ?? 0) + 1);
    assert.deepEqual(Object.fromEntries(counts), {
      'controller: append failed, the machine is rebuilt': 4,
      'this node has no controller and tries again': 4,
    });
    for (const failing of [failures.append, failures.confirm]) failing.splice(0);
    const backMs = io.clock.monotonic();
    while ((await create('a').catch(() => 'not yet')) !== null) await io.clock.sleep(100);
    assert.ok(io.clock.monotonic() - backMs <= 1000, 'the first answer comes within a second');
    assert.deepEqual(bugs, []);
    await controller.close();
  }));

test('a controller that is not elected again at once stands again', () =>
  simulate(async (io) => {
    const { controller, failures, bugs, endTerm, create } = await open(io);
    failures.read.push(refusal(), refusal());
    await endTerm();
    await io.clock.sleep(5000);
    assert.equal(await create('a'), null);
    assert.deepEqual(bugs, []);
    await controller.close();
  }));

test('a controller that was deposed and does not know it answers nothing', () =>
  simulate(async (io) => {
    const { controller, bugs, depose, create, store } = await open(io);
    assert.equal(await create('a'), null);
    await depose();
    const loader = await ImageLoader.start(io, { store });
    const rules = configRules(new BrokerConfig());
    const onBug = (error: Error): unknown => bugs.push(error);
    const newer = new MetadataController(io, { nodeId: 1, store, loader, rules, onBug });
    await newer.start();
    const [made] = await newer.createTopics({ topics: [{ name: 'b', configs: [] }] });
    assert.equal(made?.error, null);
    const questions: (() => Promise<unknown>)[] = [
      () => controller.createTopics({ topics: [{ name: 'c' }], validateOnly: true }),
      () => controller.createTopics({ topics: [{ name: 'a' }] }),
      () => controller.createTopics({ topics: [] }),
      () => controller.alterPartition({ brokerId: 9, brokerEpoch: 0, partitions: [] }),
      () => controller.brokerHeartbeat({ brokerId: 1, brokerEpoch: -5, currentMetadataOffset: 0 }),
      () => controller.electLeaders({ type: 'preferred', partitions: null }),
    ];
    // All in one turn: the first refusal would tell the controller what happened.
    const outcomes = await Promise.allSettled(questions.map((ask) => ask()));
    for (const [index, outcome] of outcomes.entries()) {
      assert.equal(outcome.status, 'rejected', `question ${index}`);
      if (outcome.status === 'rejected') assert.equal(outcome.reason.errorName, 'NOT_CONTROLLER');
    }
    // It stands again, and is elected when the newer one is gone.
    await newer.close();
    await loader.close();
    await io.clock.sleep(1000);
    assert.equal(await create('c'), null);
    assert.deepEqual(bugs, []);
    await controller.close();
  }));

test('a bug that is met in the append of a decision ends the broker', () =>
  simulate(async (io) => {
    const { controller, failures, bugs, create } = await open(io);
    const planted = new TypeError('planted');
    failures.append.push(planted);
    await assert.rejects(create('a'));
    assert.deepEqual(bugs, [planted]);
    await controller.close();
  }));

test('a bug that is met when a question is confirmed ends the broker', () =>
  simulate(async (io) => {
    const { controller, failures, bugs } = await open(io);
    const planted = new TypeError('planted');
    failures.confirm.push(planted);
    const question = controller.createTopics({ topics: [] });
    await assert.rejects(question, { errorName: 'NOT_CONTROLLER' });
    assert.deepEqual(bugs, [planted]);
    await controller.close();
  }));

test('a bug that is met in a replay ends the broker', () =>
  simulate(async (io) => {
    const { controller, failures, bugs, create } = await open(io);
    const planted = new RangeError('planted');
    failures.append.push(refusal());
    failures.read.push(planted);
    await assert.rejects(create('a'));
    await io.clock.sleep(1000);
    assert.deepEqual(bugs, [planted]);
    await controller.close();
  }));

for (const loss of ['request', 'answer', 'late'] as const) {
  test(`an append with an unknown outcome is looked up in the next term: ${loss}`, () =>
    simulate(async (io) => {
      const server = await StoreServer.open(io);
      const store = await server.connect();
      const loader = await ImageLoader.start(io, { store });
      const rules = configRules(new BrokerConfig());
      const onBug = (error: Error): void => assert.fail(error);
      const controller = new MetadataController(io, { nodeId: 1, store, loader, rules, onBug });
      await controller.start();
      const alter = (key: string) =>
        controller.alterClientQuotas({
          entries: [{ entity: { user: 'u' }, ops: [{ key, value: 1 }] }],
        });
      const has = (key: string) => [...loader.image.quotas.values()].some((q) => q.values.has(key));
      await alter('producer_byte_rate');
      const epoch = loader.image.controllerEpoch;
      server.lose(store, 'append', loss);
      await assert.rejects(alter('consumer_byte_rate'), { errorName: 'NOT_CONTROLLER' });
      await io.clock.sleep(1000);
      await server.deliverLate(store);
      assert.ok(loader.image.controllerEpoch > epoch, 'another term');
      assert.equal(has('consumer_byte_rate'), loss === 'answer');
      assert.equal((await alter('request_percentage'))[0]?.error, null);
      assert.deepEqual([has('producer_byte_rate'), has('request_percentage')], [true, true]);
      await controller.close();
    }));
}

test('a controller that is closed while it waits for its election stands no longer', () =>
  simulate(async (io) => {
    const server = await StoreServer.open(io);
    const [near, far] = [await server.connect(), await server.connect()];
    const controllers: MetadataController[] = [];
    for (const [index, store] of [near, far].entries()) {
      const loader = await ImageLoader.start(io, { store });
      const rules = configRules(new BrokerConfig());
      const onBug = (error: Error): void => assert.fail(error);
      const options = { nodeId: index + 1, store, loader, rules, onBug };
      controllers.push(new MetadataController(io, options));
    }
    const [first, second] = controllers as [MetadataController, MetadataController];
    await first.start();
    const starting = second.start();
    await io.clock.sleep(1000);
    await second.close();
    await assert.rejects(starting, { errorName: 'NOT_CONTROLLER' });
    await first.close();
    const { epoch } = await far.elect({ nodeId: 3, onLost: () => {} }).term;
    await far.confirm(epoch);
  }));

test('a controller whose start fails lets another one be elected', () =>
  simulate(async (io) => {
    const server = await StoreServer.open(io);
    const [near, far] = [await server.connect(), await server.connect()];
    const loader = await ImageLoader.start(io, { store: near });
    const rules = configRules(new BrokerConfig());
    const onBug = (error: Error): void => assert.fail(error);
    const options = { nodeId: 1, store: near, loader, rules, onBug };
    const first = new MetadataController(io, options);
    await first.start();
    await first.close();
    server.lose(near, 'confirm', 'answer');
    const second = new MetadataController(io, options);
    await assert.rejects(second.start(), { errorName: 'NOT_CONTROLLER' });
    const { epoch } = await far.elect({ nodeId: 2, onLost: () => {} }).term;
    await far.confirm(epoch);
  }));
