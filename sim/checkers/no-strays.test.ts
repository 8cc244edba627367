// no-strays.ts: what it lets pass, what it refuses, and a planted bug that it finds.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Io } from '../../src/io/index.ts';
import { FileSystem } from '../file-system.ts';
import { runMetadata } from '../scenarios/metadata.ts';
import { World } from '../world.ts';
import { assertNothingSetAside } from './no-strays.ts';

const unique = '0123456789abcdef0123456789abcdef';

test('folders of topics are not set aside; ends of the metadata log may be', () => {
  const files = new FileSystem();
  for (const name of ['t-0', `t-1.${unique}-delete`, `__cluster_metadata-0.${unique}-stray`]) {
    files.makeDirectory(`/data/${name}`, 0);
  }
  assertNothingSetAside(files, '/data');
  files.makeDirectory(`/data/t-2.${unique}-stray`, 0);
  assert.throws(() => assertNothingSetAside(files, '/data'), /t-2\.\w+-stray/);
});

/** A broker that never finds a deletion in its metadata log, nor any notes. */
function forgetful(io: Io): Io {
  const disk = new Proxy(io.disk, {
    get(target, key) {
      if (key === 'list') {
        return (path: string) =>
          target.list(path).filter(({ name }) => !isAskedForProof(path, name));
      }
      const value = Reflect.get(target, key, target) as unknown;
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  return { ...io, disk };
}

/** deleted-topics.ts asks for segments by their names once more; others read them by offset. */
function isAskedForProof(path: string, name: string): boolean {
  const isSegment = path.endsWith('__cluster_metadata-0') && name.endsWith('.log');
  return isSegment && (new Error().stack ?? '').includes('deletedTopicsIn');
}

test('a broker that cannot prove deletions is found out', async () => {
  let found = 0;
  for (let seed = 46; seed <= 97 && found === 0; seed++) {
    await runMetadata(new World({ seed }), { plant: forgetful }).catch((error: Error) => {
      assert.match(error.message, /set aside though nothing was damaged/);
      found++;
    });
  }
  assert.ok(found > 0);
});
