// A simulated machine: its files, its name in the network, its wall clock, and the processes that
// run on it. A killed process leaves the page cache behind; a power cut only what was synced.

import { assert } from '../src/base/assert.ts';
import { Deferred } from '../src/base/deferred.ts';
import type { Prng } from '../src/base/prng.ts';
import { type FileNode, FileSystem } from './file-system.ts';
import { type Main, SimProcess } from './sim-process.ts';
import type { EnclosingHost, EnclosingWorld } from './surroundings.ts';

export class Host implements EnclosingHost {
  readonly world: EnclosingWorld;
  readonly name: string;
  /** As it appears in connections; names and addresses both reach the host. */
  readonly address: string;
  files = new FileSystem();
  /** How far the wall clock is off. */
  clockSkewMs: number;
  /** Before each jump of it. */
  readonly #formerSkews: { readonly untilMs: number; readonly skewMs: number }[] = [];
  #isUp = true;
  #bootCount = 1;
  #incarnationCount = 0;
  readonly #prng: Prng;
  readonly #processes = new Set<SimProcess>();
  readonly #locks = new Map<string, SimProcess>();
  readonly #frozen = new Map<string, Deferred<void>>();

  constructor(world: EnclosingWorld, name: string, address: string) {
    this.world = world;
    this.name = name;
    this.address = address;
    this.#prng = world.prng.fork(`host ${name}`);
    this.clockSkewMs = (this.#prng.float() * 2 - 1) * world.faults.clock.skewMsMax;
  }

  /** Another one after each power cut, as in Linux. */
  get bootId(): string {
    return `${this.name} boot ${this.#bootCount}`;
  }

  get isUp(): boolean {
    return this.#isUp;
  }

  get processes(): readonly SimProcess[] {
    return [...this.#processes];
  }

  /**
   * Starts a process, after switching the host on if it was off. Without `main`, whoever holds
   * the process uses its `io` from outside.
   */
  start(main?: Main): SimProcess {
    if (!this.#isUp) {
      this.#isUp = true;
      this.world.network.onBoot(this);
    }
    const incarnation = ++this.#incarnationCount;
    const process = new SimProcess(this, incarnation, this.#prng.fork(`process ${incarnation}`));
    this.#processes.add(process);
    this.world.note(`${process.name} starts`);
    if (main !== undefined) process.run(main);
    return process;
  }

  /** Kills every process (kill -9). */
  kill(): void {
    for (const process of this.processes) process.kill();
  }

  /** Everything stops at once and says nothing; unsynced data is lost. `start` switches on. */
  powerCut(): void {
    this.world.note(`${this.name} loses power`);
    this.#isUp = false;
    this.#bootCount++;
    for (const process of this.processes) process.vanish();
    this.files.powerCut(this.#prng);
    for (const [path, file] of this.files.files()) {
      this.world.note(`${this.name} keeps ${path} ${file.content.sizeBytes}`);
    }
  }

  /** The wall clock jumps, either way. The monotonic one does not. */
  shiftClock(byMs: number): void {
    this.world.note(`${this.name} clock jumps by ${byMs} ms`);
    this.#formerSkews.push({ untilMs: this.world.timeMs, skewMs: this.clockSkewMs });
    this.clockSkewMs += byMs;
  }

  /** All that its wall clock has been off within the last `forMs`. */
  clockSkewsMs(forMs: number): number[] {
    const sinceMs = this.world.timeMs - forMs;
    const former = this.#formerSkews.filter(({ untilMs }) => untilMs >= sinceMs);
    return [this.clockSkewMs, ...former.map(({ skewMs }) => skewMs)];
  }

  /** Flips a random bit of the file, cache and platter alike; null if it is empty or missing. */
  rotBit(path: string): { position: number; bit: number } | null {
    const file = this.files.find(path) as FileNode | null;
    if (file === null || file.content.sizeBytes === 0) return null;
    const position = this.#prng.int(file.content.sizeBytes);
    const bit = this.#prng.int(8);
    this.world.note(`${this.name} bit rot in ${path} at ${position}.${bit}`);
    file.content.flipBit(position, bit);
    return { position, bit };
  }

  /** Whether the process now holds the lock; a dead holder has lost it. */
  takeLock(path: string, process: SimProcess): boolean {
    if (this.#locks.get(path)?.isAlive) return false;
    this.#locks.set(path, process);
    return true;
  }

  releaseLock(path: string): void {
    this.#locks.delete(path);
  }

  /** Takes the tree away under those who have it open: `rm -rf`, a disk that was pulled out. */
  removeTree(path: string): void {
    this.world.note(`${this.name} ${path} vanishes`);
    for (const each of this.files.removalOrder(path)) this.files.unlink(each, 0);
  }

  /**
   * Another directory, empty, is under the name: a disk mounted over it, or not mounted. This is no
   * write that a power cut could take back: it would leave a part of the old disk in the new one.
   */
  replaceTree(path: string): void {
    this.removeTree(path);
    this.files.makeDirectory(path, 0);
    this.files.commit(this.files.changeCount);
  }

  /**
   * From now on nothing that a process asks of the tree comes back, as with a network disk that is
   * dead: writes reach the page cache, syncs and reads never end.
   */
  freezeTree(path: string): void {
    this.world.note(`${this.name} ${path} is frozen`);
    if (!this.#frozen.has(path)) this.#frozen.set(path, new Deferred());
  }

  thaw(): void {
    for (const thawed of this.#frozen.values()) thawed.resolve();
    this.#frozen.clear();
  }

  isFrozen(path: string): boolean {
    return this.#freezeOf(path) !== undefined;
  }

  async thawed(path: string): Promise<void> {
    await this.#freezeOf(path)?.promise;
  }

  #freezeOf(path: string): Deferred<void> | undefined {
    for (const [tree, freeze] of this.#frozen) {
      if (path === tree || path.startsWith(`${tree}/`)) return freeze;
    }
    return undefined;
  }

  onProcessEnd(process: SimProcess): void {
    const wasThere = this.#processes.delete(process);
    assert(wasThere, 'a process ends once');
  }
}
