// What kafka-dump-log says of files that are damaged: everything that can still be read on standard
// output, every damage on standard error.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simulate } from '../../../sim/index.ts';
import type { File, Io } from '../../io/index.ts';
import { compressionByName, encodeBatch } from '../../protocol/index.ts';
import { dumpOffsetIndex, dumpTimeIndex, dumpTransactionIndex } from './indexes.ts';
import { dumpSnapshot } from './producers.ts';
import { type DumpOptions, dumpRecords } from './records.ts';

const options: DumpOptions = {
  printRecords: true,
  printData: true,
  skipMetadata: false,
  decodeMetadata: false,
  internal: null,
  sanityCheckOnly: false,
  verifyOnly: false,
  bytesMax: Number.MAX_SAFE_INTEGER,
};

class Lines {
  readonly printed: string[] = [];
  readonly complaints: string[] = [];
  readonly print = (line: string): void => {
    this.printed.push(line);
  };
  readonly complain = (line: string): void => {
    this.complaints.push(line);
  };

  /** The payloads that were printed, and for the lines without one their first word. */
  get payloads(): string[] {
    return this.printed.map(
      (line) => / payload: (.*)$/.exec(line)?.[1] ?? line.split(' ')[0] ?? '',
    );
  }
}

function fileWith(io: Io, name: string, content: Buffer): File {
  const file = io.disk.open(name, 'create');
  file.truncate(0);
  file.write([content], 0);
  return file;
}

const batch = (baseOffset: number, values: readonly string[], codec: 'none' | 'gzip' = 'none') =>
  encodeBatch({
    baseOffset,
    compression: compressionByName[codec],
    records: values.map((value) => ({ value: Buffer.from(value), timestamp: 1_000 })),
  });

test('a damaged batch is printed as far as it can be read, and those behind it are, too', () =>
  simulate(async (io) => {
    const first = batch(0, ['a', 'b']);
    const second = batch(2, ['c', 'd'], 'gzip');
    const third = batch(4, ['e']);
    const dumped = (bytes: readonly Buffer[]): Lines => {
      const lines = new Lines();
      dumpRecords(fileWith(io, '00000000000000000000.log', Buffer.concat(bytes)), options, lines);
      return lines;
    };
    const whole = dumped([first, second, third]);
    const expected = [
      'Log',
      ...['baseOffset:', 'a', 'b', 'baseOffset:', 'c', 'd', 'baseOffset:', 'e'],
    ];
    assert.deepEqual(whole.payloads, expected);
    assert.deepEqual(whole.complaints, []);

    const changed = Buffer.from(first);
    changed[changed.indexOf('a')] = 0x41;
    const wrongCrc = dumped([changed, second, third]);
    assert.deepEqual(wrongCrc.payloads, expected.with(2, 'A'));
    assert.match(wrongCrc.printed[1] ?? '', /isvalid: false$/);

    const garbled = Buffer.from(second).fill(0x55, 61);
    const unreadable = dumped([first, garbled, third]);
    assert.deepEqual(unreadable.payloads, expected.toSpliced(5, 2));
    assert.equal(unreadable.complaints.length, 1);
    const place = new RegExp(
      `^The records of the batch at position ${first.length} cannot be read`,
    );
    assert.match(unreadable.complaints[0] ?? '', place);

    const old = Buffer.from(first);
    old[16] = 1;
    const unknown = dumped([old, second, third]);
    assert.deepEqual(unknown.payloads, expected.toSpliced(1, 3));
    const reason = `Skipped ${old.length} bytes at position 0: format 1 is not known here`;
    assert.deepEqual(unknown.complaints, [reason]);

    const torn = dumped([first, second.subarray(0, 70)]);
    assert.equal(
      torn.printed.at(-1),
      'Found 70 invalid bytes at the end of 00000000000000000000.log',
    );
  }));

test('of an index with a torn end the whole entries are printed', () =>
  simulate(async (io) => {
    const entries = Buffer.alloc(8 + 3);
    entries.writeInt32BE(5, 0);
    entries.writeInt32BE(70, 4);
    const lines = new Lines();
    const file = fileWith(io, '00000000000000000100.index', entries);
    dumpOffsetIndex(io, file, options, lines);
    assert.deepEqual(lines.printed, ['offset: 105 position: 70']);
    const damage = '00000000000000000100.index is damaged: the last 3 bytes are no whole entry';
    assert.deepEqual(lines.complaints, [damage]);

    const checked = new Lines();
    dumpOffsetIndex(io, file, { ...options, sanityCheckOnly: true }, checked);
    assert.deepEqual([checked.printed, checked.complaints], [[], [damage]]);

    const times = new Lines();
    const time = Buffer.alloc(13);
    time.writeInt32BE(9, 4);
    dumpTimeIndex(io, fileWith(io, '00000000000000000100.timeindex', time), options, times);
    assert.deepEqual(times.printed, ['timestamp: 9 offset: 100']);
    assert.match(times.complaints[0] ?? '', /the last 1 bytes are no whole entry/);

    const aborted = new Lines();
    dumpTransactionIndex(fileWith(io, '00000000000000000100.txnindex', Buffer.alloc(40)), aborted);
    assert.equal(aborted.printed.length, 1);
    assert.match(aborted.complaints[0] ?? '', /the last 6 bytes are no whole entry/);
  }));

test('what is wrong with a producer snapshot is said, and nothing of it printed', () =>
  simulate(async (io) => {
    const damage = (content: Buffer): string => {
      const lines = new Lines();
      dumpSnapshot(fileWith(io, '1.snapshot', content), lines);
      assert.deepEqual(lines.printed, []);
      return lines.complaints.join();
    };
    assert.equal(damage(Buffer.alloc(0)), '1.snapshot is damaged: 0 bytes are no snapshot');
    const later = Buffer.from([0, 3, 0, 0, 0, 0, 0, 0, 0, 0]);
    assert.match(damage(later), /it is of version 3, and only version 1 is known$/);
    later[1] = 1;
    assert.match(damage(later), /its checksum is 0, and should be \d+$/);
  }));
