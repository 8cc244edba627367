// Garbage under each of the keys, before a broker starts and while one lives: one line that names
// the key and what helps, nothing stored is harmed, and with the key as it was everything goes on.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { simulate } from '../../../../sim/index.ts';
import { MemoryKeyStore } from '../../../../tests/doubles/metadata/key-stores.ts';
import { KeyedStoreWorld } from '../../../../tests/doubles/metadata/keyed-stores.ts';
import type { Io, Log, LogFields } from '../../../io/index.ts';
import {
  decodeRecords,
  encodeBatch,
  KafkaError,
  readBatchHeader,
} from '../../../protocol/index.ts';
import type { ClusterStore, StoreBatch } from '../../cluster-store.ts';
import { broker, elected, follow, type Seen } from '../../cluster-store-contract.ts';
import { readLog } from './keyed-snapshots.ts';
import { KeyedStore } from './keyed-store.ts';
import { forms } from './layout.ts';

const noticeMs = 20_000;
const large = 'l'.repeat(9_000);

const garbage: Readonly<Record<string, (was: Buffer) => Buffer>> = {
  nothing: () => Buffer.alloc(0),
  'random bytes': (was) => Buffer.from(was.map((_, at) => (at * 151 + 77) % 256)),
  'random bytes that begin as a batch does': (was) => Buffer.alloc(was.length + 70, 0),
  'JSON of another kind': () => Buffer.from('[{"endOffset":"x"}]'),
  'an empty object': () => Buffer.from('{}'),
  'a part of it': (was) => was.subarray(0, Math.floor(was.length / 2)),
  'a bit that flipped': (was) => {
    const flipped = Buffer.from(was);
    // Of JSON the bracket, of a batch something that its checksum covers.
    const at = was[0] === 0x7b ? 0 : was.length - 3;
    flipped[at] = (flipped[at] as number) ^ 4;
    return flipped;
  },
  'a bit that flipped where all else is as good': (was) => {
    const flipped = Buffer.from(was);
    // Of JSON a digit, or a letter of a name; of a batch its epoch, where it has one of its own.
    const digit = was.toString('latin1').search(/\d(?=[,}])|[a-z](?="[,}])/);
    const isLogged = was[0] === 0 && was.readBigInt64BE(0) > 0n;
    const at = was[0] === 0x7b ? digit : isLogged ? 15 : was.length - 3;
    flipped[at] = (flipped[at] as number) ^ 1;
    return flipped;
  },
};

/** By what a key begins with; each stands for those of its kind. */
const kinds = [
  'identity',
  'epoch',
  'controller',
  'end',
  'snapshot',
  'log/',
  'pieces/',
  'folders/',
  'brokers/',
  'lives/',
];

interface Filled {
  readonly io: Io;
  readonly world: KeyedStoreWorld;
  readonly store: ClusterStore;
  readonly seen: Seen;
  readonly lines: string[];
  readonly append: (text: string) => Promise<void>;
}

/** A store in which there is something under each key. */
function filled(body: (at: Filled) => Promise<void>): Promise<void> {
  return simulate(async (simulated) => {
    const lines: string[] = [];
    const note = (line: string, fields: LogFields = {}): void =>
      void lines.push(`${line} ${fields.because ?? ''}`);
    const log: Log = { debug() {}, info() {}, warn: note, error: note, child: () => log };
    const io: Io = { ...simulated, log };
    const world = new KeyedStoreWorld(io);
    const store = await world.connect();
    const { append, snapshot } = await elected(store);
    await append('a');
    await snapshot(['a']);
    await append(large);
    await append('b');
    await store.register(broker(1), () => {});
    const seen = await follow(store);
    const named = kinds.filter((kind) => ![...world.system.data.keys()].some(isOf(kind)));
    assert.deepEqual(named, [], 'something is under each');
    lines.splice(0);
    await body({ io, world, store, seen, lines, append });
    await store.close();
  });
}

function isOf(kind: string): (key: string) => boolean {
  return (key) => (kind.endsWith('/') ? key.startsWith(kind) : key === kind);
}

/** The newest of its kind. */
function keyOf({ world }: Filled, kind: string): string {
  const [key] = [...world.system.data.keys()].filter(isOf(kind)).sort().slice(-1);
  return key ?? assert.fail(`there is no ${kind}`);
}

function put({ world: { system } }: Filled, key: string, change: (was: Buffer) => Buffer): Buffer {
  const stored = system.data.get(key) ?? assert.fail(`there is no ${key}`);
  const value = change(stored.value);
  system.data.set(key, { ...stored, value });
  return value;
}

/** What the line has to name. */
function nameIn(key: string): string {
  return key.startsWith('pieces/') ? key.slice(0, key.lastIndexOf('/')) : key;
}

function assertLine(error: unknown, key: string): void {
  assert.ok(error instanceof KafkaError, `${key}: ${error}`);
  assert.match(error.message, /^[^\n]+; [^\n]+$|^[^\n]+: [^\n]+$/, 'one line, with a remedy');
}

/** Another broker starts, does everything once, and stops. */
async function startAnother({ io, world }: Filled): Promise<string[]> {
  const onBug = (error: Error): never => assert.fail(error);
  const options = { clusterId: null, mayCreate: true, sessionTimeoutMs: 9_000, onBug };
  const store = await KeyedStore.open(io, new MemoryKeyStore(world.system), options);
  try {
    const { texts } = await follow(store);
    await (await store.register(broker(2), () => {})).close();
    return texts;
  } finally {
    await store.close();
  }
}

interface Found {
  readonly value: Readonly<Record<string, unknown>>;
  readonly log: unknown;
}

/** What is under the key, and the log with its newest snapshot. */
async function readEverything({ world }: Filled, key: string): Promise<Found> {
  const keys = new MemoryKeyStore(world.system);
  const form = Object.entries(formOf).find(([kind]) => isOf(kind)(key))?.[1];
  const value = { ...form?.decode(key, world.system.data.get(key)?.value as Buffer) };
  const log = await readLog(keys);
  const snapshot = await log.newestSnapshot();
  const records: string[] = [];
  for await (const piece of snapshot?.pieces ?? []) records.push(...piece.map(String));
  const batches: StoreBatch[] = [];
  for await (const batch of log.read(snapshot?.endOffset ?? 0)) batches.push(batch);
  await keys.close();
  return { value, log: { snapshot: { ...snapshot, pieces: null }, records, batches } };
}

const formOf = {
  identity: forms.identity,
  epoch: forms.epoch,
  controller: forms.controller,
  end: forms.end,
  snapshot: forms.snapshot,
  'brokers/': forms.broker,
  'lives/': forms.life,
};

/** Kinds without which no other broker can begin: it says so, and names the key. */
const needed = ['identity', 'end', 'snapshot', 'log/', 'pieces/'];

describe('a broker that starts', () => {
  for (const [what, change] of Object.entries(garbage)) {
    test(`refuses ${what} in one line, and harms nothing`, () =>
      filled(async (at) => {
        for (const kind of kinds) {
          const key = keyOf(at, kind);
          const was = at.world.system.data.get(key)?.value as Buffer;
          const value = put(at, key, change);
          const outcome = await startAnother(at).catch((error: unknown) => error);
          if (!Array.isArray(outcome)) {
            assertLine(outcome, key);
            const { message } = outcome as Error;
            assert.ok(message.includes(nameIn(key)), `${key} is not named: ${message}`);
          } else {
            assert.ok(!needed.includes(kind), `${key} with ${what} was not noticed`);
            assert.deepEqual(outcome, ['a', large, 'b'], key);
          }
          assert.deepEqual(at.world.system.data.get(key)?.value, value, `${key} was not touched`);
          put(at, key, () => was);
          assert.deepEqual(await startAnother(at), ['a', large, 'b'], `${key} as it was`);
        }
      }));
  }
});

describe('a bit that flipped anywhere', () => {
  /** All but the folders' entries, which have no checksum. */
  const checked = kinds.filter((kind) => kind !== 'folders/');
  for (const kind of checked) {
    test(`of ${kind} is noticed, or changes nothing`, () =>
      filled(async (at) => {
        const key = keyOf(at, kind);
        const was = Buffer.from(at.world.system.data.get(key)?.value as Buffer);
        const found = await readEverything(at, key);
        // Of a piece, which is long, a part; each bit of all others.
        const step = kind === 'pieces/' ? 7 : 1;
        for (let bit = 0; bit < 8 * was.length; bit += step) {
          put(at, key, () => {
            const flipped = Buffer.from(was);
            const byte = bit >> 3;
            flipped[byte] = (flipped[byte] as number) ^ (1 << (bit & 7));
            return flipped;
          });
          const outcome = await readEverything(at, key).catch((error: Error) => error);
          if (outcome instanceof Error) {
            assertLine(outcome, key);
            continue;
          }
          // A field of another name is left alone.
          const value = Object.keys(found.value).map((name) => [name, outcome.value[name]]);
          const known = { value: Object.fromEntries(value), log: outcome.log };
          assert.deepEqual(known, found, `bit ${bit} of ${key}`);
        }
      }));
  }
});

test('what older releases wrote has no checksums, and is read', () =>
  filled(async (at) => {
    for (const [key, { value }] of at.world.system.data) {
      if (value[0] === 0x7b) {
        const { crc, ...rest } = JSON.parse(String(value)) as Record<string, unknown>;
        assert.equal(crc === undefined, key.startsWith('folders/'), `${key} has ${crc}`);
        put(at, key, () => Buffer.from(JSON.stringify(rest)));
      } else if (key.startsWith('log/')) {
        const header = readBatchHeader(value, 0);
        const { baseOffset, partitionLeaderEpoch, isControl } = header;
        const records = decodeRecords(value, header);
        const older = { records, baseOffset, partitionLeaderEpoch, isControl };
        put(at, key, () => encodeBatch(older));
      }
    }
    assert.deepEqual(await startAnother(at), ['a', large, 'b']);
    await at.io.clock.sleep(noticeMs);
    await at.append('c');
    assert.deepEqual([at.lines, at.seen.errors, at.seen.texts.at(-1)], [[], [], 'c']);
  }));

describe('a broker that lives', () => {
  for (const [what, change] of Object.entries(garbage)) {
    test(`goes on beside ${what}, or ends with one line`, () =>
      filled(async (at) => {
        const { io, store, seen, lines, append } = at;
        for (const kind of kinds) {
          const key = keyOf(at, kind);
          const was = at.world.system.data.get(key)?.value as Buffer;
          const value = put(at, key, change);
          await io.clock.sleep(noticeMs);
          assert.deepEqual(at.world.system.data.get(key)?.value, value, `${key} was not touched`);
          for (const line of lines) assert.doesNotMatch(line, /\n/);
          if (['end', 'controller', 'brokers/'].includes(kind)) {
            assert.ok(
              lines.some((line) => line.includes(`the key ${key} holds`)),
              `${key} with ${what} was not told of: ${lines}`,
            );
          }
          put(at, key, () => was);
          lines.splice(0);
          await io.clock.sleep(noticeMs);
        }
        assert.deepEqual([seen.errors, store.isFailed], [[], false]);
        await append('c').catch(async (error: KafkaError) => {
          assert.equal(error.errorName, 'NOT_CONTROLLER');
          await (await elected(store, 2)).append('c');
        });
        assert.deepEqual(seen.texts.at(-1), 'c');
      }));
  }
});
