// Topics of one partition whose every record is a batch of its own, on a real broker: filled, read
// back batch by batch, and their files found. What the tests of faults share.

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readRaw } from '../../sim/workloads/read-raw.ts';
import { Admin, Producer } from '../../src/client/index.ts';
import { createNodeIo } from '../../src/io/index.ts';
import type { BrokerProcess } from '../broker-process.ts';

/** Of each topic; about twenty lie in one segment. */
export const recordCount = 100;

const configs = { 'internal.segment.bytes': '6000', 'index.interval.bytes': '500' };
const io = createNodeIo({ logLevel: 'error' });

export async function createTopics(
  { bootstrapServers }: BrokerProcess,
  topics: readonly string[],
  partitionCount = 1,
): Promise<void> {
  const admin = new Admin({ bootstrapServers });
  const wanted = topics.map((name) => ({ name, numPartitions: partitionCount, configs }));
  for (const { error } of await admin.createTopics(wanted)) if (error !== null) throw error;
  await admin.close();
}

/** One batch for each record, numbered from `first`. Resolves to the offsets of the last ones. */
export async function fill(
  { bootstrapServers }: BrokerProcess,
  topics: readonly string[],
  { first = 0, count = recordCount }: { first?: number; count?: number } = {},
): Promise<Map<string, number>> {
  const producer = new Producer({ bootstrapServers, batchSizeBytes: 1, lingerMs: 0 });
  const offsets = new Map<string, number>();
  const sent: Promise<void>[] = [];
  for (let number = first; number < first + count; number++) {
    for (const topic of topics) {
      const record = { topic, partition: 0, key: `key ${number}`, value: textOf(number) };
      const onSent = ({ offset }: { offset: number }): void => void offsets.set(topic, offset);
      sent.push(producer.send(record).then(onSent));
    }
  }
  await Promise.all(sent);
  await producer.close();
  return offsets;
}

export function textOf(number: number): string {
  return `value ${number} `.padEnd(220, '.');
}

export interface Served {
  /** Offsets whose batch came as it was written. */
  readonly offsets: readonly number[];
  /** Answers without a whole batch: at which offset and with which code. */
  readonly failures: readonly { readonly offset: number; readonly errorCode: number }[];
}

/** What is served of the offsets, each asked for by itself where the ones before it do not come. */
export async function served(
  { port }: BrokerProcess,
  topic: string,
  count = recordCount,
): Promise<Served> {
  const stops = Array.from({ length: count }, (_, offset) => offset);
  const options = { host: '127.0.0.1', port, partitionMaxBytes: 1_000_000, stops };
  const read = await readRaw(io, { topic, partition: 0 }, options);
  const offsets = [...read.batches.keys()].sort((left, right) => left - right);
  for (const [offset, bytes] of read.batches) {
    // New records, which tests add at the end, are no matter here.
    if (offset < count && !bytes.includes(textOf(offset))) {
      throw new Error(`${topic} has something else at offset ${offset}`);
    }
  }
  return { offsets, failures: read.failures };
}

/** All offsets but these. */
export function allBut(...missing: readonly number[]): number[] {
  return Array.from({ length: recordCount }, (_, offset) => offset).filter(
    (offset) => !missing.includes(offset),
  );
}

export interface LogFile {
  readonly path: string;
  readonly baseOffset: number;
  /** Of its batches, by offset. */
  readonly positions: ReadonlyMap<number, number>;
}

/** The segments of the partition's folder, oldest first. */
export function segmentsOf(folder: string): LogFile[] {
  const names = readdirSync(folder).filter((name) => name.endsWith('.log'));
  return names.sort().map((name) => {
    const path = join(folder, name);
    const bytes = readFileSync(path);
    const positions = new Map<number, number>();
    for (let at = 0; at + 61 <= bytes.length; at += 12 + bytes.readInt32BE(at + 8)) {
      positions.set(Number(bytes.readBigInt64BE(at)), at);
    }
    return { path, baseOffset: Number.parseInt(name, 10), positions };
  });
}

export function besides({ path }: LogFile, suffix: string): string {
  return path.replace(/\.log$/, suffix);
}

export function flipByte(path: string, position: number): void {
  const bytes = readFileSync(path);
  const at = position < 0 ? bytes.length + position : position;
  bytes.writeUInt8(bytes.readUInt8(at) ^ 0x40, at);
  writeFileSync(path, bytes);
}

/** In the records of the batch, which its checksum covers. */
export function flipIn(segment: LogFile, offset: number): void {
  flipByte(segment.path, (segment.positions.get(offset) as number) + 90);
}

/** Folders of the partition that were set aside. */
export function strayFolders(directory: string, topic: string): string[] {
  const pattern = new RegExp(`^${topic}-0\\.[0-9a-f]{32}-stray$`);
  const found = readdirSync(directory).filter((name) => pattern.test(name));
  return found.map((name) => join(directory, name));
}

/** Offsets of the batches in all segments of the folders. */
export function offsetsIn(folders: readonly string[]): number[] {
  return folders
    .flatMap((folder) => segmentsOf(folder))
    .flatMap(({ positions }) => [...positions.keys()])
    .sort((left, right) => left - right);
}
