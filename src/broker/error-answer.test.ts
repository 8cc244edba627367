// Every API of the protocol, in every version, must be able to carry an error.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type Api,
  allApis,
  decodeResponse,
  defaultsOf,
  encodeResponse,
  type Field,
  type Fields,
  isIn,
  KafkaError,
} from '../protocol/index.ts';
import { errorAnswer } from './error-answer.ts';

const error = new KafkaError('UNSUPPORTED_VERSION');

/** A request with one item in every array, so that every place for an error has its reason. */
function sample(fields: Fields, version: number): Record<string, unknown> {
  const value = defaultsOf(fields);
  for (const [name, field] of Object.entries(fields)) {
    if (isIn(field.versions, version)) value[name] = sampleOf(field, version, value[name]);
  }
  return value;
}

function sampleOf(field: Field, version: number, fallback: unknown): unknown {
  if (field.kind !== 'array') return field.scalar === 'string' ? 'name' : fallback;
  if (typeof field.element === 'object' && field.element !== null) {
    return [sample(field.element, version)];
  }
  return [field.element === 'string' ? 'name' : 7];
}

function countErrors(value: unknown): number {
  if (Array.isArray(value)) return value.reduce((sum, item) => sum + countErrors(item), 0);
  if (typeof value !== 'object' || value === null || Buffer.isBuffer(value)) return 0;
  return Object.entries(value).reduce(
    (sum, [name, inner]) =>
      sum + (/errorcode$/i.test(name) && inner === error.code ? 1 : countErrors(inner)),
    0,
  );
}

function roundTrip(api: Api, version: number): unknown {
  const body = errorAnswer(api, sample(api.request.fields, version), { version, error });
  const frame = Buffer.concat(encodeResponse(api, version, 1, body)).subarray(4);
  return decodeResponse(api, version, frame).body;
}

/** These have nothing to say about what was asked: an empty list is all an old client can read. */
const mute = new Set(['DescribeLogDirs v0', 'DescribeLogDirs v1', 'DescribeLogDirs v2']);

for (const api of allApis) {
  test(`${api.name} has a readable answer with the error in every version`, () => {
    for (let version = api.versions.min; version <= api.versions.max; version++) {
      const body = roundTrip(api, version);
      if (mute.has(`${api.name} v${version}`)) continue;
      assert.ok(countErrors(body) > 0, `${api.name} v${version} says nothing of the error`);
    }
  });
}

test('partitions are named in the answer as they were in the request', async () => {
  const { offsetCommit, produce, fetch } = await import('../protocol/index.ts');
  const partitions = [{ partitionIndex: 3 }, { partitionIndex: 4 }];
  const committed = errorAnswer(
    offsetCommit as unknown as Api,
    { groupId: 'g', topics: [{ name: 'a', partitions }] },
    { version: 8, error },
  );
  assert.deepEqual(
    (committed.topics as { name: string; partitions: unknown[] }[]).map(
      (topic) => topic.partitions,
    ),
    [partitions.map((partition) => ({ ...partition, errorCode: error.code }))],
  );
  const produced = errorAnswer(
    produce as unknown as Api,
    { acks: 1, topicData: [{ name: 'a', partitionData: [{ index: 2, records: null }] }] },
    { version: 3, error },
  ) as { responses: { name: string; partitionResponses: Record<string, unknown>[] }[] };
  assert.equal(produced.responses[0]?.name, 'a');
  assert.equal(produced.responses[0]?.partitionResponses[0]?.index, 2);
  assert.equal(produced.responses[0]?.partitionResponses[0]?.baseOffset, -1);
  const fetched = errorAnswer(
    fetch as unknown as Api,
    { topics: [{ topic: 'a', partitions: [{ partition: 5, fetchOffset: 0 }] }] },
    { version: 4, error },
  ) as { responses: { topic: string; partitions: Record<string, unknown>[] }[] };
  assert.equal(fetched.responses[0]?.topic, 'a');
  assert.equal(fetched.responses[0]?.partitions[0]?.partitionIndex, 5);
});

test('who is refused a producer id or epoch is not given the one it named', async () => {
  const { endTxn, initProducerId } = await import('../protocol/index.ts');
  const named = { transactionalId: 'id', producerId: 7, producerEpoch: 3 };
  for (const [api, version] of [
    [endTxn, 5],
    [initProducerId, 4],
  ] as const) {
    const body = errorAnswer(api as unknown as Api, named, { version, error });
    assert.deepEqual([body.producerId, body.producerEpoch], [-1, -1], api.name);
  }
});
