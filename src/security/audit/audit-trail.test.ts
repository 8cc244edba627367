// The audit trail: every event is a line, however many come and whatever the disk does with them.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { simulate } from '../../../sim/index.ts';
import type { Io } from '../../io/index.ts';
import { AuditFile, type AuditSink, AuditTrail } from './index.ts';

const path = '/audit.log';
const bytesMax = 64 * 1024;

interface Line {
  readonly event: string;
  readonly address?: string;
  readonly count?: number;
}

function linesOf({ disk }: Io, at = path): Line[] {
  const text = disk.readFile(at)?.toString() ?? '';
  assert.ok(text === '' || text.endsWith('\n'));
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Line);
}

function trailOf(io: Io, sinks: AuditSink[], eventsPerSecondMax = 1000): AuditTrail {
  return new AuditTrail(io, { nodeId: 7, eventsPerSecondMax, sinks });
}

const from = (address: string) =>
  ({ event: 'refused', principal: 'User:a', address, operation: 'READ' }) as const;
const toFile = (io: Io, max = bytesMax): AuditFile => new AuditFile(io.disk, path, max);

describe('an audit trail', () => {
  test('has a line for each event, with its time and its broker', () =>
    simulate(async (io) => {
      const trail = trailOf(io, [toFile(io)]);
      trail.note(from('10.0.0.1'));
      trail.note({ event: 'let in', principal: 'User:b\n"', address: '::1', mechanism: 'PLAIN' });
      assert.deepEqual(linesOf(io), []);
      await io.clock.sleep(1);
      const [first, second] = linesOf(io) as unknown as Record<string, unknown>[];
      assert.equal(linesOf(io).length, 2);
      const { time, ...rest } = first ?? {};
      assert.match(String(time), /^\d{4}-\d\d-\d\dT/);
      assert.deepEqual(rest, { broker: 7, ...from('10.0.0.1') });
      assert.equal(second?.principal, 'User:b\n"');
    }));

  test('has one line for whatever somebody calls himself, which does nothing to a terminal', () =>
    simulate(async (io) => {
      const trail = trailOf(io, [toFile(io)]);
      const names = ['\x1b[2J', '\x9b2J', 'a\u2028b', '\u202e', `${'x'.repeat(32_000)}\r\n{}`];
      for (const name of names) {
        trail.note({ event: 'let in', principal: name, address: '::1', mechanism: 'PLAIN' });
      }
      await io.clock.sleep(1);
      assert.match(io.disk.readFile(path)?.toString() ?? '', /^([\x20-\x7e]*\n){5}$/);
      const seen = linesOf(io).map((line) => (line as { principal?: string }).principal);
      assert.deepEqual(seen, names);
    }));

  test('has what was noted last when it is closed, and nothing after that', () =>
    simulate(async (io) => {
      const trail = trailOf(io, [toFile(io)]);
      trail.note(from('a'));
      trail.close();
      trail.note(from('b'));
      await io.clock.sleep(2_000);
      assert.deepEqual(
        linesOf(io).map(({ address }) => address),
        ['a'],
      );
    }));

  test('takes so many events of a second, a quarter for one address, and counts the others', () =>
    simulate(async (io) => {
      const trail = trailOf(io, [toFile(io)], 20);
      for (let index = 0; index < 1000; index++) trail.note(from('flood'));
      for (let index = 0; index < 3; index++) trail.note(from('honest'));
      await io.clock.sleep(1);
      const counts = (): number[] =>
        ['flood', 'honest'].map(
          (name) => linesOf(io).filter(({ address }) => address === name).length,
        );
      assert.deepEqual(counts(), [5, 3]);
      await io.clock.sleep(1_100);
      const told = linesOf(io).filter(({ event }) => event === 'held back');
      assert.deepEqual(
        told.map(({ count }) => count),
        [995],
      );
      for (let index = 0; index < 100; index++) trail.note(from(`address ${index}`));
      await io.clock.sleep(1);
      assert.equal(linesOf(io).length, 5 + 3 + 1 + 20);
    }));

  test('goes on while the disk is full, and then says how many events are lost', () =>
    simulate(async (io, process) => {
      const trail = trailOf(io, [toFile(io)]);
      const { files } = process.host;
      trail.note(from('before'));
      await io.clock.sleep(1);
      const whole = io.disk.readFile(path);
      files.capacityBytes -= io.disk.space('/').usableBytes - 20;
      for (let index = 0; index < 10; index++) {
        trail.note(from('meanwhile'));
        await io.clock.sleep(1);
      }
      assert.deepEqual(io.disk.readFile(path), whole);
      files.capacityBytes = 2 ** 40;
      trail.note(from('after'));
      await io.clock.sleep(1);
      assert.deepEqual(
        linesOf(io).map(({ event, address, count }) => [event, address ?? count]),
        [
          ['refused', 'before'],
          ['lost', 10],
          ['refused', 'after'],
        ],
      );
    }));

  test('loses in one place what it keeps in another', () =>
    simulate(async (io) => {
      const other = new AuditFile(io.disk, '/other.log', bytesMax);
      const broken: AuditSink = {
        name: 'broken',
        write: () => io.disk.open('/none/x', 'read'),
        close: () => {},
      };
      const trail = trailOf(io, [broken, other]);
      trail.note(from('a'));
      await io.clock.sleep(1);
      assert.equal(linesOf(io, '/other.log').length, 1);
    }));
});

describe('the file of an audit trail', () => {
  test('is gone on with, behind a line that a crash has torn', () =>
    simulate(async (io) => {
      const first = toFile(io);
      first.write(['{"event":"a"}']);
      first.close();
      const torn = io.disk.open(path, 'write');
      torn.write([Buffer.from('{"event":"to')], torn.sizeBytes());
      torn.close();
      toFile(io).write(['{"event":"b"}']);
      assert.equal(
        io.disk.readFile(path)?.toString(),
        '{"event":"a"}\n{"event":"to\n{"event":"b"}\n',
      );
    }));

  test('is kept once more when it is full, and no more than that', () =>
    simulate(async (io) => {
      const file = toFile(io, 1000);
      for (let index = 0; index < 100; index++) file.write([`{"event":"${index}"}`]);
      const [now, before] = [linesOf(io), linesOf(io, `${path}.1`)];
      assert.equal(now.at(-1)?.event, '99');
      assert.equal(Number(now[0]?.event), Number(before.at(-1)?.event) + 1);
      for (const at of [path, `${path}.1`]) {
        assert.ok((io.disk.stat(at)?.sizeBytes ?? 0) <= 1000);
      }
    }));
});
