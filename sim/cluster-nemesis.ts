// Does harm to a cluster at random moments: to its brokers, to the store that they share, and to
// what lies between them and their clients. Which kinds of harm it does is drawn from the seed.
// After `stop` everything is whole again, and progress may be demanded.

import type { Prng } from '../src/base/prng.ts';
import type { Cluster } from './cluster.ts';
import { calm } from './faults.ts';
import type { SimBroker } from './sim-broker.ts';
import type { Pick, StoreHosts } from './store-hosts.ts';
import type { World } from './world.ts';

/** What becomes of a broker's process, or of what is around it. */
export const clusterHarms = [
  'kill',
  'kill in a turn',
  'kill all',
  'stop',
  'hold',
  'cut one way',
  'partition',
  'cut from the store',
  'isolate',
  'reset',
  'slow host',
  'slow disk',
  'clock jump',
  'store: kill',
  'store: hold',
  'store: cut off',
  // These are drawn only by those who ask for them.
  'power cut',
  'lose disk',
] as const;

/** Where brokers have several log directories. */
export const directoryHarms = ['lose directory'] as const;

/** What only a store of several members comes to. */
export const memberHarms = [
  'store: outage',
  'store: lose answers',
  'store: full',
  'store: lag',
  'store: end sessions',
  'kill with its member',
] as const;

export type ClusterHarm =
  | (typeof clusterHarms)[number]
  | (typeof directoryHarms)[number]
  | (typeof memberHarms)[number];

/** Harms after which a disk may not have what it had. */
export const lossyHarms: readonly ClusterHarm[] = ['power cut', 'lose disk'];

const endings: readonly ClusterHarm[] = ['kill', 'kill in a turn', ...lossyHarms];
const cuts: readonly ClusterHarm[] = ['cut one way', 'partition', 'cut from the store', 'isolate'];

export interface ClusterNemesisOptions {
  /** Hosts of the clients. */
  readonly clients: readonly string[];
  readonly harms: readonly ClusterHarm[];
  readonly sessionTimeoutMs: number;
  readonly pauseMsMean: number;
  /** What is taken down comes back within this. */
  readonly downMsMax: number;
  /** Of each broker, all of them below /data. One of several may be lost while the broker lives. */
  readonly logDirs?: readonly string[];
  /** Before a broker is harmed in a way that ends its process. */
  readonly onEnd?: (nodeId: number, harm: ClusterHarm) => void;
}

const keepUpMs = 200;
const lostMsMax = 500;

/** With /data gone there is nothing that a start could prove to be complete. */
const directory = '/data';

export class ClusterNemesis {
  readonly #world: World;
  readonly #cluster: Cluster;
  readonly #store: StoreHosts | null;
  readonly #options: ClusterNemesisOptions;
  readonly #prng: Prng;
  /** Brokers whose disk was taken: they start with an empty one. */
  readonly #emptied = new Set<SimBroker>();
  /** Brokers that live without one of their directories. */
  readonly #halved = new Set<SimBroker>();
  #isActive = false;
  #isKeepingUp = false;

  constructor(world: World, cluster: Cluster, options: ClusterNemesisOptions) {
    this.#world = world;
    this.#cluster = cluster;
    this.#store = cluster.store;
    this.#options = options;
    this.#prng = world.prng.fork('cluster nemesis');
  }

  start(): void {
    this.#isActive = true;
    this.#scheduleNext();
  }

  /** Heals everything: faults, cuts, and who is down, or goes down because he was told to. */
  stop(): void {
    this.#isActive = false;
    this.heal();
    for (const broker of this.#halved) this.#giveBack(broker);
    this.#isKeepingUp = true;
    this.#keepUp();
  }

  /** From now on nobody is started again. */
  leave(): void {
    this.#isKeepingUp = false;
  }

  #keepUp(): void {
    if (!this.#isKeepingUp) return;
    this.startAll();
    this.#world.loop.schedule(keepUpMs, () => this.#keepUp());
  }

  /** Network and disks are good from now on. */
  heal(): void {
    const { network } = this.#world;
    this.#world.faults = calm;
    network.heal();
    for (const { host } of this.#cluster.brokers) {
      network.slowDown(host.name, undefined);
      host.thaw();
      for (const process of host.processes) {
        // A death that was planned and has not come yet.
        process.killAtDiskOperation(Number.POSITIVE_INFINITY);
      }
    }
  }

  startAll(): void {
    this.#maybeStartStore();
    for (const broker of this.#cluster.brokers) this.maybeStart(broker);
  }

  maybeStart(broker: SimBroker): void {
    if (broker.isUp) return;
    broker.start({ acceptLostLogDirs: this.#emptied.has(broker) });
    this.#emptied.delete(broker);
  }

  /** Ends the broker's process, and what the harm takes with it. */
  takeDown(broker: SimBroker, harm: ClusterHarm): void {
    this.#tellOfEnd(broker, harm);
    const { host } = broker;
    if (harm === 'kill in a turn') broker.killAtDiskOperation(this.#prng.int(20));
    else if (harm === 'power cut' || harm === 'lose disk') host.powerCut();
    else broker.kill();
    if (harm !== 'lose disk') return;
    host.replaceTree(directory);
    this.#emptied.add(broker);
    this.#halved.delete(broker);
  }

  #scheduleNext(): void {
    const pauseMs = -this.#options.pauseMsMean * Math.log(1 - this.#prng.float());
    this.#world.loop.schedule(pauseMs, () => {
      if (!this.#isActive) return;
      this.#doHarm(this.#prng.pick(this.#options.harms), this.#prng.pick(this.#cluster.brokers));
      this.#scheduleNext();
    });
  }

  #doHarm(harm: ClusterHarm, broker: SimBroker): void {
    const isOfStore = harm.startsWith('store');
    this.#world.note(`nemesis: ${harm}${isOfStore ? '' : ` ${broker.host.name}`}`);
    if (endings.includes(harm)) this.#endAndStart([broker], harm);
    else if (harm === 'kill with its member') {
      this.#endAndStart([broker], 'kill');
      this.#store?.killBeside?.(this.#cluster.brokers.indexOf(broker) + 1);
      this.#later(() => this.#maybeStartStore());
    } else if (harm === 'kill all') this.#endAndStart(this.#cluster.brokers, 'kill');
    else if (harm === 'stop') this.#stop(broker);
    else if (harm === 'hold') broker.process?.freeze(this.#holdMs());
    else if (harm === 'lose directory') this.#loseDirectory(broker);
    else if (isOfStore) this.#harmStore(harm);
    else if (cuts.includes(harm)) this.#cutOff(harm, broker);
    else this.#disturb(harm, broker);
  }

  /** It goes away under the process, which finds out by itself. */
  #loseDirectory(broker: SimBroker): void {
    const { logDirs = [] } = this.#options;
    if (logDirs.length < 2 || !broker.isReady || this.#halved.has(broker)) return;
    this.#halved.add(broker);
    this.#tellOfEnd(broker, 'lose directory');
    // Without the first one, that of the metadata, a broker ends.
    broker.host.removeTree(this.#prng.pick(logDirs.slice(1)));
    this.#later(() => this.#giveBack(broker));
  }

  /** Somebody puts another disk in, and starts the broker again. */
  #giveBack(broker: SimBroker): void {
    if (!this.#halved.delete(broker)) return;
    // What it acknowledged into the directory since is lost as well.
    this.#tellOfEnd(broker, 'lose directory');
    broker.kill();
    for (const path of this.#options.logDirs ?? []) {
      if (broker.host.files.find(path) === null) broker.host.replaceTree(path);
    }
    this.#emptied.add(broker);
    this.maybeStart(broker);
  }

  #tellOfEnd(broker: SimBroker, harm: ClusterHarm): void {
    this.#options.onEnd?.(this.#cluster.brokers.indexOf(broker) + 1, harm);
  }

  #stop(broker: SimBroker): void {
    broker.stop();
    this.#later(() => this.maybeStart(broker));
  }

  #harmStore(harm: ClusterHarm): void {
    const { network } = this.#world;
    const pick: Pick = (items) => this.#prng.pick(items);
    if (harm === 'store: hold') {
      if (this.#store?.isUp === true) this.#store.hold(this.#holdMs(), pick);
    } else if (harm === 'store: cut off') {
      this.#later(network.partition(this.#storeNames(), this.#brokerNames()));
    } else if (harm === 'store: lag') this.#store?.lag?.();
    else if (harm === 'store: end sessions') this.#store?.endAllSessions?.();
    else if (harm === 'store: lose answers') this.#loseAnswers();
    else if (harm === 'store: full') {
      this.#store?.fill?.(this.#prng.float() * this.#options.downMsMax);
    } else if (harm === 'store: outage') {
      this.#store?.killAll?.();
      this.#later(() => this.#maybeStartStore());
    } else {
      this.#store?.kill(pick);
      this.#later(() => this.#maybeStartStore());
    }
  }

  #loseAnswers(): void {
    this.#world.reached.onReached('lost answers');
    const forMs = this.#prng.float() * lostMsMax;
    this.#world.network.loseAnswers(this.#storeNames(), this.#brokerNames(), forMs);
  }

  #cutOff(harm: ClusterHarm, broker: SimBroker): void {
    const { network } = this.#world;
    const { name } = broker.host;
    const other = this.#prng.pick(this.#peersOf(broker));
    const cut = (others: readonly string[]): void => this.#later(network.partition([name], others));
    if (harm === 'partition') cut([other]);
    else if (harm === 'cut from the store') cut(this.#storeNames());
    else if (harm === 'isolate') cut([...this.#othersOf(broker), ...this.#storeNames()]);
    else {
      const [source, target] = this.#prng.chance(0.5) ? [name, other] : [other, name];
      this.#later(network.cutWays([source], [target]));
    }
  }

  #disturb(harm: ClusterHarm, broker: SimBroker): void {
    const prng = this.#prng;
    const { network } = this.#world;
    const { host } = broker;
    if (harm === 'reset') {
      network.resetConnections(host.name, prng.pick(this.#peersOf(broker)));
    } else if (harm === 'slow host') {
      network.slowDown(host.name, prng.pick([1, 10, 100]));
      this.#later(() => network.slowDown(host.name, undefined));
    } else if (harm === 'slow disk') {
      host.freezeTree(directory);
      this.#later(() => host.thaw());
    } else this.setClock(broker);
  }

  /** Forward or back; by less than a day, after which who sent what is not known any more. */
  setClock({ host }: SimBroker): void {
    const prng = this.#prng;
    const byMs = (prng.float() * 2 - 1) * prng.pick([50, 5_000, 3e6]);
    this.#world.reached.onReached(byMs < 0 ? 'clocks set back' : 'clocks set forward');
    host.shiftClock(byMs);
  }

  #endAndStart(brokers: readonly SimBroker[], harm: ClusterHarm): void {
    for (const broker of brokers) this.takeDown(broker, harm);
    for (const broker of brokers) {
      this.#later(() => {
        // A process that was to die in a turn may not have had one.
        broker.kill();
        this.maybeStart(broker);
      });
    }
  }

  /** Longer than a session, or much shorter. */
  #holdMs(): number {
    const { sessionTimeoutMs } = this.#options;
    const isLong = this.#prng.chance(0.6);
    return sessionTimeoutMs * (isLong ? 1.2 + this.#prng.float() : this.#prng.float() * 0.5);
  }

  #storeNames(): string[] {
    return this.#store === null ? [] : this.#store.hosts.map(({ name }) => name);
  }

  #brokerNames(): string[] {
    return this.#cluster.brokers.map(({ host }) => host.name);
  }

  #othersOf(broker: SimBroker): string[] {
    return this.#brokerNames().filter((name) => name !== broker.host.name);
  }

  #peersOf(broker: SimBroker): string[] {
    return [...this.#othersOf(broker), ...this.#storeNames(), ...this.#options.clients];
  }

  #maybeStartStore(): void {
    if (this.#store?.isUp === false) this.#store.start();
  }

  #later(action: () => void): void {
    this.#world.loop.schedule(this.#prng.float() * this.#options.downMsMax, () => {
      if (this.#isActive) action();
    });
  }
}
