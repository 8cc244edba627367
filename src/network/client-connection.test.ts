// The client's side of a connection: negotiation, answers by correlation id, time-outs, loss.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simulate } from '../../sim/index.ts';
import type { Io } from '../io/index.ts';
import {
  apiVersions,
  decodeRequest,
  decodeRequestHeader,
  ErrorCode,
  encodeResponse,
  listOffsets,
  metadata,
  produce,
  type RequestHeader,
} from '../protocol/index.ts';
import { ClientConnection } from './client-connection.ts';
import { Server } from './server.ts';
import type { Exchange, ServerConnection } from './server-connection.ts';

interface Request {
  readonly header: RequestHeader;
  readonly frame: Buffer;
  readonly exchange: Exchange;
  readonly connection: ServerConnection;
}

/** A broker that knows ApiVersions up to `apiVersionsMax` and leaves the rest to the test. */
async function startBroker(
  io: Io,
  apiVersionsMax: number,
  onRequest: (request: Request) => void,
): Promise<Server> {
  const apiKeys = [
    { apiKey: apiVersions.key, minVersion: 0, maxVersion: apiVersionsMax },
    { apiKey: metadata.key, minVersion: 0, maxVersion: 99 },
    { apiKey: produce.key, minVersion: 3, maxVersion: 7 },
  ];
  const server = new Server(io, {}, (connection) => {
    connection.onFrame = (frame, exchange) => {
      const header = decodeRequestHeader(frame);
      const { apiKey, apiVersion, correlationId } = header;
      if (apiKey !== apiVersions.key) {
        onRequest({ header, frame, exchange, connection });
      } else if (apiVersion > apiVersionsMax) {
        const errorCode = ErrorCode.UNSUPPORTED_VERSION;
        exchange.respond(encodeResponse(apiVersions, 0, correlationId, { errorCode, apiKeys }));
      } else {
        const body = { errorCode: 0, apiKeys };
        exchange.respond(encodeResponse(apiVersions, apiVersion, correlationId, body));
      }
    };
  });
  await server.listen({ name: 'PLAINTEXT', host: '127.0.0.1', port: 9092 });
  return server;
}

const options = { host: '127.0.0.1', port: 9092, clientId: 'test', requestTimeoutMs: 10_000 };

function answerMetadata(request: Request, clusterId: string): void {
  const { apiVersion, correlationId } = request.header;
  const body = { brokers: [], topics: [], clusterId, controllerId: 1 };
  request.exchange.respond(encodeResponse(metadata, apiVersion, correlationId, body));
}

test('the newest common version is used, also with a broker that knows no new ApiVersions', () =>
  simulate(async (io) => {
    for (const apiVersionsMax of [0, 2, 99]) {
      const server = await startBroker(io, apiVersionsMax, () => {});
      const connection = await ClientConnection.connect(io, options);
      assert.equal(connection.versionOf(metadata), metadata.versions.max);
      assert.equal(connection.versionOf(produce), 7);
      assert.equal(connection.versionOf(produce, 5), 5);
      assert.equal(connection.versionOf(produce, 2), null);
      assert.equal(connection.versionOf(listOffsets), null);
      await assert.rejects(connection.request(listOffsets, { replicaId: -1, topics: [] }), {
        errorName: 'UNSUPPORTED_VERSION',
        message: /ListOffsets in versions none/,
      });
      connection.close();
      await server.close();
    }
  }));

test('requests in flight get their own answers', () =>
  simulate(async (io) => {
    await startBroker(io, 3, (request) => {
      const { apiVersion, bodyPosition } = request.header;
      const body = decodeRequest(metadata, apiVersion, request.frame, bodyPosition);
      answerMetadata(request, `cluster of ${body.topics?.[0]?.name}`);
    });
    const connection = await ClientConnection.connect(io, options);
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, i) =>
        connection.request(metadata, { topics: [{ name: `topic${i}` }] }),
      ),
    );
    for (const [i, answer] of answers.entries()) {
      assert.equal(answer.clusterId, `cluster of topic${i}`);
    }
    assert.equal(connection.requestsInFlight, 0);
  }));

test('a request without an answer in time fails and ends the connection for all others', () =>
  simulate(async (io) => {
    await startBroker(io, 3, () => {});
    const connection = await ClientConnection.connect(io, options);
    let closedWith: Error | null = null;
    connection.onClose = (error) => {
      closedWith = error;
    };
    const beganMs = io.clock.monotonic();
    const patient = connection.request(metadata, { topics: null });
    const hasty = connection.request(metadata, { topics: null }, { timeoutMs: 500 });
    const [first, second] = await Promise.allSettled([patient, hasty]);
    assert.equal(Math.round(io.clock.monotonic() - beganMs), 500);
    assert.match(String(second.status === 'rejected' && second.reason), /did not answer Metadata/);
    assert.match(String(first.status === 'rejected' && first.reason), /timed out/);
    assert.ok(closedWith !== null && connection.isClosed);
    await assert.rejects(connection.request(metadata, { topics: null }), {
      errorName: 'NETWORK_EXCEPTION',
      retriable: true,
    });
  }));

test('when the connection is lost every open request fails with a retriable error', () =>
  simulate(async (io) => {
    await startBroker(io, 3, ({ connection }) => connection.close());
    const connection = await ClientConnection.connect(io, options);
    const requests = [1, 2, 3].map(() => connection.request(metadata, { topics: null }));
    for (const outcome of await Promise.allSettled(requests)) {
      assert.equal(outcome.status, 'rejected');
      const { reason } = outcome as PromiseRejectedResult;
      assert.equal(reason.errorName, 'NETWORK_EXCEPTION');
    }
  }));

test('an answer that makes no sense ends the connection', () =>
  simulate(async (io) => {
    const nonsense = [
      Buffer.from('0000000400000063', 'hex'),
      Buffer.from('7fffffff', 'hex'),
      Buffer.from('000000060000000100ff', 'hex'),
      Buffer.from('ffffffff', 'hex'),
    ];
    for (const bytes of nonsense) {
      const server = await startBroker(io, 3, ({ exchange }) => exchange.respond([bytes]));
      const connection = await ClientConnection.connect(io, options);
      await assert.rejects(connection.request(metadata, { topics: null }), {
        errorName: 'NETWORK_EXCEPTION',
        message: /sent what is no answer/,
      });
      await server.close();
    }
  }));

test('nobody at the port, and somebody who never answers, are errors in time', () =>
  simulate(async (io) => {
    await assert.rejects(ClientConnection.connect(io, options), { code: 'ECONNREFUSED' });
    const server = new Server(io, {}, () => {});
    await server.listen({ name: 'PLAINTEXT', host: '127.0.0.1', port: 9092 });
    const beganMs = io.clock.monotonic();
    await assert.rejects(ClientConnection.connect(io, { ...options, connectTimeoutMs: 700 }), {
      errorName: 'REQUEST_TIMED_OUT',
    });
    assert.equal(Math.round((io.clock.monotonic() - beganMs) / 100), 7);
  }));

test('closing sends what has no answer before it goes', () =>
  simulate(async (io) => {
    let receivedBytes = 0;
    await startBroker(io, 3, ({ frame, exchange }) => {
      receivedBytes += frame.length;
      exchange.skip();
    });
    const connection = await ClientConnection.connect(io, options);
    const records = Buffer.alloc(600_000, 1);
    const body = {
      acks: 0,
      timeoutMs: 1000,
      topicData: [{ name: 't', partitionData: [{ index: 0, records }] }],
    };
    void connection.requestWithoutResponse(produce, body);
    connection.close();
    await io.clock.sleep(5000);
    assert.ok(receivedBytes > records.length, `${receivedBytes} bytes arrived`);
  }));
