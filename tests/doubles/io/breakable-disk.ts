// A disk of which a part breaks when the test says so.

import { type Disk, type File, IoError } from '../../../src/io/index.ts';

/** Files below the path fail, once it is told so. */
export function breakableDisk(disk: Disk, path: string): { disk: Disk; break: () => void } {
  let isBroken = false;
  const check = (at: string): void => {
    if (isBroken && at.startsWith(path)) throw new IoError('EIO', `${at}: the disk is gone`);
  };
  const guarded = <T extends object>(target: T, pathOf: (args: unknown[]) => string): T =>
    new Proxy(target, {
      get(object, key) {
        const value = Reflect.get(object, key, object) as unknown;
        if (typeof value !== 'function') return value;
        return (...args: unknown[]) => {
          if (key !== 'close') check(pathOf(args));
          const result = (value as (...all: unknown[]) => unknown).apply(object, args);
          return key === 'open' ? guarded(result as File, () => String(args[0])) : result;
        };
      },
    });
  return {
    disk: guarded(disk, (args) => String(args[0])),
    break: () => {
      isBroken = true;
    },
  };
}
