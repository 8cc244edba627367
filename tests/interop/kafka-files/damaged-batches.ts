// Compressed batches as a broken client, or a proxy, may send them: for each codec good forms that
// clients write, forms that only the codec's specification knows, and damage of many kinds, all of
// them under a CRC that is right. Nothing here says what should happen.

import { gzipSync } from 'node:zlib';
import { Prng } from '../../../src/base/prng.ts';
import {
  type CompressionCodec,
  compress,
  crc32c,
  encodeBatch,
} from '../../../src/protocol/index.ts';
import { xxhash32 } from '../../../src/protocol/records/compression/xxhash32.ts';
import type { Rule, Sent } from './record-rules.ts';

const version = 12;
const overheadBytes = 61;
const codecs = { gzip: 1, snappy: 2, lz4: 3, zstd: 4 } as const;

type Payloads = Record<string, Buffer>;

/** What topics make of compressed batches: nothing, reading keys, and another codec. */
export const damagedRules: readonly Rule[] = [
  { topic: 'damaged-plain', configs: {} },
  { topic: 'damaged-compacted', configs: { 'cleanup.policy': 'compact' } },
  { topic: 'damaged-to-lz4', configs: { 'compression.type': 'lz4' } },
];

export interface BatchFields {
  readonly attributes: number;
  readonly recordCount: number;
  readonly lastOffsetDelta?: number;
}

/** The batch of a body that is taken as it is. */
export function batchOf(body: Buffer, fields: BatchFields, nowMs: number): Buffer {
  const { attributes, recordCount, lastOffsetDelta = recordCount - 1 } = fields;
  const head = encodeBatch({ records: [{ value: null, timestamp: nowMs }] });
  const batch = Buffer.concat([head.subarray(0, overheadBytes), body]);
  batch.writeInt32BE(batch.length - 12, 8);
  batch.writeInt16BE(attributes, 21);
  batch.writeInt32BE(lastOffsetDelta, 23);
  batch.writeInt32BE(recordCount, 57);
  batch.writeUInt32BE(crc32c(batch, 21, batch.length), 17);
  return batch;
}

function plainBody(nowMs: number, count: number): Buffer {
  const records = Array.from({ length: count }, (_, index) => ({
    key: Buffer.from(`key ${index}`),
    value: Buffer.from(`{"user":${index * 7919},"amount":${(index * 104_729) % 1000}}`.repeat(3)),
    timestamp: nowMs,
  }));
  return encodeBatch({ records }).subarray(overheadBytes);
}

function changed(bytes: Buffer, change: (copy: Buffer) => Buffer | undefined): Buffer {
  const copy = Buffer.from(bytes);
  return change(copy) ?? copy;
}

function flipped(bytes: Buffer, ...places: readonly number[]): Buffer {
  return changed(bytes, (copy) => {
    for (const at of places) copy[at] = (copy[at] as number) ^ 0x55;
  });
}

function uint32LE(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value >>> 0);
  return bytes;
}

function int32BE(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

/** Damage that any codec may meet; `good` is the plain body compressed. */
function damageOfAny(name: keyof typeof codecs, plain: Buffer, good: Buffer): Payloads {
  const codec = codecs[name];
  const prng = new Prng(`damage ${name}`);
  const payloads: Payloads = {
    'nothing at all': Buffer.alloc(0),
    'one byte': good.subarray(0, 1),
    'a plain body flagged': plain,
    noise: Buffer.from(prng.bytes(300)),
    'noise behind a good beginning': Buffer.concat([good.subarray(0, 40), prng.bytes(300)]),
    zeros: Buffer.alloc(100),
    'wrong first byte': flipped(good, 0),
    'trailing noise': Buffer.concat([good, prng.bytes(20)]),
    'trailing zeros': Buffer.concat([good, Buffer.alloc(20)]),
    'one trailing zero': Buffer.concat([good, Buffer.alloc(1)]),
    'two frames, the records in both': Buffer.concat([
      compress(codec, plain.subarray(0, plain.length >>> 1)),
      compress(codec, plain.subarray(plain.length >>> 1)),
    ]),
    'the same frame twice': Buffer.concat([good, good]),
    'an empty frame behind': Buffer.concat([good, compress(codec, Buffer.alloc(0))]),
    'an empty frame before': Buffer.concat([compress(codec, Buffer.alloc(0)), good]),
    'only an empty frame': compress(codec, Buffer.alloc(0)),
    'bytes behind the last record': compress(codec, Buffer.concat([plain, Buffer.alloc(3)])),
    'the last record cut short': compress(codec, plain.subarray(0, -5)),
    'a record with an impossible length': compress(codec, flipped(plain, 0)),
    'noise for records': compress(codec, Buffer.from(prng.bytes(400))),
  };
  for (const other of Object.keys(codecs) as (keyof typeof codecs)[]) {
    if (other !== name) payloads[`${other} flagged`] = compress(codecs[other], plain);
  }
  for (const cut of [1, 2, 4, 5, 8, 9, good.length >>> 1, good.length - 12]) {
    payloads[`cut short by ${cut}`] = good.subarray(0, good.length - cut);
  }
  for (let round = 0; round < 12; round++) {
    const at = prng.int(good.length);
    payloads[`flipped at ${at}`] = flipped(good, at);
  }
  return payloads;
}

function gzipForms(plain: Buffer): Payloads {
  const good = gzipSync(plain);
  const withField = (flag: number, field: Buffer): Buffer =>
    Buffer.concat([
      changed(good, (copy) => void copy.writeUInt8(flag, 3)).subarray(0, 10),
      field,
      good.subarray(10),
    ]);
  const end = good.length;
  return {
    'level 0': gzipSync(plain, { level: 0 }),
    'level 1': gzipSync(plain, { level: 1 }),
    'level 9': gzipSync(plain, { level: 9 }),
    'another method': changed(good, (copy) => void copy.writeUInt8(7, 2)),
    'reserved flags': changed(good, (copy) => void copy.writeUInt8(0xe0, 3)),
    'a text flag': changed(good, (copy) => void copy.writeUInt8(1, 3)),
    'a name': withField(8, Buffer.from('records\0')),
    'a comment': withField(16, Buffer.from('records\0')),
    'a name without end': withField(8, Buffer.alloc(0)),
    'an extra field': withField(4, Buffer.from([3, 0, 1, 2, 3])),
    'an extra field beyond the end': withField(4, Buffer.from([0xff, 0xff])),
    'a wrong header checksum': withField(2, Buffer.from([1, 2])),
    'a wrong checksum': flipped(good, end - 8),
    'a wrong size': flipped(good, end - 4),
    'a huge size': changed(good, (copy) => void copy.writeUInt32LE(0xffff_ffff, end - 4)),
    'no trailer': good.subarray(0, end - 8),
    'half a trailer': good.subarray(0, end - 4),
    'a reserved block type': changed(good, (copy) => void copy.writeUInt8(7, 10)),
  };
}

function snappyForms(plain: Buffer): Payloads {
  const good = compress(2, plain);
  const head = good.subarray(0, 16);
  const chunk = good.subarray(16);
  const raw = good.subarray(20);
  const halves = [plain.subarray(0, 500), plain.subarray(500)].map((each) =>
    compress(2, each).subarray(16),
  );
  const preamble = (bytes: number[]): Buffer =>
    Buffer.concat([Buffer.from(bytes), raw.subarray(raw.findIndex((byte) => byte < 0x80) + 1)]);
  const framed = (block: Buffer): Buffer => Buffer.concat([head, int32BE(block.length), block]);
  return {
    'a bare block': raw,
    'a bare block cut short': raw.subarray(0, -3),
    'a bare block with trailing zeros': Buffer.concat([raw, Buffer.alloc(9)]),
    'only the header': head,
    'half the header': head.subarray(0, 8),
    'version 2': changed(good, (copy) => void copy.writeInt32BE(2, 8)),
    'version 0': changed(good, (copy) => void copy.writeInt32BE(0, 8)),
    'compatible with 2 only': changed(good, (copy) => void copy.writeInt32BE(2, 12)),
    'two chunks': Buffer.concat([head, ...halves]),
    'an empty chunk between': Buffer.concat([
      head,
      halves[0],
      int32BE(1),
      Buffer.alloc(1),
      halves[1],
    ] as Buffer[]),
    'a chunk of no bytes behind': Buffer.concat([good, int32BE(0)]),
    'a chunk of negative size': Buffer.concat([head, int32BE(-5), raw]),
    'a chunk beyond the end': Buffer.concat([head, int32BE(raw.length + 1), raw]),
    'a chunk of huge size': Buffer.concat([head, int32BE(0x7fff_ffff), raw]),
    'a chunk size cut short': Buffer.concat([head, chunk, Buffer.from([0, 0])]),
    'a huge length': framed(preamble([0xff, 0xff, 0xff, 0xff, 0x0f])),
    'a length of 100 MiB': framed(preamble([0x80, 0x80, 0x80, 0x32])),
    'a length of 1 GiB, bare': preamble([0x80, 0x80, 0x80, 0x80, 0x04]),
    'a length that is too small': framed(preamble([0x20])),
    'a length without end': framed(Buffer.alloc(10, 0xff)),
    'a copy before the start': framed(Buffer.from([8, 0x11, 0x40, 0x01])),
    'a literal beyond the end': framed(Buffer.from([60, 0xec, 1, 2, 3])),
  };
}

interface Lz4Frame {
  readonly flags?: number;
  readonly blockDescriptor?: number;
  readonly extra?: Buffer;
  readonly blocks?: readonly Buffer[];
  readonly tail?: Buffer;
}

function lz4Frame(plain: Buffer, frame: Lz4Frame): Buffer {
  const { flags = 0x60, blockDescriptor = 0x40, extra = Buffer.alloc(0) } = frame;
  const head = Buffer.concat([
    Buffer.from([0x04, 0x22, 0x4d, 0x18, flags, blockDescriptor]),
    extra,
  ]);
  const checksum = Buffer.from([(xxhash32(head, 4) >>> 8) & 0xff]);
  const blocks = frame.blocks ?? [uint32LE(0x8000_0000 + plain.length), plain];
  return Buffer.concat([head, checksum, ...blocks, uint32LE(0), frame.tail ?? Buffer.alloc(0)]);
}

function lz4Forms(plain: Buffer): Payloads {
  const good = compress(3, plain);
  const block = good.subarray(11, good.length - 4);
  const size = uint32LE(block.length);
  const sum = uint32LE(xxhash32(block));
  const contentSum = uint32LE(xxhash32(plain));
  const contentSize = (bytes: number): Buffer =>
    Buffer.concat([uint32LE(bytes), uint32LE(Math.floor(bytes / 0x1_0000_0000))]);
  const stored = [uint32LE(0x8000_0000 + plain.length), plain];
  const half = plain.length >>> 1;
  const twoBlocks = [
    ...[uint32LE(0x8000_0000 + half), plain.subarray(0, half)],
    ...[uint32LE(0x8000_0000 + plain.length - half), plain.subarray(half)],
  ];
  const zeros = Buffer.alloc(4);
  return {
    'a stored block': lz4Frame(plain, { blocks: stored }),
    'two stored blocks': lz4Frame(plain, { blocks: twoBlocks }),
    'linked blocks': lz4Frame(plain, { flags: 0x40, blocks: [size, block] }),
    'block checksums': lz4Frame(plain, { flags: 0x70, blocks: [size, block, sum] }),
    'a wrong block checksum': lz4Frame(plain, {
      flags: 0x70,
      blocks: [size, block, flipped(sum, 0)],
    }),
    'a content checksum': lz4Frame(plain, { flags: 0x64, blocks: [size, block], tail: contentSum }),
    'a content checksum of two blocks': lz4Frame(plain, {
      flags: 0x64,
      blocks: twoBlocks,
      tail: contentSum,
    }),
    'a wrong content checksum': lz4Frame(plain, {
      flags: 0x64,
      blocks: [size, block],
      tail: flipped(contentSum, 1),
    }),
    'a content checksum cut short': lz4Frame(plain, {
      flags: 0x64,
      blocks: [size, block],
      tail: contentSum.subarray(0, 2),
    }),
    'a content size': lz4Frame(plain, {
      flags: 0x68,
      extra: contentSize(plain.length),
      blocks: [size, block],
    }),
    'a wrong content size': lz4Frame(plain, {
      flags: 0x68,
      extra: contentSize(plain.length + 1),
      blocks: [size, block],
    }),
    'a huge content size': lz4Frame(plain, {
      flags: 0x68,
      extra: contentSize(2 ** 50),
      blocks: [size, block],
    }),
    'a dictionary id': lz4Frame(plain, { flags: 0x61, extra: uint32LE(7), blocks: [size, block] }),
    'a reserved flag': lz4Frame(plain, { flags: 0x62, blocks: [size, block] }),
    'a reserved bit of the block descriptor': lz4Frame(plain, {
      blockDescriptor: 0x41,
      blocks: [size, block],
    }),
    'the highest bit of the block descriptor': lz4Frame(plain, {
      blockDescriptor: 0xc0,
      blocks: [size, block],
    }),
    'version 0': lz4Frame(plain, { flags: 0x20, blocks: [size, block] }),
    'version 2': lz4Frame(plain, { flags: 0xa0, blocks: [size, block] }),
    'blocks of 4 MiB': lz4Frame(plain, { blockDescriptor: 0x70, blocks: [size, block] }),
    'blocks of an unknown size': lz4Frame(plain, { blockDescriptor: 0x30, blocks: [size, block] }),
    'a block larger than the maximum': lz4Frame(plain, {
      blocks: [
        uint32LE(0x8000_0000 + 70_000),
        Buffer.concat([plain, Buffer.alloc(70_000 - plain.length)]),
      ],
    }),
    'a block beyond the end': lz4Frame(plain, { blocks: [uint32LE(block.length + 50), block] }),
    'a wrong header checksum': flipped(good, 6),
    'the header checksum of old clients': changed(
      good,
      (copy) => void copy.writeUInt8((xxhash32(copy, 0, 6) >>> 8) & 0xff, 6),
    ),
    'no end mark': good.subarray(0, good.length - 4),
    'a skippable frame before': Buffer.concat([
      uint32LE(0x184d_2a50),
      uint32LE(3),
      Buffer.alloc(3),
      good,
    ]),
    'a skippable frame behind': Buffer.concat([
      good,
      uint32LE(0x184d_2a50),
      uint32LE(3),
      Buffer.alloc(3),
    ]),
    'a legacy frame': Buffer.concat([uint32LE(0x184c_2102), size, block]),
    'a match before the start': lz4Frame(plain, {
      blocks: [uint32LE(4), Buffer.from([0x10, 65, 9, 0])],
    }),
    'an offset of zero': lz4Frame(plain, { blocks: [uint32LE(4), Buffer.from([0x10, 65, 0, 0])] }),
    'an empty block': lz4Frame(plain, { blocks: [uint32LE(0x8000_0000), zeros] }),
  };
}

interface ZstdFrame {
  readonly descriptor?: number;
  /** Window, dictionary and content size. */
  readonly head: Buffer;
  readonly blocks?: readonly Buffer[];
  readonly tail?: Buffer;
}

/** One raw block, unless blocks are given. */
function zstdFrame(plain: Buffer, { descriptor = 0, head, blocks, tail }: ZstdFrame): Buffer {
  return Buffer.concat([
    uint32LE(0xfd2f_b528),
    Buffer.from([descriptor]),
    head,
    ...(blocks ?? [zstdBlock(plain, 0, true)]),
    tail ?? Buffer.alloc(0),
  ]);
}

function zstdBlock(bytes: Buffer, kind: number, isLast: boolean, size = bytes.length): Buffer {
  const head = Buffer.alloc(3);
  head.writeUIntLE(size * 8 + kind * 2 + (isLast ? 1 : 0), 0, 3);
  return Buffer.concat([head, bytes]);
}

function zstdForms(plain: Buffer): Payloads {
  const good = compress(4, plain);
  const window = (log: number): Buffer => Buffer.from([(log - 10) << 3]);
  const half = plain.length >>> 1;
  const two = [
    zstdBlock(plain.subarray(0, half), 0, false),
    zstdBlock(plain.subarray(half), 0, true),
  ];
  const size16 = (bytes: number): Buffer => {
    const buffer = Buffer.alloc(2);
    buffer.writeUInt16LE(bytes - 256);
    return buffer;
  };
  const size64 = Buffer.alloc(8, 0xff);
  const skippable = Buffer.concat([uint32LE(0x184d_2a53), uint32LE(3), Buffer.alloc(3)]);
  return {
    'level -5': compress(4, plain, -5),
    'level 19': compress(4, plain, 19),
    'a raw block': zstdFrame(plain, { head: window(20) }),
    'two raw blocks': zstdFrame(plain, { head: window(20), blocks: two }),
    'no last block': zstdFrame(plain, { head: window(20), blocks: [zstdBlock(plain, 0, false)] }),
    'an empty last block': zstdFrame(plain, {
      head: window(20),
      blocks: [zstdBlock(plain, 0, false), zstdBlock(Buffer.alloc(0), 0, true)],
    }),
    'a block of a reserved kind': zstdFrame(plain, {
      head: window(20),
      blocks: [zstdBlock(plain, 3, true)],
    }),
    'a raw block called compressed': zstdFrame(plain, {
      head: window(20),
      blocks: [zstdBlock(plain, 2, true)],
    }),
    'a block beyond the end': zstdFrame(plain, {
      head: window(20),
      blocks: [zstdBlock(plain, 0, true, plain.length + 9)],
    }),
    'a block larger than the window': zstdFrame(plain, { head: window(10) }),
    'a window of 128 MiB': zstdFrame(plain, { head: window(27) }),
    'a window above 128 MiB': zstdFrame(plain, { head: Buffer.from([(17 << 3) | 1]) }),
    'a window of 256 MiB': zstdFrame(plain, { head: window(28) }),
    'a window of 2 GiB': zstdFrame(plain, { head: window(31) }),
    'a window of 4 TiB': zstdFrame(plain, { head: Buffer.from([0xff]) }),
    'a content size': zstdFrame(plain, {
      descriptor: 0x40,
      head: Buffer.concat([window(20), size16(plain.length)]),
    }),
    'a wrong content size': zstdFrame(plain, {
      descriptor: 0x40,
      head: Buffer.concat([window(20), size16(plain.length + 1)]),
    }),
    'a huge content size': zstdFrame(plain, {
      descriptor: 0xc0,
      head: Buffer.concat([window(20), size64]),
    }),
    'a single segment of huge size': zstdFrame(plain, { descriptor: 0xe0, head: size64 }),
    'a reserved bit': zstdFrame(plain, { descriptor: 0x08, head: window(20) }),
    'an unused bit': zstdFrame(plain, { descriptor: 0x10, head: window(20) }),
    'a dictionary': zstdFrame(plain, {
      descriptor: 1,
      head: Buffer.concat([window(20), Buffer.from([5])]),
    }),
    'a dictionary of id 0': zstdFrame(plain, {
      descriptor: 1,
      head: Buffer.concat([window(20), Buffer.from([0])]),
    }),
    'a wrong checksum': zstdFrame(plain, { descriptor: 4, head: window(20), tail: uint32LE(1) }),
    'no checksum where one is announced': zstdFrame(plain, { descriptor: 4, head: window(20) }),
    'a skippable frame before': Buffer.concat([skippable, good]),
    'a skippable frame behind': Buffer.concat([good, skippable]),
    'only a skippable frame': skippable,
    'a skippable frame cut short': Buffer.concat([good, uint32LE(0x184d_2a53), uint32LE(30)]),
    'only the header': good.subarray(0, 6),
  };
}

/** Counts, deltas and attributes that are not what the records say. */
function wrongFields(plain: Buffer, nowMs: number, count: number): Payloads {
  const body = compress(1, plain);
  const of = (fields: Partial<BatchFields>): Buffer =>
    batchOf(body, { attributes: 1, recordCount: count, ...fields }, nowMs);
  const plainOf = (fields: Partial<BatchFields>): Buffer =>
    batchOf(plain, { attributes: 0, recordCount: count, ...fields }, nowMs);
  const batches: Payloads = {};
  for (const [name, make] of [
    ['compressed', of],
    ['plain', plainOf],
  ] as const) {
    batches[`${name}, one record too many`] = make({ recordCount: count + 1 });
    batches[`${name}, one record too few`] = make({ recordCount: count - 1 });
    batches[`${name}, a million records`] = make({ recordCount: 1_000_000 });
    batches[`${name}, 2^31-1 records`] = make({
      recordCount: 0x7fff_ffff,
      lastOffsetDelta: 0x7fff_fffe,
    });
    batches[`${name}, more records than offsets`] = make({
      recordCount: count + 5,
      lastOffsetDelta: count - 1,
    });
    batches[`${name}, fewer records than offsets`] = make({ lastOffsetDelta: count + 5 });
    batches[`${name}, no records`] = make({ recordCount: 0, lastOffsetDelta: 0 });
    batches[`${name}, -1 records`] = make({ recordCount: -1, lastOffsetDelta: 0 });
    batches[`${name}, negative offset delta`] = make({ lastOffsetDelta: -2 });
  }
  for (const codec of [5, 6, 7]) batches[`unknown codec ${codec}`] = of({ attributes: codec });
  batches['unused attributes'] = of({ attributes: 0x7f01 & ~0x70 });
  batches['a delete horizon'] = of({ attributes: 0x41 });
  return batches;
}

/** The same for every topic. A large one is beyond what is unpacked to be looked at. */
export function damagedBatches(nowMs: number): Sent[] {
  const sent: Sent[] = [];
  const forms = { gzip: gzipForms, snappy: snappyForms, lz4: lz4Forms, zstd: zstdForms };
  for (const [size, count] of [
    ['', 20],
    ['large ', 6_000],
  ] as const) {
    const plain = plainBody(nowMs, count);
    for (const name of Object.keys(codecs) as (keyof typeof codecs)[]) {
      const codec: CompressionCodec = codecs[name];
      const good = compress(codec, plain);
      const payloads: Payloads = { good, ...damageOfAny(name, plain, good) };
      if (size === '') Object.assign(payloads, forms[name](plain));
      for (const [what, payload] of Object.entries(payloads)) {
        const bytes = batchOf(payload, { attributes: codec, recordCount: count }, nowMs);
        sent.push({ name: `${size}${name}: ${what}`, version, bytes });
      }
    }
    if (size !== '') continue;
    for (const [what, bytes] of Object.entries(wrongFields(plain, nowMs, count))) {
      sent.push({ name: what, version, bytes });
    }
  }
  return sent;
}
