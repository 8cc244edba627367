// Hostile frames: random bytes, valid frames with bits flipped, cut short, or with a length blown
// up. Whatever comes in, only a KafkaError comes out, quickly, and with no more memory than a small
// multiple of the frame. The seed is fixed; PARTITA_FUZZ_SEED and PARTITA_FUZZ_ROUNDS widen a run.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Prng } from '../base/prng.ts';
import {
  decodeRequest,
  decodeRequestHeader,
  decodeResponse,
  encodeRequest,
  encodeResponse,
} from './codec.ts';
import { KafkaError } from './errors.ts';
import { allApis, produce } from './messages/index.ts';
import type { Api, Field, Fields } from './schema.ts';
import { defaultOf, isIn } from './schema.ts';

const seed = process.env.PARTITA_FUZZ_SEED ?? 'frames';
const rounds = Number(process.env.PARTITA_FUZZ_ROUNDS ?? 1);
const frameMsMax = 2000;

/** Something in every field, so that a mutation may hit any of them. */
function sample(fields: Fields, version: number, prng: Prng): Record<string, unknown> {
  const value: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(fields)) {
    if (isIn(field.versions, version)) value[name] = sampleField(field, version, prng);
  }
  return value;
}

function sampleField(field: Field, version: number, prng: Prng): unknown {
  if (field.kind === 'struct') return sample(field.element as Fields, version, prng);
  if (field.kind === 'array') {
    if (typeof field.element === 'string') return [];
    const element = (): unknown => sample(field.element as Fields, version, prng);
    return Array.from({ length: 1 + prng.int(3) }, element);
  }
  if (field.scalar === 'string') return 'x'.repeat(prng.int(20));
  if (field.scalar === 'bytes' || field.scalar === 'records') return prng.bytes(prng.int(60));
  return defaultOf(field);
}

const hugeLengths = ['7fffffff', '80000000', 'ffffffff', 'ffffff7f', '7fff', 'fffe', 'ffffffff0f'];

function mutate(frame: Buffer, prng: Prng): Buffer {
  const mutated = Buffer.from(frame);
  const at = prng.int(mutated.length);
  switch (prng.int(4)) {
    case 0:
      return mutated.subarray(0, at);
    case 1:
      mutated[at] = (mutated[at] as number) ^ (1 << prng.int(8));
      return mutated;
    case 2:
      Buffer.from(prng.pick(hugeLengths), 'hex').copy(mutated, at);
      return mutated;
    default:
      prng.bytes(1 + prng.int(8)).copy(mutated, at);
      return mutated;
  }
}

let outcomes = { decoded: 0, refused: 0 };

function assertHarmless(what: string, decode: () => unknown): void {
  const before = process.cpuUsage();
  try {
    decode();
    outcomes.decoded++;
  } catch (error) {
    assert(error instanceof KafkaError, `${what}: ${(error as Error).stack}`);
    outcomes.refused++;
  }
  const tookMs = processorMsSince(before);
  assert.ok(tookMs < frameMsMax, `${what} took ${tookMs} ms`);
}

/** Other work on the machine does not add to it. */
function processorMsSince(before: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

function decodeAny(frame: Buffer): unknown {
  const header = decodeRequestHeader(frame);
  const api = allApis.find((candidate) => candidate.key === header.apiKey);
  if (api === undefined) return header;
  return decodeRequest(api, header.apiVersion, frame, header.bodyPosition);
}

function eachVersion(check: (api: Api, version: number, prng: Prng) => void): void {
  const prng = new Prng(seed);
  for (const api of allApis) {
    for (let version = api.versions.min; version <= api.versions.max; version++) {
      for (let round = 0; round < rounds; round++) {
        check(api, version, prng.fork(`${api.name} ${version} ${round}`));
      }
    }
  }
}

test('mutated requests are decoded or refused, never anything else', () => {
  outcomes = { decoded: 0, refused: 0 };
  eachVersion((api, version, prng) => {
    const body = sample(api.request.fields, version, prng);
    const header = { correlationId: 1, clientId: 'fuzz' };
    const frame = Buffer.concat(encodeRequest(api, version, header, body)).subarray(4);
    decodeAny(frame);
    for (let i = 0; i < 30; i++) {
      const mutated = mutate(frame, prng);
      assertHarmless(`seed ${seed}: ${api.name} v${version} ${mutated.toString('hex')}`, () =>
        decodeAny(mutated),
      );
    }
  });
  assert.ok(outcomes.decoded > 1000 && outcomes.refused > 1000, JSON.stringify(outcomes));
});

test('mutated responses are decoded or refused, never anything else', () => {
  eachVersion((api, version, prng) => {
    const body = sample(api.response.fields, version, prng);
    const frame = Buffer.concat(encodeResponse(api, version, 1, body)).subarray(4);
    decodeResponse(api, version, frame);
    for (let i = 0; i < 30; i++) {
      const mutated = mutate(frame, prng);
      assertHarmless(`seed ${seed}: ${api.name} v${version} ${mutated.toString('hex')}`, () =>
        decodeResponse(api, version, mutated),
      );
    }
  });
});

test('random bytes are refused as requests of every kind', () => {
  eachVersion((api, version, prng) => {
    for (let i = 0; i < 20; i++) {
      const frame = prng.bytes(prng.int(120));
      assertHarmless(`seed ${seed}: ${api.name} v${version} ${frame.toString('hex')}`, () =>
        decodeRequest(api, version, frame, 0),
      );
      assertHarmless('header', () => decodeAny(frame));
    }
  });
});

test('a large frame of nothing but counts costs a small multiple of its size', () => {
  // All ones are huge counts; all zeros are many small elements in old versions, none in new.
  for (const filling of [0x00, 0x01, 0x02, 0x7f, 0xff]) {
    const frame = Buffer.alloc(64 * 1024, filling);
    frame.writeInt32BE(frame.length / 16, 0);
    const before = process.memoryUsage();
    for (const api of allApis) {
      for (const version of [api.versions.min, api.versions.max]) {
        assertHarmless(`${api.name} v${version} of ${filling}`, () =>
          decodeRequest(api, version, frame, 0),
        );
      }
    }
    const after = process.memoryUsage();
    const grownBytes = after.heapUsed + after.external - before.heapUsed - before.external;
    assert.ok(grownBytes < 256 * 1024 * 1024, `${grownBytes} bytes for ${filling}`);
  }
});

test('millions of empty structs are refused before they are made', () => {
  // 32 MiB that hold three million topics, as the count says: but no message needs so many.
  const frame = Buffer.alloc(32 * 1024 * 1024, 0x01);
  Buffer.from('00' + '0001' + '000003e8' + 'c18db701', 'hex').copy(frame);
  const before = process.cpuUsage();
  assert.throws(() => decodeRequest(produce, 9, frame, 0), /more array elements/);
  assert.ok(processorMsSince(before) < frameMsMax);
});
