// Three processes that number, over one store of several members, while a test does things to the
// members: whether they go on afterwards, and what that has cost.
//
// Invariant: nobody is told of what happens but by the store.

import assert from 'node:assert/strict';
import type { Io } from '../../../src/io/index.ts';
import {
  KeyedStore,
  type KeyedStoreOptions,
  type KeyStore,
} from '../../../src/metadata/engines/keyed/index.ts';
import { until } from '../../../src/metadata/engines/keyed/key-store-contract.ts';
import { judge, NumberingProcess } from './numbering-process.ts';

export class NumberingRun {
  readonly processes: NumberingProcess[] = [];
  readonly keys: KeyStore[] = [];
  readonly #io: Io;
  readonly #openKeys: () => Promise<KeyStore>;
  readonly #sessionTimeoutMs: number;

  constructor(io: Io, sessionTimeoutMs: number, openKeys: () => Promise<KeyStore>) {
    this.#io = io;
    this.#sessionTimeoutMs = sessionTimeoutMs;
    this.#openKeys = openKeys;
  }

  async #open(): Promise<{ keys: KeyStore; store: KeyedStore }> {
    const keys = await this.#openKeys();
    const sessionTimeoutMs = this.#sessionTimeoutMs;
    const options: KeyedStoreOptions = { clusterId: null, mayCreate: true, sessionTimeoutMs };
    return { keys, store: await KeyedStore.open(this.#io, keys, options) };
  }

  async begin(): Promise<void> {
    for (const nodeId of [1, 2, 3]) {
      const { keys, store } = await this.#open();
      this.keys.push(keys);
      const each = new NumberingProcess(this.#io, store, nodeId);
      this.processes.push(each);
      await each.start();
    }
    await this.goesOn('everything is well');
  }

  get epoch(): number {
    return Math.max(...this.processes.flatMap(({ epochs }) => epochs), 0);
  }

  get sessionNumbers(): number[] {
    return this.keys.map(({ sessionNumber }) => sessionNumber);
  }

  /** Something new is acknowledged, everybody has it and everybody is registered. */
  async goesOn(what: string): Promise<void> {
    const io = this.#io;
    const count = (): number => this.processes.reduce((n, each) => n + each.acknowledged.length, 0);
    const before = count();
    await until(io, `${what}: something is acknowledged`, () => count() > before + 5);
    const newest = this.processes.flatMap(({ acknowledged }) => acknowledged.slice(-1));
    await until(io, `${what}: all have seen it`, () =>
      this.processes.every(({ seen }) => newest.every((number) => seen?.texts.includes(number))),
    );
    await until(io, `${what}: all are registered`, () =>
      this.processes.every(({ isRegistered }) => isRegistered),
    );
    await until(io, `${what}: all see all`, () => this.processes.every(seesAll));
  }

  /**
   * What is lost costs one election at most: a session, an append of unknown outcome, and as many
   * keys of controllers as somebody else deletes.
   */
  async costsElections(deleted: number, body: () => Promise<void>): Promise<string> {
    const lost = (): number => this.sessionNumbers.reduce((sum, number) => sum + number, 0);
    const unknown = (): number =>
      this.processes.reduce((sum, each) => sum + each.unknown.length, 0);
    const before = { epoch: this.epoch, lost: lost(), unknown: unknown() };
    await body();
    const elections = this.epoch - before.epoch;
    const causes = { lost: lost() - before.lost, unknown: unknown() - before.unknown };
    const cost = `${elections} elections, ${causes.lost} lost sessions, ${causes.unknown} unknown`;
    assert.ok(elections <= causes.lost + causes.unknown + deleted, cost);
    return cost;
  }

  async end(): Promise<{ acknowledged: number; unknownThere: number }> {
    for (const each of this.processes) each.stop();
    await this.#io.clock.sleep(100);
    const { store: fresh } = await this.#open();
    await until(this.#io, 'all follow to the end', () =>
      this.processes.every(({ store }) => store.endOffset === fresh.endOffset),
    );
    await this.#io.clock.sleep(100);
    const judged = await judge(this.processes, fresh);
    for (const { store } of this.processes) await store.close();
    await fresh.close();
    return judged;
  }
}

function seesAll({ store }: NumberingProcess): boolean {
  let count = 0;
  store
    .watchBrokers((alive) => {
      count = alive.size;
    })
    .close();
  return count === 3;
}
