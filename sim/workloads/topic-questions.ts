// An operator who creates one topic after the other, and one who asks every broker whether the
// newest of them could be created: a question that changes nothing, and that only a controller
// answers.

import { Admin } from '../../src/client/index.ts';
import type { Io } from '../../src/io/index.ts';
import { ClientConnection } from '../../src/network/index.ts';
import { createTopics, ErrorCode, KafkaError } from '../../src/protocol/index.ts';
import type { KnownTopics } from '../checkers/index.ts';

const answerMsMax = 1_000;

export interface TopicQuestions {
  readonly topics: KnownTopics;
  readonly pauseMs: number;
}

/** Never ends: its process is killed. */
export async function createManyTopics(
  io: Io,
  { topics, pauseMs, bootstrapServers }: TopicQuestions & { readonly bootstrapServers: string },
): Promise<void> {
  const patience = { requestTimeoutMs: answerMsMax, defaultApiTimeoutMs: 5_000 };
  const admin = new Admin({ bootstrapServers, ...patience, retryBackoffMs: 50 }, io);
  for (let number = 1; ; ) {
    const spec = { name: `asked-${number}`, numPartitions: 1, replicationFactor: 1 };
    const isThere = await admin
      .createTopics([spec])
      .then(
        ([made]) => made?.error === null || made?.error.code === ErrorCode.TOPIC_ALREADY_EXISTS,
        ifRefused,
      );
    if (isThere) {
      topics.onCreated(spec.name);
      number += 1;
    }
    await io.clock.sleep(pauseMs);
  }
}

/** Never ends: its process is killed. */
export async function askAboutTopics(
  io: Io,
  options: TopicQuestions & { readonly broker: { readonly host: string; readonly port: number } },
): Promise<void> {
  const { broker, topics, pauseMs } = options;
  const times = { connectTimeoutMs: answerMsMax, requestTimeoutMs: answerMsMax };
  let connection: ClientConnection | null = null;
  for (;;) {
    const name = topics.newest;
    try {
      if (connection === null || connection.isClosed) {
        connection = await ClientConnection.connect(io, { ...broker, ...times, clientId: 'asker' });
      }
      if (name !== null) topics.onAnswer(broker.host, name, await mayCreate(connection, name));
    } catch (error) {
      ifRefused(error);
    }
    await io.clock.sleep(pauseMs);
  }
}

async function mayCreate(connection: ClientConnection, name: string): Promise<number> {
  const topic = { name, numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] };
  const request = { topics: [topic], timeoutMs: answerMsMax, validateOnly: true };
  const { topics } = await connection.request(createTopics, request);
  return topics[0]?.errorCode ?? ErrorCode.UNKNOWN_SERVER_ERROR;
}

/** Brokers come and go here. */
function ifRefused(error: unknown): false {
  if (error instanceof KafkaError || (error as Error).name === 'IoError') return false;
  throw error;
}
