// A process over a cluster store that does what brokers do with it: it registers, stands for
// election, appends numbered entries while it controls, and follows the log; and all of it again
// whenever it is told that it is over. And the judge of what several of them were told and saw.
//
// Invariant: a number is used once, and never sent again.

import assert from 'node:assert/strict';
import type { Io } from '../../../src/io/index.ts';
import {
  type ClusterStore,
  type ControllerTerm,
  UnknownOutcomeError,
} from '../../../src/metadata/cluster-store.ts';
import { broker, follow, type Seen } from '../../../src/metadata/cluster-store-contract.ts';
import { KafkaError } from '../../../src/protocol/index.ts';

/** Short: whatever happens, an append is on its way. */
const pauseMs = 2;
const retryMs = 50;

export class NumberingProcess {
  readonly store: ClusterStore;
  readonly acknowledged: string[] = [];
  /** Nobody knows whether they were made. */
  readonly unknown: string[] = [];
  /** Certainly not made. */
  readonly refused: string[] = [];
  readonly epochs: number[] = [];
  seen: Seen | null = null;
  isRegistered = false;
  readonly #io: Io;
  readonly #nodeId: number;
  #count = 0;
  #isStopped = false;

  constructor(io: Io, store: ClusterStore, nodeId: number) {
    this.#io = io;
    this.store = store;
    this.#nodeId = nodeId;
  }

  async start(): Promise<void> {
    this.seen = await follow(this.store);
    void this.#register();
    void this.#control();
  }

  async #register(): Promise<void> {
    const again = (): void => {
      this.isRegistered = false;
      void this.#register();
    };
    while (!this.#isStopped) {
      try {
        await this.store.register(broker(this.#nodeId), again);
        this.isRegistered = true;
        return;
      } catch (error) {
        if (!(error instanceof KafkaError)) throw error;
        await this.#io.clock.sleep(retryMs);
      }
    }
  }

  async #control(): Promise<void> {
    while (!this.#isStopped) {
      let isLost = false;
      const onLost = (): void => {
        isLost = true;
      };
      let term: ControllerTerm;
      try {
        term = await this.store.elect({ nodeId: this.#nodeId, onLost }).term;
      } catch (error) {
        // Closed.
        if (!(error instanceof KafkaError)) throw error;
        return;
      }
      this.epochs.push(term.epoch);
      while (!isLost && !this.#isStopped) {
        isLost ||= !(await this.#append(term.epoch));
        await this.#io.clock.sleep(pauseMs);
      }
    }
  }

  /** false: the term is over. */
  async #append(controllerEpoch: number): Promise<boolean> {
    const number = `${this.#nodeId}:${this.#count++}`;
    const expectedEnd = this.store.endOffset;
    try {
      await this.store.append([Buffer.from(number)], { expectedEnd, controllerEpoch });
      this.acknowledged.push(number);
      return true;
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error;
      if (error instanceof UnknownOutcomeError) this.unknown.push(number);
      else this.refused.push(number);
      return !(error instanceof UnknownOutcomeError || error.errorName === 'NOT_CONTROLLER');
    }
  }

  stop(): void {
    this.#isStopped = true;
  }
}

/** What was acknowledged is there once and in order, what was refused is not, for everybody. */
export async function judge(processes: readonly NumberingProcess[], fresh: ClusterStore) {
  const texts: string[] = [];
  for await (const { records } of fresh.read(0)) texts.push(...records.map(String));
  const numbers = texts.filter((text) => /^\d+:\d+$/.test(text));
  assert.equal(new Set(numbers).size, numbers.length, 'nothing is there twice');
  const there = new Set(numbers);
  let unknownThere = 0;
  for (const { acknowledged, refused, unknown, seen } of processes) {
    for (const number of acknowledged) assert.ok(there.has(number), `${number} is lost`);
    for (const number of refused) assert.ok(!there.has(number), `${number} was refused`);
    const ofIt = new Set(acknowledged);
    const inOrder = numbers.filter((number) => ofIt.has(number));
    assert.deepEqual(inOrder, acknowledged, 'in the order in which they were acknowledged');
    unknownThere += unknown.filter((number) => there.has(number)).length;
    assert.deepEqual(seen?.errors, []);
    assert.deepEqual(seen?.texts, texts, 'each follower has seen the whole log');
  }
  const acknowledged = processes.reduce((count, each) => count + each.acknowledged.length, 0);
  assert.equal(numbers.length, acknowledged + unknownThere, 'nobody else has written');
  return { acknowledged, unknownThere };
}
