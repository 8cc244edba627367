// What is asked of the controller and what it answers can cross a wire.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simulate } from '../../../sim/index.ts';
import { errorNameOf, TEST_CLUSTER_ID } from '../../../tests/doubles/metadata/controllers.ts';
import {
  controllerMethods,
  crossed,
  putControllersOnWire,
} from '../../../tests/doubles/metadata/wired-controllers.ts';
import { BrokerConfig } from '../../config/index.ts';
// Loading it takes time that a simulated world does not have.
import './tokens.ts';
import { KafkaError } from '../../protocol/index.ts';
import { ResourceType } from '../image.ts';
import { openLocalMetadata } from '../open-local-metadata.ts';
import type { Controller } from './api.ts';

type Script = readonly { readonly [Name in keyof Controller]?: unknown }[];

function script(brokerEpoch: number, topicId: string): Script {
  const at = { brokerId: 1, brokerEpoch };
  const place = { topicId, partitionIndex: 0, leaderEpoch: 0, partitionEpoch: 0 };
  const retention = { name: 'retention.ms', value: '60000' };
  const topic = { type: ResourceType.TOPIC, name: 'a' };
  return [
    {
      createTopics: { topics: [{ name: 'a' }, { name: '/' }, { name: 'big', partitionCount: 9 }] },
    },
    { createTopics: { topics: [{ name: 'b' }, { name: 'c' }], partitionMutationsMax: 0 } },
    { createTopics: { topics: [{ name: 'd', configs: [retention] }], validateOnly: true } },
    {
      createPartitions: {
        topics: [
          { name: 'b', count: 3 },
          { name: 'b2', count: 3 },
        ],
      },
    },
    { alterConfigs: { resources: [{ ...topic, configs: [retention] }] } },
    { alterConfigs: { resources: [{ ...topic, configs: [{ name: 'x', value: 'y' }] }] } },
    { incrementalAlterConfigs: { resources: [{ ...topic, ops: [{ ...retention, op: 0 }] }] } },
    { allocateProducerIds: at },
    { allocateProducerIds: { brokerId: 1, brokerEpoch: -7 } },
    { brokerHeartbeat: { ...at, currentMetadataOffset: 1000 } },
    { metadataProgress: {} },
    {
      alterPartition: {
        ...at,
        partitions: [
          { ...place, newIsr: [at] },
          { ...place, newIsr: [] },
        ],
      },
    },
    { electLeaders: { type: 'preferred', partitions: [{ topic: 'a', partition: 0 }] } },
    { electLeaders: { type: 'unclean', partitions: null } },
    { alterReassignments: { partitions: [{ topic: 'a', partition: 0, replicas: [1] }] } },
    { alterReassignments: { partitions: [{ topic: 'a', partition: 0, replicas: [7] }] } },
    { assignReplicasToDirs: { ...at, replicas: [{ topicId, partitionIndex: 0, directoryId }] } },
    { reportOffline: { ...at, partitions: [{ topicId, partitionIndex: 0 }] } },
    { alterClientQuotas: { entries: [quota('producer_byte_rate'), quota('x')] } },
    { alterScramCredentials: { deletions: [{ user: 'u', mechanism: 1 }], upsertions: [] } },
    { alterScramCredentials: { deletions: [], upsertions: [scram] } },
    { updateFeatures: { updates: [{ feature: 'x', maxVersionLevel: 9, upgradeType: 'upgrade' }] } },
    { createAcls: { acls: [acl, { ...acl, principal: '' }] } },
    { deleteAcls: { filters: [acl, { ...acl, host: 'nowhere' }] } },
    { createToken: token },
    { createToken: { ...token, renewers: ['Group:g'] } },
    { renewToken: { principal: 'User:u', hmac: Buffer.from('none'), renewPeriodMs: -1 } },
    { expireToken: { principal: 'User:u', hmac: Buffer.from('none'), expiryTimePeriodMs: -1 } },
    { deleteTopics: { topics: [{ name: 'a' }, { name: 'nowhere' }, { id: 'A'.repeat(22) }] } },
    { unregisterBroker: 9 },
    { unregisterBroker: 1 },
  ];
}

const directoryId = 'B'.repeat(21).concat('A');
const quota = (key: string) => ({ entity: { user: 'u' }, ops: [{ key, value: 10 }] });
const acl = {
  ...{ resourceType: 2, resourceName: 'a', patternType: 3 },
  ...{ principal: 'User:u', host: '*', operation: 3, permissionType: 3 },
};
const token = { principal: 'User:u', owner: 'User:o', renewers: ['User:r'], maxLifetimeMs: 5 };
const scram = {
  ...{ user: 'u', mechanism: 1, iterations: 5000 },
  salt: Buffer.from('salt'),
  saltedPassword: Buffer.from('pencil'),
};

/** Every answer, and the image that they leave behind. */
function answers(): Promise<{ readonly given: unknown[]; readonly asked: Set<string> }> {
  return simulate(async (io) => {
    const config = new BrokerConfig({
      static: new Map([['delegation.token.secret.key', { text: 'secret', origin: 'file' }]]),
    });
    const options = { directory: '/data', clusterId: TEST_CLUSTER_ID, nodeId: 1, config };
    const metadata = await openLocalMetadata(io, options);
    const { controller } = metadata;
    const given: unknown[] = [];
    const asked = new Set<string>(['registerBroker']);
    const { brokerEpoch } = await controller.registerBroker({
      brokerId: 1,
      clusterId: TEST_CLUSTER_ID,
      incarnationId: 'B'.repeat(21).concat('A'),
      listeners: [{ name: 'PLAINTEXT', host: 'localhost', port: 9092, securityProtocol: 0 }],
      features: new Map([['metadata.version', { minVersion: 1, maxVersion: 25 }]]),
      fenced: false,
    });
    const topicId = (): string => metadata.image().topic('a')?.id ?? '';
    const { length } = script(brokerEpoch, '');
    for (let step = 0; step < length; step++) {
      for (const [name, request] of Object.entries(script(brokerEpoch, topicId())[step] ?? {})) {
        asked.add(name);
        const ask = controller[name as keyof Controller] as (request: unknown) => Promise<unknown>;
        given.push(await ask.call(controller, request).catch((error: unknown) => error));
      }
    }
    given.push([...metadata.image().topicsByName], [...metadata.image().scram]);
    await metadata.close();
    return { given, asked };
  });
}

test('a controller that is asked over a wire answers the same', async () => {
  const near = await answers();
  putControllersOnWire();
  const far = await answers();
  assert.deepEqual([...near.asked].sort(), [...controllerMethods].sort(), 'all are asked');
  assert.deepEqual(far.given.map(asRead), near.given.map(asRead));
  const errors = (near.given as unknown[][]).flat().map((each) => errorNameOf(each as never));
  assert.ok(errors.filter((each) => each !== undefined).length > 10, 'many are errors');
});

/** Bytes are bytes, and an error is its code and message. */
function asRead(answer: unknown): unknown {
  if (answer instanceof KafkaError) return [answer.code, answer.message];
  return answer;
}

test('the wire refuses what it would carry as something else', () => {
  assert.throws(() => crossed({ topics: [{ charge: () => {} }] }), /topics.0.charge is a function/);
  assert.throws(() => crossed([{ error: new KafkaError('NOT_CONTROLLER') }]), /is a KafkaError/);
});
