// Does harm at random moments: kills processes, cuts power and network, lets clocks jump, and
// brings back what it took down. Which kinds of harm it does is drawn from the seed. After `stop`
// everything is whole again, and progress may be demanded.

import type { Prng } from '../src/base/prng.ts';
import { calm } from './faults.ts';
import type { Host } from './host.ts';
import type { World } from './world.ts';

/** A host that may be harmed, and how its process is started again. */
export interface Target {
  readonly host: Host;
  start(): void;
}

export interface NemesisOptions {
  readonly targets: readonly Target[];
  /** Other hosts whose links to the targets may be cut. */
  readonly peers?: readonly string[];
  /** Mean time between two harms. Default 500. */
  readonly pauseMsMean?: number;
  /** A target stays down for up to this long. Default 2000. */
  readonly downMsMax?: number;
  /** Default: a subset drawn from the seed. */
  readonly harms?: readonly Harm[];
}

export const harms = [
  'kill',
  'kill in a turn',
  'power cut',
  'cut one way',
  'partition',
  'reset',
  'slow host',
  'clock jump',
] as const;

export type Harm = (typeof harms)[number];

export class Nemesis {
  readonly #world: World;
  readonly #prng: Prng;
  readonly #targets: readonly Target[];
  readonly #peers: readonly string[];
  readonly #pauseMsMean: number;
  readonly #downMsMax: number;
  readonly #harms: readonly Harm[];
  #isActive = false;

  constructor(world: World, options: NemesisOptions) {
    this.#world = world;
    this.#prng = world.prng.fork('nemesis');
    this.#targets = options.targets;
    this.#peers = options.peers ?? [];
    this.#pauseMsMean = options.pauseMsMean ?? 500;
    this.#downMsMax = options.downMsMax ?? 2_000;
    const drawn = harms.filter(() => this.#prng.chance(0.6));
    this.#harms = options.harms ?? (drawn.length > 0 ? drawn : harms);
  }

  start(): void {
    this.#isActive = true;
    this.#scheduleNext();
  }

  /** Heals everything: faults, cuts, and the targets that are down. */
  stop(): void {
    this.#isActive = false;
    this.#world.faults = calm;
    this.#world.network.heal();
    for (const target of this.#targets) {
      this.#world.network.slowDown(target.host.name, undefined);
      // A death that was planned and has not come yet.
      for (const process of target.host.processes) {
        process.killAtDiskOperation(Number.POSITIVE_INFINITY);
      }
      this.#maybeStart(target);
    }
  }

  #scheduleNext(): void {
    const pauseMs = -this.#pauseMsMean * Math.log(1 - this.#prng.float());
    this.#world.loop.schedule(pauseMs, () => {
      if (!this.#isActive) return;
      this.#doHarm(this.#prng.pick(this.#harms), this.#prng.pick(this.#targets));
      this.#scheduleNext();
    });
  }

  #doHarm(harm: Harm, target: Target): void {
    this.#world.note(`nemesis: ${harm} ${target.host.name}`);
    if (harm === 'kill' || harm === 'power cut' || harm === 'kill in a turn') {
      this.#takeDown(harm, target);
    } else if (harm === 'clock jump') {
      target.host.shiftClock((this.#prng.float() * 2 - 1) * this.#prng.pick([50, 5_000, 3e6]));
    } else if (harm === 'slow host') {
      this.#world.network.slowDown(target.host.name, this.#prng.pick([1, 10, 100]));
      this.#later(() => this.#world.network.slowDown(target.host.name, undefined));
    } else {
      this.#cutOff(harm, target.host.name);
    }
  }

  #takeDown(harm: Harm, target: Target): void {
    const { host } = target;
    if (harm === 'kill in a turn') {
      for (const process of host.processes) process.killAtDiskOperation(this.#prng.int(20));
    } else if (harm === 'kill') {
      host.kill();
    } else {
      host.powerCut();
    }
    this.#later(() => {
      // A process that was to die in a turn may not have had one.
      host.kill();
      this.#maybeStart(target);
    });
  }

  #cutOff(harm: Harm, name: string): void {
    const { network } = this.#world;
    const others = [...this.#targets.map((target) => target.host.name), ...this.#peers];
    const candidates = others.filter((other) => other !== name);
    if (candidates.length === 0) return;
    const other = this.#prng.pick(candidates);
    if (harm === 'reset') {
      network.resetConnections(name, other);
      return;
    }
    const isInbound = this.#prng.chance(0.5);
    if (harm === 'partition') network.partition([name], [other]);
    else network.cut(isInbound ? other : name, isInbound ? name : other);
    this.#later(() => {
      network.heal(name, other);
      network.heal(other, name);
    });
  }

  #later(action: () => void): void {
    this.#world.loop.schedule(this.#prng.float() * this.#downMsMax, () => {
      if (this.#isActive) action();
    });
  }

  #maybeStart(target: Target): void {
    if (target.host.processes.length === 0) target.start();
  }
}
