// damaged-logs.ts, stored-logs.ts and refusals.ts: what they let pass, and the losses, wrong
// offsets and poor refusals that they find.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ErrorCode, encodeBatch, encodeEndTransactionMarker } from '../../src/protocol/index.ts';
import { putFile } from '../damage.ts';
import { FileSystem } from '../file-system.ts';
import { type DamagedTree, damagedLogs, type ReadLog } from './damaged-logs.ts';
import { assertRefusal, assertUntouched } from './refusals.ts';
import { batchesOf, everyBatch, storedLogs } from './stored-logs.ts';

const folder = '/data/t-0';
const segment = (base: number): string => `${folder}/${String(base).padStart(20, '0')}.log`;

function batch(offset: number, text = `record ${offset}`): Buffer {
  const records = [{ value: Buffer.from(text), timestamp: 1_000 }];
  return encodeBatch({ records, baseOffset: offset });
}

/** Segments of two batches each, from offset 0 to 5, all of it written to the disk. */
function logOfSix(recoveryPoint = 6): FileSystem {
  const files = new FileSystem();
  files.makeDirectory(folder, 0);
  for (const base of [0, 2, 4]) {
    putFile(files, segment(base), Buffer.concat([batch(base), batch(base + 1)]));
  }
  const checkpoint = Buffer.from(`0\n1\nt 0 ${recoveryPoint}\n`);
  putFile(files, '/data/recovery-point-offset-checkpoint', checkpoint);
  putFile(files, '/data/.kafka_cleanshutdown', Buffer.from('{}'));
  return files;
}

function damaged(
  before: FileSystem,
  damage: (files: FileSystem) => void,
  wasStoppedCleanly = true,
): DamagedTree {
  const files = before.clone();
  damage(files);
  return { before, damaged: files, directories: ['/data'], wasStoppedCleanly };
}

function flip(files: FileSystem, path: string, position: number): void {
  const [node] = [...files.files(folder)].filter(([name]) => name === path).map(([, file]) => file);
  node?.content.flipBit(position, 3);
}

/** Reads what was stored before, but for what is left out, and with what is answered there. */
function reads(
  tree: DamagedTree,
  missing: readonly number[] = [],
  errorCode: number = ErrorCode.OFFSET_OUT_OF_RANGE,
): ReadLog {
  const log = storedLogs(tree.before, tree.directories).get('t-0');
  assert.ok(log);
  const there = batchesOf(log).filter(({ header }) => !missing.includes(header.baseOffset));
  const batches = new Map(there.map(({ header, bytes }) => [header.baseOffset, bytes]));
  const failures = missing.map((offset) => ({ offset, errorCode }));
  return { topic: 't', partition: 0, batches, failures, committed: new Set(batches.keys()) };
}

function judge(tree: DamagedTree, read: ReadLog): Map<number, Buffer> {
  const [log] = damagedLogs(tree, ['t']);
  assert.ok(log);
  return log.judge(read);
}

describe('what is not damaged', () => {
  const flipped = (files: FileSystem): void => flip(files, segment(2), 70);

  test('is all there when nothing is missing', () => {
    const tree = damaged(logOfSix(), () => {});
    assert.equal(judge(tree, reads(tree)).size, 0);
  });

  test('is missed after a clean stop, and what was damaged is not', () => {
    const tree = damaged(logOfSix(), flipped);
    judge(tree, reads(tree, [2], ErrorCode.CORRUPT_MESSAGE));
    assert.throws(() => judge(tree, reads(tree, [2, 4])), /t-0 offset 4 is on the disk/);
    assert.throws(() => judge(tree, reads(tree, [3])), /OFFSET_OUT_OF_RANGE is served/);
  });

  test('may be refused as corrupt behind a damage in its segment, and nowhere else', () => {
    const tree = damaged(logOfSix(), flipped);
    judge(tree, reads(tree, [2, 3], ErrorCode.CORRUPT_MESSAGE));
    assert.throws(() => judge(tree, reads(tree, [4], ErrorCode.CORRUPT_MESSAGE)), /offset 4/);
    assert.throws(() => judge(tree, reads(tree, [1], ErrorCode.CORRUPT_MESSAGE)), /offset 1/);
  });

  test('may be cut behind a damage above the recovery point after a kill, and not below it', () => {
    const above = damaged(logOfSix(2), flipped, false);
    judge(above, reads(above, [2, 3, 4, 5]));
    assert.throws(() => judge(above, reads(above, [1])), /offset 1/);
    const below = damaged(logOfSix(4), flipped, false);
    judge(below, reads(below, [2], ErrorCode.CORRUPT_MESSAGE));
    assert.throws(() => judge(below, reads(below, [2, 4])), /offset 4/);
  });

  test('is missed behind a segment that is not there, after a kill too', () => {
    const tree = damaged(logOfSix(0), (files) => files.unlink(segment(2), 0), false);
    judge(tree, reads(tree, [2, 3]));
    assert.throws(() => judge(tree, reads(tree, [2, 3, 4])), /offset 4/);
  });

  test('is missed when a partition is offline for the sake of an index, not of its log', () => {
    const offline = {
      ...reads(
        damaged(logOfSix(), () => {}),
        [0, 1, 2, 3, 4, 5],
        56,
      ),
    };
    judge(damaged(logOfSix(), flipped), offline);
    const index = (files: FileSystem): void =>
      putFile(files, `${folder}/00000000000000000002.index`, Buffer.from('nonsense'));
    assert.throws(
      () => judge(damaged(logOfSix(), index), offline),
      /KAFKA_STORAGE_ERROR is served/,
    );
  });
});

describe('what is served', () => {
  const served = (tree: DamagedTree, offset: number, bytes: Buffer): ReadLog => {
    const read = reads(tree);
    return { ...read, batches: new Map([...read.batches, [offset, bytes]]) };
  };

  test('is not what was stored at another offset', () => {
    const tree = damaged(logOfSix(), () => {});
    const moved = Buffer.from(batch(3));
    moved.writeBigInt64BE(9n, 0);
    assert.throws(() => judge(tree, served(tree, 9, moved)), /serves at 9 what was stored at 3/);
  });

  test('is not something else in place of what is there', () => {
    const tree = damaged(logOfSix(), () => {});
    const other = served(tree, 3, batch(3, 'another'));
    assert.throws(() => judge(tree, other), /offset 3 is on the disk/);
  });

  test('is named when it is new', () => {
    const tree = damaged(logOfSix(), () => {});
    assert.deepEqual([...judge(tree, served(tree, 6, batch(6))).keys()], [6]);
  });

  test('is nothing that was aborted, unless its marker is damaged', () => {
    const before = new FileSystem();
    before.makeDirectory(folder, 0);
    const producer = { producerId: 7, producerEpoch: 0 };
    const records = [{ value: Buffer.from('v'), timestamp: 1_000 }];
    const sent = { records, ...producer, baseSequence: 0, isTransactional: true, baseOffset: 0 };
    const end = { isCommit: false, coordinatorEpoch: 0, timestamp: 1_000, ...producer };
    const marker = encodeEndTransactionMarker(end);
    marker.writeBigInt64BE(1n, 0);
    putFile(before, segment(0), Buffer.concat([encodeBatch(sent), marker]));
    const tree = damaged(before, () => {});
    assert.throws(() => judge(tree, reads(tree)), /shows the aborted records at 0/);
    judge(tree, { ...reads(tree), committed: new Set() });
    const markerAt = encodeBatch(sent).length;
    const unmarked = damaged(before, (files) => flip(files, segment(0), markerAt + 70));
    judge(unmarked, reads(unmarked));
  });
});

test('offsets are given away from the recovery point on, where it is known', () => {
  const floorOf = (tree: DamagedTree): number | undefined => damagedLogs(tree, ['t'])[0]?.endFloor;
  const cut = (files: FileSystem): void => files.unlink(segment(4), 0);
  assert.equal(floorOf(damaged(logOfSix(), cut)), 6);
  const both = (files: FileSystem): void => {
    cut(files);
    files.unlink('/data/recovery-point-offset-checkpoint', 0);
  };
  assert.equal(floorOf(damaged(logOfSix(), both)), 0);
});

test('every whole batch is found, wherever it lies', () => {
  const files = logOfSix();
  const aside = '/data/t-0.0123456789abcdef0123456789abcdef-stray';
  const before = everyBatch(files, ['/data']);
  files.makeDirectory(aside, 0);
  files.unlink(segment(2), 0);
  assert.equal(everyBatch(files, ['/data']).size, before.size - 2);
  const garbage = Buffer.alloc(33, 2);
  putFile(files, `${aside}/moved`, Buffer.concat([garbage, batch(2), garbage, batch(3)]));
  assert.deepEqual(everyBatch(files, ['/data']), before);
});

describe('a refusal to start', () => {
  const damagedPath = '/data/__cluster_metadata-0/00000000000000000000.log';
  const folder = '/data/__cluster_metadata-0';
  const says = (message: string) => () => assertRefusal(new Error(message), [damagedPath]);

  test('has one line, a name and a remedy', () => {
    says(`${damagedPath} is damaged: restore it from a copy`)();
    says(`${folder} is damaged: restore it from a copy`)();
    assert.throws(says(`${damagedPath} is damaged:\nrestore it`), /one line/);
    assert.throws(says('a file is damaged: restore it from a copy'), /names what is damaged/);
    assert.throws(says('/data is damaged: restore it from a copy'), /names what is damaged/);
    assert.throws(says(`${damagedPath} is damaged`), /names a remedy/);
  });

  test('is not for what can be made again, or for one log', () => {
    const checkpoint = '/data-1/recovery-point-offset-checkpoint';
    for (const path of [checkpoint, segment(2), '/data/t-0', '/data/t-0/partition.metadata']) {
      const error = new Error(`${path} is damaged: restore it`);
      assert.throws(() => assertRefusal(error, [path]), /does not start for/);
    }
  });

  test('is for a directory that is gone', () => {
    assertRefusal(new Error('/data-2 is missing: bring it back'), ['/data-2']);
  });

  test('changes and removes nothing', () => {
    const before = logOfSix();
    before.makeDirectory(folder, 0);
    putFile(before, damagedPath, Buffer.from('damaged'));
    const after = before.clone();
    after.unlink('/data/.kafka_cleanshutdown', 0);
    putFile(after, '/data/new', Buffer.from('new'));
    assertUntouched(before, after, ['/data'], [damagedPath]);
    putFile(after, damagedPath, Buffer.from('damaged, and more'));
    assert.throws(
      () => assertUntouched(before, after, ['/data'], [damagedPath]),
      /changed \/data\/__cluster_metadata-0/,
    );
    after.unlink(damagedPath, 0);
    assert.throws(() => assertUntouched(before, after, ['/data'], [damagedPath]), /is gone/);
  });
});
