// Bugs to plant under a broker, so that the tests of the checkers can show that each of them is
// found: disks that break one promise of Disk and keep the others, and parts of a broker that
// forget one thing.

import type { Disk, File, Io } from '../../src/io/index.ts';
import { runScenario, type Scenario } from '../scenario.ts';
import type { World } from '../world.ts';

/** The fsync of these files returns at once and does nothing. */
export function withLyingSync(paths: RegExp): (io: Io) => Io {
  const lie = { sync: async () => {} };
  return (io) => withDisk(io, {}, (file) => (paths.test(file.path) ? lie : {}));
}

/** The fsync of these directories returns at once and does nothing. */
export function withLyingDirectorySync(io: Io): Io {
  return withDisk(io, { syncDirectory: async () => {} });
}

/** A name is always taken for what it led to at first. */
export function withoutPresenceProof(io: Io): Io {
  const { disk } = io;
  return withDisk(
    io,
    {
      identity: async () => 'the same',
      lock: (path) => {
        const lock = disk.lock(path);
        return lock && { isHeld: async () => true, release: () => lock.release() };
      },
    },
    () => ({ identity: async () => 'the same' }),
  );
}

/** Nobody finds recovery-point-offset-checkpoint: a compacted log is believed every gap. */
export function withoutRecoveryPoints(io: Io): Io {
  const { disk } = io;
  const isIt = (path: string): boolean => path.endsWith('/recovery-point-offset-checkpoint');
  return withDisk(io, {
    stat: (path) => (isIt(path) ? null : disk.stat(path)),
    readFile: (path) => (isIt(path) ? null : disk.readFile(path)),
  });
}

/** What is cut off a log file stays there. */
export function withoutTruncation(io: Io): Io {
  const forget = { truncate: () => {} };
  return withDisk(io, {}, (file) => (file.path.endsWith('.log') ? forget : {}));
}

function withDisk(
  io: Io,
  changes: Partial<Disk>,
  changesOf: (file: File) => Partial<File> = () => ({}),
): Io {
  const open = (path: string, mode: 'read' | 'write' | 'create'): File => {
    const file = io.disk.open(path, mode);
    return overlay(file, changesOf(file));
  };
  return { ...io, disk: overlay(io.disk, { open, ...changes }) };
}

/** The target with some methods exchanged; the others see the target as it is. */
function overlay<T extends object>(target: T, changes: Partial<T>): T {
  return new Proxy(target, {
    get(_, name) {
      const changed = changes[name as keyof T];
      if (changed !== undefined) return changed;
      const value = Reflect.get(target, name, target) as unknown;
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

/** Runs while some methods of the class are others. */
export async function withPatch<T extends object, R>(
  prototype: T,
  patch: Partial<T>,
  run: () => Promise<R>,
): Promise<R> {
  const before = Object.getOwnPropertyDescriptors(prototype);
  Object.assign(prototype, patch);
  try {
    return await run();
  } finally {
    for (const name of Object.keys(patch)) {
      Object.defineProperty(prototype, name, before[name as keyof T] as PropertyDescriptor);
    }
  }
}

/**
 * What the first seed that finds something says, or null. `firstSeed` is the one that is known to:
 * those behind it are tried when other timing has hidden the bug from it.
 */
export async function firstFailure(
  run: (world: World) => Promise<void>,
  seedCount: number,
  firstSeed = 1,
  kind = /./,
): Promise<string | null> {
  const scenario: Scenario = { name: 'planted', about: 'a bug that must be found', run };
  for (let seed = firstSeed; seed < firstSeed + seedCount; seed++) {
    try {
      await runScenario(scenario, { seed });
    } catch (error) {
      if (kind.test(String(error))) return `seed ${seed}: ${error}`;
    }
  }
  return null;
}
