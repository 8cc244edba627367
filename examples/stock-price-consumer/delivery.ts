// At least once, at most once, and a commit for each record: what a crash in the middle costs.

import assert from 'node:assert/strict';
import { Crash, createConsumer, isAtEnd, priceCount, topic } from './prices.ts';

type Handle = (name: string) => void;

/** Work first, then commit: what was done since the last commit is done again. */
export async function atLeastOnce(bootstrapServers: string): Promise<void> {
  const counts = await withCrash(async (groupId, handle) => {
    const consumer = createConsumer(bootstrapServers, groupId, { maxPollRecords: 10 });
    consumer.subscribe([topic]);
    try {
      while (!isAtEnd(consumer)) {
        const records = await consumer.poll(500);
        for (const { partition, offset } of records) handle(`${partition}:${offset}`);
        if (records.length > 0) await consumer.commit();
      }
    } finally {
      await consumer.close();
    }
  });
  assert.equal(counts.size, priceCount, 'every price was handled');
  assert.ok(
    [...counts.values()].some((count) => count > 1),
    'some were handled twice',
  );
}

/** Commit first, then work: what was committed and not done is lost. */
export async function atMostOnce(bootstrapServers: string): Promise<void> {
  const counts = await withCrash(async (groupId, handle) => {
    const consumer = createConsumer(bootstrapServers, groupId, { maxPollRecords: 10 });
    consumer.subscribe([topic]);
    try {
      while (!isAtEnd(consumer)) {
        const records = await consumer.poll(500);
        if (records.length > 0) await consumer.commit();
        for (const { partition, offset } of records) handle(`${partition}:${offset}`);
      }
    } finally {
      await consumer.close();
    }
  });
  assert.ok(counts.size < priceCount, 'some prices were never handled');
  assert.ok(
    [...counts.values()].every((count) => count === 1),
    'none was handled twice',
  );
}

/** At least once, but a crash repeats one record at most. */
export async function perRecord(bootstrapServers: string): Promise<void> {
  const counts = await withCrash(async (groupId, handle) => {
    const consumer = createConsumer(bootstrapServers, groupId);
    consumer.subscribe([topic]);
    try {
      while (!isAtEnd(consumer)) {
        const records = await consumer.poll(500);
        for (const record of records) {
          handle(`${record.partition}:${record.offset}`);
          await consumer.commitRecord(record);
        }
      }
    } finally {
      await consumer.close();
    }
  });
  assert.equal(counts.size, priceCount);
  const repeated = [...counts.values()].filter((count) => count > 1).length;
  assert.equal(repeated, 1, 'the one that was being handled');
}

/** Runs a program that dies in the middle of a poll's records, then once more. */
async function withCrash(
  program: (groupId: string, handle: Handle) => Promise<void>,
): Promise<Map<string, number>> {
  const groupId = `crash-${Math.random().toString(36).slice(2)}`;
  const counts = new Map<string, number>();
  let left = 25;
  const handle = (name: string): void => {
    counts.set(name, (counts.get(name) ?? 0) + 1);
    if (--left === 0) throw new Crash();
  };
  await assert.rejects(program(groupId, handle), Crash);
  await program(groupId, handle);
  return counts;
}
