// When a snapshot of the producers' state counts as written.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simulate } from '../../../sim/index.ts';
import { Deferred } from '../../base/deferred.ts';
import type { Disk, Io } from '../../io/index.ts';
import { ProducerSnapshots } from './producer-snapshots.ts';

/** A disk whose next sync of a file waits until the test lets it go on. */
function heldDisk(io: Io): { disk: Disk; held: Deferred<void>; begun: Deferred<void> } {
  const held = new Deferred<void>();
  const begun = new Deferred<void>();
  let isFirst = true;
  const open: Disk['open'] = (path, mode) => {
    const file = io.disk.open(path, mode);
    const sync = async (): Promise<void> => {
      await file.sync();
      if (!isFirst) return;
      isFirst = false;
      begun.resolve();
      await held.promise;
    };
    return new Proxy(file, {
      get(target, name) {
        if (name === 'sync') return sync;
        const value = Reflect.get(target, name) as unknown;
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
  };
  const disk = new Proxy(io.disk, {
    get(target, name) {
      if (name === 'open') return open;
      const value = Reflect.get(target, name) as unknown;
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  return { disk, held, begun };
}

const of = (producerId: number) => [
  {
    producerId,
    epoch: 0,
    lastSequence: 0,
    lastOffset: 0,
    offsetDelta: 0,
    timestamp: 0,
    coordinatorEpoch: -1,
    currentTxnFirstOffset: -1,
  },
];

const producersIn = async (snapshots: ProducerSnapshots, offset: number) =>
  (await snapshots.loadLatest(offset))?.entries.map(({ producerId }) => producerId);

test('one that a truncation takes during its sync is gone when the truncation ends', () =>
  simulate(async (io) => {
    io.disk.makeDirectory('/data/t-0');
    const { disk, held, begun } = heldDisk(io);
    const snapshots = new ProducerSnapshots(disk, '/data/t-0', []);
    snapshots.take(10, of(1));
    const writing = snapshots.write();
    await begun.promise;
    // A sync takes its time; a crash in it must not find the file beside a log that grew again.
    const removal = snapshots.removeAfter(5).then(() => io.disk.list('/data/t-0'));
    await io.clock.sleep(1);
    held.resolve();
    assert.deepEqual(await removal, []);
    await writing;
    assert.equal(snapshots.has(10), false);
    assert.deepEqual(io.disk.list('/data/t-0'), []);
  }));

test('one taken at the same offset after a truncation is written, not the one before it', () =>
  simulate(async (io) => {
    io.disk.makeDirectory('/data/t-0');
    const { disk, held, begun } = heldDisk(io);
    const snapshots = new ProducerSnapshots(disk, '/data/t-0', []);
    snapshots.take(10, of(1));
    const writing = snapshots.write();
    await begun.promise;
    const removal = snapshots.removeAfter(5);
    snapshots.take(10, of(2));
    held.resolve();
    await Promise.all([writing, removal]);
    await snapshots.write();
    assert.deepEqual(await producersIn(snapshots, 10), [2]);
    assert.deepEqual(await producersIn(new ProducerSnapshots(io.disk, '/data/t-0', [10]), 10), [2]);
  }));

test('what is taken while another one is written is written too', () =>
  simulate(async (io) => {
    io.disk.makeDirectory('/data/t-0');
    const { disk, held, begun } = heldDisk(io);
    const snapshots = new ProducerSnapshots(disk, '/data/t-0', []);
    snapshots.take(10, of(1));
    const writing = snapshots.write();
    await begun.promise;
    snapshots.take(20, of(2));
    held.resolve();
    await writing;
    assert.deepEqual(await producersIn(snapshots, 20), [2]);
  }));
