// One incarnation of a process on a host: the Io that is bound to it and dies with it. After its
// end no timer fires, no callback is called and no promise of its Io settles, so that its code
// just stops, wherever it was waiting.

import type { Prng } from '../src/base/prng.ts';
import type { Clock, Io, Log, LogFields, Random } from '../src/io/io.ts';
import type { LogLevel } from '../src/io/log-line.ts';
import type { EventOwner } from './event-loop.ts';
import { SimDisk } from './sim-disk.ts';
import { SimNetwork } from './sim-network.ts';
import type { EnclosingHost, EnclosingWorld } from './surroundings.ts';

/** What a process does. When it rejects, or a callback throws, the whole world fails. */
export type Main = (io: Io, process: SimProcess) => Promise<void> | void;

/** 2026-01-01, so that timestamps look like timestamps. */
const epochMs = Date.UTC(2026, 0, 1);

export class SimProcess implements EventOwner {
  readonly host: EnclosingHost;
  readonly world: EnclosingWorld;
  /** `host#incarnation`. */
  readonly name: string;
  readonly io: Io;
  readonly network: SimNetwork;
  readonly disk: SimDisk;
  readonly prng: Prng;
  readonly #bootMs: number;
  #isAlive = true;
  #frozenUntilMs = 0;
  #hasReturned = false;

  constructor(host: EnclosingHost, incarnation: number, prng: Prng) {
    this.host = host;
    this.world = host.world;
    this.name = `${host.name}#${incarnation}`;
    this.prng = prng;
    this.#bootMs = prng.fork('boot').int(1_000_000);
    this.network = new SimNetwork(this);
    this.disk = new SimDisk(this, prng.fork('disk'));
    this.io = {
      clock: this.#createClock(),
      network: this.network,
      disk: this.disk,
      random: createRandom(prng.fork('random')),
      log: new SimLog(this, ''),
    };
  }

  get isAlive(): boolean {
    return this.#isAlive;
  }

  get frozenUntilMs(): number {
    return this.#frozenUntilMs;
  }

  get isFrozen(): boolean {
    return this.#frozenUntilMs > this.world.timeMs;
  }

  /** Whether `main` has come to its end. The process lives on, as Node does while it listens. */
  get hasReturned(): boolean {
    return this.#hasReturned;
  }

  run(main: Main): void {
    const onReturn = (): void => {
      this.#hasReturned = true;
      this.note('main returns');
    };
    const onError = (error: unknown): void => {
      if (this.#isAlive) this.world.fail(error);
    };
    // In an event of its own, so that a process started in the middle of another one's turn does
    // not run before that turn is over.
    this.after(0, () => {
      Promise.resolve()
        .then(() => main(this.io, this))
        .then(onReturn, onError);
    });
  }

  /** kill -9: the host's kernel closes its sockets, and its files keep what was written. */
  kill(): void {
    if (!this.#isAlive) return;
    this.note('is killed');
    this.#isAlive = false;
    this.host.onProcessEnd(this);
    this.network.onKill();
  }

  /**
   * Runs nothing for that long, as when one callback takes all the time, or the system gives none:
   * timers and what arrives meanwhile come late, all together, in their order.
   */
  freeze(forMs: number): void {
    if (!this.#isAlive) return;
    this.note(`is frozen for ${forMs} ms`);
    this.#frozenUntilMs = Math.max(this.#frozenUntilMs, this.world.timeMs + forMs);
  }

  /** kill -9 just before the process changes the disk for the count-th time from now on. */
  killAtDiskOperation(count: number): void {
    this.disk.atOperation(count, () => this.killInTurn());
  }

  /** kill -9 just before the process sends, or is handed, something for the count-th time. */
  killAtNetworkOperation(count: number): void {
    this.network.atOperation(count, () => this.killInTurn());
  }

  /** kill -9 in the middle of a turn: the rest of it has no effect on anything. */
  killInTurn(): void {
    if (!this.#isAlive) return;
    this.disk.leaveToGhost();
    this.kill();
  }

  /** The power is cut: nobody closes anything. */
  vanish(): void {
    if (!this.#isAlive) return;
    this.#isAlive = false;
    this.host.onProcessEnd(this);
    this.network.onVanish();
  }

  after(delayMs: number, callback: () => void): { cancel(): void } {
    return this.world.loop.schedule(delayMs, callback, this);
  }

  /** Resolves after the delay, and never if the process dies before. */
  pause(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      this.after(delayMs, resolve);
    });
  }

  note(what: string): void {
    this.world.note(`${this.name} ${what}`);
  }

  #createClock(): Clock {
    const { loop } = this.world;
    const lateness = this.prng.fork('timers');
    const timer = (delayMs: number, callback: () => void): { cancel(): void } => {
      const { timerLatenessMsMax } = this.world.faults.clock;
      const lateMs = timerLatenessMsMax === 0 ? 0 : lateness.float() * timerLatenessMsMax;
      // As with Node: no timer is due in the turn that sets it.
      return this.after(Math.max(delayMs, 1) + lateMs, callback);
    };
    return {
      now: () => Math.floor(epochMs + loop.timeMs + this.host.clockSkewMs),
      monotonic: () => this.#bootMs + loop.timeMs,
      after: timer,
      sleep: (delayMs) =>
        new Promise((resolve) => {
          timer(delayMs, resolve);
        }),
      nextTurn: (callback) => {
        this.after(0, callback);
      },
    };
  }
}

function createRandom(prng: Prng): Random {
  return {
    float: () => prng.float(),
    int: (bound) => prng.int(bound),
    bytes: (count) => prng.bytes(count),
  };
}

class SimLog implements Log {
  readonly #process: SimProcess;
  readonly #component: string;

  constructor(process: SimProcess, component: string) {
    this.#process = process;
    this.#component = component;
  }

  debug(message: string, fields?: LogFields): void {
    this.#write('debug', message, fields);
  }

  info(message: string, fields?: LogFields): void {
    this.#write('info', message, fields);
  }

  warn(message: string, fields?: LogFields): void {
    this.#write('warn', message, fields);
  }

  error(message: string, fields?: LogFields): void {
    this.#write('error', message, fields);
  }

  child(component: string): Log {
    return new SimLog(this.#process, component);
  }

  #write(level: LogLevel, message: string, fields: LogFields | undefined): void {
    const { io, name, world } = this.#process;
    const component = this.#component;
    world.onLog(name, { timeMs: io.clock.now(), level, component, message, fields });
  }
}
