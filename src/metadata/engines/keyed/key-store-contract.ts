// What every key store must keep, as one suite: an engine's test calls it with a harness that opens
// stores at one system, real or modelled. It is called by tests only. Time may cost nothing or be
// real: whatever comes later is waited for with `until`. Sessions, watches and what is lost on the
// way are in key-store-outages-contract.ts.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Io } from '../../../io/index.ts';
import type { KeyStep, KeyStore } from './key-store.ts';

export interface KeyStoreHarness {
  /** Runs one test at a system in which nothing is stored below the prefixes that it uses. */
  run(body: (system: KeyStoreSystem) => Promise<void>): Promise<void>;
}

export interface KeyStoreSystem {
  readonly io: Io;
  /** A store of another process; with no prefix all are below the same. */
  open(prefix?: string): Promise<KeyStore>;
  /** The system ends the store's session by itself, though its process lives and is connected. */
  endSession(store: KeyStore): Promise<void>;
  /** The store's next change is lost on its way, or its answer is, and the connection with it. */
  lose(store: KeyStore, what: 'request' | 'answer'): void;
  /** Nothing of the store arrives any more, and nothing is answered; connections stay. */
  cut(store: KeyStore): void;
  heal(store: KeyStore): void;
}

export type Body = (system: KeyStoreSystem, store: KeyStore) => Promise<void>;
export type Contract = (title: string, body: Body) => void;

export interface KeyStoreContract {
  readonly title: string;
  readonly run: (harness: KeyStoreHarness) => Promise<void>;
}

export function keyStoreContract(name: string, harness: KeyStoreHarness): void {
  describe(`key store contract: ${name}`, () => {
    for (const { title, run } of keyStoreContracts()) test(title, () => run(harness));
  });
}

/** In the order in which they are worth reading. */
function keyStoreContracts(): KeyStoreContract[] {
  return contractsOf([values, changes, orders, sizes, listings, removals]);
}

export function contractsOf(parts: readonly ((contract: Contract) => void)[]): KeyStoreContract[] {
  const contracts: KeyStoreContract[] = [];
  const contract: Contract = (title, body) => {
    const run = (harness: KeyStoreHarness): Promise<void> =>
      harness.run(async (system) => {
        const store = await system.open();
        await body(system, store);
        await store.close();
      });
    contracts.push({ title, run });
  };
  for (const part of parts) part(contract);
  return contracts;
}

const stepsMax = 3_000;

/** Waits for what has to come, a minute at most. */
export async function until(
  io: Io,
  what: string,
  isSo: () => boolean | Promise<boolean>,
): Promise<void> {
  for (let step = 0; !(await isSo()); step++) {
    assert.ok(step < stepsMax, `it never came that ${what}`);
    await io.clock.sleep(20);
  }
}

/** Puts the value whatever is there. */
export async function put(store: KeyStore, key: string, text: string): Promise<void> {
  const was = (await store.get(key))?.version ?? null;
  assert.equal(await made(store, [{ key, was, becomes: Buffer.from(text) }]), true);
}

/** Whether every key was as expected. */
export async function made(store: KeyStore, change: readonly KeyStep[]): Promise<boolean> {
  return (await store.commit(change)) !== null;
}

/** Makes keys that are not there. */
async function putAll(store: KeyStore, keys: readonly string[]): Promise<void> {
  const becomes = Buffer.from('x');
  for (let start = 0; start < keys.length; start += 25) {
    const some = keys.slice(start, start + 25);
    assert.ok(
      await made(
        store,
        some.map((key) => ({ key, was: null, becomes })),
      ),
    );
  }
}

export async function textOf(store: KeyStore, key: string): Promise<string | null> {
  return (await store.get(key))?.value.toString() ?? null;
}

export async function versionOf(store: KeyStore, key: string): Promise<string> {
  const entry = await store.get(key);
  assert.ok(entry, `${key} is there`);
  return entry.version;
}

function values(contract: Contract): void {
  contract('a key that is not there is null; one that is has its bytes', async (_, store) => {
    assert.equal(await store.get('identity'), null);
    assert.equal(await store.get('folder/below/name'), null);
    const bytes = Buffer.from(Array.from({ length: 256 }, (_each, index) => index));
    for (const [key, value] of [
      ['identity', bytes],
      ['folder/below/name', Buffer.alloc(0)],
    ] as const) {
      assert.equal(await made(store, [{ key, was: null, becomes: value }]), true);
      assert.deepEqual((await store.get(key))?.value, value);
    }
  });

  contract('the version is another one after each change, and only then', async (_, store) => {
    await put(store, 'end', '1');
    const first = await versionOf(store, 'end');
    await put(store, 'other', 'x');
    assert.equal(await versionOf(store, 'end'), first);
    await put(store, 'end', '1');
    assert.notEqual(await versionOf(store, 'end'), first);
  });

  contract('what one process has changed the other reads at once', async (system, store) => {
    const other = await system.open();
    for (let round = 0; round < 25; round++) {
      await put(store, 'end', `${round}`);
      assert.equal(await textOf(other, 'end'), `${round}`);
    }
    await other.close();
  });

  contract('the address names the system and no password', async (_, store) => {
    assert.match(store.address, /^[a-z]+:\/\/[^@]+$/);
  });

  contract('prefixes that begin alike never see each other', async (system, store) => {
    const [kafka, kafka2] = [await system.open('/kafka'), await system.open('/kafka2')];
    await put(kafka, 'folder/a', 'one');
    assert.equal(await kafka2.get('folder/a'), null);
    await put(kafka2, 'folder/a', 'two');
    await put(kafka2, 'folder/b', 'two');
    assert.equal(await textOf(kafka, 'folder/a'), 'one');
    assert.equal((await kafka.list('folder')).entries.length, 1);
    await kafka.remove('folder');
    assert.equal((await kafka2.list('folder')).entries.length, 2);
    assert.equal((await store.list('folder')).entries.length, 0);
    await kafka2.remove('folder');
    await Promise.all([kafka.close(), kafka2.close()]);
  });
}

function changes(contract: Contract): void {
  contract('a change is refused as a whole when one key is not as expected', async (_, store) => {
    await put(store, 'epoch', '1');
    await put(store, 'end', '1');
    const [epoch, end] = [await versionOf(store, 'epoch'), await versionOf(store, 'end')];
    await put(store, 'epoch', '2');
    const becomes = Buffer.from('new');
    const refused: KeyStep[] = [
      { key: 'epoch', was: epoch },
      { key: 'epoch', was: epoch, becomes: null },
      { key: 'epoch', was: null, becomes },
      { key: 'nowhere', was: end, becomes },
      { key: 'nowhere', was: end },
    ];
    for (const step of refused) {
      const steps = [{ key: 'end', was: end, becomes }, step, { key: 'log/1', was: null, becomes }];
      assert.equal(await made(store, steps), false, JSON.stringify(step));
      assert.equal(await made(store, steps.toReversed()), false, JSON.stringify(step));
    }
    assert.equal(await textOf(store, 'end'), '1');
    assert.equal(await textOf(store, 'epoch'), '2');
    assert.equal(await store.get('log/1'), null);
    assert.equal(await store.get('nowhere'), null);
  });

  contract('a change makes, replaces, deletes and compares keys at once', async (_, store) => {
    for (const key of ['kept', 'replaced', 'folder/gone']) await put(store, key, 'old');
    const kept = await versionOf(store, 'kept');
    const change: KeyStep[] = [
      { key: 'kept', was: kept },
      { key: 'replaced', was: await versionOf(store, 'replaced'), becomes: Buffer.from('new') },
      { key: 'folder/gone', was: await versionOf(store, 'folder/gone'), becomes: null },
      { key: 'folder/below/made', was: null, becomes: Buffer.from('new') },
    ];
    assert.equal(await made(store, change), true);
    assert.equal(await versionOf(store, 'kept'), kept);
    assert.equal(await textOf(store, 'replaced'), 'new');
    assert.equal(await store.get('folder/gone'), null);
    assert.equal(await textOf(store, 'folder/below/made'), 'new');
    assert.equal(await made(store, change), false);
  });

  contract('a change says which versions it made', async (_, store) => {
    await put(store, 'kept', 'x');
    await put(store, 'end', '1');
    const kept = await versionOf(store, 'kept');
    const first = await store.commit([
      { key: 'kept', was: kept },
      { key: 'end', was: await versionOf(store, 'end'), becomes: Buffer.from('2') },
      { key: 'log/1', was: null, becomes: Buffer.from('x') },
      { key: 'brokers/1', was: null, becomes: Buffer.alloc(0), session: store.sessionNumber },
    ]);
    const now = ['kept', 'end', 'log/1', 'brokers/1'].map((key) => versionOf(store, key));
    assert.deepEqual(first, await Promise.all(now));
    const [, end = ''] = first as readonly string[];
    assert.ok(await made(store, [{ key: 'end', was: end, becomes: Buffer.from('3') }]));
  });
}

function orders(contract: Contract): void {
  contract('changes that nobody waits for are made in their order', async (_, store) => {
    for (let round = 0; round < 10; round++) {
      const results = await Promise.all(
        [0, 1, 2, 3].map((number) => {
          const becomes = Buffer.from(`${number}`);
          return made(store, [{ key: `order/${round}`, was: null, becomes }]);
        }),
      );
      assert.deepEqual(results, [true, false, false, false]);
      assert.equal(await textOf(store, `order/${round}`), '0');
    }
  });

  contract('of two processes that make the same change one succeeds', async (system, store) => {
    const other = await system.open();
    for (let round = 0; round < 10; round++) {
      const change: KeyStep[] = [{ key: `race/${round}`, was: null, becomes: Buffer.alloc(1) }];
      const outcomes = await Promise.all([made(store, change), made(other, change)]);
      assert.deepEqual(outcomes.sort(), [false, true]);
    }
    await other.close();
  });
}

function sizes(contract: Contract): void {
  contract('a change may be as large as the store says, but not twice', async (_, store) => {
    const becomes = Buffer.alloc(store.changeBytesMax - 1_000, 'x');
    assert.equal(await made(store, [{ key: 'pieces/1/0', was: null, becomes }]), true);
    assert.equal((await store.get('pieces/1/0'))?.value.equals(becomes), true);
    const twice = Buffer.alloc(store.changeBytesMax * 2, 'x');
    await assert.rejects(store.commit([{ key: 'pieces/1/1', was: null, becomes: twice }]), {
      errorName: 'KAFKA_STORAGE_ERROR',
    });
    assert.equal(await store.get('pieces/1/1'), null);
    await put(store, 'end', 'goes on');
  });

  contract('a listing of more than fits comes in pages', async (_, store) => {
    const names = Array.from({ length: 40 }, (_each, index) => `${100 + index}`);
    for (const name of names) await put(store, `log/${name}`, name.padEnd(100_000, '.'));
    const seen: string[] = [];
    let from = '';
    for (let page = 0; ; page++) {
      assert.ok(page < 50);
      const { entries, isWhole } = await store.list('log', from);
      for (const { name, value } of entries) {
        assert.equal(value.length, 100_000);
        if (name !== seen.at(-1)) seen.push(name);
      }
      if (isWhole) break;
      // From the name on, itself included.
      from = entries.at(-1)?.name as string;
      const next = await store.list('log', from);
      assert.equal(next.entries[0]?.name, from);
      from = next.entries[1]?.name ?? `${from}!`;
    }
    assert.deepEqual(seen, names);
  });
}

function listings(contract: Contract): void {
  contract('a listing has what is right below, in order of the names', async (_, store) => {
    assert.deepEqual(await store.list('log'), { entries: [], isWhole: true });
    const names = ['b', 'a', 'C', '10', '9', '~', '!'];
    for (const name of names) await put(store, `log/${name}`, `v${name}`);
    const beside = ['log2/x', 'log!/x', 'lo/g', 'log0', 'other'];
    for (const key of beside) await put(store, key, 'beside');
    const { entries, isWhole } = await store.list('log');
    assert.equal(isWhole, true);
    assert.deepEqual(
      entries.map(({ name, value }) => [name, value.toString()]),
      names.toSorted().map((name) => [name, `v${name}`]),
    );
    for (const { name, version } of entries) {
      assert.equal(version, await versionOf(store, `log/${name}`));
    }
    const from = await store.list('log', '9');
    assert.deepEqual(
      from.entries.map(({ name }) => name),
      ['9', 'C', 'a', 'b', '~'],
    );
    const between = await store.list('log', '90');
    assert.equal(between.entries[0]?.name, 'C');
  });

  contract('what lies deeper is not in the listing, nor in its way', async (_, store) => {
    await putAll(
      store,
      Array.from({ length: 70 }, (_each, index) => `a/below/${100 + index}`),
    );
    await put(store, 'a/after', 'x');
    await put(store, 'a/zero', 'x');
    const names: string[] = [];
    for (let from = ''; ; ) {
      const { entries, isWhole } = await store.list('a', from);
      for (const { name } of entries) names.push(name);
      if (isWhole) break;
      from = `${entries.at(-1)?.name}!`;
    }
    assert.deepEqual(
      names.filter((name) => name !== 'below'),
      ['after', 'zero'],
    );
    assert.equal((await store.list('a/below')).entries[0]?.name, '100');
  });
}

function removals(contract: Contract): void {
  contract('names are removed, whether they are there or not', async (_, store) => {
    const names = Array.from({ length: 150 }, (_each, index) => `${100 + index}`);
    await putAll(
      store,
      names.map((name) => `log/${name}`),
    );
    await put(store, 'log2/100', 'x');
    await store.remove('log', [...names.slice(1), 'nobody']);
    await store.remove('log', names.slice(1));
    await store.remove('nowhere', ['a']);
    assert.deepEqual(
      (await store.list('log')).entries.map(({ name }) => name),
      ['100'],
    );
    assert.notEqual(await store.get('log2/100'), null);
  });

  contract('a folder is removed with what is in it, and may come again', async (_, store) => {
    for (const key of ['pieces/1/a', 'pieces/1/b', 'pieces/10/a', 'pieces/2/a']) {
      await put(store, key, 'x');
    }
    await store.remove('pieces/1');
    await store.remove('pieces/1');
    assert.deepEqual((await store.list('pieces/1')).entries, []);
    assert.equal((await store.list('pieces/10')).entries.length, 1);
    assert.equal((await store.list('pieces/2')).entries.length, 1);
    await put(store, 'pieces/1/c', 'again');
    assert.equal((await store.list('pieces/1')).entries.length, 1);
  });
}
