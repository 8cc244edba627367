// What the upkeep of one replica asks of the others before it forgets something.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simulate } from '../../sim/index.ts';
import {
  clean,
  openCompacted,
  put,
  recordsOf,
  roll,
} from '../../tests/doubles/storage/cleanings.ts';
import type { Io } from '../io/index.ts';
import type { PartitionLog } from '../storage/index.ts';
import { type KeptPartition, PartitionUpkeep } from './partition-upkeep.ts';

type InSync = Pick<KeptPartition, 'isr' | 'leading'>;

const request = {
  dedupeBufferBytes: 1_000_000,
  loadFactor: 0.9,
  ioBufferBytes: 4096,
  bytesPerSecondMax: () => Number.MAX_VALUE,
};

/** A log with a tombstone whose time is over, and new records that make a cleaning worth while. */
async function pastHorizon(io: Io): Promise<PartitionLog> {
  const log = await openCompacted(io, { config: { deleteRetentionMs: 0 } });
  put(log, [
    ['a', null],
    ['b', '1'],
  ]);
  roll(log);
  await clean(log);
  put(log, [['c', '1']]);
  roll(log);
  return log;
}

async function recordsCleaned(io: Io, inSync: InSync): Promise<string[]> {
  const log = await pastHorizon(io);
  const partition = {
    topic: 't',
    role: inSync.leading === null ? 'follower' : 'leader',
    highWatermark: log.logEndOffset,
    lastStableOffset: log.logEndOffset,
    replicas: [1, 2, 3],
    assertLeader: () => {},
    ...inSync,
  } as const;
  const options = { log: () => log, movingStart: () => assert.fail(), lowWatermark: assert.fail };
  await new PartitionUpkeep(io.clock, partition, options).clean(request);
  return await recordsOf(log);
}

const lowestStart = (own: number): number => own;

test('a tombstone goes once its time is over and every replica is in sync', () =>
  simulate(async (io) => {
    const isr = [3, 1, 2];
    const gone = ['1:b=1', '2:c=1'];
    assert.deepEqual(await recordsCleaned(io, { isr, leading: null }), gone);
  }));

test('a tombstone stays while a replica is out of sync, which may have what it took away', () =>
  simulate(async (io) => {
    const isr = [1, 3];
    assert.deepEqual(await recordsCleaned(io, { isr, leading: null }), ['0:a=!', '1:b=1', '2:c=1']);
  }));

test('a leader goes by its own in-sync set, which is newer than the metadata', () =>
  simulate(async (io) => {
    const leading = { isr: [1, 3], lowestStart };
    const records = await recordsCleaned(io, { isr: [1, 2, 3], leading });
    assert.deepEqual(records, ['0:a=!', '1:b=1', '2:c=1']);
  }));
