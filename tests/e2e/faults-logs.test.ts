// The rows of the fault table (docs/guarantees.md) about the files of one partition, on a real
// broker that was stopped or killed: each topic has a damage of its own.

import assert from 'node:assert/strict';
import {
  appendFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { Consumer, ErrorCode, Producer } from '../../src/client/index.ts';
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

describe('a last batch that is not whole', () => {
  /** `synced`: up to which offset the checkpoint says that the log was synced. */
  const torn = (topic: string, synced: (baseOffset: number) => number): Row => ({
    topic,
    damage: (segments, folder) => {
      const { path, positions, baseOffset } = segments.at(-1) as LogFile;
      truncateSync(path, statSync(path).size - 20);
      const checkpoint = `0\n1\n${topic} 0 ${synced(baseOffset)}\n`;
      writeFileSync(join(folder, '../recovery-point-offset-checkpoint'), checkpoint);
      return [...positions.keys()].slice(-1);
    },
  });

  test('is cut after kill -9 where it was not synced', async () => {
    const row = torn('torn', (baseOffset) => baseOffset);
    const { broker, data, lost } = await damaged('torn', 'SIGKILL', [row]);
    const { offsets } = await served(broker, row.topic);
    assert.deepEqual(offsets, allBut(...(lost.get(row.topic) ?? [])));
    assert.deepEqual(strayFolders(data, row.topic), []);
    assert.match(broker.output, /torn tail is cut off/);
  });

  test('is set aside where it was synced', async () => {
    const row = torn('torn-synced', () => all);
    const { broker, data, lost } = await damaged('torn-synced', 'SIGKILL', [row]);
    const { offsets } = await served(broker, row.topic);
    assert.deepEqual(offsets, allBut(...(lost.get(row.topic) ?? [])));
    assert.equal(strayFolders(data, row.topic).length, 1);
    assert.match(broker.output, /torn-synced-0 logEndOffset=99 recoveryPoint=100/);
  });
});

test('a transaction index of garbage is made again: aborted records stay hidden', async () => {
  const data = join(directory, 'transaction-index');
  const broker = await BrokerProcess.start({ directory: data });
  after(() => broker.dispose());
  const topic = 'aborted';
  await createTopics(broker, [topic]);
  const { bootstrapServers } = broker;
  const producer = new Producer({ bootstrapServers, transactionalId: 'faults' });
  await producer.initTransactions();
  for (const isKept of [false, true, false]) {
    await producer.beginTransaction();
    for (let i = 0; i < 40; i++) await producer.send({ topic, partition: 0, value: `${isKept}` });
    if (isKept) await producer.commitTransaction();
    else await producer.abortTransaction();
  }
  await producer.close();
  await broker.end('SIGTERM');
  const folder = join(data, `${topic}-0`);
  const indexes = readdirSync(folder).filter((name) => name.endsWith('.txnindex'));
  const written = indexes
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).size > 0);
  assert.ok(written.length > 0);
  for (const path of written) writeFileSync(path, Buffer.alloc(statSync(path).size, 0xee));
  await broker.start();
  const values: string[] = [];
  const consumer = new Consumer({ bootstrapServers, isolationLevel: 'read_committed' });
  await consumer.assign([{ topic, partition: 0, offset: 'earliest' }]);
  while (values.length < 40) {
    for (const { value } of await consumer.poll(1000)) values.push(`${value}`);
  }
  await consumer.close();
  assert.deepEqual(
    values,
    Array.from({ length: 40 }, () => 'true'),
  );
});

test('a missing folder of a partition is made anew, and the others are as they were', async () => {
  const missing: Row = {
    topic: 'no-folder',
    damage: (_, folder) => {
      rmSync(folder, { recursive: true });
      return allBut();
    },
  };
  const other: Row = { topic: 'neighbour', damage: () => [] };
  const { broker } = await damaged('no-folder', 'SIGTERM', [missing, other]);
  assert.deepEqual((await served(broker, other.topic)).offsets, allBut());
  assert.deepEqual((await served(broker, missing.topic)).offsets, []);
  const offsets = await fill(broker, [missing.topic], { count: 1 });
  assert.equal(offsets.get(missing.topic), 0);
});

for (const harm of ['missing', 'garbage'] as const) {
  test(`meta.properties that is ${harm} is made again from the notes beside it`, async () => {
    const intact: Row = { topic: 'intact', damage: () => [] };
    let before = '';
    const path = join(directory, `meta-${harm}`, 'meta.properties');
    const harmed: Row = {
      ...intact,
      damage: () => {
        before = readFileSync(path, 'utf8');
        if (harm === 'missing') rmSync(path);
        else writeFileSync(path, 'nothing that is known');
        return [];
      },
    };
    const { broker } = await damaged(`meta-${harm}`, 'SIGTERM', [harmed]);
    assert.deepEqual((await served(broker, intact.topic)).offsets, allBut());
    assert.equal(readFileSync(path, 'utf8'), before);
    assert.match(broker.output, /meta\.properties/);
  });
}

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

  const missing: Row = {
    topic: 'no-id',
    damage: (_, folder) => {
      rmSync(join(folder, 'partition.metadata'));
      return [];
    },
  };

  test('that is missing: the log is taken for one of the topic of that name', async () => {
    const { broker, data } = await damaged('no-metadata', 'SIGTERM', [missing]);
    const { offsets, failures } = await served(broker, missing.topic);
    assert.deepEqual([offsets, failures], [allBut(), []]);
    assert.deepEqual(strayFolders(data, missing.topic), []);
    assert.match(broker.output, /names no topic is taken for the one of that name/);
  });

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
