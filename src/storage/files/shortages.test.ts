// A full disk is told of once when it begins and once when it is over.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simulate, World } from '../../../sim/index.ts';
import { append, openLog } from '../../../tests/doubles/storage/logs.ts';
import { IoError } from '../../io/index.ts';
import { encodeBatch } from '../../protocol/index.ts';
import { refusedDirectory } from '../directory/log-directory-error.ts';
import { defaultLogConfig, encodeEndMarker, LogDirectory, LogResources } from '../index.ts';

test('one line when appends begin to be refused, and one when there is room again', async () => {
  const lines: string[] = [];
  const world = new World({
    onLog: (_, { level, message, fields }) =>
      lines.push(`${level} ${message} ${JSON.stringify(fields ?? {})}`),
  });
  const process = world.startProcess('host', async (io) => {
    const directory = await LogDirectory.open(io, {
      path: '/data',
      nodeId: 1,
      clusterId: null,
      resources: new LogResources(io),
      onFailure: (_, error) => assert.fail(error),
    });
    directory.health.watch();
    const topicId = 'AAAAAAAAAAAAAAAAAAAABQ';
    const create = (partition: number) =>
      directory.createLog({ topic: 't', partition, topicId }, defaultLogConfig);
    const logs = [await create(0), await create(1)];
    const value = Buffer.alloc(5_000);
    const append = (): number => {
      let taken = 0;
      for (const log of logs) {
        const records = encodeBatch({ records: [{ value, timestamp: io.clock.now() }] });
        try {
          log.appendAsLeader(records, { leaderEpoch: 0, timestampNow: io.clock.now() });
          taken++;
        } catch (error) {
          assert.match(String(error), /ENOSPC/);
        }
      }
      return taken;
    };
    assert.equal(append(), 2);
    const { files } = process.host;
    const plenty = files.capacityBytes;
    for (let episode = 1; episode <= 2; episode++) {
      files.capacityBytes = plenty - files.usableBytes + 1_000;
      for (let i = 0; i < 100; i++) {
        assert.equal(append(), 0);
        await directory.checkpointOffsets().catch(() => {});
        await io.clock.sleep(500);
      }
      assert.equal(lines.length, 2 * episode - 1, lines.join('\n'));
      assert.match(
        lines.at(-1) ?? '',
        /^error the disk of log directory \/data is full.*make room/,
      );
      assert.match(lines.at(-1) ?? '', /"usableBytes":\d{1,4},/);
      files.capacityBytes = plenty;
      assert.equal(append(), 2);
      await io.clock.sleep(20_000);
      assert.equal(lines.length, 2 * episode, lines.join('\n'));
      assert.match(lines.at(-1) ?? '', /^warn log directory \/data has room again/);
    }
    await directory.close();
  });
  await world.run(() => process.hasReturned);
});

test('an abort for whose index entry there is no room is an abort, and costs no directory', () =>
  simulate(async (io, process) => {
    const failures: Error[] = [];
    const log = await openLog(io, { onFailure: (error) => failures.push(error) });
    const producer = { producerId: 7, producerEpoch: 0 };
    append(log, ['a'], { ...producer, baseSequence: 0, isTransactional: true });
    const { files } = process.host;
    const plenty = files.capacityBytes;
    files.capacityBytes -= files.usableBytes - 80;
    const end = { ...producer, isCommit: false, coordinatorEpoch: 0, transactionVersion: 1 };
    const now = io.clock.now();
    const options = { leaderEpoch: 0, timestampNow: now, origin: 'coordinator' } as const;
    log.appendAsLeader(encodeEndMarker(end, now), options);
    assert.deepEqual(failures, []);
    const wanted = { upperBound: 2, atLeastOneBatch: true, abortedTransactions: true };
    const aborted = [{ producerId: 7, firstOffset: 0 }];
    assert.deepEqual((await log.read(0, 1000, wanted)).abortedTransactions, aborted);
    files.capacityBytes = plenty;
    await log.close();
    const again = await openLog(io, { wasCleanShutdown: true });
    assert.deepEqual((await again.read(0, 1000, wanted)).abortedTransactions, aborted);
  }));

test('a directory that is refused for want of descriptors is refused with the remedy', () => {
  const error = new IoError('EMFILE', 'cannot open /data/.lock: too many open files (EMFILE)');
  assert.match(refusedDirectory('/data', error).message, /^log directory \/data .*ulimit -n/);
});
