// The lock between real processes: kill -9, process ids that are used again, starts at once.

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { nodeDisk } from './node-disk.ts';
import { isAmongLocks } from './node-lock.ts';

const directory = mkdtempSync(join(tmpdir(), 'partita-lock-'));
after(() => rmSync(directory, { recursive: true, force: true }));

const disk = new URL('./node-disk.js', import.meta.url).href;
/** Says whether it got the lock, and keeps it until its input ends. */
const program = `
  import { nodeDisk } from ${JSON.stringify(disk)};
  const lock = nodeDisk.lock(process.argv[1]);
  process.stdout.write(lock === null ? 'refused' : 'locked');
  process.stdin.resume();
`;

interface Contender {
  readonly process: ChildProcess;
  readonly answer: Promise<string>;
}

function contend(path: string): Contender {
  const process_ = spawn(process.execPath, ['--input-type=module', '-e', program, path], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const answer = once(process_.stdout, 'data').then(([chunk]) => String(chunk));
  return { process: process_, answer };
}

async function kill(contender: Contender): Promise<void> {
  const exit = once(contender.process, 'exit');
  contender.process.kill('SIGKILL');
  await exit;
}

test('another process is refused while the owner lives, and wins when it was killed', async () => {
  const path = join(directory, 'killed');
  const owner = contend(path);
  assert.equal(await owner.answer, 'locked');
  assert.equal(nodeDisk.lock(path), null);
  await kill(owner);
  const lock = nodeDisk.lock(path);
  assert.ok(lock !== null);
  const late = contend(path);
  assert.equal(await late.answer, 'refused');
  await kill(late);
  lock.release();
  assert.deepEqual(leftovers('killed'), []);
});

test('of many starts at once on a stale lock exactly one wins', async () => {
  const path = join(directory, 'race');
  for (let round = 0; round < 3; round++) {
    const dead = contend(path);
    assert.equal(await dead.answer, 'locked');
    await kill(dead);
    const contenders = Array.from({ length: 5 }, () => contend(path));
    const answers = await Promise.all(contenders.map(({ answer }) => answer));
    assert.deepEqual(answers.sort(), ['locked', 'refused', 'refused', 'refused', 'refused']);
    await Promise.all(contenders.map(kill));
  }
});

test('a process that has the number of the dead owner does not keep the lock', () => {
  const path = join(directory, 'reused');
  const lock = nodeDisk.lock(path);
  assert.ok(lock !== null);
  const owner = JSON.parse(readFileSync(path, 'utf8'));
  lock.release();
  writeFileSync(path, JSON.stringify({ ...owner, startTime: '1' }));
  const next = nodeDisk.lock(path);
  assert.ok(next !== null);
  next.release();
});

test('a start that was killed in the middle of a takeover does not block the next', () => {
  const path = join(directory, 'halfway');
  const lock = nodeDisk.lock(path);
  assert.ok(lock !== null);
  const owner = JSON.parse(readFileSync(path, 'utf8'));
  lock.release();
  const dead = { ...owner, startTime: '1', nonce: 'aaaaaaaaaaaa' };
  writeFileSync(path, JSON.stringify(dead));
  writeFileSync(`${path}.${dead.nonce}`, JSON.stringify({ ...dead, nonce: 'bbbbbbbbbbbb' }));
  const next = nodeDisk.lock(path);
  assert.ok(next !== null);
  next.release();
  assert.deepEqual(leftovers('halfway'), []);
});

test('an owner in another container lives as long as it touches its file', () => {
  const path = join(directory, 'elsewhere');
  const lock = nodeDisk.lock(path);
  assert.ok(lock !== null);
  const owner = JSON.parse(readFileSync(path, 'utf8'));
  lock.release();
  writeFileSync(path, JSON.stringify({ ...owner, realm: 'another machine' }));
  assert.equal(nodeDisk.lock(path), null);
  const longAgo = Date.now() / 1000 - 60;
  utimesSync(path, longAgo, longAgo);
  const next = nodeDisk.lock(path);
  assert.ok(next !== null);
  next.release();
});

test('a lock file of another program is taken over once it is old', () => {
  const path = join(directory, 'foreign');
  writeFileSync(path, 'mine');
  assert.equal(nodeDisk.lock(path), null);
  const longAgo = Date.now() / 1000 - 60;
  utimesSync(path, longAgo, longAgo);
  const lock = nodeDisk.lock(path);
  assert.ok(lock !== null);
  lock.release();
  assert.deepEqual(leftovers('foreign'), []);
});

test('an empty file, as Kafka leaves it, is taken over at once unless somebody locks it', () => {
  const path = join(directory, 'of-kafka');
  writeFileSync(path, '');
  const lock = nodeDisk.lock(path);
  // Other systems do not tell who locks a file: there it must have been left alone for a while.
  assert.equal(lock !== null, process.platform === 'linux');
  lock?.release();
});

test('the locks of Linux are searched for an inode', () => {
  const locks =
    '1: FLOCK  ADVISORY  WRITE 31652 fe:00:9986051 0 EOF\n' +
    '2: POSIX  ADVISORY  READ 0 00:2a:77 128 128\n';
  assert.ok(isAmongLocks(locks, 9986051));
  assert.ok(isAmongLocks(locks, 77));
  assert.ok(!isAmongLocks(locks, 128));
  assert.ok(!isAmongLocks('', 77));
});

function leftovers(name: string): string[] {
  return readdirSync(directory).filter((entry) => entry.startsWith(name));
}
