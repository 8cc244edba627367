// The reader must give the same frames whatever the chunking, hold no more than has arrived, and
// never do anything but give frames or a FrameError.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Prng } from '../base/prng.ts';
import { FrameError } from './frame-error.ts';
import { FrameReader } from './frame-reader.ts';

function framed(payload: Buffer): Buffer {
  const size = Buffer.alloc(4);
  size.writeInt32BE(payload.length);
  return Buffer.concat([size, payload]);
}

function sizeOnly(size: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(size);
  return bytes;
}

function takeAll(reader: FrameReader): Buffer[] {
  const frames: Buffer[] = [];
  for (let frame = reader.next(); frame !== null; frame = reader.next()) frames.push(frame);
  return frames;
}

test('frames are the same whatever the chunking', () => {
  const prng = new Prng('chunking');
  for (let round = 0; round < 200; round++) {
    const payloads = Array.from({ length: 1 + prng.int(6) }, () =>
      prng.bytes(prng.chance(0.1) ? 4 + prng.int(700_000) : 4 + prng.int(300)),
    );
    const stream = Buffer.concat(payloads.map(framed));
    const reader = new FrameReader();
    const frames: Buffer[] = [];
    const step = prng.pick([1, 3, 50, 5000, 100_000]);
    const chunkMax = stream.length > 20_000 ? Math.max(step, 2000) : step;
    for (let at = 0; at < stream.length; ) {
      const end = Math.min(stream.length, at + 1 + prng.int(chunkMax));
      reader.feed(Buffer.from(stream.subarray(at, end)));
      // Sometimes the owner is busy and lets chunks queue up.
      if (prng.chance(0.7)) frames.push(...takeAll(reader));
      at = end;
    }
    frames.push(...takeAll(reader));
    assert.equal(frames.length, payloads.length);
    for (const [i, frame] of frames.entries()) assert.ok(frame.equals(payloads[i] as Buffer));
    assert.equal(reader.bufferedBytes, 0);
  }
});

test('a chunk that ends behind the size bytes leaves nothing behind for later frames', () => {
  const reader = new FrameReader();
  const [first, second] = [Buffer.alloc(23, 1), Buffer.alloc(94, 2)];
  const frames: Buffer[] = [];
  for (const chunk of [
    sizeOnly(23),
    first,
    framed(second).subarray(0, 25),
    framed(second).subarray(25),
  ]) {
    reader.feed(chunk);
    frames.push(...takeAll(reader));
  }
  assert.deepEqual(frames, [first, second]);
});

test('a frame inside one chunk is a slice of it', () => {
  const chunk = Buffer.concat([framed(Buffer.from('first')), framed(Buffer.from('second'))]);
  const reader = new FrameReader();
  reader.feed(chunk);
  const [first, second] = takeAll(reader);
  assert.equal(first?.buffer, chunk.buffer);
  assert.equal(second?.buffer, chunk.buffer);
  assert.equal(second?.toString(), 'second');
});

test('an announced size costs nothing until bytes arrive', () => {
  const before = process.memoryUsage().arrayBuffers;
  const readers = Array.from({ length: 200 }, () => {
    const reader = new FrameReader();
    reader.feed(sizeOnly(100 * 1024 * 1024));
    reader.feed(Buffer.from('x'));
    assert.equal(reader.next(), null);
    return reader;
  });
  const grown = process.memoryUsage().arrayBuffers - before;
  assert.equal(readers.length, 200);
  assert.ok(grown < 64 * 1024 * 1024, `${grown} bytes for 200 announced frames`);
});

test('a large frame that comes byte by byte is packed, not kept as a list of bytes', () => {
  const payload = new Prng('bytes').bytes(300_000);
  const stream = framed(payload);
  const reader = new FrameReader();
  let frame: Buffer | null = null;
  for (let i = 0; i < stream.length; i++) {
    assert.equal(frame, null);
    reader.feed(stream.subarray(i, i + 1));
    frame = reader.next();
  }
  assert.ok(frame?.equals(payload));
});

test('a size outside the limits is an error that names it, and stays one', () => {
  for (const size of [-1, -2147483648, 0, 3, 1001, 2147483647]) {
    const reader = new FrameReader({ frameBytesMax: 1000 });
    reader.feed(sizeOnly(size));
    const failure = { name: 'FrameError', message: new RegExp(`frame of ${size} bytes`) };
    assert.throws(() => reader.next(), failure);
    reader.feed(framed(Buffer.from('later')));
    assert.throws(() => reader.next(), failure);
  }
});

test('a frame of nothing is one, where that is allowed, wherever its size bytes come', () => {
  const nothing = Buffer.alloc(4);
  const two = Buffer.concat([nothing, framed(Buffer.from('next')), nothing]);
  for (let cut = 0; cut <= two.length; cut++) {
    const reader = new FrameReader({ frameBytesMin: 0 });
    reader.feed(two.subarray(0, cut));
    const frames = takeAll(reader);
    reader.feed(two.subarray(cut));
    frames.push(...takeAll(reader));
    assert.deepEqual(frames.map(String), ['', 'next', ''], `cut at ${cut}`);
  }
});

test('what speaks another protocol is named', () => {
  const cases: [Buffer, RegExp][] = [
    [Buffer.from('GET / HTTP/1.1\r\n\r\n'), /HTTP request/],
    [Buffer.from('POST /topics HTTP/1.1\r\n\r\n'), /HTTP request/],
    [Buffer.from('HTTP/1.1 400 Bad Request\r\n'), /HTTP server/],
    [Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x01]), /TLS handshake on a PLAINTEXT port/],
    [Buffer.from([0x15, 0x03, 0x03, 0x00, 0x02, 0x02]), /TLS alert/],
  ];
  for (const [bytes, message] of cases) {
    const reader = new FrameReader();
    reader.feed(bytes);
    assert.throws(() => reader.next(), { name: 'FrameError', message });
  }
});

test('random bytes give frames or a FrameError and nothing else', () => {
  const prng = new Prng('noise');
  for (let round = 0; round < 500; round++) {
    const reader = new FrameReader({ frameBytesMax: 1 << prng.int(20) });
    try {
      for (let i = 0; i < 20; i++) {
        const chunk = prng.bytes(1 + prng.int(200));
        if (prng.chance(0.8) && chunk.length >= 4) chunk.writeInt32BE(prng.int(300), 0);
        reader.feed(chunk);
        takeAll(reader);
      }
    } catch (error) {
      assert.ok(error instanceof FrameError);
    }
  }
});
