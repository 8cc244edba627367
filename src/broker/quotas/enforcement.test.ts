// Quotas as clients meet them: set by one request, felt by the next, told and enforced.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { recordsOf, type TestBroker, withBroker } from '../../../tests/doubles/broker/brokers.ts';
import { ZERO_UUID } from '../../base/uuid.ts';
import type { ClientConnection } from '../../network/index.ts';
import {
  alterClientQuotas,
  createTopics,
  deleteTopics,
  describeClientQuotas,
  ErrorCode,
  encodeBatch,
  fetch,
  incrementalAlterConfigs,
  metadata,
  produce,
} from '../../protocol/index.ts';

type Entity = Record<string, string | null>;

const parts = (entity: Entity) =>
  Object.entries(entity).map(([entityType, entityName]) => ({ entityType, entityName }));

async function setQuota(client: ClientConnection, entity: Entity, quotas: Record<string, number>) {
  const ops = Object.entries(quotas).map(([key, value]) => ({ key, value, remove: false }));
  const entries = [{ entity: parts(entity), ops }];
  const answer = await client.request(alterClientQuotas, { entries, validateOnly: false });
  return answer.entries[0]?.errorCode ?? -1;
}

async function send({ io }: TestBroker, client: ClientConnection, bytes: number) {
  const records = encodeBatch({ records: recordsOf(io, ['x'.repeat(bytes)]) });
  const topicData = [{ name: 't', partitionData: [{ index: 0, records }] }];
  const body = { acks: 1, timeoutMs: 1000, topicData };
  const answer = await client.request(produce, body, { versionMax: 12 });
  assert.equal(answer.responses[0]?.partitionResponses[0]?.errorCode, 0);
  return answer.throttleTimeMs;
}

async function timeOf(at: TestBroker, client: ClientConnection): Promise<number> {
  const beganMs = at.io.clock.monotonic();
  await client.request(metadata, { topics: [] }, { timeoutMs: 60_000 });
  return at.io.clock.monotonic() - beganMs;
}

test('a producer beyond its quota is answered at once, told to rest, and muted as long', () =>
  withBroker(async (at) => {
    await at.createTopic('t');
    const other = await at.connect();
    assert.equal(await send(at, at.client, 50_000), 0);
    assert.equal(await setQuota(at.client, { user: null }, { producer_byte_rate: 1000 }), 0);
    const beganMs = at.io.clock.monotonic();
    const restMs = await send(at, at.client, 20_000);
    assert.ok(restMs > 9000 && restMs < 11_500, `${restMs}`);
    assert.ok(at.io.clock.monotonic() - beganMs < 100);
    assert.ok((await timeOf(at, other)) < 100, 'only the connection that produced rests');
    const mutedMs = await timeOf(at, at.client);
    assert.ok(mutedMs > restMs - 200 && mutedMs < restMs + 200, `${mutedMs} of ${restMs}`);
    assert.equal(await setQuota(at.client, { user: null }, { producer_byte_rate: 1e9 }), 0);
    assert.equal(await send(at, at.client, 20_000), 0);
    other.close();
  }));

test('a consumer beyond its quota gets an empty answer, and its records after the rest', () =>
  withBroker(async (at) => {
    const topicId = await at.createTopic('t');
    for (let i = 0; i < 8; i++) await send(at, at.client, 9000);
    await setQuota(at.client, { 'client-id': 'test' }, { consumer_byte_rate: 1000 });
    const read = (fetchOffset: number) =>
      at.client.request(
        fetch,
        {
          maxWaitMs: 0,
          minBytes: 1,
          maxBytes: 1e6,
          sessionEpoch: -1,
          topics: [
            {
              topicId,
              topic: 't',
              partitions: [{ partition: 0, fetchOffset, partitionMaxBytes: 1e6 }],
            },
          ],
        },
        { timeoutMs: 60_000 },
      );
    const sizeOf = (answer: Awaited<ReturnType<typeof read>>) =>
      answer.responses[0]?.partitions[0]?.records?.length ?? 0;
    const first = await read(0);
    assert.ok(sizeOf(first) > 9000 && sizeOf(first) <= 10_000, 'at most a window of the quota');
    assert.equal(first.throttleTimeMs, 0);
    const second = await read(1);
    assert.ok(second.throttleTimeMs > 0);
    assert.deepEqual(second.responses, []);
    await at.io.clock.sleep(11_000);
    assert.ok(sizeOf(await read(1)) > 9000);
  }));

test('changes of topics beyond their quota are refused, and older clients rest', () =>
  withBroker(async (at) => {
    await setQuota(at.client, { user: 'ANONYMOUS' }, { controller_mutation_rate: 1 });
    const create = async (name: string, versionMax: number) => {
      const topic = { name, numPartitions: 20, replicationFactor: 1, assignments: [], configs: [] };
      const answer = await at.client.request(
        createTopics,
        { topics: [topic] },
        { versionMax, timeoutMs: 60_000 },
      );
      return { code: answer.topics[0]?.errorCode, restMs: answer.throttleTimeMs };
    };
    assert.deepEqual(await create('a', 7), { code: 0, restMs: 0 });
    const { code, restMs } = await create('b', 7);
    assert.equal(code, ErrorCode.THROTTLING_QUOTA_EXCEEDED);
    assert.ok(restMs > 8000 && restMs <= 9000, `${restMs}`);
    const topics = [{ name: 'a', topicId: ZERO_UUID }];
    const deleted = await at.client.request(
      deleteTopics,
      { topics, topicNames: [], timeoutMs: 1000 },
      { timeoutMs: 60_000 },
    );
    assert.equal(deleted.responses[0]?.errorCode, 0, 'after the rest');
    const old = await create('c', 5);
    assert.equal(old.code, 0);
    assert.ok(old.restMs > 20_000, `${old.restMs}`);
  }));

test('quotas are described by entity: by name, the default, any, and strictly', () =>
  withBroker(async ({ client }) => {
    await setQuota(client, { user: 'alice' }, { producer_byte_rate: 10 });
    await setQuota(client, { user: 'alice', 'client-id': 'c' }, { request_percentage: 12.5 });
    await setQuota(client, { user: null }, { consumer_byte_rate: 30 });
    await setQuota(client, { ip: '10.0.0.1' }, { connection_creation_rate: 40 });
    const find = async (
      components: [string, number, string | null][],
      strict: boolean,
    ): Promise<string[]> => {
      const answer = await client.request(describeClientQuotas, {
        components: components.map(([entityType, matchType, match]) => {
          return { entityType, matchType, match };
        }),
        strict,
      });
      if (answer.errorCode !== 0) return [`error ${answer.errorCode}`];
      return (answer.entries ?? [])
        .flatMap(({ values }) => values.map(({ key, value }) => `${key}=${value}`))
        .sort();
    };
    const [byte, percent] = ['producer_byte_rate=10', 'request_percentage=12.5'];
    assert.equal((await find([], false)).length, 4);
    assert.deepEqual(await find([['user', 0, 'alice']], false), [byte, percent]);
    assert.deepEqual(await find([['user', 0, 'alice']], true), [byte]);
    assert.deepEqual(await find([['user', 1, null]], true), ['consumer_byte_rate=30']);
    assert.deepEqual(await find([['ip', 2, null]], true), ['connection_creation_rate=40']);
    const invalid = [`error ${ErrorCode.INVALID_REQUEST}`];
    assert.deepEqual(await find([['user', 0, null]], false), invalid);
    assert.deepEqual(await find([['user', 1, 'a']], false), invalid);
    assert.deepEqual(await find([['user', 3, null]], false), invalid);
    assert.deepEqual(await find([['', 2, null]], false), invalid);
    const twice: [string, number, string | null] = ['user', 2, null];
    assert.deepEqual(await find([twice, twice], false), invalid);
    assert.deepEqual(await find([twice, ['ip', 2, null]], false), invalid);
    assert.deepEqual(await find([['planet', 2, null]], false), [
      `error ${ErrorCode.UNSUPPORTED_VERSION}`,
    ]);
  }));

test('a quota that limits nothing, or everything, is refused', () =>
  withBroker(async ({ client }) => {
    const refused = ErrorCode.INVALID_REQUEST;
    for (const value of [0, -1, Number.NaN, Number.POSITIVE_INFINITY, 1.5]) {
      assert.equal(await setQuota(client, { user: 'u' }, { producer_byte_rate: value }), refused);
    }
    assert.equal(await setQuota(client, { user: 'u' }, { bogus: 1 }), refused);
    assert.equal(await setQuota(client, { ip: '::1' }, { producer_byte_rate: 1 }), refused);
    assert.equal(await setQuota(client, {}, { producer_byte_rate: 1 }), refused);
    assert.equal(await setQuota(client, { user: '' }, { producer_byte_rate: 1 }), refused);
    const entries = [
      {
        entity: parts({ user: 'u' }),
        ops: [{ key: 'producer_byte_rate', value: 1, remove: false }],
      },
    ];
    await client.request(alterClientQuotas, { entries, validateOnly: true });
    const { entries: found } = await client.request(describeClientQuotas, {
      components: [],
      strict: false,
    });
    assert.deepEqual(found, [], 'validating stores nothing');
  }));

test('connections wait while there are max.connections, which can be raised', () =>
  withBroker(
    async (at) => {
      const waiting = at.connect();
      let isServed = false;
      void waiting.then(() => {
        isServed = true;
      });
      await at.io.clock.sleep(2000);
      assert.equal(isServed, false);
      await at.client.request(incrementalAlterConfigs, {
        resources: [
          {
            resourceType: 4,
            resourceName: '',
            configs: [{ name: 'max.connections', configOperation: 0, value: '2' }],
          },
        ],
        validateOnly: false,
      });
      (await waiting).close();
    },
    { config: { 'max.connections': '1' } },
  ));
