// A broker and its clients in one simulated process, for the tests of the handlers.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simulate, type WorldOptions } from '../../../sim/index.ts';
import { Broker } from '../../../src/broker/index.ts';
import { loadBrokerConfig } from '../../../src/config/index.ts';
import type { Io } from '../../../src/io/index.ts';
import { ClientConnection } from '../../../src/network/index.ts';
import {
  createTopics,
  encodeBatch,
  produce,
  type RecordInput,
  type ResponseOf,
} from '../../../src/protocol/index.ts';
import { putControllersOnWire } from '../metadata/wired-controllers.ts';

// The handlers' requests and the answers they get must not depend on who else runs in the process.
putControllersOnWire();

export const port = 9092;

export interface TestBroker {
  readonly io: Io;
  readonly broker: Broker;
  readonly client: ClientConnection;
  readonly connect: () => Promise<ClientConnection>;
  readonly createTopic: (
    name: string,
    options?: { partitions?: number; configs?: Record<string, string> },
  ) => Promise<string>;
  /** Produces one batch with acks=all and returns the answer for the partition. */
  readonly produce: (
    topic: string,
    values: readonly string[],
    options?: { partition?: number; acks?: number; records?: Buffer },
  ) => Promise<ProduceAnswer>;
}

export type ProduceAnswer = ResponseOf<
  typeof produce
>['responses'][number]['partitionResponses'][number];

export interface TestBrokerOptions extends WorldOptions {
  readonly config?: Readonly<Record<string, string>>;
}

export function startBroker(io: Io, config: Readonly<Record<string, string>> = {}) {
  const overrides = Object.entries({
    listeners: `PLAINTEXT://0.0.0.0:${port}`,
    'log.dirs': '/data',
    ...config,
  });
  return Broker.start(io, loadBrokerConfig({ overrides }).config, {
    onFatal: (error) => {
      throw error;
    },
  });
}

/** Runs with a fresh broker, and stops it cleanly at the end. */
export function withBroker(
  run: (at: TestBroker) => Promise<void>,
  options: TestBrokerOptions = {},
): Promise<void> {
  return simulate(async (io) => {
    const broker = await startBroker(io, options.config);
    const connect = () => ClientConnection.connect(io, { host: 'host', port, clientId: 'test' });
    const client = await connect();
    await run({ io, broker, client, connect, ...shortcuts(io, client) });
    client.close();
    await broker.stop();
  }, options);
}

export function recordsOf(io: Io, values: readonly string[]): RecordInput[] {
  const timestamp = io.clock.now();
  return values.map((value) => ({ value: Buffer.from(value), timestamp }));
}

function shortcuts(io: Io, client: ClientConnection): Pick<TestBroker, 'createTopic' | 'produce'> {
  return {
    createTopic: async (name, { partitions = 1, configs = {} } = {}) => {
      const answer = await client.request(createTopics, {
        topics: [
          {
            name,
            numPartitions: partitions,
            replicationFactor: 1,
            assignments: [],
            configs: Object.entries(configs).map(([key, value]) => ({ name: key, value })),
          },
        ],
      });
      assert.equal(answer.topics[0]?.errorCode, 0, answer.topics[0]?.errorMessage ?? '');
      return answer.topics[0]?.topicId ?? '';
    },
    produce: async (topic, values, { partition = 0, acks = -1, records } = {}) => {
      const batch = records ?? encodeBatch({ records: recordsOf(io, values) });
      const answer = await client.request(
        produce,
        {
          acks,
          timeoutMs: 1000,
          topicData: [{ name: topic, partitionData: [{ index: partition, records: batch }] }],
        },
        { versionMax: 12 },
      );
      return answer.responses[0]?.partitionResponses[0] as ProduceAnswer;
    },
  };
}

test('a broker starts, serves and stops', async () => {
  await withBroker(async ({ broker, createTopic, produce: send }) => {
    assert.equal(broker.listeners[0]?.port, port);
    assert.equal(broker.clusterId.length, 22);
    await createTopic('t');
    assert.equal((await send('t', ['a', 'b'])).baseOffset, 0);
    assert.equal((await send('t', ['c'])).baseOffset, 2);
  });
});
