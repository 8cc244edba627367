// The rows of the fault table (docs/guarantees.md) about the files of one partition, on a real
// broker that was stopped or killed: each topic has a damage of its own.

import assert from 'node:assert/strict';
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { ErrorCode } from '../../src/client/index.ts';
import { BrokerProcess } from '../broker-process.ts';
import {
  allBut,
  besides,
  createTopics,
  fill,
  flipByte,
  flipIn,
  type LogFile,
  offsetsIn,
  recordCount,
  segmentsOf,
  served,
  strayFolders,
} from './fault-topics.ts';

interface Row {
  readonly topic: string;
  /** Returns the offsets that are lost with the bytes that were damaged. */
  readonly damage: (segments: readonly LogFile[], folder: string) => readonly number[];
  /** The broker says this of the file. */
  readonly says?: RegExp;
}

const all = recordCount;

/** What is the same after a stop and after a kill. */
const rows: readonly Row[] = [
  {
    topic: 'byte-in-closed-segment',
    damage: ([, segment]) => {
      const offset = middleOf(segment);
      flipIn(segment as LogFile, offset);
      return [offset];
    },
  },
  {
    topic: 'garbage-behind-closed-segment',
    damage: ([, segment]) => {
      appendFileSync((segment as LogFile).path, Buffer.alloc(100, 7));
      return [];
    },
  },
  {
    topic: 'index-flipped',
    damage: (segments) => {
      for (const segment of segments.slice(0, -1)) flipByte(besides(segment, '.index'), 6);
      return [];
    },
  },
  {
    topic: 'index-garbage',
    damage: ([, segment]) => {
      writeFileSync(besides(segment as LogFile, '.index'), Buffer.alloc(24, 255));
      writeFileSync(besides(segment as LogFile, '.timeindex'), Buffer.alloc(35, 255));
      return [];
    },
  },
  {
    topic: 'index-missing',
    damage: ([, segment]) => {
      rmSync(besides(segment as LogFile, '.index'));
      rmSync(besides(segment as LogFile, '.timeindex'));
      return [];
    },
  },
  {
    topic: 'segment-missing',
    damage: ([, , segment]) => {
      const { path, positions } = segment as LogFile;
      for (const suffix of ['.index', '.timeindex']) rmSync(besides(segment as LogFile, suffix));
      rmSync(path);
      return [...positions.keys()];
    },
  },
  {
    topic: 'snapshot-flipped',
    damage: (segments) => {
      for (const segment of segments) flipExisting(besides(segment, '.snapshot'));
      return [];
    },
  },
  {
    topic: 'epochs-garbage',
    damage: (_, folder) => {
      writeFileSync(join(folder, 'leader-epoch-checkpoint'), '0\n7\nnonsense\n');
      return [];
    },
    says: /epochs-garbage-0\/leader-epoch-checkpoint/,
  },
];

function middleOf(segment: LogFile | undefined): number {
  const offsets = [...(segment as LogFile).positions.keys()];
  return offsets[offsets.length >> 1] as number;
}

function flipExisting(path: string): void {
  try {
    flipByte(path, 8);
  } catch {
    // Not every segment begins with a snapshot.
  }
}

const directory = mkdtempSync(join(tmpdir(), 'partita-faults-'));
after(() => rmSync(directory, { recursive: true, force: true }));

/** Fills, ends and damages a broker's topics, and starts it; returns what each of them has lost. */
async function damaged(
  name: string,
  signal: 'SIGTERM' | 'SIGKILL',
  chosen: readonly Row[],
): Promise<{ broker: BrokerProcess; data: string; lost: Map<string, readonly number[]> }> {
  const data = join(directory, name);
  const topics = chosen.map(({ topic }) => topic);
  const config = { 'log.flush.offset.checkpoint.interval.ms': '100' };
  const broker = await BrokerProcess.start({ directory: data, config });
  after(() => broker.dispose());
  await createTopics(broker, topics);
  await fill(broker, topics);
  // So that segments which are closed count as written after a kill.
  await untilWritten(join(data, 'recovery-point-offset-checkpoint'), topics);
  await broker.end(signal);
  const lost = new Map<string, readonly number[]>();
  for (const { topic, damage } of chosen) {
    const folder = join(data, `${topic}-0`);
    lost.set(topic, damage(segmentsOf(folder), folder));
  }
  await broker.start();
  return { broker, data, lost };
}

async function untilWritten(path: string, topics: readonly string[]): Promise<void> {
  for (let waitedMs = 0; waitedMs < 20_000; waitedMs += 50) {
    const lines = readFileSync(path, { encoding: 'utf8', flag: 'a+' }).split('\n');
    const isWritten = (topic: string): boolean =>
      lines.some((line) => line.startsWith(`${topic} 0 `) && Number(line.split(' ')[2]) > 60);
    if (topics.every(isWritten)) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`${path} is not written`);
}

for (const [how, signal] of [
  ['a clean stop', 'SIGTERM'],
  ['kill -9', 'SIGKILL'],
] as const) {
  describe(`files of a partition that are damaged after ${how}`, async () => {
    const { broker, lost } = await damaged(signal, signal, rows);

    for (const { topic, says } of rows) {
      test(`${topic}: what was not damaged is served at its offset`, async () => {
        const { offsets } = await served(broker, topic);
        assert.deepEqual(offsets, allBut(...(lost.get(topic) ?? [])));
        if (says !== undefined) assert.match(broker.output, says);
      });
    }

    test('new records follow behind everything that was there', async () => {
      const topics = rows.map(({ topic }) => topic);
      const offsets = await fill(broker, topics, { first: all, count: 1 });
      assert.deepEqual(
        Object.fromEntries(offsets),
        Object.fromEntries(topics.map((t) => [t, all])),
      );
    });
  });
}

describe('the segment that is written to', async () => {
  const row: Row = {
    topic: 'active',
    damage: (segments) => {
      const offset = middleOf(segments.at(-1));
      flipIn(segments.at(-1) as LogFile, offset);
      return [offset];
    },
  };

  test('keeps everything but the damaged batch after a clean stop', async () => {
    const { broker, lost } = await damaged('active-stopped', 'SIGTERM', [row]);
    const { offsets } = await served(broker, row.topic);
    assert.deepEqual(offsets, allBut(...(lost.get(row.topic) ?? [])));
  });

  test('keeps all but the damaged batch after kill -9, as the system runs on', async () => {
    const { broker, lost } = await damaged('active-killed', 'SIGKILL', [row]);
    const { offsets } = await served(broker, row.topic);
    assert.deepEqual(offsets, allBut(...(lost.get(row.topic) ?? [])));
  });

  test('is cut there when the system did not run on, and what is cut is set aside', async () => {
    const rebooted: Row = {
      ...row,
      damage: (segments, folder) => {
        // As another start of the system leaves it, with nothing of the segment synced.
        writeFileSync(join(folder, '../.partita_boot_id'), 'another');
        const { baseOffset } = segments.at(-1) as LogFile;
        const checkpoint = `0\n1\nactive 0 ${baseOffset}\n`;
        writeFileSync(join(folder, '../recovery-point-offset-checkpoint'), checkpoint);
        return row.damage(segments, folder);
      },
    };
    const { broker, data, lost } = await damaged('active-rebooted', 'SIGKILL', [rebooted]);
    const [first] = lost.get(row.topic) as [number];
    const { offsets } = await served(broker, row.topic);
    const aside = offsetsIn(strayFolders(data, row.topic));
    const there = new Set([...offsets, ...aside]);
    assert.deepEqual(offsets, allBut().slice(0, first));
    for (const offset of allBut(first)) assert.ok(there.has(offset), `${offset} is nowhere`);
    assert.match(broker.output, /active-0.*-stray/);
  });
});

describe('partition.metadata', async () => {
  const flipped: Row = {
    topic: 'other-id',
    damage: (_, folder) => {
      const path = join(folder, 'partition.metadata');
      const text = readFileSync(path, 'utf8');
      writeFileSync(
        path,
        text.replace(/topic_id: (.)/, (_all, first) => `topic_id: ${first === 'A' ? 'B' : 'A'}`),
      );
      return [];
    },
  };

  test('that names another topic id: the folder is set aside or offline', async () => {
    const { broker, data } = await damaged('metadata', 'SIGTERM', [flipped]);
    const { offsets, failures } = await served(broker, flipped.topic);
    const isOffline = failures.some(({ errorCode }) => errorCode === ErrorCode.KAFKA_STORAGE_ERROR);
    if (!isOffline) assert.deepEqual(offsets, []);
    const folders = isOffline
      ? [join(data, `${flipped.topic}-0`)]
      : strayFolders(data, flipped.topic);
    assert.deepEqual(offsetsIn(folders), allBut());
    assert.match(broker.output, /other-id-0/);
  });
});
