// Every API the broker serves, in every version, and data for clients of every age.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withBroker } from '../../tests/doubles/broker/brokers.ts';
import '../../tests/doubles/broker/loaded-handlers.ts';
import {
  type Api,
  defaultsOf,
  type Field,
  type Fields,
  fetch,
  isIn,
  listOffsets,
  metadata,
  type RequestInput,
} from '../protocol/index.ts';
import { handlers } from './handlers/index.ts';

/** A request with one item in every array, as far as the version has room for it. */
function sample(fields: Fields, version: number): Record<string, unknown> {
  const value: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(fields)) {
    if (isIn(field.versions, version)) value[name] = sampleOf(field, name, version);
  }
  return value;
}

function sampleOf(field: Field, name: string, version: number): unknown {
  if (isIn(field.nullable, version)) return null;
  if (name === 'acks') return 1;
  if (field.kind === 'array' && typeof field.element === 'object' && field.element !== null) {
    return [sample(field.element as Fields, version)];
  }
  if (field.kind === 'array') return [field.element === 'string' ? 't' : 0];
  if (field.scalar === 'string') return /software/i.test(name) ? 'x' : 't';
  return defaultsOf({ field }).field;
}

for (const { api } of handlers) {
  test(`${api.name} is answered in every version`, async () => {
    await withBroker(async ({ client, createTopic }) => {
      await createTopic('t');
      for (let version = api.versions.min; version <= api.versions.max; version++) {
        const body = sample(api.request.fields, version) as RequestInput<Api>;
        await client.request(api, body, { versionMax: version });
      }
    });
  });
}

test('records and offsets are there for clients of every age', async () => {
  await withBroker(async ({ client, createTopic, produce }) => {
    const topicId = await createTopic('t');
    await produce('t', ['a', 'b', 'c']);
    for (let version = 0; version <= listOffsets.versions.max; version++) {
      const partitions = [{ partitionIndex: 0, timestamp: -1, maxNumOffsets: 5 }];
      const request = { replicaId: -1, isolationLevel: 0, topics: [{ name: 't', partitions }] };
      const found = await client.request(
        listOffsets,
        version === 0 ? request : { ...request, topics: [latest] },
        { versionMax: version },
      );
      const [answer] = found.topics[0]?.partitions ?? [];
      assert.deepEqual(
        version === 0 ? answer?.oldStyleOffsets : answer?.offset,
        version === 0 ? [3, 0] : 3,
      );
    }
    for (let version = 0; version <= fetch.versions.max; version++) {
      const partitions = [{ partition: 0, fetchOffset: 1, partitionMaxBytes: 1000 }];
      const topics = [{ topic: version >= 13 ? '' : 't', topicId, partitions }];
      const request = {
        maxWaitMs: 0,
        minBytes: 1,
        topics: version >= 13 ? topics : [{ topic: 't', partitions }],
      };
      const { responses } = await client.request(fetch, request, { versionMax: version });
      const [answer] = responses[0]?.partitions ?? [];
      assert.equal(answer?.errorCode, 0, `fetch v${version}`);
      assert.equal(answer?.highWatermark, 3);
      assert.ok((answer?.records?.length ?? 0) > 0, `fetch v${version} has records`);
      const magic = answer?.records?.[16];
      assert.equal(magic, version >= 4 ? 2 : version >= 2 ? 1 : 0, `fetch v${version}`);
    }
    for (let version = 0; version <= metadata.versions.max; version++) {
      const answer = await client.request(
        metadata,
        { topics: version === 0 ? [] : null },
        { versionMax: version },
      );
      assert.deepEqual(
        answer.topics.map((topic) => topic.name),
        ['t'],
        `metadata v${version}`,
      );
      assert.equal(answer.topics[0]?.partitions[0]?.leaderId, 1);
    }
  });
});

const latest = { name: 't', partitions: [{ partitionIndex: 0, timestamp: -1 }] };
