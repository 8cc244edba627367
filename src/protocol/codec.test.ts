// Headers, versions, tagged fields and the refusal of what cannot be: the rules that no schema
// says.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  decodeRequest,
  decodeRequestHeader,
  decodeResponse,
  decodeStruct,
  decodeVersioned,
  encodeElements,
  encodeRequest,
  encodeResponse,
  encodeStruct,
  encodeVersioned,
  requestHeaderVersion,
  responseHeaderVersion,
} from './codec.ts';
import { KafkaError, MalformedError } from './errors.ts';
import {
  allApis,
  alterConfigs,
  apiByKey,
  apiVersions,
  controlledShutdown,
  describeAcls,
  fetch,
  listOffsets,
  metadata,
  produce,
} from './messages/index.ts';
import type { RequestInput, ResponseInput } from './schema.ts';
import {
  array,
  defineStruct,
  EncodedElements,
  int8,
  int32,
  int64,
  string,
  struct,
} from './schema.ts';
import {
  consumerProtocolSubscription,
  groupMetadataKey,
  offsetCommitKey,
} from './structs/index.ts';

const noTopics: RequestInput<typeof metadata> = { topics: null };

function bodyOf(frame: Buffer[], headerBytes: number): string {
  return Buffer.concat(frame).toString('hex', 4 + headerBytes);
}

function thrownBy(action: () => unknown): KafkaError {
  try {
    action();
  } catch (error) {
    assert(error instanceof KafkaError, String(error));
    return error;
  }
  assert.fail('nothing was thrown');
}

test('request headers are those of the Java client', () => {
  const header = { correlationId: 77, clientId: 'console-1' };
  const v1 = Buffer.concat(encodeRequest(metadata, 8, header, noTopics));
  assert.equal(v1.toString('hex', 4, 4 + 19), '000300080000004d0009636f6e736f6c652d31');
  const v2 = Buffer.concat(encodeRequest(metadata, 9, header, noTopics));
  assert.equal(v2.toString('hex', 4, 4 + 20), '000300090000004d0009636f6e736f6c652d3100');
  const anonymous = { correlationId: -2, clientId: null };
  const v2null = Buffer.concat(encodeRequest(metadata, 9, anonymous, noTopics));
  assert.equal(v2null.toString('hex', 4, 4 + 11), '00030009fffffffeffff00');
});

test('only ControlledShutdown v0 has a header without a client id', () => {
  for (const api of allApis) {
    const first = requestHeaderVersion(api, api.versions.min);
    assert.equal(first === 0, api === controlledShutdown, api.name);
  }
  const header = { correlationId: 1, clientId: 'left out' };
  const frame = Buffer.concat(encodeRequest(controlledShutdown, 0, header, { brokerId: 5 }));
  assert.equal(frame.toString('hex'), '0000000c00070000000000010000000' + '5');
  assert.equal(decodeRequestHeader(frame.subarray(4)).clientId, null);
});

test('a header may carry tagged fields that nobody knows', () => {
  const frame = Buffer.from('0003000c0000004d0001780201020909070161ff', 'hex');
  const header = decodeRequestHeader(frame);
  assert.equal(header.clientId, 'x');
  assert.equal(header.bodyPosition, frame.length - 1);
});

test('the header of an unknown API is read as far as its client id', () => {
  const frame = Buffer.from('7530000100000005000178' + 'ffffff', 'hex');
  assert.equal(apiByKey(30000), undefined);
  assert.deepEqual(decodeRequestHeader(frame), {
    apiKey: 30000,
    apiVersion: 1,
    correlationId: 5,
    clientId: 'x',
    bodyPosition: 11,
  });
});

test('the answer to ApiVersions has the oldest header at every version', () => {
  for (let version = 0; version <= apiVersions.versions.max; version++) {
    assert.equal(responseHeaderVersion(apiVersions, version), 0);
  }
  const frame = encodeResponse(apiVersions, 3, 9, {
    errorCode: 0,
    apiKeys: [{ apiKey: 0, minVersion: 0, maxVersion: 13 }],
    throttleTimeMs: 1,
  });
  assert.equal(bodyOf(frame, 4), '000002' + '00000000000d00' + '00000001' + '00');
  assert.equal(decodeResponse(apiVersions, 3, Buffer.concat(frame).subarray(4)).correlationId, 9);
});

test('a version that does not exist is refused by name, for reading and writing', () => {
  const header = { correlationId: 1, clientId: null };
  const writing = thrownBy(() => encodeRequest(metadata, 99, header, noTopics));
  assert.equal(writing.errorName, 'UNSUPPORTED_VERSION');
  assert.match(writing.message, /MetadataRequest v99 .* 0 to 13/);
  const reading = thrownBy(() => decodeRequest(metadata, -1, Buffer.alloc(100), 0));
  assert.equal(reading.errorName, 'UNSUPPORTED_VERSION');
});

test('a value that the version cannot carry is an error, not a silent loss', () => {
  const header = { correlationId: 1, clientId: null };
  const error = thrownBy(() =>
    encodeRequest(produce, 2, header, {
      transactionalId: 'tx',
      acks: 1,
      timeoutMs: 1,
      topicData: [],
    }),
  );
  assert.equal(error.errorName, 'UNSUPPORTED_VERSION');
  assert.match(error.message, /ProduceRequest v2 has no transactionalId/);
});

test('what is at its default, or ignorable, may be given to a version that lacks it', () => {
  const header = { correlationId: 1, clientId: null };
  const body: RequestInput<typeof fetch> = {
    maxWaitMs: 1,
    minBytes: 1,
    maxBytes: 5,
    sessionEpoch: 7,
    replicaState: { replicaId: -1, replicaEpoch: -1 },
    topics: [{ topic: 't', partitions: [] }],
    rackId: 'a rack',
  };
  const withAll = Buffer.concat(encodeRequest(fetch, 0, header, body)).toString('hex', 14);
  assert.equal(withAll, 'ffffffff0000000100000001' + '0000000100017400000000');
});

test('null is refused where the version has no null', () => {
  const header = { correlationId: 1, clientId: null };
  assert.match(
    thrownBy(() => encodeRequest(metadata, 0, header, noTopics)).message,
    /MetadataRequest v0: topics cannot be null/,
  );
  const oldNull = Buffer.from('ffffffff', 'hex');
  assert(thrownBy(() => decodeRequest(metadata, 0, oldNull, 0)) instanceof MalformedError);
});

test('fields that a version lacks are decoded as their defaults', () => {
  const body: ResponseInput<typeof listOffsets> = {
    topics: [
      { name: 't', partitions: [{ partitionIndex: 3, errorCode: 0, oldStyleOffsets: [9, 8] }] },
    ],
  };
  const frame = Buffer.concat(encodeResponse(listOffsets, 0, 1, body)).subarray(4);
  assert.deepStrictEqual(decodeResponse(listOffsets, 0, frame).body, {
    throttleTimeMs: 0,
    topics: [
      {
        name: 't',
        partitions: [
          {
            partitionIndex: 3,
            errorCode: 0,
            oldStyleOffsets: [9, 8],
            timestamp: -1,
            offset: -1,
            leaderEpoch: -1,
          },
        ],
      },
    ],
  });
});

test('decoded defaults are not shared between messages', () => {
  const frame = Buffer.concat(encodeResponse(fetch, 0, 1, { responses: [] })).subarray(4);
  const first = decodeResponse(fetch, 0, frame).body;
  first.nodeEndpoints.push({ nodeId: 1, host: 'h', port: 2, rack: null });
  assert.deepEqual(decodeResponse(fetch, 0, frame).body.nodeEndpoints, []);
});

const evolved = defineStruct({
  name: 'Evolved',
  versions: '0-2',
  flexible: '1+',
  fields: {
    id: int32('0+'),
    small: int8('1+', { default: -1, tag: 3 }),
    label: string('1+', { nullable: '1+', default: null, tag: 0 }),
    inner: struct('1+', { at: int64('0+', { default: -1 }) }, { tag: 1 }),
    list: array('1+', 'int32', { tag: 2 }),
    maybe: struct('0+', { x: int32('0+') }, { nullable: '0+', default: null }),
    renamed: int32('2+', { default: 0, tag: 0x4000 }),
  },
});

test('tagged fields are written in the order of their tags, and only if they say something', () => {
  const none = encodeStruct(evolved, 1, { id: 1 });
  assert.equal(none.toString('hex'), '00000001' + 'ff' + '00');
  const defaults = { small: -1, label: null, inner: { at: -1 }, list: [], maybe: null };
  assert.deepEqual(encodeStruct(evolved, 1, { id: 1, ...defaults }), none);
  const some = encodeStruct(evolved, 2, { id: 1, small: 5, label: 'é', list: [7], renamed: 1 });
  const tags = '000303c3a9' + '02050200000007' + '030105' + '80800104' + '00000001';
  assert.equal(some.toString('hex'), `00000001ff04${tags}`);
});

test('tagged fields of a newer program are passed over', () => {
  const newer = encodeStruct(evolved, 2, { id: 1, label: 'x', renamed: 9, maybe: { x: 2 } });
  assert.deepEqual(decodeStruct(evolved, 1, newer), {
    id: 1,
    small: -1,
    label: 'x',
    inner: { at: -1 },
    list: [],
    maybe: { x: 2 },
    renamed: 0,
  });
});

test('a tagged field that is shorter or longer than its size says is malformed', () => {
  for (const tags of [
    '01030205' + '00',
    '010300',
    '0103ff',
    '01',
    'ffffffff0f',
    '01030105'.slice(0, 6),
  ]) {
    const frame = Buffer.from(`00000001ff${tags}`, 'hex');
    assert(thrownBy(() => decodeStruct(evolved, 1, frame)) instanceof MalformedError, tags);
  }
});

test('record sets are handed on as the slices they came in', () => {
  const records = Buffer.alloc(5000, 1);
  const more = Buffer.alloc(3000, 2);
  const frame = encodeResponse(fetch, 11, 1, {
    responses: [
      {
        topic: 't',
        partitions: [
          { partitionIndex: 0, errorCode: 0, highWatermark: 5, records: [records, more] },
          { partitionIndex: 1, errorCode: 0, highWatermark: 5, records: Buffer.alloc(0) },
          { partitionIndex: 2, errorCode: 0, highWatermark: 5, records: null },
        ],
      },
    ],
  });
  assert.ok(frame.includes(records));
  assert.ok(frame.includes(more));
  const whole = Buffer.concat(frame);
  assert.equal(whole.readInt32BE(0), whole.length - 4);
  const body = decodeResponse(fetch, 11, whole.subarray(4)).body;
  const partitions = body.responses[0]?.partitions ?? [];
  assert.deepEqual(
    partitions.map((partition) => partition.records?.length ?? null),
    [8000, 0, null],
  );
});

test('decoded records are slices of the frame, not copies', () => {
  const header = { correlationId: 1, clientId: null };
  const partitionData = [{ index: 0, records: Buffer.alloc(400, 1) }];
  const frame = Buffer.concat(
    encodeRequest(produce, 3, header, {
      acks: 1,
      timeoutMs: 1,
      topicData: [{ name: 't', partitionData }],
    }),
  ).subarray(4);
  const body = decodeRequest(produce, 3, frame, decodeRequestHeader(frame).bodyPosition);
  const records = body.topicData[0]?.partitionData[0]?.records;
  assert.ok(records);
  frame.fill(9);
  assert.equal(records[0], 9);
});

test('an array of 2^31 elements in a short frame fails at once', () => {
  const old = Buffer.concat([Buffer.from('7fffffff', 'hex'), Buffer.alloc(46)]);
  assert.match(thrownBy(() => decodeRequest(metadata, 0, old, 0)).message, /2147483647 elements/);
  const compact = Buffer.concat([Buffer.from('ffffffff0f', 'hex'), Buffer.alloc(45)]);
  assert.match(thrownBy(() => decodeRequest(metadata, 12, compact, 0)).message, /elements in 45/);
});

test('lengths below -1 are malformed, not null', () => {
  for (const length of ['fffffffe', '80000000']) {
    const frame = Buffer.from(length, 'hex');
    assert(thrownBy(() => decodeRequest(metadata, 1, frame, 0)) instanceof MalformedError);
  }
});

test('an error while reading names the message, the version and the byte', () => {
  const error = thrownBy(() => decodeRequest(alterConfigs, 0, Buffer.from('00000001', 'hex'), 0));
  assert.match(error.message, /^AlterConfigsRequest v0 at byte 4: an array of 1 elements in 0/);
  assert.equal(error.errorName, 'INVALID_REQUEST');
});

test('bytes behind a request are left alone, as Kafka does', () => {
  const header = { correlationId: 1, clientId: null };
  const frame = Buffer.concat([...encodeRequest(metadata, 1, header, noTopics), Buffer.alloc(9)]);
  assert.equal(decodeRequest(metadata, 1, frame.subarray(4), 10).topics, null);
});

test('a number outside the range of its field is refused before it is sent', () => {
  for (const id of [2 ** 31, -(2 ** 31) - 1, 0.5, Number.NaN]) {
    const error = thrownBy(() => encodeStruct(evolved, 0, { id }));
    assert.equal(error.errorName, 'INVALID_REQUEST', String(id));
  }
});

test('keys of internal topics are told apart by their record type', () => {
  const key = encodeVersioned(offsetCommitKey, 0, { group: 'g', topic: 't', partition: 1 });
  assert.equal(key.readInt16BE(0), 1);
  assert.equal(decodeVersioned(offsetCommitKey, key).value.group, 'g');
  assert(thrownBy(() => decodeVersioned(groupMetadataKey, key)) instanceof MalformedError);
});

test('a subscription of a newer consumer is read as the newest version known', () => {
  const input = { topics: ['a'], userData: null, generationId: 4, rackId: 'r' };
  const newer = Buffer.concat([
    encodeVersioned(consumerProtocolSubscription, 3, input),
    Buffer.from('something more'),
  ]);
  newer.writeInt16BE(9, 0);
  const { version, value } = decodeVersioned(consumerProtocolSubscription, newer);
  assert.equal(version, 9);
  assert.deepEqual(value, { ...input, ownedPartitions: [] });
});

test('an array whose elements were encoded before is the same on the wire', () => {
  const acls = Array.from({ length: 300 }, (_, index) => {
    return { principal: `User:${index}`, host: '*', operation: 3, permissionType: 3 };
  });
  const resources = [
    { resourceType: 2, resourceName: 'a', patternType: 3, acls },
    { resourceType: 2, resourceName: 'b', patternType: 4, acls: [] },
  ];
  const body = { throttleTimeMs: 0, errorCode: 0, errorMessage: null };
  for (const version of [1, 2, 3]) {
    const some = (path: readonly string[], elements: readonly unknown[]) =>
      encodeElements(describeAcls, version, path, elements);
    const inner = [acls.slice(0, 200), acls.slice(200)].map((part) =>
      some(['resources', 'acls'], part),
    );
    const first = { ...resources[0], acls: new EncodedElements(acls.length, inner) };
    const pieces = [some(['resources'], [first]), some(['resources'], resources.slice(1))];
    const sliced = { ...body, resources: new EncodedElements(2, pieces) };
    assert.equal(
      bodyOf(encodeResponse(describeAcls, version, 1, sliced), 0),
      bodyOf(encodeResponse(describeAcls, version, 1, { ...body, resources }), 0),
    );
  }
});
