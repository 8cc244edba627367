// What a cluster begins with: written, read back, and refused when it is damaged.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simulate } from '../../sim/index.ts';
import type { Io } from '../io/index.ts';
import { bootstrapBytes, bootstrapPath, readBootstrap } from './bootstrap-checkpoint.ts';
import type { MetadataRecord } from './records/index.ts';

const user: MetadataRecord = {
  type: 'UserScramCredentialRecord',
  name: 'alice',
  mechanism: 1,
  salt: Buffer.from('salt'),
  storedKey: Buffer.alloc(32, 1),
  serverKey: Buffer.alloc(32, 2),
  iterations: 4096,
};

function write(io: Io, bytes: Buffer): void {
  io.disk.makeDirectory('/data');
  const file = io.disk.open(bootstrapPath('/data'), 'create');
  file.truncate(0);
  file.write([bytes], 0);
  file.close();
}

test('users are read back as they were written, and nothing where there is no file', async () => {
  await simulate(async (io) => {
    assert.deepEqual(readBootstrap(io.disk, '/data'), []);
    const feature = {
      type: 'FeatureLevelRecord',
      name: 'metadata.version',
      featureLevel: 1,
    } as const;
    write(io, bootstrapBytes(io, [feature, user]));
    assert.deepEqual(readBootstrap(io.disk, '/data'), [user]);
    await Promise.resolve();
  });
});

test('a file with a bit changed is refused with its path and what helps', async () => {
  await simulate(async (io) => {
    const bytes = bootstrapBytes(io, [user]);
    for (let at = 61; at < bytes.length; at += 7) {
      const damaged = Buffer.from(bytes);
      damaged[at] = (damaged[at] as number) ^ 16;
      write(io, damaged);
      try {
        assert.deepEqual(readBootstrap(io.disk, '/data'), [user]);
      } catch (error) {
        assert.match((error as Error).message, /^\/data\/bootstrap.checkpoint: .*; remove it, and/);
      }
    }
    await Promise.resolve();
  });
});
