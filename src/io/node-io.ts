// The real Io: Node's clock, sockets, files and randomness behind the types of io.ts.

import type { Io } from './io.ts';
import type { LogLevel } from './log-line.ts';
import { idleClock, nodeClock } from './node-clock.ts';
import { nodeDisk } from './node-disk.ts';
import { createNodeLog, type LogSink } from './node-log.ts';
import { idleNetwork, nodeNetwork } from './node-network.ts';
import { nodeRandom } from './node-random.ts';

export { onSystemSignals } from './node-signals.ts';

export interface NodeIoOptions {
  /** Entries below this level are dropped. Default `info`. */
  readonly logLevel?: LogLevel;
  /** Receives each finished line, without a line break. Default: standard error. */
  readonly logSink?: LogSink;
  /** False: a process does not stay for timers and connections. Default true. */
  readonly keepAlive?: boolean;
}

export function createNodeIo(options: NodeIoOptions = {}): Io {
  const isIdle = options.keepAlive === false;
  return {
    clock: isIdle ? idleClock : nodeClock,
    network: isIdle ? idleNetwork : nodeNetwork,
    disk: nodeDisk,
    random: nodeRandom,
    log: createNodeLog(options.logLevel, options.logSink),
  };
}

/** Keeps the process until the function that it returns is called. */
export function keepProcess(): () => void {
  const timer = nodeClock.after(2 ** 31, () => {});
  return () => timer.cancel();
}

/** The clock of `createNodeIo`, for who has no Io. */
export function nodeMonotonic(): number {
  return nodeClock.monotonic();
}

/** The variables of this process. */
export function nodeEnvironment(): Readonly<Record<string, string | undefined>> {
  return process.env;
}

/** How other processes are started; most start none. */
export function loadChildren(): Promise<typeof import('./node-children.ts')> {
  return import('./node-children.ts');
}

/** Folders that only their owner may read; most processes keep none. */
export function loadSecretFolders(): Promise<typeof import('./node-secret-folder.ts')> {
  return import('./node-secret-folder.ts');
}
