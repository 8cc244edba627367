// A disk that fails what the cleaner of a log writes, and nothing else: for as long as the chance
// is above 0.

import { type Disk, type File, type Io, IoError } from '../src/io/index.ts';

export class FaultyCleaning {
  chance = 0;

  /** Between a broker and its system. */
  readonly plant = (io: Io): Io => {
    const maybeFail = (path: string, action: string): void => {
      if (this.chance === 0 || !/\.(cleaned|swap)$/.test(path)) return;
      if (io.random.float() < this.chance)
        throw new IoError('EIO', `EIO: cannot ${action} ${path}`);
    };
    const open = (path: string, mode: 'read' | 'write' | 'create'): File => {
      maybeFail(path, 'open');
      return withFaults(io.disk.open(path, mode), maybeFail);
    };
    const rename = (source: string, target: string): void => {
      maybeFail(source, 'rename');
      io.disk.rename(source, target);
    };
    const disk = new Proxy(io.disk, {
      get: (target, name) => {
        if (name === 'open') return open;
        if (name === 'rename') return rename;
        return bound(target, name as keyof Disk);
      },
    });
    return { ...io, disk };
  };
}

type MaybeFail = (path: string, action: string) => void;

function withFaults(file: File, maybeFail: MaybeFail): File {
  const write: File['write'] = (chunks, position) => {
    maybeFail(file.path, 'write');
    file.write(chunks, position);
  };
  const sync = async (): Promise<void> => {
    maybeFail(file.path, 'sync');
    await file.sync();
  };
  return new Proxy(file, {
    get: (target, name) => {
      if (name === 'write') return write;
      if (name === 'sync') return sync;
      return bound(target, name as keyof File);
    },
  });
}

function bound<T extends object>(target: T, name: keyof T): unknown {
  const value = target[name];
  return typeof value === 'function' ? value.bind(target) : value;
}
