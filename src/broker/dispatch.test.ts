// From bytes to answers: bad input of every kind, and the requests that have no state of their own.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { port, type TestBroker, withBroker } from '../../tests/doubles/broker/brokers.ts';
import { Prng } from '../base/prng.ts';
import { ZERO_UUID } from '../base/uuid.ts';
import type { Io } from '../io/index.ts';
import { FrameReader } from '../network/index.ts';
import {
  apiVersions,
  decodeResponse,
  describeCluster,
  describeLogDirs,
  ErrorCode,
  encodeRequest,
  fetch,
  findCoordinator,
  initProducerId,
  metadata,
  pushTelemetry,
} from '../protocol/index.ts';

interface Raw {
  readonly send: (...chunks: readonly Buffer[]) => void;
  /** Whole frames received so far, without their sizes. */
  readonly frames: () => Buffer[];
  readonly isClosed: () => boolean;
}

async function rawConnection(io: Io): Promise<Raw> {
  const connection = await io.network.connect({ host: 'host', port });
  let received = Buffer.alloc(0);
  let isClosed = false;
  connection.onData = (chunk) => {
    received = Buffer.concat([received, chunk]);
  };
  connection.onClose = () => {
    isClosed = true;
  };
  const frames = (): Buffer[] => {
    const found: Buffer[] = [];
    let at = 0;
    while (at + 4 <= received.length && at + 4 + received.readInt32BE(at) <= received.length) {
      const size = received.readInt32BE(at);
      found.push(received.subarray(at + 4, at + 4 + size));
      at += 4 + size;
    }
    return found;
  };
  return { send: (...chunks) => void connection.write(chunks), frames, isClosed: () => isClosed };
}

function frame(...bytes: readonly Buffer[]): Buffer {
  const body = Buffer.concat(bytes);
  const size = Buffer.alloc(4);
  size.writeInt32BE(body.length);
  return Buffer.concat([size, body]);
}

function header(apiKey: number, apiVersion: number, correlationId = 7): Buffer {
  const bytes = Buffer.alloc(10);
  bytes.writeInt16BE(apiKey, 0);
  bytes.writeInt16BE(apiVersion, 2);
  bytes.writeInt32BE(correlationId, 4);
  bytes.writeInt16BE(-1, 8);
  return bytes;
}

/** Others are served as if nothing had happened. */
async function assertServing({ client, produce, createTopic }: TestBroker): Promise<void> {
  await client.request(metadata, { topics: null });
  await createTopic('still');
  assert.equal((await produce('still', ['x'])).errorCode, 0);
}

const int32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
};

const badInput: Readonly<Record<string, Buffer>> = {
  'a frame of 2 GiB': int32(0x7fffffff),
  'a negative length': int32(-1),
  'a frame too short for a header': frame(Buffer.alloc(3)),
  'an unknown API key': frame(header(999, 0)),
  'a negative API key': frame(header(-5, 0)),
  'an unknown version': frame(header(metadata.key, 99)),
  'a truncated request': frame(header(0, 3), Buffer.from([0xff, 0xff, 0, 1, 0, 0])),
  'an array of 2^31-1 elements': frame(header(metadata.key, 1), int32(0x7fffffff)),
  'an array of a negative count that is not null': frame(header(metadata.key, 0), int32(-9)),
  'a string longer than the frame': frame(
    header(metadata.key, 1),
    int32(1),
    Buffer.from([0x7f, 0xff]),
  ),
  'a client id longer than the frame': frame(Buffer.from([0, 3, 0, 1, 0, 0, 0, 1, 0x40, 0])),
};

for (const [what, bytes] of Object.entries(badInput)) {
  test(`${what} ends that connection and nothing else`, async () => {
    await withBroker(async (at) => {
      const raw = await rawConnection(at.io);
      raw.send(bytes);
      await at.io.clock.sleep(100);
      assert.equal(raw.isClosed(), true);
      assert.deepEqual(raw.frames(), []);
      await assertServing(at);
    });
  });
}

test('random bytes end their connections and nothing else, and are told in few lines', async () => {
  const lines: string[] = [];
  await withBroker(
    async (at) => {
      const prng = new Prng('bad bytes');
      for (let round = 0; round < 200; round++) {
        const raw = await rawConnection(at.io);
        const body = prng.bytes(8 + prng.int(200));
        // Most get as far as a handler: a known key, then nonsense.
        if (prng.chance(0.8)) body.writeInt16BE(prng.int(76), 0);
        if (prng.chance(0.8)) body.writeInt16BE(prng.int(14), 2);
        if (prng.chance(0.8)) body.writeInt16BE(-1, 8 <= body.length - 2 ? 8 : 0);
        raw.send(prng.chance(0.9) ? frame(body) : body);
      }
      await at.io.clock.sleep(1000);
      await assertServing(at);
    },
    { onLog: (_name, entry) => void (entry.component === 'dispatch' && lines.push(entry.message)) },
  );
  assert.ok(lines.length > 0 && lines.length <= 12, `${lines.length} lines`);
});

test('an ApiVersions request from the future is answered in version 0', async () => {
  await withBroker(async ({ io }) => {
    const raw = await rawConnection(io);
    raw.send(frame(header(apiVersions.key, 99, 42), Buffer.from([0])));
    await io.clock.sleep(10);
    const [answer] = raw.frames();
    const { correlationId, body } = decodeResponse(apiVersions, 0, answer as Buffer);
    assert.equal(correlationId, 42);
    assert.equal(body.errorCode, ErrorCode.UNSUPPORTED_VERSION);
    assert.deepEqual(body.apiKeys, [{ apiKey: 18, minVersion: 0, maxVersion: 5 }]);
    assert.equal(raw.isClosed(), false);
  });
});

test('what is served and the level of each feature are told', async () => {
  await withBroker(async ({ client }) => {
    const software = { clientSoftwareName: 'x', clientSoftwareVersion: '1' };
    const answer = await client.request(apiVersions, software);
    const keys = answer.apiKeys.map(({ apiKey }) => apiKey);
    assert.deepEqual(
      keys,
      keys.toSorted((a, b) => a - b),
    );
    assert.ok(keys.includes(metadata.key) && !keys.includes(pushTelemetry.key));
    const [finalized] = answer.finalizedFeatures;
    assert.equal(finalized?.name, 'metadata.version');
    assert.equal(answer.supportedFeatures[0]?.name, 'metadata.version');
    assert.ok(answer.finalizedFeaturesEpoch >= 0);
  });
});

test('a client names its software, in plain words', async () => {
  await withBroker(async ({ client }) => {
    const ask = async (clientSoftwareName: string) => {
      const request = { clientSoftwareName, clientSoftwareVersion: '1.0' };
      return (await client.request(apiVersions, request)).errorCode;
    };
    assert.equal(await ask('apache-kafka-java'), 0);
    assert.equal(await ask('-bad-'), ErrorCode.INVALID_REQUEST);
    assert.equal(await ask(''), ErrorCode.INVALID_REQUEST);
  });
});

test('a client that expected another cluster or node is told to bootstrap again', async () => {
  await withBroker(async ({ client, broker }) => {
    const ask = async (clusterId: string | null, nodeId: number) => {
      const software = { clientSoftwareName: 'x', clientSoftwareVersion: '1' };
      return (await client.request(apiVersions, { ...software, clusterId, nodeId })).errorCode;
    };
    assert.equal(await ask(broker.clusterId, 1), 0);
    assert.equal(await ask(broker.clusterId, 2), ErrorCode.REBOOTSTRAP_REQUIRED);
    assert.equal(await ask('another', -1), ErrorCode.REBOOTSTRAP_REQUIRED);
  });
});

const nobody = { clientInstanceId: ZERO_UUID };
const noBytes = Buffer.alloc(0);

test('an API that is not served has an answer of its own kind', async () => {
  await withBroker(async ({ io }) => {
    const raw = await rawConnection(io);
    const request = encodeRequest(
      pushTelemetry,
      0,
      { correlationId: 3, clientId: 'x' },
      { ...nobody, subscriptionId: 0, terminating: false, compressionType: 0, metrics: noBytes },
    );
    raw.send(...request);
    await io.clock.sleep(10);
    const { body } = decodeResponse(pushTelemetry, 0, raw.frames()[0] as Buffer);
    assert.equal(body.errorCode, ErrorCode.UNSUPPORTED_VERSION);
    assert.equal(raw.isClosed(), false);
  });
});

test('of many fetches whose answers nobody reads, one is held in memory', async () => {
  await withBroker(async ({ createTopic, produce, io }) => {
    await createTopic('big');
    for (let i = 0; i < 20; i++) await produce('big', ['x'.repeat(500_000)]);
    const greedy = await io.network.connect({ host: 'host', port });
    greedy.pause();
    const partition = { partition: 0, fetchOffset: 0, partitionMaxBytes: 2 ** 27 };
    const topics = [{ topic: 'big', partitions: [partition] }];
    const body = { maxWaitMs: 0, minBytes: 1, maxBytes: 2 ** 27, topics, forgottenTopicsData: [] };
    const frames = encodeRequest(fetch, 12, { correlationId: 1, clientId: 'greedy' }, body);
    for (let i = 0; i < 5; i++) greedy.write(frames);
    await io.clock.sleep(1000);
    await produce('big', ['later']);
    const reader = new FrameReader();
    const ends: number[] = [];
    greedy.onData = (chunk) => {
      reader.feed(chunk);
      for (let frame = reader.next(); frame !== null; frame = reader.next()) {
        const answer = decodeResponse(fetch, 12, frame).body;
        ends.push(answer.responses[0]?.partitions[0]?.highWatermark ?? -1);
      }
    };
    greedy.resume();
    await io.clock.sleep(60_000);
    assert.deepEqual(ends, [20, 21, 21, 21, 21], 'the others were taken when the first was read');
    greedy.destroy();
  });
});

test('a transactional producer finds its coordinator, and gets an id there', async () => {
  await withBroker(async ({ client, broker }) => {
    const found = await client.request(findCoordinator, { keyType: 1, coordinatorKeys: ['tx'] });
    assert.equal(found.coordinators[0]?.errorCode, 0);
    assert.equal(found.coordinators[0]?.nodeId, broker.nodeId);
    const share = await client.request(findCoordinator, { keyType: 2, coordinatorKeys: ['g'] });
    assert.equal(share.coordinators[0]?.errorCode, ErrorCode.COORDINATOR_NOT_AVAILABLE);
    const { errorCode, producerEpoch } = await client.request(initProducerId, {
      transactionalId: 'tx',
      transactionTimeoutMs: 1000,
    });
    assert.deepEqual([errorCode, producerEpoch], [0, 0]);
  });
});

test('an idempotent producer gets a new id, whatever id it names', async () => {
  await withBroker(async ({ client }) => {
    const ask = (producerId = -1, producerEpoch = -1) =>
      client.request(initProducerId, {
        transactionalId: null,
        transactionTimeoutMs: 0,
        producerId,
        producerEpoch,
      });
    const [first, second] = [await ask(), await ask()];
    assert.equal(first.producerEpoch, 0);
    const third = await ask(first.producerId, 0);
    assert.equal(new Set([first, second, third].map((one) => one.producerId)).size, 3);
    assert.equal((await ask(first.producerId, -1)).errorCode, ErrorCode.INVALID_REQUEST);
  });
});

test('the cluster and its directories are described', async () => {
  await withBroker(async ({ client, broker, createTopic, produce }) => {
    await createTopic('t', { partitions: 2 });
    await produce('t', ['x']);
    const cluster = await client.request(describeCluster, {
      includeClusterAuthorizedOperations: false,
    });
    assert.equal(cluster.clusterId, broker.clusterId);
    assert.deepEqual(
      cluster.brokers.map(({ brokerId, port: at }) => [brokerId, at]),
      [[1, port]],
    );
    const controllers = await client.request(describeCluster, {
      includeClusterAuthorizedOperations: false,
      endpointType: 2,
    });
    assert.equal(controllers.errorCode, ErrorCode.MISMATCHED_ENDPOINT_TYPE);
    const { results } = await client.request(describeLogDirs, { topics: null });
    assert.equal(results[0]?.logDir, '/data');
    const sizes = results[0]?.topics[0]?.partitions.map((one) => one.partitionSize) ?? [];
    assert.ok((sizes[0] as number) > 0);
    assert.equal(sizes[1], 0);
  });
});
