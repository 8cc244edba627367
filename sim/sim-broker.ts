// One broker of a cluster in a world: a host, and on it one process after the other that runs the
// real Broker. Whatever a launcher does around a broker (a clean stop, an exit when the broker
// cannot go on) is done here.
//
// Invariant: there is at most one process of the broker at a time.

import { assert } from '../src/base/assert.ts';
import { Broker, type BrokerOptions, loadMemberParts } from '../src/broker/index.ts';
import { loadBrokerConfig } from '../src/config/index.ts';
import type { Io } from '../src/io/index.ts';
import type { Host } from './host.ts';
import type { SimProcess } from './sim-process.ts';

// Reading files takes time that a simulated world does not have.
await loadMemberParts();

/** A broker that gave up, as a launcher would: it said why, and the process is gone. */
export interface BrokerExit {
  readonly broker: SimBroker;
  readonly error: Error;
  /** It never came to serve. */
  readonly wasStarting: boolean;
}

export interface SimBrokerOptions {
  readonly config: Readonly<Record<string, string>>;
  readonly plant: (io: Io) => Io;
  readonly onExit: (exit: BrokerExit) => void;
}

export interface StartOptions extends Pick<BrokerOptions, 'acceptLostLogDirs'> {
  /** On top of what the broker has. */
  readonly config?: Readonly<Record<string, string>>;
}

export class SimBroker {
  readonly host: Host;
  readonly #options: SimBrokerOptions;
  #process: SimProcess | null = null;
  #broker: Broker | null = null;
  #startCount = 0;
  /** A start that was to accept lost directories has not succeeded: the next one accepts them. */
  #mayLoseLogDirs = false;

  constructor(host: Host, options: SimBrokerOptions) {
    this.host = host;
    this.#options = options;
  }

  /** There is a process; it may still be recovering. */
  get isUp(): boolean {
    return this.#process?.isAlive ?? false;
  }

  /** It serves clients. */
  get isReady(): boolean {
    return this.isUp && this.#broker !== null;
  }

  /** How many times a process was started. */
  get startCount(): number {
    return this.#startCount;
  }

  /** Switches the host on if the power is off. */
  start(options: StartOptions = {}): void {
    assert(!this.isUp, 'a broker is started when it is down');
    this.#startCount++;
    this.#broker = null;
    this.#mayLoseLogDirs ||= options.acceptLostLogDirs ?? false;
    this.#process = this.host.start((io, process) => this.#run(io, process, options));
  }

  /** kill -9 */
  kill(): void {
    this.#process?.kill();
  }

  powerCut(): void {
    this.host.powerCut();
  }

  /** The process that runs, if any. */
  get process(): SimProcess | null {
    return this.isUp ? this.#process : null;
  }

  /** kill -9 just before the process changes the disk for the count-th time from now on. */
  killAtDiskOperation(count: number): void {
    this.#process?.killAtDiskOperation(count);
  }

  /** What SIGTERM does. The process is gone some time later; it may be killed before. */
  stop(): void {
    const process = this.#process;
    const broker = this.#broker;
    if (process === null || !process.isAlive || broker === null) return;
    process.note('is asked to stop');
    broker.stop().then(
      () => process.kill(),
      (error: Error) => this.#exit(process, error),
    );
  }

  async #run(io: Io, process: SimProcess, { config }: StartOptions): Promise<void> {
    const overrides = Object.entries({ ...this.#options.config, ...config });
    const loaded = loadBrokerConfig({ overrides });
    try {
      const broker = await Broker.start(this.#options.plant(io), loaded.config, {
        acceptLostLogDirs: this.#mayLoseLogDirs,
        onFatal: (error) => this.#exit(process, error),
      });
      if (this.#process === process) {
        this.#broker = broker;
        this.#mayLoseLogDirs = false;
      }
      process.note('serves');
    } catch (error) {
      this.#exit(process, error as Error);
    }
  }

  #exit(process: SimProcess, error: Error): void {
    if (!process.isAlive) return;
    const wasStarting = this.#broker === null;
    process.note(`gives up: ${error.message}`);
    process.kill();
    this.#options.onExit({ broker: this, error, wasStarting });
  }
}
