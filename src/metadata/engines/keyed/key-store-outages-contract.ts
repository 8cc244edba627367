// What every key store must keep of its watches and sessions, and when requests, answers and the
// connection are lost: the second part of key-store-contract.ts, with the same harness.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  type KeyStep,
  type KeyStore,
  type SessionEvent,
  StoreAwayError,
  UnknownChangeError,
} from './key-store.ts';
import {
  type Contract,
  contractsOf,
  type KeyStoreHarness,
  made,
  put,
  textOf,
  until,
  versionOf,
} from './key-store-contract.ts';

export function keyStoreOutagesContract(name: string, harness: KeyStoreHarness): void {
  const contracts = contractsOf([watches, sessions, endedSessions, losses, outages]);
  describe(`key store outages: ${name}`, () => {
    for (const { title, run } of contracts) test(title, () => run(harness));
  });
}

function eventsOf(store: KeyStore): SessionEvent[] {
  const events: SessionEvent[] = [];
  store.onSession = (event) => events.push(event);
  return events;
}

/** A key that is there as long as the store's session. */
function ephemeral(store: KeyStore, key: string, was: string | null = null): Promise<boolean> {
  const session = store.sessionNumber;
  return made(store, [{ key, was, becomes: Buffer.from(store.address), session }]);
}

/** A look may be on its way when the store is closed. */
function calling(look: () => Promise<void>): () => void {
  return () => {
    look().catch((error: unknown) => {
      if (!(error instanceof StoreAwayError)) throw error;
    });
  };
}

function watches(contract: Contract): void {
  contract('who watches a value is called after each kind of change', async (system, store) => {
    const { io } = system;
    const other = await system.open();
    let seen: string | null = 'nothing yet';
    const look = async (): Promise<void> => {
      seen = await textOf(other, 'end');
    };
    const watch = other.watch('end', 'value', calling(look));
    for (const text of ['1', '2', '3']) {
      await put(store, 'end', text);
      await until(io, `${text} is seen`, () => seen === text);
    }
    await store.commit([{ key: 'end', was: await versionOf(store, 'end'), becomes: null }]);
    await until(io, 'the deletion is seen', () => seen === null);
    await put(store, 'end', 'again');
    await until(io, 'it is seen again', () => seen === 'again');
    watch.close();
    watch.close();
    await put(store, 'end', 'unseen');
    await io.clock.sleep(200);
    assert.equal(seen, 'again');
    await other.close();
  });

  contract('who watches a folder is called for all that is in it', async (system, store) => {
    const { io } = system;
    const other = await system.open();
    let seen = 'nothing yet';
    const look = async (): Promise<void> => {
      const { entries } = await other.list('brokers');
      seen = entries.map(({ name, value }) => `${name}=${value}`).join();
    };
    other.watch('brokers', 'folder', calling(look));
    await put(store, 'brokers/1', 'a');
    await until(io, 'an entry is seen', () => seen === '1=a');
    await put(store, 'brokers/2', 'b');
    await until(io, 'another entry is seen', () => seen === '1=a,2=b');
    await put(store, 'brokers/1', 'c');
    await until(io, 'a new value is seen', () => seen === '1=c,2=b');
    await store.commit([
      { key: 'brokers/1', was: await versionOf(store, 'brokers/1'), becomes: null },
    ]);
    await until(io, 'a removal is seen', () => seen === '2=b');
    assert.equal(await ephemeral(store, 'brokers/3'), true);
    await until(io, 'an ephemeral entry is seen', () => seen.startsWith('2=b,3='));
    await store.close();
    await until(io, 'its end is seen', () => seen === '2=b');
    await other.close();
  });

  contract('many watches at once are each called', async (system, store) => {
    const seen = new Map<string, string | null>();
    const keys = Array.from({ length: 12 }, (_each, index) => `watched/${index}`);
    const closed = store.watch('watched/3', 'value', () => assert.fail('it is closed'));
    closed.close();
    for (const key of keys) {
      store.watch(key, 'value', async () => {
        seen.set(key, await textOf(store, key));
      });
    }
    const other = await system.open();
    for (const key of keys) await put(other, key, key);
    await until(system.io, 'all are seen', () => keys.every((key) => seen.get(key) === key));
    await other.close();
  });
}

function sessions(contract: Contract): void {
  contract('an ephemeral key goes with its session, and no other key does', async (system) => {
    const [first, second] = [await system.open(), await system.open()];
    assert.ok(first.sessionNumber >= 1);
    assert.equal(await ephemeral(first, 'brokers/1'), true);
    assert.equal(await ephemeral(second, 'brokers/2'), true);
    await put(first, 'lives/1', 'x');
    await first.close();
    await until(system.io, 'the key is gone', async () => (await second.get('brokers/1')) === null);
    assert.notEqual(await second.get('brokers/2'), null);
    assert.equal(await textOf(second, 'lives/1'), 'x');
    await second.close();
  });

  contract('a living session keeps its keys for much longer than it lasts', async (system) => {
    const [first, second] = [await system.open(), await system.open()];
    await ephemeral(first, 'controller');
    const version = await versionOf(second, 'controller');
    await system.io.clock.sleep(5_000);
    assert.equal(await versionOf(second, 'controller'), version);
    await Promise.all([first.close(), second.close()]);
  });

  contract('an ephemeral key goes with the session that put it last', async (system) => {
    const [first, second, third] = [await system.open(), await system.open(), await system.open()];
    await ephemeral(first, 'controller');
    const was = await versionOf(second, 'controller');
    assert.equal(await ephemeral(second, 'controller', was), true);
    await first.close();
    await system.io.clock.sleep(200);
    assert.notEqual(await third.get('controller'), null);
    await second.close();
    await until(system.io, 'it is gone', async () => (await third.get('controller')) === null);
    await third.close();
  });

  contract('an ephemeral key is deleted by whoever knows its version', async (system, store) => {
    const other = await system.open();
    await ephemeral(store, 'brokers/1');
    const was = await versionOf(other, 'brokers/1');
    assert.equal(await made(other, [{ key: 'brokers/1', was, becomes: null }]), true);
    assert.equal(await store.get('brokers/1'), null);
    assert.equal(await ephemeral(store, 'brokers/1'), true);
    await other.close();
  });
}

function endedSessions(contract: Contract): void {
  contract('a session that the system ends is told of, and a new one begins', async (system) => {
    const { io } = system;
    const [store, other] = [await system.open(), await system.open()];
    const [events, otherEvents] = [eventsOf(store), eventsOf(other)];
    const number = store.sessionNumber;
    await ephemeral(store, 'brokers/1');
    await ephemeral(other, 'brokers/2');
    await put(store, 'end', 'x');
    await system.endSession(store);
    await until(io, 'a new session began', () => store.sessionNumber > number);
    await until(io, 'it is told', () => events.at(-1)?.kind === 'connected');
    assert.ok(events.some(({ kind }) => kind === 'ended'));
    assert.deepEqual(events.at(-1), { kind: 'connected', sessionNumber: store.sessionNumber });
    assert.equal(await other.get('brokers/1'), null);
    assert.notEqual(await other.get('brokers/2'), null);
    assert.equal(await textOf(store, 'end'), 'x');
    assert.equal(await ephemeral(store, 'brokers/1'), true);
    assert.deepEqual(otherEvents, []);
    await Promise.all([store.close(), other.close()]);
  });

  contract('a change for a session that is over is refused', async (system, store) => {
    const number = store.sessionNumber;
    await system.endSession(store);
    const becomes = Buffer.from('late');
    const change: KeyStep[] = [
      { key: 'end', was: null, becomes },
      { key: 'brokers/1', was: null, becomes, session: number },
    ];
    // Also before this process has heard of the end.
    await assert.rejects(store.commit(change), StoreAwayError);
    await until(system.io, 'a new session began', () => store.sessionNumber > number);
    await assert.rejects(store.commit(change), StoreAwayError);
    assert.equal(await store.get('brokers/1'), null);
    assert.equal(await store.get('end'), null);
  });
}

function losses(contract: Contract): void {
  contract('a change that was lost on its way is unknown, and not sent again', async (system) => {
    const store = await system.open();
    system.lose(store, 'request');
    const change: KeyStep[] = [{ key: 'log/1', was: null, becomes: Buffer.from('x') }];
    await assert.rejects(store.commit(change), UnknownChangeError);
    await system.io.clock.sleep(300);
    await until(system.io, 'it is connected', () => answers(store));
    assert.equal(await store.get('log/1'), null);
    assert.equal(await made(store, change), true);
    await store.close();
  });

  contract('a change whose answer was lost is unknown, and was made once', async (system) => {
    const store = await system.open();
    await put(store, 'end', '1');
    const was = await versionOf(store, 'end');
    system.lose(store, 'answer');
    const change: KeyStep[] = [{ key: 'end', was, becomes: Buffer.from('2') }];
    await assert.rejects(store.commit(change), UnknownChangeError);
    await until(system.io, 'it is connected', () => answers(store));
    await until(system.io, 'it was made', async () => (await textOf(store, 'end')) === '2');
    const madeVersion = await versionOf(store, 'end');
    await system.io.clock.sleep(300);
    assert.equal(await versionOf(store, 'end'), madeVersion);
    assert.equal(await made(store, change), false);
    await store.close();
  });

  contract('a change behind a lost one is still made', async (system, store) => {
    system.lose(store, 'request');
    const becomes = Buffer.from('x');
    const lost = store.commit([{ key: 'a', was: null, becomes }]);
    const behind = store.commit([{ key: 'b', was: null, becomes }]).catch((error) => error);
    await assert.rejects(lost, UnknownChangeError);
    const outcome = await behind;
    await until(system.io, 'it is connected', () => answers(store));
    const isThere = (await store.get('b')) !== null;
    if (Array.isArray(outcome)) assert.equal(isThere, true);
    else if (outcome instanceof StoreAwayError) assert.equal(isThere, false);
    else assert.ok(outcome instanceof UnknownChangeError);
  });
}

async function answers(store: KeyStore): Promise<boolean> {
  try {
    await store.get('end');
    return true;
  } catch (error) {
    assert.ok(error instanceof StoreAwayError, `${error}`);
    return false;
  }
}

function outages(contract: Contract): void {
  contract('a store that is cut off says so, and when it is back', async (system, store) => {
    const events = eventsOf(store);
    system.cut(store);
    await until(system.io, 'it is told', () => events.some(({ kind }) => kind === 'away'));
    await assert.rejects(store.get('end'), StoreAwayError);
    await assert.rejects(store.list('log'), StoreAwayError);
    await assert.rejects(store.remove('log'), StoreAwayError);
    system.heal(store);
    await until(system.io, 'it is back', () => events.at(-1)?.kind === 'connected');
    await put(store, 'end', 'goes on');
  });

  contract('who watches is called after an outage that hid a change', async (system, store) => {
    const { io } = system;
    const other = await system.open();
    const events = eventsOf(other);
    const seen = { end: null as string | null, brokers: -1 };
    other.watch('end', 'value', async () => {
      seen.end = await textOf(other, 'end').catch(() => seen.end);
    });
    other.watch('brokers', 'folder', async () => {
      seen.brokers = await other.list('brokers').then(
        ({ entries }) => entries.length,
        () => seen.brokers,
      );
    });
    await put(store, 'end', '1');
    await until(io, 'it is seen', () => seen.end === '1');
    system.cut(other);
    await until(io, 'it is away', () => events.some(({ kind }) => kind === 'away'));
    await put(store, 'end', '2');
    await put(store, 'brokers/1', 'x');
    await put(store, 'brokers/2', 'x');
    system.heal(other);
    await until(io, 'the change is seen', () => seen.end === '2' && seen.brokers === 2);
    await other.close();
  });

  contract('the session of a process that is cut off ends', async (system, store) => {
    const { io } = system;
    const other = await system.open();
    const number = other.sessionNumber;
    await ephemeral(other, 'brokers/2');
    system.cut(other);
    await until(io, 'its key is gone', async () => (await store.get('brokers/2')) === null);
    system.heal(other);
    await until(io, 'it has a new one', () => other.sessionNumber > number);
    assert.equal(await ephemeral(other, 'brokers/2'), true);
    await other.close();
  });

  contract('a change is refused while nobody can be connected with', async (system, store) => {
    const events = eventsOf(store);
    system.cut(store);
    await until(system.io, 'it is away', () => events.some(({ kind }) => kind === 'away'));
    const change: KeyStep[] = [{ key: 'end', was: null, becomes: Buffer.from('x') }];
    await assert.rejects(store.commit(change), (error) => {
      return error instanceof StoreAwayError || error instanceof UnknownChangeError;
    });
    system.heal(store);
    await until(system.io, 'it is back', () => events.at(-1)?.kind === 'connected');
    await until(system.io, 'it is connected', () => answers(store));
  });
}
