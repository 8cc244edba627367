// Asks a broker for every API of Kafka in every version, over the wire, one connection each: a
// version that is refused may end its connection. In virtual time, so that waits cost nothing.

import { simulate } from '../../sim/index.ts';
import { Broker } from '../../src/broker/index.ts';
import { loadBrokerConfig } from '../../src/config/index.ts';
import type { Connection, Io } from '../../src/io/index.ts';
import {
  type Api,
  allApis,
  createTopics,
  decodeResponse,
  encodeRequest,
  errorName,
} from '../../src/protocol/index.ts';
import { kafkaApis } from './kafka-apis.ts';
import { sampleRequest } from './sample-request.ts';

const port = 9092;
const answerMs = 600_000;
const apiVersionsKey = 18;

/** What came back: the first error in the answer (NONE if there is none), or no answer. */
export type Outcome = string | 'connection closed';

export interface BrokerAnswers {
  /** What ApiVersions says, by API key. */
  readonly advertised: ReadonlyMap<number, { readonly min: number; readonly max: number }>;
  /** By API key, then version. */
  readonly outcomes: ReadonlyMap<number, ReadonlyMap<number, Outcome>>;
}

export function versionsOf(text: string): number[] {
  const [min, max = min] = text.split('-').map(Number) as [number, number?];
  return Array.from({ length: max - min + 1 }, (_, index) => min + index);
}

/** Every version that Kafka or our schemas know, and one more. */
function versionsToAsk(kafkaVersions: string, api: Api | undefined): number[] {
  const versions = new Set(versionsOf(kafkaVersions));
  if (api !== undefined) {
    for (let version = api.versions.min; version <= api.versions.max; version++) {
      versions.add(version);
    }
  }
  return [...versions, Math.max(...versions) + 1].sort((a, b) => a - b);
}

export async function askBroker(): Promise<BrokerAnswers> {
  return simulate(async (io) => {
    const overrides: [string, string][] = [
      ['listeners', `PLAINTEXT://0.0.0.0:${port}`],
      ['log.dirs', '/data'],
      ['group.initial.rebalance.delay.ms', '0'],
    ];
    const onFatal = (error: Error): never => {
      throw error;
    };
    const broker = await Broker.start(io, loadBrokerConfig({ overrides }).config, { onFatal });
    const topics = [{ name: 't', numPartitions: 1, replicationFactor: 1 }];
    await ask(io, frameOf(createTopics, 7, { topics }));
    const outcomes = new Map<number, Map<number, Outcome>>();
    for (const [key, , versions] of kafkaApis) {
      const api = allApis.find((one) => one.key === key);
      const byVersion = new Map<number, Outcome>();
      for (const version of versionsToAsk(versions, api)) {
        byVersion.set(version, await outcomeOf(io, { key, version, api }));
      }
      outcomes.set(key, byVersion);
    }
    const advertised = await advertisedBy(io);
    await broker.stop();
    return { advertised, outcomes };
  });
}

async function advertisedBy(io: Io): Promise<BrokerAnswers['advertised']> {
  const api = allApis.find((one) => one.key === apiVersionsKey) as Api;
  const answer = await ask(io, frameOf(api, 0, {}));
  const { body } = decodeResponse(api, 0, answer as Buffer);
  const { apiKeys } = body as {
    apiKeys: readonly { apiKey: number; minVersion: number; maxVersion: number }[];
  };
  return new Map(
    apiKeys.map(({ apiKey, minVersion, maxVersion }) => [
      apiKey,
      { min: minVersion, max: maxVersion },
    ]),
  );
}

interface Question {
  readonly key: number;
  readonly version: number;
  readonly api: Api | undefined;
}

async function outcomeOf(io: Io, { key, version, api }: Question): Promise<Outcome> {
  const isKnown = api !== undefined && version >= api.versions.min && version <= api.versions.max;
  const frame = isKnown
    ? frameOf(api, version, sampleRequest(api, version))
    : [bareFrame(key, version)];
  const answer = await ask(io, frame);
  if (answer === null) return 'connection closed';
  // A version of ApiVersions that is too new is answered in version 0 (KIP-511).
  const decoded = decodeResponse(api as Api, isKnown ? version : 0, answer);
  return errorName(firstError(decoded.body) ?? 0);
}

function frameOf(api: Api, version: number, body: unknown): Buffer[] {
  return encodeRequest(api, version, { correlationId: 1, clientId: 'asker' }, body as never);
}

/** Size, key, version, correlation id and no client id: a request whose body nobody can know. */
function bareFrame(key: number, version: number): Buffer {
  const frame = Buffer.alloc(14);
  frame.writeInt32BE(10, 0);
  frame.writeInt16BE(key, 4);
  frame.writeInt16BE(version, 6);
  frame.writeInt32BE(1, 8);
  frame.writeInt16BE(-1, 12);
  return frame;
}

/** The answer without its size; null if the connection was closed instead. */
async function ask(io: Io, frame: readonly Buffer[]): Promise<Buffer | null> {
  const connection = await io.network.connect({ host: 'host', port });
  try {
    return await answerOn(io, connection, frame);
  } finally {
    connection.destroy();
  }
}

function answerOn(
  io: Io,
  connection: Connection,
  frame: readonly Buffer[],
): Promise<Buffer | null> {
  return new Promise((resolve, reject) => {
    let bytes: Buffer = Buffer.alloc(0);
    const timer = io.clock.after(answerMs, () => reject(new Error('no answer')));
    const settle = (answer: Buffer | null): void => {
      timer.cancel();
      resolve(answer);
    };
    connection.onData = (chunk) => {
      bytes = Buffer.concat([bytes, chunk]);
      if (bytes.length >= 4 && bytes.length >= 4 + bytes.readInt32BE(0)) settle(bytes.subarray(4));
    };
    connection.onClose = () => settle(null);
    connection.write(frame);
  });
}

/** The first error code in an answer that is not 0, at any depth. */
function firstError(value: unknown): number | null {
  if (typeof value !== 'object' || value === null || Buffer.isBuffer(value)) return null;
  for (const [name, field] of Object.entries(value)) {
    if (/errorCode$/i.test(name) && typeof field === 'number' && field !== 0) return field;
    const inner = firstError(field);
    if (inner !== null) return inner;
  }
  return null;
}
