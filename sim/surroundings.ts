// What the parts of a world know of what is around them: a disk of its process, a process of its
// host, a host of its world. The classes are made from the inside out (world.ts imports all of
// them); each knows what is outside it by an interface of this file, which imports none of them.

import type { Prng } from '../src/base/prng.ts';
import type { Connection, Io } from '../src/io/io.ts';
import type { LogEntry } from '../src/io/log-line.ts';
import type { EventLoop, EventOwner } from './event-loop.ts';
import type { Faults } from './faults.ts';
import type { FileSystem } from './file-system.ts';

/** The world, to what is in it. */
export interface EnclosingWorld {
  readonly prng: Prng;
  readonly loop: EventLoop;
  readonly network: Wires;
  /** May be replaced at any time, for example to heal. */
  faults: Faults;
  readonly hosts: readonly EnclosingHost[];
  readonly timeMs: number;
  note(what: string): void;
  fail(error: unknown): void;
  onLog(processName: string, entry: LogEntry): void;
}

/** A host, to its processes and the network. */
export interface EnclosingHost {
  readonly world: EnclosingWorld;
  readonly name: string;
  readonly address: string;
  readonly bootId: string;
  readonly isUp: boolean;
  readonly clockSkewMs: number;
  readonly processes: readonly EnclosingProcess[];
  files: FileSystem;
  takeLock(path: string, process: EnclosingProcess): boolean;
  releaseLock(path: string): void;
  isFrozen(path: string): boolean;
  thawed(path: string): Promise<void>;
  onProcessEnd(process: EnclosingProcess): void;
  /** Starts one more process; whoever holds it uses its `io`. */
  start(): EnclosingProcess;
  powerCut(): void;
  shiftClock(byMs: number): void;
  removeTree(path: string): void;
  replaceTree(path: string): void;
  freezeTree(path: string): void;
  thaw(): void;
}

/** A process, to its disk and its connections. */
export interface EnclosingProcess extends EventOwner {
  readonly host: EnclosingHost;
  readonly world: EnclosingWorld;
  readonly name: string;
  readonly io: Io;
  readonly isFrozen: boolean;
  after(delayMs: number, callback: () => void): { cancel(): void };
  pause(delayMs: number): Promise<void>;
  note(what: string): void;
  kill(): void;
}

/** The internet, to what is connected by it. */
export interface Wires {
  readonly prng: Prng;
  isOpen(source: EnclosingHost, target: EnclosingHost): boolean;
  delayMs(source: EnclosingHost, target: EnclosingHost): number;
  transferMs(source: EnclosingHost, sizeBytes: number): number;
  resolve(from: EnclosingHost, name: string): { host: EnclosingHost; address: string } | null;
  bindAddress(host: EnclosingHost, name: string): string | null;
  nextPort(): number;
  addListener(host: EnclosingHost, port: BoundPort): boolean;
  removeListener(host: EnclosingHost, port: BoundPort): void;
  findListener(host: EnclosingHost, address: string, port: number): BoundPort | null;
  add(end: StreamEnd): void;
  remove(end: StreamEnd): void;
  onBoot(host: EnclosingHost): void;
}

/** The network of a process, to its connections. */
export interface Sockets {
  readonly process: EnclosingProcess;
  add(end: StreamEnd): void;
  remove(end: StreamEnd): void;
  /** Before something is sent or handed over. */
  onOperation(): void;
}

/** A listener, to the internet and whoever connects. */
export interface BoundPort {
  readonly host: string;
  readonly port: number;
  readonly network: Sockets;
  readonly onConnection: (connection: Connection) => void;
}

/** One end of a connection, to the internet. */
export interface StreamEnd {
  readonly process: EnclosingProcess;
  readonly peer: StreamEnd;
  onHeal(): void;
  onReset(reason: string): void;
  onBoot(): void;
}
