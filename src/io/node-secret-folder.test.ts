// A folder of secrets on a real disk: who may read it, and what a kill leaves.

import assert from 'node:assert/strict';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { openSecretFolder, readSecret } from './node-secret-folder.ts';

let above = '';
let path = '';

beforeEach(() => {
  above = mkdtempSync(join(tmpdir(), 'partita-secret-'));
  path = join(above, 'made', 'data-secure');
});
afterEach(() => rmSync(above, { recursive: true, force: true }));

const modeOf = (each: string): number => statSync(each).mode & 0o777;

describe('a folder of secrets', () => {
  test('is its owner’s alone, and so are its files, whatever the umask', () => {
    const before = process.umask(0);
    try {
      const folder = openSecretFolder(path);
      folder.write('key', 'secret');
      folder.release();
    } finally {
      process.umask(before);
    }
    assert.equal(modeOf(path), 0o700);
    assert.equal(modeOf(join(path, 'key')), 0o600);
    assert.equal(readSecret(join(path, 'key')), 'secret');
    assert.equal(readSecret(join(path, 'none')), null);
  });

  test('is shut when it was left open', () => {
    mkdirSync(path, { recursive: true });
    chmodSync(path, 0o755);
    writeFileSync(join(path, 'key'), 'secret');
    chmodSync(join(path, 'key'), 0o644);
    const folder = openSecretFolder(path);
    assert.equal(folder.read('key'), 'secret');
    folder.release();
    assert.deepEqual([modeOf(path), modeOf(join(path, 'key'))], [0o700, 0o600]);
  });

  test('replaces a file as a whole, over what a killed process has left', () => {
    const folder = openSecretFolder(path);
    writeFileSync(join(path, 'key.tmp'), 'half a sec', { mode: 0o644 });
    folder.write('key', 'one');
    folder.write('key', 'two');
    folder.release();
    assert.equal(readSecret(join(path, 'key')), 'two');
    assert.deepEqual(readdirSync(path), ['key']);
    assert.equal(modeOf(join(path, 'key')), 0o600);
  });

  test('is held by one process at a time', () => {
    const folder = openSecretFolder(path);
    assert.throws(() => openSecretFolder(path), { code: 'EBUSY', message: /another process/ });
    folder.release();
    openSecretFolder(path).release();
  });

  test('is no link, and no file: either could lead to what others chose', () => {
    mkdirSync(join(above, 'made'));
    mkdirSync(join(above, 'elsewhere'));
    symlinkSync(join(above, 'elsewhere'), path);
    assert.throws(() => openSecretFolder(path), { code: 'ENOTDIR' });
    rmSync(path);
    writeFileSync(path, '');
    assert.throws(() => openSecretFolder(path), { code: 'ENOTDIR', message: /move it away/ });
    rmSync(path);
    const folder = openSecretFolder(path);
    symlinkSync(join(above, 'elsewhere'), join(path, 'key'));
    assert.throws(() => folder.read('key'), { code: 'ENOTDIR' });
    folder.release();
  });
});
