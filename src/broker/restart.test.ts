// What clients are told while a broker starts on existing data: everything, or nothing yet. A
// consumer with a pattern for its topics takes an answer without them for their deletion.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simulate } from '../../sim/index.ts';
import { port, startBroker } from '../../tests/doubles/broker/brokers.ts';
import type { Io } from '../io/index.ts';
import { ClientConnection } from '../network/index.ts';
import { createTopics, findCoordinator, metadata, type ResponseOf } from '../protocol/index.ts';

type Answer = ResponseOf<typeof metadata>;

const connect = (io: Io): Promise<ClientConnection> =>
  ClientConnection.connect(io, { host: 'host', port, clientId: 'test', connectTimeoutMs: 60_000 });

async function askAll(client: ClientConnection): Promise<Answer> {
  return await client.request(metadata, { topics: null, allowAutoTopicCreation: false });
}

/** Connects as soon as the port is open, and asks at once. */
async function firstAnswer(io: Io, delayMs: number): Promise<Answer> {
  await io.clock.sleep(delayMs);
  for (;;) {
    try {
      const client = await connect(io);
      const answer = await askAll(client);
      client.close();
      return answer;
    } catch {
      await io.clock.sleep(0.2);
    }
  }
}

test('whoever asks while the broker starts hears of every topic, its id and its leader', () =>
  simulate(async (io) => {
    const first = await startBroker(io);
    const client = await connect(io);
    const topics = Array.from({ length: 40 }, (_, i) => ({
      name: `topic-${i}`,
      numPartitions: 3,
      replicationFactor: 1,
      assignments: [],
      configs: [],
    }));
    await client.request(createTopics, { topics });
    await client.request(findCoordinator, { keyType: 0, coordinatorKeys: ['g'] });
    const shape = ({ brokers, controllerId, topics }: Answer) => ({
      brokers: brokers.map(({ nodeId }) => nodeId),
      controllerId,
      topics: topics
        .map(({ name, topicId, errorCode, partitions }) => ({
          name,
          topicId,
          errorCode,
          leaders: partitions.map(({ leaderId, errorCode: error }) => `${leaderId} ${error}`),
        }))
        .sort((a, b) => ((a.name ?? '') < (b.name ?? '') ? -1 : 1)),
    });
    const before = shape(await askAll(client));
    assert.equal(before.topics.length, 41);
    client.close();
    await first.stop();
    const asking = Array.from({ length: 60 }, (_, i) => firstAnswer(io, i / 4));
    const second = await startBroker(io);
    for (const answer of await Promise.all(asking)) assert.deepEqual(shape(answer), before);
    // Connections that came before anybody was served are let go of like the others.
    await second.stop();
  }));
