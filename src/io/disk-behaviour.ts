// The part of the behaviour suite about files, directories and locks (see io-behaviour.ts).

import assert from 'node:assert/strict';
import type { Disk, Io } from './io.ts';

type TestIo = (title: string, body: (io: Io, directory: string) => Promise<void>) => void;

export function diskBehaviour(testIo: TestIo): void {
  const testDisk: TestDisk = (title, body) => {
    testIo(title, (io, directory) => body(io.disk, directory, io));
  };
  contentBehaviour(testDisk);
  boundedReadBehaviour(testDisk);
  fileBehaviour(testDisk);
  directoryBehaviour(testDisk);
  identityBehaviour(testDisk);
  lockBehaviour(testDisk);
}

type TestDisk = (
  title: string,
  body: (disk: Disk, directory: string, io: Io) => Promise<void>,
) => void;

function writeText(disk: Disk, path: string, text: string): void {
  const file = disk.open(path, 'create');
  file.truncate(0);
  file.write([Buffer.from(text)], 0);
  file.close();
}

function names(disk: Disk, path: string): string[] {
  return disk
    .list(path)
    .map((entry) => entry.name)
    .sort();
}

function contentBehaviour(testDisk: TestDisk): void {
  testDisk('what is written in chunks is read as one', async (disk, directory) => {
    const file = disk.open(`${directory}/a`, 'create');
    file.write([Buffer.from('one '), Buffer.alloc(0), Buffer.from('two')], 0);
    file.write([Buffer.from('TWO!')], 4);
    const buffer = Buffer.alloc(8);
    assert.equal(await file.read(buffer, 0), 8);
    assert.equal(buffer.toString(), 'one TWO!');
    assert.equal(file.readSync(buffer.subarray(0, 3), 4), 3);
    assert.equal(buffer.toString('latin1', 0, 3), 'TWO');
    assert.equal(file.sizeBytes(), 8);
    file.close();
    assert.equal(disk.readFile(`${directory}/a`)?.toString(), 'one TWO!');
  });

  testDisk('more chunks than one system call takes are written whole', async (disk, directory) => {
    const file = disk.open(`${directory}/many`, 'create');
    const chunks = Array.from({ length: 3_000 }, (_, i) => Buffer.from(`${i},`));
    file.write(chunks, 3);
    const expected = Buffer.concat([Buffer.alloc(3), ...chunks]);
    file.close();
    assert.ok(disk.readFile(`${directory}/many`)?.equals(expected));
  });

  testDisk('the system tells how many files may be open, if it does', async (disk) => {
    assert.ok(disk.descriptorsMax() > 0);
  });

  testDisk('a read at the end of a file returns what is there', async (disk, directory) => {
    const file = disk.open(`${directory}/a`, 'create');
    file.write([Buffer.from('12345')], 0);
    const buffer = Buffer.alloc(4);
    assert.equal(await file.read(buffer, 3), 2);
    assert.equal(buffer.toString('latin1', 0, 2), '45');
    assert.equal(await file.read(buffer, 5), 0);
    assert.equal(await file.read(buffer, 500), 0);
    assert.equal(file.readSync(buffer, 4), 1);
    assert.equal(file.readSync(buffer, 5), 0);
    file.close();
  });

  testDisk('a write behind the end leaves zeroes between', async (disk, directory) => {
    const file = disk.open(`${directory}/a`, 'create');
    file.write([Buffer.from('z')], 3);
    file.close();
    assert.deepEqual(disk.readFile(`${directory}/a`), Buffer.from([0, 0, 0, 0x7a]));
  });

  testDisk('the writer may reuse its buffer after the write', async (disk, directory) => {
    const file = disk.open(`${directory}/a`, 'create');
    const buffer = Buffer.from('kept');
    file.write([buffer], 0);
    buffer.fill('x');
    await file.sync();
    file.close();
    assert.equal(disk.readFile(`${directory}/a`)?.toString(), 'kept');
  });

  testDisk('truncate shortens, and lengthens with zeroes', async (disk, directory) => {
    const file = disk.open(`${directory}/a`, 'create');
    file.write([Buffer.from('abcdef')], 0);
    file.truncate(2);
    assert.equal(file.sizeBytes(), 2);
    file.truncate(4);
    assert.equal(file.sizeBytes(), 4);
    file.close();
    assert.deepEqual(disk.readFile(`${directory}/a`), Buffer.from('ab\0\0'));
  });
}

function boundedReadBehaviour(testDisk: TestDisk): void {
  testDisk(
    'a file is read whole, or not at all when it is larger than is asked for',
    async (disk, at) => {
      const path = `${at}/a`;
      const file = disk.open(path, 'create');
      file.write([Buffer.from('four')], 0);
      assert.equal(disk.readFile(path, 4)?.toString(), 'four');
      assert.throws(() => disk.readFile(path, 3), { name: 'IoError', code: 'EFBIG' });
      file.close();
      assert.throws(() => disk.readFile(at, 100), { name: 'IoError', code: 'EISDIR' });
      assert.equal(disk.readFile(`${at}/none`, 100), null);
    },
  );
}

function fileBehaviour(testDisk: TestDisk): void {
  testDisk('opening what is not there fails, unless to create it', async (disk, directory) => {
    const path = `${directory}/missing`;
    for (const mode of ['read', 'write'] as const) {
      assert.throws(() => disk.open(path, mode), {
        name: 'IoError',
        code: 'ENOENT',
        message: `cannot open ${path}: no such file or directory (ENOENT)`,
      });
    }
    assert.throws(() => disk.open(`${directory}/no/file`, 'create'), { code: 'ENOENT' });
    assert.equal(disk.readFile(path), null);
    assert.equal(disk.stat(path), null);
    disk.open(path, 'create').close();
    disk.open(path, 'create').close();
    assert.equal(disk.stat(path)?.sizeBytes, 0);
  });

  testDisk('a file opened to read cannot be written', async (disk, directory) => {
    writeText(disk, `${directory}/a`, 'text');
    const file = disk.open(`${directory}/a`, 'read');
    assert.throws(() => file.write([Buffer.from('x')], 0), { name: 'IoError', code: 'EBADF' });
    file.close();
  });

  testDisk('close is idempotent and lets a read finish', async (disk, directory) => {
    writeText(disk, `${directory}/a`, 'text');
    const file = disk.open(`${directory}/a`, 'write');
    const buffer = Buffer.alloc(4);
    const reading = file.read(buffer, 0);
    const syncing = file.sync();
    file.close();
    file.close();
    assert.equal(await reading, 4);
    await syncing;
    assert.equal(buffer.toString(), 'text');
    assert.throws(() => file.write([buffer], 0), { code: 'EBADF' });
    assert.throws(() => file.sizeBytes(), { code: 'EBADF' });
    await assert.rejects(file.read(buffer, 0), { code: 'EBADF' });
    await assert.rejects(file.sync(), { code: 'EBADF' });
  });

  testDisk('an open file outlives its removal and its renaming', async (disk, directory) => {
    const file = disk.open(`${directory}/a`, 'create');
    file.write([Buffer.from('1')], 0);
    disk.rename(`${directory}/a`, `${directory}/b`);
    file.write([Buffer.from('2')], 1);
    assert.equal(disk.readFile(`${directory}/b`)?.toString(), '12');
    await disk.remove(`${directory}/b`);
    const buffer = Buffer.alloc(2);
    assert.equal(await file.read(buffer, 0), 2);
    assert.equal(buffer.toString(), '12');
    file.close();
  });

  testDisk('stat tells size, kind and a time near now', async (disk, directory, io) => {
    writeText(disk, `${directory}/a`, 'text');
    const stat = disk.stat(`${directory}/a`);
    assert.equal(stat?.sizeBytes, 4);
    assert.equal(stat?.isDirectory, false);
    assert.ok(Math.abs((stat?.modifiedMs ?? 0) - io.clock.now()) < 60_000);
    assert.equal(disk.stat(directory)?.isDirectory, true);
  });

  testDisk('the space of a disk is told', async (disk, directory) => {
    const { totalBytes, usableBytes } = disk.space(directory);
    assert.ok(usableBytes > 0 && usableBytes <= totalBytes);
  });
}

function directoryBehaviour(testDisk: TestDisk): void {
  testDisk('directories are made with their parents, once or twice', async (disk, directory) => {
    disk.makeDirectory(`${directory}/x/y/z`);
    disk.makeDirectory(`${directory}/x/y/z`);
    writeText(disk, `${directory}/x/file`, '');
    const entries = disk.list(`${directory}/x`);
    entries.sort((one, other) => (one.name < other.name ? -1 : 1));
    assert.deepEqual(entries, [
      { name: 'file', isDirectory: false },
      { name: 'y', isDirectory: true },
    ]);
    assert.throws(() => disk.makeDirectory(`${directory}/x/file`), { code: 'EEXIST' });
    assert.throws(() => disk.list(`${directory}/nowhere`), { code: 'ENOENT' });
    assert.throws(() => disk.list(`${directory}/x/file`), { code: 'ENOTDIR' });
  });

  testDisk('rename replaces a file, and moves a directory whole', async (disk, directory) => {
    writeText(disk, `${directory}/new`, 'new');
    writeText(disk, `${directory}/old`, 'old');
    disk.rename(`${directory}/new`, `${directory}/old`);
    assert.deepEqual(names(disk, directory), ['old']);
    assert.equal(disk.readFile(`${directory}/old`)?.toString(), 'new');
    disk.makeDirectory(`${directory}/from/deep`);
    writeText(disk, `${directory}/from/deep/file`, 'moved');
    disk.rename(`${directory}/from`, `${directory}/to`);
    assert.equal(disk.readFile(`${directory}/to/deep/file`)?.toString(), 'moved');
    assert.equal(disk.stat(`${directory}/from`), null);
  });

  testDisk('a rename that cannot be is an error', async (disk, directory) => {
    disk.makeDirectory(`${directory}/full/inside`);
    disk.makeDirectory(`${directory}/other`);
    assert.throws(() => disk.rename(`${directory}/none`, `${directory}/b`), { code: 'ENOENT' });
    assert.throws(() => disk.rename(`${directory}/other`, `${directory}/full`), {
      code: 'ENOTEMPTY',
    });
  });

  testDisk('remove takes files and whole trees, there or not', async (disk, directory) => {
    disk.makeDirectory(`${directory}/tree/branch`);
    writeText(disk, `${directory}/tree/branch/leaf`, 'x');
    writeText(disk, `${directory}/tree/leaf`, 'y');
    writeText(disk, `${directory}/file`, 'z');
    await disk.remove(`${directory}/tree`);
    await disk.remove(`${directory}/tree`);
    await disk.remove(`${directory}/file`);
    assert.deepEqual(disk.list(directory), []);
  });

  testDisk('a directory is made below one that must be there', async (disk, directory) => {
    disk.makeDirectory(`${directory}/a`, 'there');
    disk.makeDirectory(`${directory}/a`, 'there');
    assert.deepEqual(names(disk, directory), ['a']);
    assert.throws(() => disk.makeDirectory(`${directory}/none/b`, 'there'), { code: 'ENOENT' });
    assert.deepEqual(names(disk, directory), ['a']);
    writeText(disk, `${directory}/file`, '');
    assert.throws(() => disk.makeDirectory(`${directory}/file`, 'there'), { code: 'EEXIST' });
    assert.throws(() => disk.makeDirectory(`${directory}/file/c`, 'there'), { code: 'ENOTDIR' });
  });

  testDisk('directories can be synced, if they exist', async (disk, directory) => {
    await disk.syncDirectory(directory);
    await assert.rejects(disk.syncDirectory(`${directory}/none`), { code: 'ENOENT' });
  });
}

function identityBehaviour(testDisk: TestDisk): void {
  testDisk('a name and an open file show whether they are the same', async (disk, directory) => {
    const path = `${directory}/a`;
    assert.equal(await disk.identity(path), null);
    writeText(disk, path, 'one');
    const file = disk.open(path, 'write');
    const identity = await file.identity();
    assert.equal(await disk.identity(path), identity);
    file.write([Buffer.from('two')], 0);
    disk.rename(path, `${directory}/b`);
    assert.equal(await disk.identity(path), null);
    assert.equal(await disk.identity(`${directory}/b`), identity);
    writeText(disk, path, 'another');
    assert.notEqual(await disk.identity(path), identity);
    await disk.remove(`${directory}/b`);
    assert.equal(await file.identity(), identity);
    file.close();
    await assert.rejects(file.identity(), { code: 'EBADF' });
  });

  testDisk('a directory has an identity, and its successor another', async (disk, directory) => {
    disk.makeDirectory(`${directory}/a`);
    const identity = await disk.identity(`${directory}/a`);
    assert.notEqual(identity, await disk.identity(directory));
    writeText(disk, `${directory}/a/file`, '');
    assert.equal(await disk.identity(`${directory}/a`), identity);
    disk.makeDirectory(`${directory}/other`);
    disk.rename(`${directory}/a`, `${directory}/c`);
    disk.rename(`${directory}/other`, `${directory}/a`);
    assert.notEqual(await disk.identity(`${directory}/a`), identity);
    assert.equal(await disk.identity(`${directory}/a/file`), null);
  });

  testDisk('answers are counted', async (disk, directory) => {
    const before = disk.answerCount;
    await disk.identity(directory);
    await disk.syncDirectory(directory);
    assert.ok(disk.answerCount >= before + 2);
  });
}

function lockBehaviour(testDisk: TestDisk): void {
  testDisk('a lock is not held when its name leads elsewhere', async (disk, directory) => {
    const path = `${directory}/.lock`;
    const lock = disk.lock(path);
    assert.equal(await lock?.isHeld(), true);
    await disk.remove(path);
    assert.equal(await lock?.isHeld(), false);
    writeText(disk, path, 'of somebody else');
    assert.equal(await lock?.isHeld(), false);
    lock?.release();
    assert.equal(disk.readFile(path)?.toString(), 'of somebody else');
    assert.equal(await lock?.isHeld(), false);
  });

  testDisk('a lock is held until it is released', async (disk, directory) => {
    const path = `${directory}/.lock`;
    const lock = disk.lock(path);
    assert.ok(lock !== null);
    assert.equal(disk.lock(path), null);
    const other = disk.lock(`${directory}/.other`);
    assert.ok(other !== null);
    lock.release();
    lock.release();
    const again = disk.lock(path);
    assert.ok(again !== null);
    lock.release();
    assert.equal(disk.lock(path), null, 'a release after the release takes nothing from others');
    again.release();
    other.release();
  });

  testDisk('a lock in a directory that is not there is an error', async (disk, directory) => {
    assert.throws(() => disk.lock(`${directory}/none/.lock`), { name: 'IoError', code: 'ENOENT' });
  });
}
