// A world: hosts, a network between them and virtual time, all from one seed. Everything that
// happens in it is a function of the seed and of the code under test, and leaves its mark in the
// trace. A world is driven from outside with `run` and `advance`, one at a time.

import { Prng } from '../src/base/prng.ts';
import type { LogEntry } from '../src/io/log-line.ts';
import { EventLoop } from './event-loop.ts';
import { calm, type Faults, type PartialFaults, swarmFaults, withFaults } from './faults.ts';
import { Host } from './host.ts';
import { Internet } from './internet.ts';
import { type Reach, Reached } from './reached.ts';
import type { Main, SimProcess } from './sim-process.ts';
import type { EnclosingWorld } from './surroundings.ts';
import { Trace, type TraceOptions } from './trace.ts';
import { followNoPromises } from './untracked.ts';

export interface WorldOptions {
  readonly seed?: number | string;
  /** `swarm` draws a mix from the seed. Default: calm, with the changes given. */
  readonly faults?: 'swarm' | PartialFaults;
  readonly trace?: TraceOptions;
  /** Receives what the processes log; the trace has it in any case, without error stacks. */
  readonly onLog?: (processName: string, entry: LogEntry) => void;
  /** What is counted. */
  readonly reaches?: readonly Reach[];
}

/** A run that takes longer than this in virtual time has lost its way. */
const dayMs = 24 * 3_600_000;

export class World implements EnclosingWorld {
  readonly seed: string;
  readonly prng: Prng;
  readonly trace: Trace;
  readonly loop = new EventLoop();
  readonly network: Internet;
  readonly reached: Reached;
  /** May be replaced at any time, for example to heal. */
  faults: Faults;
  readonly #hosts = new Map<string, Host>();
  readonly #onLog: ((processName: string, entry: LogEntry) => void) | undefined;

  constructor(options: WorldOptions = {}) {
    followNoPromises();
    this.prng = new Prng(options.seed ?? 1);
    this.seed = this.prng.seed;
    this.trace = new Trace(options.trace);
    this.reached = new Reached(options.reaches);
    this.#onLog = options.onLog;
    this.faults =
      options.faults === 'swarm'
        ? swarmFaults(this.prng.fork('faults'))
        : withFaults(calm, options.faults ?? {});
    this.network = new Internet(this);
  }

  /** Virtual milliseconds since the world began. */
  get timeMs(): number {
    return this.loop.timeMs;
  }

  get hosts(): readonly Host[] {
    return [...this.#hosts.values()];
  }

  /** The host of that name, made when it is first asked for. */
  host(name: string): Host {
    let host = this.#hosts.get(name);
    if (host === undefined) {
      const number = this.#hosts.size + 1;
      host = new Host(this, name, `10.0.${number >> 8}.${number & 255}`);
      this.#hosts.set(name, host);
    }
    return host;
  }

  /** Starts a process on the host of that name. */
  startProcess(hostName: string, main?: Main): SimProcess {
    return this.host(hostName).start(main);
  }

  /** Lets that much virtual time pass. */
  async advance(byMs: number): Promise<void> {
    await this.loop.run(this.loop.timeMs + byMs, () => false);
  }

  /**
   * Runs until that virtual time, or until the predicate holds (asked after each event). Rejects
   * with what any process throws, and if the predicate does not hold within `limitMs` (default:
   * a day) or nothing is left to happen.
   */
  async run(until: number | (() => boolean), limitMs = dayMs): Promise<void> {
    if (typeof until === 'number') {
      await this.loop.run(until, () => false);
      return;
    }
    const endMs = this.loop.timeMs + limitMs;
    if (await this.loop.run(endMs, until)) return;
    const reason = this.loop.isIdle
      ? 'never happens: nothing is left to do'
      : `did not happen within ${limitMs} ms of virtual time`;
    throw new Error(`what was waited for ${reason}`);
  }

  /** Runs until the promise settles, and returns or throws what it settles with. */
  async settle<T>(promise: Promise<T>, limitMs = dayMs): Promise<T> {
    let outcome: { value: T } | { error: unknown } | null = null;
    promise.then(
      (value) => {
        outcome = { value };
      },
      (error: unknown) => {
        outcome = { error };
      },
    );
    await this.run(() => outcome !== null, limitMs);
    const settled = outcome as unknown as { value: T } | { error: unknown };
    if ('error' in settled) throw settled.error;
    return settled.value;
  }

  /** Ends the current run, and every later one, with this error. */
  fail(error: unknown): void {
    this.note(`failure: ${error instanceof Error ? error.message : String(error)}`);
    this.loop.fail(error);
  }

  note(what: string): void {
    this.trace.add(this.loop.timeMs, what);
  }

  onLog(processName: string, entry: LogEntry): void {
    this.note(`${processName} logs ${entry.level} ${entry.component} ${entry.message}`);
    this.reached.onLog(entry);
    this.#onLog?.(processName, entry);
  }
}
