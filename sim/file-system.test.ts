// What survives a kill and a power cut.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Disk, File } from '../src/io/io.ts';
import { type Host, World } from './index.ts';

interface Fixture {
  readonly world: World;
  readonly host: Host;
  readonly disk: Disk;
  /** Waits for promises of the disk while time passes. */
  settle<T>(promise: Promise<T>): Promise<T>;
}

function setUp(seed: number | string): Fixture {
  const world = new World({ seed });
  const { io } = world.startProcess('host');
  return {
    world,
    host: world.host('host'),
    disk: io.disk,
    settle: (promise) => world.settle(promise),
  };
}

async function durableFile({ disk, settle }: Fixture, text: string): Promise<File> {
  disk.makeDirectory('/data');
  const file = disk.open('/data/a', 'create');
  file.write([Buffer.from(text)], 0);
  await settle(file.sync());
  await settle(disk.syncDirectory('/data'));
  return file;
}

function content(host: Host, path = '/data/a'): string | null {
  return host.start().io.disk.readFile(path)?.toString('latin1') ?? null;
}

test('a kill keeps what was written, synced or not', async () => {
  const { host, disk } = setUp(1);
  disk.makeDirectory('/data');
  disk.open('/data/a', 'create').write([Buffer.from('text')], 0);
  host.kill();
  assert.equal(content(host), 'text');
});

test('a power cut keeps what was synced and some of what was not', async () => {
  const seen = new Set<string>();
  for (let seed = 0; seed < 60; seed++) {
    const fixture = setUp(seed);
    const file = await durableFile(fixture, 'kept');
    file.write([Buffer.alloc(6_000, 'b')], 4);
    fixture.host.powerCut();
    const text = content(fixture.host) as string;
    assert.equal(text.slice(0, 4), 'kept');
    const rest = text.slice(4);
    const isWhole = rest === 'b'.repeat(6_000);
    seen.add(rest === '' ? 'lost' : isWhole ? 'whole' : /^b+$/.test(rest) ? 'torn' : 'filled');
  }
  assert.deepEqual([...seen].sort(), ['filled', 'lost', 'torn', 'whole']);
});

test('a sync covers what was written before it started, not what came while it ran', async () => {
  let lostCount = 0;
  for (let seed = 0; seed < 30; seed++) {
    const fixture = setUp(seed);
    const file = await durableFile(fixture, 'first ');
    file.write([Buffer.from('second ')], 6);
    const syncing = file.sync();
    file.write([Buffer.from('third')], 13);
    await fixture.settle(syncing);
    fixture.host.powerCut();
    const text = content(fixture.host) as string;
    assert.ok(text.startsWith('first second '), text);
    if (!text.endsWith('third')) lostCount++;
  }
  assert.ok(lostCount > 0);
});

test('a file whose directory was not synced may be gone, with all that was synced', async () => {
  const found = new Set<string | null>();
  for (let seed = 0; seed < 30; seed++) {
    const { host, disk, settle } = setUp(seed);
    disk.makeDirectory('/data');
    await settle(disk.syncDirectory('/'));
    const file = disk.open('/data/a', 'create');
    file.write([Buffer.from('text')], 0);
    await settle(file.sync());
    host.powerCut();
    found.add(content(host));
  }
  assert.deepEqual([...found].sort(), ['text', null].sort());
});

test('a rename is kept or lost whole, and never leaves neither file', async () => {
  const found = new Set<string | null>();
  for (let seed = 0; seed < 30; seed++) {
    const fixture = setUp(seed);
    const { disk, host, settle } = fixture;
    await durableFile(fixture, 'old');
    const file = disk.open('/data/a.tmp', 'create');
    file.write([Buffer.from('new')], 0);
    await settle(file.sync());
    disk.rename('/data/a.tmp', '/data/a');
    host.powerCut();
    found.add(content(host));
  }
  assert.deepEqual([...found].sort(), ['new', 'old']);
});

test('changes of names are kept in their order', async () => {
  for (let seed = 0; seed < 30; seed++) {
    const { disk, host } = setUp(seed);
    for (let i = 0; i < 10; i++) disk.open(`/${i}`, 'create').close();
    host.powerCut();
    const kept = host.start().io.disk.list('/');
    const expected = Array.from({ length: kept.length }, (_, i) => String(i));
    assert.deepEqual(kept.map(({ name }) => name).sort(), expected);
  }
});

test('a process can be killed between any two changes of the disk', async () => {
  for (let count = 0; count <= 3; count++) {
    const world = new World();
    const process = world.startProcess('host');
    const { disk } = process.io;
    process.killAtDiskOperation(count);
    disk.makeDirectory('/data');
    const file = disk.open('/data/a', 'create');
    file.write([Buffer.from('text')], 0);
    assert.equal(process.isAlive, count === 3);
    assert.equal(file.sizeBytes(), 4, 'the ghost does not notice');
    if (process.isAlive) process.kill();
    const survivor = process.host.start().io.disk;
    assert.equal(survivor.stat('/data') !== null, count > 0);
    assert.equal(survivor.stat('/data/a') !== null, count > 1);
    const text = survivor.readFile('/data/a')?.toString() ?? '';
    assert.equal(text, count > 2 ? 'text' : '');
  }
});

test('a kill leaves each file the one that it was', async () => {
  for (const how of ['kill', 'killInTurn'] as const) {
    const fixture = setUp(1);
    await durableFile(fixture, 'text');
    const { world, host, disk, settle } = fixture;
    const paths = ['/data', '/data/a'];
    const before = await settle(Promise.all(paths.map((path) => disk.identity(path))));
    for (const process of host.processes) process[how]();
    const survivor = world.startProcess(host.name).io.disk;
    const after = Promise.all(paths.map((path) => survivor.identity(path)));
    assert.deepEqual(await settle(after), before);
    survivor.open('/data/b', 'create').close();
    const added = await settle(survivor.identity('/data/b'));
    assert.ok(!before.includes(added), 'a new file is another one');
  }
});

test('a full disk takes what fits and says ENOSPC', async () => {
  const { host, disk, settle } = setUp(1);
  host.files.capacityBytes = 100;
  const file = disk.open('/a', 'create');
  file.write([Buffer.alloc(60)], 0);
  assert.throws(() => file.write([Buffer.alloc(30), Buffer.alloc(30)], 60), {
    name: 'IoError',
    code: 'ENOSPC',
    message: 'cannot write /a: no space left on device (ENOSPC)',
  });
  assert.equal(file.sizeBytes(), 100);
  assert.equal(disk.space('/').usableBytes, 0);
  file.write([Buffer.alloc(30, 'x')], 10);
  file.truncate(50);
  assert.equal(disk.space('/').usableBytes, 50);
  await settle(disk.remove('/a'));
  assert.equal(disk.space('/').usableBytes, 100);
});

test('a failed sync loses what it was to keep, and the next one does not bring it', async () => {
  let lostCount = 0;
  for (let seed = 0; seed < 30; seed++) {
    const fixture = setUp(seed);
    const file = await durableFile(fixture, 'kept');
    file.write([Buffer.from(' gone')], 4);
    const { world } = fixture;
    world.faults = { ...world.faults, disk: { ...world.faults.disk, syncFailChance: 1 } };
    await assert.rejects(fixture.settle(file.sync()), { name: 'IoError', code: 'EIO' });
    world.faults = { ...world.faults, disk: { ...world.faults.disk, syncFailChance: 0 } };
    await fixture.settle(file.sync());
    fixture.host.powerCut();
    if (content(fixture.host) === 'kept') lostCount++;
  }
  assert.ok(lostCount > 0);
});

test('bit rot flips one bit, and a power cut does not heal it', async () => {
  const fixture = setUp(1);
  await durableFile(fixture, 'text');
  const rotten = fixture.host.rotBit('/data/a');
  assert.ok(rotten !== null);
  fixture.host.powerCut();
  const expected = Buffer.from('text');
  expected[rotten.position] = (expected[rotten.position] as number) ^ (1 << rotten.bit);
  assert.equal(content(fixture.host), expected.toString('latin1'));
});

test('a lock dies with its process', () => {
  const { host, disk } = setUp(1);
  assert.ok(disk.lock('/.lock') !== null);
  const other = host.start().io.disk;
  assert.equal(other.lock('/.lock'), null);
  host.kill();
  assert.ok(host.start().io.disk.lock('/.lock') !== null);
});

test('a disk that was put in place of another stays empty through a power cut', async () => {
  for (let seed = 0; seed < 20; seed++) {
    const fixture = setUp(seed);
    await durableFile(fixture, 'of the old disk');
    fixture.host.replaceTree('/data');
    fixture.host.powerCut();
    assert.equal(content(fixture.host), null);
  }
});
