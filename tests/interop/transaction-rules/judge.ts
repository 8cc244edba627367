// Plays the same steps to Apache Kafka and to ours, and says where the answers part. What comes
// behind a difference proves nothing, so a sequence ends there; shrinking finds the fewest steps
// that lead to it.

import assert from 'node:assert/strict';
import type { Io } from '../../../src/io/index.ts';
import { ClientConnection } from '../../../src/network/index.ts';
import {
  createTopics,
  errorName,
  findCoordinator,
  listOffsets,
  updateFeatures,
} from '../../../src/protocol/index.ts';
import type { Product, ServerProcess } from '../kafka-files/server-process.ts';
import { intendedDifference } from './intended-differences.ts';
import { Side } from './side.ts';
import { finalSteps, type Step } from './steps.ts';

export interface Difference {
  readonly step: Step;
  readonly kafka: string;
  readonly ours: string;
  /** Up to and with the step in question. */
  readonly steps: readonly Step[];
}

export type Servers = Readonly<Record<Product, ServerProcess>>;

const topicNames = ['a', 'b'] as const;

export class Judge {
  readonly #io: Io;
  readonly #servers: Servers;
  readonly #startMs: number;
  #played = 0;

  constructor(io: Io, servers: Servers) {
    this.#io = io;
    this.#servers = servers;
    this.#startMs = Math.floor(io.clock.now() / 1000) * 1000 - 3_600_000;
  }

  /** The first difference that nobody intends; null if there is none. */
  async play(steps: readonly Step[]): Promise<Difference | null> {
    const prefix = `t${this.#played++}`;
    const [kafka, ours] = await Promise.all([
      this.#side('kafka', prefix),
      this.#side('partita', prefix),
    ]);
    try {
      const all = [...steps, ...finalSteps];
      for (const [index, step] of all.entries()) {
        const [expected, actual] = await Promise.all([kafka.play(step), ours.play(step)]);
        if (expected === actual) continue;
        const intended = intendedDifference(step, expected, actual);
        if (intended?.endsSequence) return null;
        if (intended !== null) continue;
        const upTo = all.slice(0, Math.min(index + 1, steps.length));
        return { step, kafka: expected, ours: actual, steps: upTo };
      }
      return null;
    } finally {
      kafka.close();
      ours.close();
    }
  }

  /** Leaves out what the difference does not need; another may take its place. */
  async shrink(difference: Difference): Promise<Difference> {
    let least = difference;
    for (let size = least.steps.length >> 1; size >= 1; size >>= 1) {
      for (let at = least.steps.length - size; at >= 0; at -= size) {
        const fewer = [...least.steps.slice(0, at), ...least.steps.slice(at + size)];
        const found = await this.play(fewer);
        if (found?.step.kind === least.step.kind && found.steps.length < least.steps.length) {
          least = found;
          at = Math.min(at, least.steps.length);
        }
      }
    }
    return least;
  }

  /** Of transaction.version, for what is played from now on. */
  async setTransactionVersion(level: number): Promise<void> {
    for (const product of ['kafka', 'partita'] as const) {
      await this.#with(product, async (connection) => {
        const update = { feature: 'transaction.version', maxVersionLevel: level, upgradeType: 3 };
        const answer = await connection.request(updateFeatures, { featureUpdates: [update] });
        assert.equal(errorName(answer.errorCode), 'NONE', `${product}: ${answer.errorMessage}`);
      });
    }
  }

  async #with<T>(product: Product, run: (to: ClientConnection) => Promise<T>): Promise<T> {
    const { port } = this.#servers[product];
    const address = { host: '127.0.0.1', port, clientId: 'rules' };
    const connection = await ClientConnection.connect(this.#io, address);
    try {
      return await run(connection);
    } finally {
      connection.close();
    }
  }

  /** A topic is there some time before its leaders are. */
  async #untilLed(connection: ClientConnection, prefix: string): Promise<void> {
    const partitions = [0, 1].map((partitionIndex) => ({ partitionIndex, timestamp: -1 }));
    const topics = topicNames.map((name) => ({ name: `${prefix}-${name}`, partitions }));
    for (;;) {
      const body = { replicaId: -1, isolationLevel: 0, topics };
      const answer = await connection.request(listOffsets, body, { versionMax: 9 });
      const all = answer.topics.flatMap((topic) => topic.partitions);
      if (all.every(({ errorCode }) => errorCode === 0)) return;
      await this.#io.clock.sleep(10);
    }
  }

  async #side(product: Product, prefix: string): Promise<Side> {
    const topicIds = await this.#with(product, async (connection) => {
      for (const [keyType, key] of [
        [0, 'g'],
        [1, 'one'],
      ] as const) {
        const body = { keyType, coordinatorKeys: [key] };
        for (;;) {
          const answer = await connection.request(findCoordinator, body, { versionMax: 4 });
          if (answer.coordinators[0]?.errorCode === 0) break;
          await this.#io.clock.sleep(50);
        }
      }
      const made = await connection.request(createTopics, {
        topics: topicNames.map((name) => ({
          ...{ name: `${prefix}-${name}`, numPartitions: 2, replicationFactor: 1 },
          ...{ assignments: [], configs: [] },
        })),
        timeoutMs: 10_000,
        validateOnly: false,
      });
      await this.#untilLed(connection, prefix);
      return new Map(
        topicNames.map((name) => {
          const topic = made.topics.find((each) => each.name === `${prefix}-${name}`);
          assert.equal(errorName(topic?.errorCode ?? -1), 'NONE');
          return [name as string, topic?.topicId as string];
        }),
      );
    });
    const { port } = this.#servers[product];
    return new Side(this.#io, { port, prefix, topicIds, startMs: this.#startMs });
  }
}
