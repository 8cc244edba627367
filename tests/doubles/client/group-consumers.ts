// Consumers of one group in processes of their own, for the tests of this folder: each can be
// killed, is slow on command, and what its listener hears is checked against all others.
//
// Invariant that it asserts: a listener hears of the end of an ownership before any other member
// hears of its beginning, except for members that were killed or have lost what they had.

import assert from 'node:assert/strict';
import { Consumer } from '../../../src/client/consumer/consumer.ts';
import type { ConsumerOptions } from '../../../src/client/consumer/consumer-options.ts';
import type { SubscriptionTarget } from '../../../src/client/consumer/subscription.ts';
import { keyOf, type TopicPartition } from '../../../src/client/leader-requests.ts';
import type { Io } from '../../../src/io/index.ts';
import { encodeBatch } from '../../../src/protocol/index.ts';
import type { ScriptedCluster } from './scripted-cluster.ts';

/** A process of the simulator. */
export interface Incarnation {
  readonly io: Io;
  kill(): void;
}

export class GroupMemberProcess {
  readonly name: string;
  readonly incarnation: Incarnation;
  readonly consumer: Consumer;
  /** `+ 0 1`, `- 0`, `! 1` for assigned, revoked, lost. */
  readonly history: string[] = [];
  readonly values: string[] = [];
  readonly owned = new Set<string>();
  /** Before the next poll. */
  pauseMs = 0;
  failure: unknown = null;
  isStopped = false;
  done: Promise<void> = Promise.resolve();

  constructor(name: string, incarnation: Incarnation, consumer: Consumer) {
    this.name = name;
    this.incarnation = incarnation;
    this.consumer = consumer;
  }

  kill(): void {
    this.incarnation.kill();
    this.owned.clear();
  }

  /** Ends as a program should. */
  async stop(): Promise<void> {
    this.isStopped = true;
    await this.done;
  }
}

export class GroupHarness {
  readonly cluster: ScriptedCluster;
  readonly members: GroupMemberProcess[] = [];
  readonly seen = new Map<string, number>();
  readonly #io: Io;
  readonly #startProcess: () => Incarnation;
  readonly #options: Partial<ConsumerOptions>;

  constructor(
    cluster: ScriptedCluster,
    io: Io,
    startProcess: () => Incarnation,
    options: Partial<ConsumerOptions>,
  ) {
    this.cluster = cluster;
    this.#io = io;
    this.#startProcess = startProcess;
    this.#options = options;
  }

  /** A member that polls until it is stopped. */
  start(
    name: string,
    target: SubscriptionTarget = ['t'],
    options: Partial<ConsumerOptions> = {},
  ): GroupMemberProcess {
    const incarnation = this.#startProcess();
    const consumer = new Consumer(
      {
        bootstrapServers: this.cluster.bootstrapServers,
        groupId: 'g',
        autoOffsetReset: 'earliest',
        ...this.#options,
        ...options,
      },
      incarnation.io,
    );
    const member = new GroupMemberProcess(name, incarnation, consumer);
    this.members.push(member);
    this.#subscribe(member, target);
    member.done = this.#run(member);
    return member;
  }

  fill(topic: string, perPartition: number): void {
    for (const [i, partition] of (this.cluster.topics.get(topic)?.partitions ?? []).entries()) {
      const first = partition.nextOffset;
      const records = Array.from({ length: perPartition }, (_, j) => {
        return { value: Buffer.from(`${topic} ${i} ${first + j}`), timestamp: 1000 };
      });
      if (perPartition > 0) partition.append(encodeBatch({ records }));
    }
  }

  /** Waits until it holds, for at most `limitMs`. */
  async until(what: string, holds: () => boolean, limitMs = 60_000): Promise<void> {
    const { clock } = this.#io;
    const endMs = clock.monotonic() + limitMs;
    while (!holds()) {
      for (const { failure } of this.members) if (failure !== null) throw failure;
      assert.ok(clock.monotonic() < endMs, `in time: ${what}; ${this.describe()}`);
      await clock.sleep(10);
    }
  }

  /** Waits until these members own `count` partitions, and each gets its share. */
  untilShared(count: number, ...members: GroupMemberProcess[]): Promise<void> {
    return this.until(`${count} partitions shared by ${members.length}`, () => {
      const sizes = members.map(({ owned }) => owned.size);
      const floor = Math.floor(count / members.length);
      return sizes.reduce((a, b) => a + b, 0) === count && sizes.every((size) => size >= floor);
    });
  }

  untilSeen(count: number): Promise<void> {
    return this.until(`${count} records`, () => this.seen.size >= count);
  }

  describe(): string {
    const lines = this.members.map(({ name, owned, history }) => {
      return `${name} owns ${[...owned].join(', ')} (${history.join(', ')})`;
    });
    return `${this.seen.size} seen; ${lines.join('; ')}`;
  }

  #subscribe(member: GroupMemberProcess, target: SubscriptionTarget): void {
    const { history, owned } = member;
    const hear = (sign: string) => (places: TopicPartition[]) => {
      history.push([sign, ...places.map(({ partition }) => partition)].join(' '));
      for (const place of places) {
        if (sign !== '+') owned.delete(keyOf(place));
        else this.#onAssigned(member, place);
      }
    };
    member.consumer.subscribe(target, {
      onPartitionsAssigned: hear('+'),
      onPartitionsRevoked: hear('-'),
      onPartitionsLost: hear('!'),
    });
  }

  #onAssigned(member: GroupMemberProcess, place: TopicPartition): void {
    for (const other of this.members) {
      // Who is silent for too long does not know that it is out.
      if (other === member || other.pauseMs > 0) continue;
      const who = `${member.name} and ${other.name}`;
      assert.ok(!other.owned.has(keyOf(place)), `${who} own ${keyOf(place)}: ${this.describe()}`);
    }
    member.owned.add(keyOf(place));
  }

  async #run(member: GroupMemberProcess): Promise<void> {
    const { consumer, incarnation } = member;
    try {
      while (!member.isStopped) {
        if (member.pauseMs > 0) {
          const { pauseMs } = member;
          await incarnation.io.clock.sleep(pauseMs);
          member.pauseMs = 0;
        }
        for (const { value } of await consumer.poll(100)) {
          member.values.push(String(value));
          this.seen.set(String(value), (this.seen.get(String(value)) ?? 0) + 1);
        }
      }
      await consumer.close();
    } catch (error) {
      member.failure = error;
    }
  }
}
