// Three processes that keep one metadata log in a small etcd or ZooKeeper, as brokers do, and
// nothing else, so that a world takes a tenth of what one with brokers takes: they die, stand still
// and are cut off, the store comes to all the harm that a store of several members can come to, and
// at times a backup of it is put back.
// `metadata-log-on-…`: any harm. `metadata-harm-on-…`: one kind of harm again and again, to
// processes that do what it would come through: what harm of any kind seldom comes by.

import { assert } from '../../src/base/assert.ts';
import type { Prng } from '../../src/base/prng.ts';
import { MetadataLogs } from '../checkers/index.ts';
import { calm, withFaults } from '../faults.ts';
import type { Host } from '../host.ts';
import { type ModelKind, ModelledStore, storeReaches } from '../modelled-store.ts';
import type { Scenario } from '../scenario.ts';
import type { SimProcess } from '../sim-process.ts';
import type { Pick } from '../store-hosts.ts';
import { type KeeperHabits, keepLog, LogCopy } from '../workloads/index.ts';
import type { World } from '../world.ts';

const nodeCount = 3;
const sessionTimeoutMs = 2_000;
const harmMs = 8_000;
const oneHarmMs = 4_000;
/** Longer than it takes to notice that a connection is of no use, and to have another one. */
const restMs = 3 * sessionTimeoutMs;
const progressMsMax = 60_000;
const keepUpMs = 200;
/** In the end so much more is appended. */
const moreBatches = 3;
const lostMsMax = 500;

const harms = [
  'kill',
  'kill in a turn',
  'kill all',
  'hold',
  'cut off',
  'cut one way',
  'reset',
  'store: kill',
  'store: hold',
  'store: outage',
  'store: lose answers',
  'store: full',
  'store: lag',
  'store: end sessions',
  'kill with its member',
] as const;

/** The last one is drawn only where one kind is done. */
type Harm = (typeof harms)[number] | 'store: end a session';

/** What is done, to whom. */
interface LogPlan {
  readonly harms: readonly Harm[];
  readonly pauseMsMean: number;
  readonly downMsMax: number;
  readonly keeper: KeeperHabits;
}

function logOn(kind: ModelKind): Scenario {
  const line = /^never$/;
  return {
    name: `metadata-log-on-${kind}`,
    about: `processes that keep a log in a small ${kind} have one log, whatever comes to harm`,
    reaches: [
      ...storeReaches,
      { name: 'controller changes', line },
      { name: 'unknown appends', line: /nobody knows what became of an append/ },
      { name: 'restarted watches', line },
      { name: 'renewed sessions', line },
    ],
    run: (world) => runMetadataLog(world, kind),
  };
}

export const logOnEtcd = logOn('etcd');
export const logOnZooKeeper = logOn('zookeeper');

function harmOn(kind: ModelKind): Scenario {
  return {
    name: `metadata-harm-on-${kind}`,
    about: `the same in a small ${kind} that comes to one kind of harm again and again`,
    run: (world) => runMetadataHarm(world, kind),
  };
}

export const harmOnEtcd = harmOn('etcd');
export const harmOnZooKeeper = harmOn('zookeeper');

async function runMetadataLog(world: World, kind: ModelKind): Promise<void> {
  const prng = world.prng.fork('plan');
  // A store is asked a dozen small questions; no answer is late for all of a session.
  const spikeMs = Math.min(world.faults.network.spikeMs, 500);
  world.faults = withFaults(world.faults, { network: { spikeMs } });
  const run = new MetadataLogRun(world, kind, { prng, plan: drawLogPlan(prng) });
  run.begin();
  const isPutBack = prng.chance(0.2);
  run.doHarm();
  await world.advance(isPutBack ? prng.int(harmMs / 2) : harmMs);
  if (isPutBack) await run.putBack();
  await run.finish();
}

function drawLogPlan(prng: Prng): LogPlan {
  return {
    harms,
    pauseMsMean: prng.pick([200, 500, 1_500]),
    downMsMax: prng.pick([300, 2_000, 2 * sessionTimeoutMs]),
    keeper: {
      pauseMsMean: prng.pick([50, 50, 200]),
      snapshotBytes: prng.pick([300, 1_000, 20_000]),
    },
  };
}

/** Of `metadata-harm-on-…`. */
const oneHarm: readonly LogPlan[] = [
  // Who controls asks whether he does, at a member that has old news, when he was deposed.
  {
    harms: ['store: lag', 'store: end sessions'],
    ...{ pauseMsMean: 400, downMsMax: 300 },
    keeper: { pauseMsMean: 20, snapshotBytes: 20_000, confirmChance: 0.95 },
  },
  // … or takes a snapshot then.
  {
    harms: ['store: lag', 'store: end a session', 'store: end a session'],
    ...{ pauseMsMean: 150, downMsMax: 300 },
    keeper: { pauseMsMean: 10, snapshotBytes: 1 },
  },
  // Batches are larger than a change may be, while those who write and read them die.
  {
    harms: ['kill', 'kill in a turn', 'store: kill'],
    ...{ pauseMsMean: 500, downMsMax: 300 },
    keeper: { pauseMsMean: 100, snapshotBytes: 4_000_000, largeChance: 0.06 },
  },
  // News come while nobody is connected.
  {
    harms: ['reset', 'reset', 'cut off'],
    ...{ pauseMsMean: 200, downMsMax: 300 },
    keeper: { pauseMsMean: 50, snapshotBytes: 1_000 },
  },
];

async function runMetadataHarm(world: World, kind: ModelKind): Promise<void> {
  const prng = world.prng.fork('plan');
  const delayMsMean = Math.min(world.faults.network.delayMsMean, 5);
  const network = {
    delayMsMean,
    spikeChance: 0,
    resetChance: 0,
    windowBytes: calm.network.windowBytes,
  };
  world.faults = withFaults(world.faults, { network });
  const run = new MetadataLogRun(world, kind, { prng, plan: prng.pick(oneHarm) });
  run.begin();
  run.doHarm();
  await world.advance(oneHarmMs);
  await run.rest();
  await run.finish();
}

class Node {
  readonly host: Host;
  copy: LogCopy;
  process: SimProcess | null = null;
  lives = 0;
  /** Of those who live, as it was told. */
  alive: readonly number[] = [];

  constructor(host: Host, copy: LogCopy) {
    this.host = host;
    this.copy = copy;
  }

  get isUp(): boolean {
    return this.process?.isAlive === true;
  }
}

class MetadataLogRun {
  readonly #world: World;
  readonly #prng: Prng;
  readonly #store: ModelledStore;
  readonly #logs = new MetadataLogs();
  readonly #nodes: readonly Node[];
  readonly #plan: LogPlan;
  #isQuiet = false;
  #refusals: string[] = [];
  #isHarmed = true;
  #isKeepingUp = false;

  constructor(world: World, kind: ModelKind, { prng, plan }: { prng: Prng; plan: LogPlan }) {
    this.#world = world;
    this.#prng = prng;
    this.#plan = plan;
    this.#store = new ModelledStore(world, kind);
    this.#nodes = Array.from({ length: nodeCount }, (_, index) => {
      const copy = new LogCopy(this.#logs, world.reached);
      return new Node(world.host(`node-${index + 1}`), copy);
    });
  }

  begin(): void {
    this.#store.start();
    for (const node of this.#nodes) this.#start(node);
  }

  #start(node: Node): void {
    if (node.isUp) return;
    const nodeId = this.#nodes.indexOf(node) + 1;
    node.lives += 1;
    node.alive = [];
    const life = `${nodeId}.${node.lives}`;
    const options = {
      ...this.#plan.keeper,
      isQuiet: () => this.#isQuiet,
      ...{ nodeId, life, sessionTimeoutMs, copy: node.copy, logs: this.#logs },
      address: this.#store.address,
      reached: this.#world.reached,
      prng: this.#world.prng.fork(`keeper ${life}`),
      onBrokers: (nodeIds: readonly number[]) => {
        node.alive = nodeIds;
      },
      onRefusal: ({ message }: Error) => {
        this.#refusals.push(message);
      },
      onFailure: (error: Error) => this.#world.fail(error),
    };
    node.process = node.host.start((io) => keepLog(io, options));
  }

  /** Until `finish`. */
  doHarm(): void {
    const pauseMs = -this.#plan.pauseMsMean * Math.log(1 - this.#prng.float());
    this.#world.loop.schedule(pauseMs, () => {
      if (!this.#isHarmed) return;
      const [harm, node] = [this.#prng.pick(this.#plan.harms), this.#prng.pick(this.#nodes)];
      this.#world.note(`nemesis: ${harm} ${node.host.name}`);
      if (harm.startsWith('store')) this.#harmStore(harm);
      else this.#harm(harm, node);
      this.doHarm();
    });
  }

  #harm(harm: Harm, node: Node): void {
    const { network } = this.#world;
    const { name } = node.host;
    if (harm === 'hold') node.process?.freeze(this.#holdMs());
    else if (harm === 'cut off') this.#later(network.partition([name], this.#storeNames));
    else if (harm === 'cut one way') this.#later(network.cutWays(this.#storeNames, [name]));
    else if (harm === 'reset') {
      network.resetConnections(name, this.#prng.pick(this.#storeNames));
    } else {
      for (const each of harm === 'kill all' ? this.#nodes : [node]) this.#end(each, harm);
      if (harm === 'kill with its member') this.#store.killBeside(this.#nodes.indexOf(node) + 1);
      this.#later(() => this.#store.start());
    }
  }

  #end(node: Node, harm: Harm): void {
    if (harm === 'kill in a turn') node.process?.killAtNetworkOperation(this.#prng.int(20));
    else node.process?.kill();
    this.#later(() => {
      node.process?.kill();
      this.#start(node);
    });
  }

  #harmStore(harm: Harm): void {
    const store = this.#store;
    const pick: Pick = (items) => this.#prng.pick(items);
    if (harm === 'store: lag') store.lag();
    else if (harm === 'store: end sessions') store.endAllSessions();
    else if (harm === 'store: end a session') store.endOneSession(pick);
    else if (harm === 'store: full') store.fill(this.#prng.float() * this.#plan.downMsMax);
    else if (harm === 'store: lose answers') this.#loseAnswers();
    else if (harm === 'store: hold') {
      if (store.isUp) store.hold(this.#holdMs(), pick);
    } else {
      if (harm === 'store: outage') store.killAll();
      else store.kill(pick);
      this.#later(() => store.start());
    }
  }

  #loseAnswers(): void {
    const { network, reached } = this.#world;
    reached.onReached('lost answers');
    const names = this.#nodes.map(({ host }) => host.name);
    network.loseAnswers(this.#storeNames, names, this.#prng.float() * lostMsMax);
  }

  get #storeNames(): string[] {
    return this.#store.hosts.map(({ name }) => name);
  }

  /** Longer than a session, or much shorter. */
  #holdMs(): number {
    const isLong = this.#prng.chance(0.6);
    return sessionTimeoutMs * (isLong ? 1.2 + this.#prng.float() : this.#prng.float() * 0.5);
  }

  #later(action: () => void): void {
    this.#world.loop.schedule(this.#prng.float() * this.#plan.downMsMax, () => {
      if (this.#isHarmed) action();
    });
  }

  /**
   * Somebody puts a backup of the store back that is older than what each of them has read: each
   * says so, and does nothing, until the store is as it was.
   */
  async putBack(): Promise<void> {
    const world = this.#world;
    this.#heal();
    await this.#progress();
    const toBackup = this.#store.keep();
    await this.#progress();
    this.#isKeepingUp = false;
    for (const { process } of this.#nodes) process?.kill();
    const toNewest = this.#store.keep();
    world.note('the store is put back');
    world.reached.onReached('stores put back');
    toBackup();
    this.#store.start();
    this.#refusals = [];
    for (const node of this.#nodes) this.#start(node);
    await world.advance(3 * sessionTimeoutMs);
    const said = this.#refusals.filter((message) => /was put back/.test(message)).length;
    assert(said === nodeCount, `${nodeCount - said} go on with a store that was put back`);
    toNewest();
  }

  /** Nothing is appended for a while: whoever was away has heard of all that was. */
  async rest(): Promise<void> {
    this.#heal();
    this.#isQuiet = true;
    await this.#world.advance(restMs);
    const ends = this.#nodes.map(({ copy }) => copy.next);
    const isSame = ends.every((end) => end === ends[0]);
    assert(
      isSame,
      `while nothing is appended some never hear of what was: they read up to ${ends}`,
    );
    this.#isQuiet = false;
  }

  async finish(): Promise<void> {
    this.#heal();
    await this.#progress();
    // One begins anew with what the store has.
    const [first] = this.#nodes as [Node, ...Node[]];
    first.process?.kill();
    first.copy = new LogCopy(this.#logs, this.#world.reached);
    await this.#progress();
    this.#logs.assertWhole(Math.min(...this.#nodes.map(({ copy }) => copy.next)));
  }

  #heal(): void {
    if (this.#isKeepingUp) return;
    this.#isHarmed = false;
    this.#world.faults = calm;
    this.#world.network.heal();
    for (const { process } of this.#nodes) {
      // A death that was planned and has not come yet.
      process?.killAtNetworkOperation(Number.POSITIVE_INFINITY);
    }
    this.#isKeepingUp = true;
    this.#keepUp();
  }

  #keepUp(): void {
    if (!this.#isKeepingUp) return;
    if (!this.#store.isUp) this.#store.start();
    for (const node of this.#nodes) {
      if (node.process?.hasReturned === true) node.process.kill();
      this.#start(node);
    }
    this.#world.loop.schedule(keepUpMs, () => this.#keepUp());
  }

  /** More is appended, everybody reads it, and everybody hears that all live. */
  async #progress(): Promise<void> {
    const logs = this.#logs;
    const wanted = logs.acknowledgedCount + moreBatches;
    let end = -1;
    const isMade = (): boolean => {
      if (logs.acknowledgedCount < wanted) return false;
      if (end < 0) end = Math.max(...this.#nodes.map(({ copy }) => copy.next));
      return this.#nodes.every(({ copy, alive }) => copy.next >= end && alive.length === nodeCount);
    };
    try {
      await this.#world.run(isMade, progressMsMax);
    } catch (error) {
      if (!(error as Error).message.startsWith('what was waited for')) throw error;
      const states = this.#nodes.map(({ copy, alive }) => `${copy.next} (sees ${alive})`);
      const count = logs.acknowledgedCount - wanted + moreBatches;
      throw new Error(`no progress after everything healed: ${count} more; read: ${states}`);
    }
  }
}
