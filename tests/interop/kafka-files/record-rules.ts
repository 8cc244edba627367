// The table of what producers may send: topics with rules, and for each of them sets of records as
// old and new clients write them, right and wrong. Nothing here says what should happen.

import { createHash } from 'node:crypto';
import {
  type BatchOptions,
  encodeBatch,
  encodeMessageSet,
  type RecordInput,
  setBaseOffset,
} from '../../../src/protocol/index.ts';

export const hourMs = 3_600_000;

export interface Rule {
  readonly topic: string;
  readonly configs: Readonly<Record<string, string>>;
}

export interface Sent {
  readonly name: string;
  readonly version: number;
  readonly bytes: Buffer;
}

export const rules: readonly Rule[] = [
  { topic: 'plain', configs: {} },
  { topic: 'append-time', configs: { 'message.timestamp.type': 'LogAppendTime' } },
  {
    topic: 'append-time-bounds',
    configs: {
      'message.timestamp.type': 'LogAppendTime',
      'message.timestamp.before.max.ms': '1000',
      'message.timestamp.after.max.ms': '1000',
    },
  },
  {
    topic: 'bounds',
    configs: {
      'message.timestamp.before.max.ms': String(hourMs),
      'message.timestamp.after.max.ms': String(hourMs),
    },
  },
  { topic: 'small', configs: { 'max.message.bytes': '500' } },
  { topic: 'small-gzip', configs: { 'max.message.bytes': '500', 'compression.type': 'gzip' } },
  {
    topic: 'small-plain',
    configs: { 'max.message.bytes': '500', 'compression.type': 'uncompressed' },
  },
  { topic: 'compacted', configs: { 'cleanup.policy': 'compact' } },
  { topic: 'compacted-delete', configs: { 'cleanup.policy': 'compact,delete' } },
  ...['uncompressed', 'gzip', 'snappy', 'lz4', 'zstd'].map((codec) => ({
    topic: `to-${codec}`,
    configs: { 'compression.type': codec },
  })),
  {
    topic: 'to-gzip-append-time',
    configs: {
      'compression.type': 'gzip',
      'message.timestamp.type': 'LogAppendTime',
      'compression.gzip.level': '9',
    },
  },
  {
    topic: 'to-zstd-level',
    configs: { 'compression.type': 'zstd', 'compression.zstd.level': '19' },
  },
  { topic: 'to-lz4-level', configs: { 'compression.type': 'lz4', 'compression.lz4.level': '12' } },
];

function records(nowMs: number, count: number, change: Partial<RecordInput> = {}): RecordInput[] {
  return Array.from({ length: count }, (_, index) => ({
    key: Buffer.from(`key ${index}`),
    value: Buffer.from(`value ${index} `.repeat(4)),
    timestamp: nowMs + index,
    headers: index % 2 === 0 ? [] : [{ key: 'h', value: null }],
    ...change,
  }));
}

/** Not to be compressed. */
function noise(sizeBytes: number): Buffer {
  const blocks = Array.from({ length: Math.ceil(sizeBytes / 32) }, (_, index) =>
    createHash('sha256').update(String(index)).digest(),
  );
  return Buffer.concat(blocks).subarray(0, sizeBytes);
}

function damaged(bytes: Buffer, change: (copy: Buffer) => void): Buffer {
  const copy = Buffer.from(bytes);
  change(copy);
  return copy;
}

/** Record batches, each under its name. */
function batches(nowMs: number): Record<string, Buffer> {
  const batch = (input: RecordInput[], options: BatchOptions = {}): Buffer =>
    encodeBatch({ records: input, ...options });
  const five = records(nowMs, 5);
  const at = (timestamp: number): RecordInput[] => [
    ...records(nowMs, 2),
    { value: five[0]?.value ?? null, key: Buffer.from('k'), timestamp },
  ];
  const idempotent = { producerId: 4_000, producerEpoch: 0, baseSequence: 0 };
  const whole = batch(five);
  return {
    'one record': batch(records(nowMs, 1)),
    'five records': whole,
    gzip: batch(five, { compression: 1 }),
    snappy: batch(five, { compression: 2 }),
    lz4: batch(five, { compression: 3 }),
    zstd: batch(five, { compression: 4 }),
    idempotent: batch(five, idempotent),
    'idempotent, the same again': batch(five, idempotent),
    'idempotent, compressed': batch(five, { ...idempotent, baseSequence: 5, compression: 2 }),
    'idempotent, a gap': batch(five, { ...idempotent, baseSequence: 77 }),
    'idempotent, no sequence': batch(five, { ...idempotent, baseSequence: -1 }),
    'without keys': batch(records(nowMs, 3, { key: null })),
    'without keys, compressed': batch(records(nowMs, 3, { key: null }), { compression: 4 }),
    'one without key': batch([...records(nowMs, 2), { value: Buffer.from('v'), timestamp: nowMs }]),
    'without values': batch(records(nowMs, 3, { value: null })),
    'no timestamps': batch(records(nowMs, 3, { timestamp: -1 })),
    'no timestamps, compressed': batch(records(nowMs, 3, { timestamp: -1 }), { compression: 1 }),
    'a day old': batch(at(nowMs - 24 * hourMs)),
    'a day old, compressed': batch(at(nowMs - 24 * hourMs), { compression: 3 }),
    'a day ahead': batch(at(nowMs + 24 * hourMs)),
    'a day ahead, compressed': batch(at(nowMs + 24 * hourMs), { compression: 4 }),
    'all a day ahead': batch(records(nowMs + 24 * hourMs, 3)),
    'half an hour old': batch(at(nowMs - hourMs / 2)),
    'half an hour ahead': batch(at(nowMs + hourMs / 2)),
    'of log append time': batch(five, { timestampType: 1, maxTimestamp: nowMs }),
    'large and compressible': batch(records(nowMs, 1, { value: Buffer.alloc(5_000, 'a') })),
    'large, compressed': batch(records(nowMs, 1, { value: Buffer.alloc(5_000, 'a') }), {
      compression: 1,
    }),
    'large noise': batch(records(nowMs, 1, { value: noise(800) })),
    'noise near the bound': batch(records(nowMs, 1, { value: noise(410) })),
    'control batch': batch(five, { isControl: true }),
    'transactional without id': batch(five, { ...idempotent, isTransactional: true }),
    'offset not zero': damaged(whole, (copy) => setBaseOffset(copy, 0, 7)),
    'wrong crc': damaged(whole, (copy) => copy.writeUInt8(copy.readUInt8(80) ^ 1, 80)),
    'wrong magic': damaged(whole, (copy) => copy.writeInt8(9, 16)),
    'cut short': whole.subarray(0, whole.length - 3),
    'two batches': Buffer.concat([whole, whole]),
    'a message set': encodeMessageSet([{ offset: 0, value: five[0]?.value ?? null }], { magic: 1 }),
    nothing: Buffer.alloc(0),
  };
}

/** Message sets as producers before 0.11 send them: magic 0 by version 1, magic 1 by version 2. */
function messageSets(nowMs: number, magic: 0 | 1): Record<string, Buffer> {
  const input = (count: number, timestamp = nowMs, key: Buffer | null = Buffer.from('k')) =>
    Array.from({ length: count }, (_, offset) => ({
      offset,
      key,
      value: Buffer.from(`message ${offset} `.repeat(4)),
      ...(magic === 1 ? { timestamp: timestamp + offset } : {}),
    }));
  const sets: Record<string, Buffer> = {};
  for (const [compression, codec] of [
    [0, 'plain'],
    [1, 'gzip'],
    [2, 'snappy'],
    [3, 'lz4'],
  ] as const) {
    sets[`set of magic ${magic}, ${codec}`] = encodeMessageSet(input(4), { magic, compression });
    sets[`without keys of magic ${magic}, ${codec}`] = encodeMessageSet(input(3, nowMs, null), {
      magic,
      compression,
    });
    sets[`a day ahead of magic ${magic}, ${codec}`] = encodeMessageSet(
      input(3, nowMs + 24 * hourMs),
      { magic, compression },
    );
  }
  const plain = sets[`set of magic ${magic}, plain`] as Buffer;
  sets[`wrong crc of magic ${magic}`] = damaged(plain, (copy) =>
    copy.writeUInt8(copy.readUInt8(30) ^ 1, 30),
  );
  sets[`cut short of magic ${magic}`] = plain.subarray(0, plain.length - 3);
  return sets;
}

/** The same for every topic, in the order in which they are sent. */
export function sentRecords(nowMs: number): Sent[] {
  const named = (version: number, sets: Record<string, Buffer>): Sent[] =>
    Object.entries(sets).map(([name, bytes]) => ({ name: `${name}, v${version}`, version, bytes }));
  const old = batches(nowMs);
  return [
    ...named(12, batches(nowMs)),
    // Before version 7 there is no zstd, before version 8 errors have no details.
    ...named(6, { zstd: old.zstd as Buffer, 'one without key': old['one without key'] as Buffer }),
    ...named(2, messageSets(nowMs, 1)),
    ...named(1, messageSets(nowMs, 0)),
  ];
}
